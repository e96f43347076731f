//! The app: bare, in the layer, and in the minimum by hand.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use axum::{Router, body::Body, http::header, routing::get};
use telenor_auth::{
    CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    mock::MockGateway,
    session::{CookieStore, MemoryStore, SessionStore},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    by_hand::{self, ByHand, COOKIE_NAME, Session, Sessions},
    requests, respond,
};

/// As long as those of the mock gateway.
const ACCESS_TOKEN: &str = "aGdhc2RmZ2hqa2xxd2VydHl1aW9wYXNkZmdoag==";
const SCOPE: &str = "api:mobile-user-info-v1";

/// An app, and the session cookie of a user who is signed in to it.
pub struct SignedIn {
    pub app: Router,
    /// Its name and its value.
    pub session: String,
    /// What the app's background work runs in.
    pub runtime: Option<Runtime>,
}

async fn plain() -> &'static str {
    "plain"
}

/// The app alone, and a session cookie with a value of this length.
#[must_use]
pub fn bare(length: usize) -> SignedIn {
    let routes = Router::new()
        .route("/plain", get(plain))
        .route("/user", get(plain))
        .route("/public", get(plain))
        .route("/telenor/callback", get(plain));
    SignedIn {
        app: routes.with_state(()),
        session: format!("{COOKIE_NAME}={}", "a".repeat(length)),
        runtime: None,
    }
}

/// The minimum by hand.
#[must_use]
pub fn by_hand(sessions: Sessions) -> SignedIn {
    let token = sessions.save(session_by_hand());
    let user = async |user: by_hand::User| {
        black_box(user.access_token());
        "user!"
    };
    let routes = Router::new()
        .route("/plain", get(plain))
        .route("/user", get(user));
    SignedIn {
        app: routes.layer(ByHand::new(sessions)).with_state(()),
        session: format!("{COOKIE_NAME}={token}"),
        runtime: None,
    }
}

/// A session of the minimum by hand.
#[must_use]
pub fn session_by_hand() -> Session {
    Session {
        access_token: ACCESS_TOKEN.to_owned(),
        scope: Some(SCOPE.to_owned()),
        login_id: [7; 16],
        expires_at: SystemTime::now() + Duration::from_secs(3_600),
    }
}

/// The minimum by hand, with all that a login takes. Its token endpoint is at this origin.
///
/// # Panics
///
/// When that is no origin.
pub fn login_by_hand(sessions: Sessions, origin: &str) -> Router {
    let endpoint = format!("{origin}/oauth/v2/token");
    let endpoint = endpoint.parse().expect("a URL");
    let layer = ByHand::new(sessions);
    let callback = layer.callback(endpoint, "client", "secret");
    let routes = Router::new().route("/user", get(plain)).layer(layer);
    routes.merge(callback).with_state(())
}

/// The layer, with a token endpoint at this origin.
///
/// # Panics
///
/// When that is no origin.
pub fn login_in_layer(store: &str, origin: &str) -> Router {
    let auth = TelenorAuthLayer::builder("client", "secret", "https://app.test/telenor/callback");
    let auth = auth.gateway(origin);
    let auth = match store {
        "memory" => auth.session_store(MemoryStore::with_capacity(10_000_000)),
        _ => {
            let keys = CookieKeys::random();
            let store = CookieStore::new(&keys);
            auth.cookie_keys(keys).session_store(store)
        }
    };
    let auth = auth.build().expect("good settings");
    let routes = Router::new().route("/user", get(plain));
    routes.layer(auth).with_state(())
}

/// The layer with a store in memory.
///
/// # Panics
///
/// When the mock gateway cannot be started.
#[must_use]
pub fn memory() -> SignedIn {
    layer(|builder| builder.session_store(MemoryStore::new()))
}

/// The layer with a store in memory, where anonymous requests pass.
///
/// # Panics
///
/// When the mock gateway cannot be started.
#[must_use]
pub fn optional() -> SignedIn {
    layer(|builder| builder.session_store(MemoryStore::new()).optional(true))
}

/// The layer with sessions in cookies.
///
/// # Panics
///
/// When the mock gateway cannot be started.
#[must_use]
pub fn cookie() -> SignedIn {
    layer(|builder| {
        let keys = CookieKeys::random();
        let store = CookieStore::new(&keys);
        builder.cookie_keys(keys).session_store(store)
    })
}

/// The layer with a store of the caller's.
///
/// # Panics
///
/// When the mock gateway cannot be started.
#[must_use]
pub fn with_store(store: impl SessionStore) -> SignedIn {
    layer(|builder| builder.session_store(store))
}

/// The layer with settings of the caller's.
///
/// # Panics
///
/// When the mock gateway cannot be started.
pub fn layer(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> SignedIn {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (app, session) = runtime.block_on(async {
        let gateway = MockGateway::start().await.expect("a gateway");
        let (id, secret) = (gateway.client_id(), gateway.client_secret());
        let auth = TelenorAuthLayer::builder(id, secret, "https://app.test/telenor/callback")
            .gateway(gateway.base_url());
        let auth = settings(auth).build().expect("good settings");
        let user = async |user: TelenorUser| {
            black_box(user.access_token().secret());
            "user!"
        };
        let routes = Router::new()
            .route("/plain", get(plain))
            .route("/user", get(user));
        let routes = routes.layer(auth).route("/public", get(plain));
        let app = routes.with_state(());
        let login = gateway.login(&app, "/telenor/login?return_to=/plain").await;
        let cookies = login.expect("a login").cookie_header();
        let cookies = cookies.to_str().expect("our cookies are text");
        let mut cookies = cookies.split("; ");
        let session = cookies.find(|cookie| cookie.starts_with(COOKIE_NAME));
        (app, session.expect("a session").to_owned())
    });
    SignedIn {
        app,
        session,
        runtime: Some(runtime),
    }
}

impl SignedIn {
    /// Checks that the app answers as it should, which also fills what it fills at first use.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn checked(mut self) -> Self {
        for path in ["/plain", "/user"] {
            let cookies = requests::cookies(3, &self.session);
            let request = requests::page(path, &cookies).map(|()| Body::empty());
            let response = respond(&mut self.app, request);
            assert!(response.status().is_success(), "{path}");
            let request = requests::page(path, "").map(|()| Body::empty());
            let challenge = respond(&mut self.app, request);
            let location = challenge.headers().contains_key(header::LOCATION);
            assert!(location || challenge.status().is_success());
        }
        self
    }
}
