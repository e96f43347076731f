//! An app that guards its routes, and its gateway.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    routing::{any, get, post},
};
use http::StatusCode;
use telenor_auth::{
    Clock, CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    mock::{Endpoint, MockGateway},
};

use super::browser::{Browser, ORIGIN};

pub const CALLBACK: &str = "/telenor/callback";

/// An app that guards its routes, its gateway, and the clock of the layer.
pub struct App {
    pub router: Router,
    pub gateway: MockGateway,
    pub clock: Clock,
    /// How often a handler ran.
    pub hits: Hits,
}

pub type Hits = Arc<AtomicUsize>;

impl App {
    pub async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// An app whose layer has other settings.
    pub async fn with(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> Self {
        Self::at(MockGateway::start().await.unwrap(), settings)
    }

    /// The same, at a gateway with other settings.
    pub fn at(
        gateway: MockGateway,
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
    ) -> Self {
        let clock = Clock::manual();
        let builder = settings(builder(&gateway).clock(clock.clone()));
        let hits = Hits::default();
        let router = routes(&hits).layer(builder.build().unwrap());
        Self {
            router,
            gateway,
            clock,
            hits,
        }
    }

    /// An app with this layer and these routes.
    pub fn mounted(router: Router, gateway: MockGateway) -> Self {
        Self {
            router,
            gateway,
            clock: Clock::default(),
            hits: Hits::default(),
        }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            jar: Vec::new(),
        }
    }

    /// A browser that is signed in.
    pub async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let callback = browser.callback_url(&self.gateway, "/whoami").await;
        let done = browser.open(&callback).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        browser
    }

    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub fn token_requests(&self) -> usize {
        self.gateway.hits(Endpoint::Token)
    }
}

/// A layer for this gateway, with every default.
pub fn builder(gateway: &MockGateway) -> TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}{CALLBACK}");
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
}

/// Valid keys, the same for the same number.
pub fn keys(number: u8) -> CookieKeys {
    let key = |seed: u8| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[seed]);
    CookieKeys::new([key(number)]).unwrap()
}

/// A few routes that count how often they run.
pub fn routes(hits: &Hits) -> Router {
    async fn whoami(State(hits): State<Hits>, user: TelenorUser) -> String {
        hits.fetch_add(1, Ordering::SeqCst);
        user.access_token().secret().to_owned()
    }
    async fn plain(State(hits): State<Hits>) -> &'static str {
        hits.fetch_add(1, Ordering::SeqCst);
        "handler"
    }
    async fn perhaps(State(hits): State<Hits>, user: Option<TelenorUser>) -> &'static str {
        hits.fetch_add(1, Ordering::SeqCst);
        if user.is_some() { "user" } else { "anonymous" }
    }
    async fn name(
        State(hits): State<Hits>,
        user: TelenorUser,
    ) -> Result<String, telenor_auth::ApiError> {
        hits.fetch_add(1, Ordering::SeqCst);
        let info = user.info().await?;
        let name = info.name().and_then(|name| name.given_name());
        Ok(name.unwrap_or("no name").to_owned())
    }
    Router::new()
        .route("/", get(perhaps))
        .route("/whoami", get(whoami))
        .route("/private", any(plain))
        .route("/private/{*rest}", any(plain))
        .route("/perhaps", get(perhaps))
        .route("/name", get(name).post(name))
        .route("/form", post(plain))
        .with_state(Arc::clone(hits))
}
