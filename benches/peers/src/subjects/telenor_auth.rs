//! telenor-auth, with its defaults.

use axum::{Router, routing::get};
use telenor_auth::{
    CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    session::{CookieStore, MemoryStore},
};

use crate::app::{self, CALLBACK, CLIENT_ID, CLIENT_SECRET};

#[must_use]
pub fn memory(provider: &str) -> Router {
    app(builder(provider).session_store(MemoryStore::new()))
}

#[must_use]
pub fn cookie(provider: &str) -> Router {
    let keys = CookieKeys::random();
    let store = CookieStore::new(&keys);
    app(builder(provider).cookie_keys(keys).session_store(store))
}

/// Anonymous requests pass.
#[must_use]
pub fn optional(provider: &str) -> Router {
    app(builder(provider).optional(true))
}

fn builder(provider: &str) -> TelenorAuthBuilder {
    TelenorAuthLayer::builder(CLIENT_ID, CLIENT_SECRET, CALLBACK).gateway(provider)
}

fn app(builder: TelenorAuthBuilder) -> Router {
    let user = async |user: TelenorUser| app::user(user.access_token().secret());
    Router::new()
        .route("/plain", get(app::plain))
        .route("/user", get(user))
        .layer(builder.build().expect("good settings"))
}
