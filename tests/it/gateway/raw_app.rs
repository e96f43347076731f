//! An app whose gateway is a server of raw bytes.

use std::{collections::VecDeque, sync::Mutex};

use axum::routing::get;
use http::{Method, StatusCode};
use telenor_auth::{ApiError, Clock, TelenorAuthBuilder, TelenorUser, mock::MockGateway};
use tokio_rustls::rustls;

use crate::support::{
    App, Browser, Hits, builder,
    raw_server::{RawRequest, RawServer, Reply},
    routes,
    tls::Authority,
};

pub const TOKEN: &str = "/oauth/v2/token";
pub const USERS: &str = "/user-info/v1/users";
pub const LOGOUT: &str = "/oauth/v2/logout";

/// Answers the requests in turn, and all later ones with a token.
pub fn in_turn(replies: impl IntoIterator<Item = Reply>) -> impl Fn(&RawRequest) -> Reply {
    let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
    move |_| {
        let next = replies.lock().unwrap().pop_front();
        next.unwrap_or_else(Reply::token)
    }
}

/// The app and the server. Users consent at a mock gateway.
pub struct RawApp {
    pub app: App,
    pub server: RawServer,
    pub clock: Clock,
    base: String,
}

impl RawApp {
    pub async fn start(reply: impl Fn(&RawRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(|builder| builder, reply).await
    }

    /// The same with other settings of the layer.
    pub async fn with(
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
        reply: impl Fn(&RawRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = RawServer::start(reply).await;
        let base = format!("http://{}", server.address);
        Self::at(server, base, settings).await
    }

    /// The same over TLS.
    pub async fn over_tls(reply: impl Fn(&RawRequest) -> Reply + Send + Sync + 'static) -> Self {
        let authority = Authority::generate();
        let tls = authority.acceptor("localhost", 2050, rustls::ALL_VERSIONS);
        let server = RawServer::over(Some(tls), reply).await;
        let base = format!("https://localhost:{}", server.address.port());
        Self::at(server, base, |builder| {
            builder.gateway_ca(authority.pem.clone())
        })
        .await
    }

    /// The same at this server, which the layer knows as `base`.
    pub async fn at(
        server: RawServer,
        base: String,
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
    ) -> Self {
        async fn call(user: TelenorUser) -> Result<&'static str, ApiError> {
            user.get(USERS).await.map(|_| "called")
        }
        async fn post(user: TelenorUser) -> Result<&'static str, ApiError> {
            let call = user.request(Method::POST, USERS).body("x");
            call.send().await.map(|_| "posted")
        }
        let gateway = MockGateway::start().await.unwrap();
        let clock = Clock::manual();
        let layer = builder(&gateway).gateway(&base).clock(clock.clone());
        let router = routes(&Hits::default())
            .route("/call", get(call))
            .route("/post", get(post));
        let app = App::mounted(router.layer(settings(layer).build().unwrap()), gateway);
        Self {
            app,
            server,
            clock,
            base,
        }
    }

    /// The callback of a login that this browser has started and the user has allowed.
    pub async fn callback(&self, browser: &mut Browser) -> String {
        let authorization = browser.start("/whoami").await;
        let authorization = authorization.replace(&self.base, &self.app.gateway.base_url());
        self.app.gateway.allow(&authorization).unwrap()
    }

    /// Logs in. Returns the browser and the status of the callback.
    pub async fn login(&self) -> (Browser, StatusCode) {
        let mut browser = self.app.browser();
        let callback = self.callback(&mut browser).await;
        let status = browser.open(&callback).await.status;
        (browser, status)
    }

    pub async fn signed_in(&self) -> Browser {
        let (browser, status) = self.login().await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        browser
    }
}
