//! The lifetime of a session.

use std::time::Duration;

use http::{Method, StatusCode};
use telenor_auth::{
    Clock,
    mock::{Endpoint, MockGateway},
    session::{MemoryStore, SessionStore},
};

use crate::support::{App, Browser, Hits, MINUTE, builder, keys, request, routes};

over_each_store! {
    apps:
    session_lasts_as_long_as_its_token
    session_is_never_longer_than_the_maximum
    session_from_the_future_is_refused
}

/// S73.
async fn session_lasts_as_long_as_its_token(app: App) {
    app.gateway.set_expires_in(60);
    let mut browser = app.signed_in().await;
    app.clock.advance(Duration::from_secs(29));
    assert!(browser.token().await.is_some());
    app.clock.advance(Duration::from_secs(1));
    let hits = app.hits();
    assert_eq!(
        browser.open("/whoami").await.status,
        StatusCode::SEE_OTHER,
        "a page logs in again"
    );
    let script = request(Method::GET, "/whoami", &[("accept", "application/json")]);
    assert_eq!(
        browser.send(script).await.status,
        StatusCode::UNAUTHORIZED,
        "a script gets an error"
    );
    assert_eq!(app.hits(), hits, "no handler sees a dead token");
}

/// S72.
async fn session_is_never_longer_than_the_maximum(app: App) {
    app.gateway.set_expires_in(1_000_000_000);
    let mut browser = app.signed_in().await;
    app.clock.advance(8 * 60 * MINUTE - MINUTE);
    assert!(browser.token().await.is_some());
    app.clock.advance(MINUTE);
    assert!(browser.token().await.is_none());
}

/// S117.
async fn session_from_the_future_is_refused(app: App) {
    let mut browser = app.signed_in().await;
    app.clock.rewind(2 * MINUTE);
    let hits = app.hits();
    assert_eq!(browser.open("/whoami").await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.hits(), hits);
}

#[tokio::test]
async fn clock_that_steps_back_costs_no_call_for_the_user_info() {
    let app = App::with(|builder| builder.cache_user_info(30 * MINUTE)).await;
    let mut browser = app.signed_in().await;
    assert_eq!(browser.open("/name").await.status, StatusCode::OK);
    app.clock.rewind(2 * MINUTE);
    assert_eq!(browser.open("/name").await.status, StatusCode::SEE_OTHER);
    app.clock.advance(2 * MINUTE);
    assert_eq!(browser.open("/name").await.status, StatusCode::OK);
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 1);
}

/// Its store has sessions from before the app switched the refresh of tokens off. They last longer
/// than their tokens.
async fn token_that_is_no_longer_refreshed_ends_its_session<Store: SessionStore>(
    store: impl Fn() -> Store,
) {
    let gateway = MockGateway::builder().refresh_tokens(true).start().await;
    let (gateway, clock) = (gateway.unwrap(), Clock::manual());
    gateway.set_expires_in(600);
    let hits = Hits::default();
    let app = |refresh| {
        let layer = builder(&gateway)
            .clock(clock.clone())
            .cookie_keys(keys(1))
            .session_store(store())
            .refresh_tokens(refresh);
        routes(&hits).layer(layer.build().unwrap())
    };
    let mut browser = Browser {
        router: app(true),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/private").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    let mut after = Browser {
        router: app(false),
        jar: browser.jar.clone(),
    };
    clock.advance(Duration::from_secs(569));
    assert!(after.token().await.is_some());
    clock.advance(Duration::from_secs(1));
    let before = hits.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(after.open("/whoami").await.status, StatusCode::SEE_OTHER);
    let script = request(Method::GET, "/whoami", &[("accept", "application/json")]);
    let answer = after.send(script).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let now = hits.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(now, before, "no handler sees a dead token");
    assert!(browser.token().await.is_some(), "it goes on with a refresh");
}

/// S73.
#[tokio::test]
async fn token_that_is_no_longer_refreshed_ends_its_session_in_memory() {
    let store = MemoryStore::new();
    token_that_is_no_longer_refreshed_ends_its_session(|| store.clone()).await;
}

/// S73.
#[cfg(feature = "redis")]
#[tokio::test]
async fn token_that_is_no_longer_refreshed_ends_its_session_in_redis() {
    use telenor_auth::session::RedisStore;

    let redis = crate::support::redis::Redis::start().await;
    let store = RedisStore::new(&redis.url(), &keys(1)).unwrap();
    let store = store.with_timeout(Duration::from_secs(5));
    token_that_is_no_longer_refreshed_ends_its_session(|| store.clone()).await;
}

/// S73.
#[cfg(feature = "cached")]
#[tokio::test]
async fn token_that_is_no_longer_refreshed_ends_its_session_in_a_cache() {
    use telenor_auth::session::CachedStore;

    let store = MemoryStore::new();
    let cached = || CachedStore::new(store.clone());
    token_that_is_no_longer_refreshed_ends_its_session(cached).await;
}

over_http2! {
    ; over_each_store:
    session_lasts_as_long_as_its_token
    session_is_never_longer_than_the_maximum
}
