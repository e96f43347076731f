//! Session cookies that are replaced, altered, or from another layer.

use http::StatusCode;
use telenor_auth::{
    Clock, Endpoints, TelenorAuthBuilder, TelenorAuthLayer,
    mock::{Endpoint, MockGateway},
    session::MemoryStore,
};

#[cfg(feature = "redis")]
use crate::support::each_store::in_redis;
use crate::support::{App, Browser, CALLBACK, Hits, builder, each_store::in_cookie, keys, routes};

over_each_store! {
    apps:
    login_makes_a_new_session_and_ends_the_old
    login_ends_a_planted_session
    altered_session_cookie_is_refused
}

async fn login_makes_a_new_session_and_ends_the_old(app: App) {
    let mut browser = app.signed_in().await;
    let old = browser.session().unwrap();
    let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
    browser.open(&callback).await;
    let new = browser.session().unwrap();
    assert_ne!(old, new);
    assert!(browser.token().await.is_some());
    let mut with_old = app.browser();
    with_old.jar = vec![("__Host-telenor-session".into(), old)];
    assert!(with_old.token().await.is_none());
}

async fn login_ends_a_planted_session(app: App) {
    let attacker = app.signed_in().await;
    let planted = attacker.session().unwrap();
    let mut victim = app.browser();
    victim.jar = attacker.jar.clone();
    let callback = victim.callback_url(&app.gateway, "/telenor/login").await;
    victim.open(&callback).await;
    assert_ne!(victim.session().unwrap(), planted);
    let mut attacker = attacker;
    assert!(attacker.token().await.is_none());
    assert!(victim.token().await.is_some());
}

async fn altered_session_cookie_is_refused(app: App) {
    let good = app.signed_in().await.session().unwrap();
    let name = "__Host-telenor-session".to_owned();
    let expected = app.browser().open("/whoami").await;
    let mut altered: Vec<String> = (0..good.len()).map(|cut| good[..cut].to_owned()).collect();
    for at in (0..good.len().min(64)).chain(good.len().saturating_sub(64)..good.len()) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        altered.push(String::from_utf8(bytes).unwrap());
    }
    altered.extend([
        format!("{good}="),
        format!("{good}A"),
        format!("\"{good}\""),
        "x".repeat(300_000),
    ]);
    let hits = app.hits();
    for value in altered {
        let mut browser = app.browser();
        browser.jar = vec![(name.clone(), value.clone())];
        let answer = browser.open("/whoami").await;
        assert_eq!(answer.status, expected.status, "{value:.80}");
        assert_eq!(
            answer.headers.len(),
            expected.headers.len(),
            "all causes look the same"
        );
    }
    for twins in [[&good, "other"], ["other", &good]] {
        let mut browser = app.browser();
        browser.jar = twins.map(|value| (name.clone(), value.to_owned())).into();
        assert_eq!(browser.open("/whoami").await.status, expected.status);
    }
    assert_eq!(app.hits(), hits);
}

/// A session and a login of one app, moved to apps that differ from it in one setting.
async fn move_to_other_apps(share: impl Fn(TelenorAuthBuilder) -> TelenorAuthBuilder) {
    let (gateway, other) = (gateway().await, gateway().await);
    let clock = Clock::manual();
    let app = |gateway: &MockGateway, id: &str, host: &str| {
        let redirect_uri = format!("https://{host}{CALLBACK}");
        let layer = TelenorAuthLayer::builder(id, gateway.client_secret(), redirect_uri)
            .gateway(gateway.base_url())
            .clock(clock.clone());
        let layer = share(layer).build().unwrap();
        let (router, jar) = (routes(&Hits::default()).layer(layer), Vec::new());
        Browser { router, jar }
    };
    let mut user = app(&gateway, "client", "app.test");
    let callback = user.callback_url(&gateway, "/private").await;
    user.open(&callback).await;
    let callback = user.callback_url(&gateway, "/telenor/login").await;
    let moved = |to: Browser| Browser {
        jar: user.jar.clone(),
        ..to
    };
    let mut same = moved(app(&gateway, "client", "app.test"));
    assert!(same.token().await.is_some(), "another instance of the app");
    for (what, to) in [
        ("client id", app(&gateway, "client2", "app.test")),
        ("redirect URI", app(&gateway, "client", "other.test")),
        ("gateway", app(&other, "client", "app.test")),
    ] {
        let mut moved = moved(to);
        assert_eq!(moved.token().await, None, "{what}");
        moved.open(&callback).await.assert_safe_reject();
    }
    let sent = [&gateway, &other].map(|gateway| gateway.hits(Endpoint::Token));
    assert_eq!(sent, [1, 0], "the first login alone");
    assert!(user.token().await.is_some());
    assert_eq!(user.open(&callback).await.status, StatusCode::SEE_OTHER);
}

async fn gateway() -> MockGateway {
    let gateway = MockGateway::builder().client("client", "secret");
    gateway.start().await.unwrap()
}

/// S21.
#[tokio::test]
async fn apps_that_differ_in_one_setting_share_neither_sessions_nor_logins() {
    let store = MemoryStore::new();
    move_to_other_apps(|app| app.cookie_keys(keys(1)).session_store(store.clone())).await;
    move_to_other_apps(in_cookie).await;
    #[cfg(feature = "redis")]
    {
        let redis = crate::support::redis::Redis::start().await;
        move_to_other_apps(|app| in_redis(&redis, app)).await;
    }
}

/// S21.
#[tokio::test]
async fn token_reaches_no_endpoint_of_another_layer() {
    let app = App::with(in_cookie).await;
    let mut browser = app.signed_in().await;
    let authorization = browser.start("/telenor/login").await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let layer = |endpoints| {
        let layer = in_cookie(builder(&app.gateway).clock(app.clock.clone()));
        let layer = layer.endpoints(endpoints).build().unwrap();
        let (router, jar) = (routes(&Hits::default()).layer(layer), browser.jar.clone());
        Browser { router, jar }
    };
    assert!(
        layer(Endpoints::new()).token().await.is_some(),
        "the same layer"
    );
    let other = "https://other.test/x";
    for endpoints in [
        Endpoints::new().with_authorization(other),
        Endpoints::new().with_token(other),
        Endpoints::new().with_logout(other),
        Endpoints::new().with_user_info(other),
        Endpoints::new().with_device_info(other),
    ] {
        let mut other = layer(endpoints);
        assert!(other.token().await.is_none());
        other.open(&callback).await.assert_safe_reject();
    }
    assert_eq!(app.token_requests(), 1, "of the first login alone");
}

over_http2! {
    apps_that_differ_in_one_setting_share_neither_sessions_nor_logins
    token_reaches_no_endpoint_of_another_layer
    ; over_each_store:
    login_makes_a_new_session_and_ends_the_old
    login_ends_a_planted_session
    altered_session_cookie_is_refused
}
