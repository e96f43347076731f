//! How long a session lasts: idle times, refreshed tokens, and the word of an operator.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::get};
use common::{
    Answer, App, Browser, ORIGIN, builder, keys, navigation, request,
    stores::{Gate, Gated},
};
use http::{Method, StatusCode};
use telenor_auth::{
    Clock, ConfigError, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    events::Event,
    mock::{Answer as Scripted, Endpoint, MockGateway, MockGatewayBuilder},
    session::{CookieStore, Fault, FaultyStore, MemoryStore, Operation, SessionId, SessionStore},
};
use tokio::sync::Notify;

const MINUTE: Duration = Duration::from_secs(60);

/// Runs a test with sessions in memory, in the cookie and in Redis.
macro_rules! over_each_store {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(|builder| builder).await;
            })*
        }
        mod cookie {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::in_cookie).await;
            })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[tokio::test]
            async fn $name() {
                let redis = super::common::redis::Redis::start().await;
                super::$name(|builder| super::in_redis(&redis, builder)).await;
            })*
        }
    };
}

fn in_cookie(builder: TelenorAuthBuilder) -> TelenorAuthBuilder<CookieStore> {
    let keys = keys(1);
    let store = CookieStore::new(&keys);
    builder.cookie_keys(keys).session_store(store)
}

#[cfg(feature = "redis")]
fn in_redis(
    redis: &common::redis::Redis,
    builder: TelenorAuthBuilder,
) -> TelenorAuthBuilder<telenor_auth::session::RedisStore> {
    let keys = keys(1);
    let store = telenor_auth::session::RedisStore::new(&redis.url(), &keys).unwrap();
    let builder = builder.cookie_keys(keys);
    builder.session_store(store.timeout(Duration::from_secs(5)))
}

over_each_store! {
    session_that_nobody_uses_is_over
    use_never_makes_a_session_longer_than_the_maximum
    use_is_noted_at_most_every_tenth
    asking_for_the_status_is_no_use
    session_from_a_clock_ahead_is_not_used
    slow_answer_does_not_bring_back_who_logged_out
    operator_ends_one_session
    operator_ends_all_sessions
    id_of_a_session_is_the_same_for_handler_and_log
}

/// An app where ten minutes without use end a session.
async fn idle<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) -> App {
    let app = App::with(|builder| store(builder.idle_timeout(10 * MINUTE))).await;
    app.gateway.set_expires_in(1_000_000);
    app
}

async fn session_that_nobody_uses_is_over<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    for _ in 0..3 {
        app.clock.advance(10 * MINUTE - Duration::from_secs(1));
        assert!(browser.token().await.is_some(), "used in time");
    }
    app.clock.advance(10 * MINUTE);
    let hits = app.hits();
    assert_eq!(browser.open("/whoami").await.status, StatusCode::SEE_OTHER);
    let script = request(Method::GET, "/whoami", &[("accept", "application/json")]);
    let answer = browser.send(script).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.hits(), hits);
}

async fn use_never_makes_a_session_longer_than_the_maximum<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    for _ in 0..8 * 12 - 1 {
        app.clock.advance(5 * MINUTE);
        assert!(browser.token().await.is_some());
    }
    app.clock.advance(5 * MINUTE);
    assert!(browser.token().await.is_none(), "eight hours are over");
}

async fn use_is_noted_at_most_every_tenth<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    let first = browser.session();
    app.clock.advance(MINUTE - Duration::from_secs(1));
    browser.token().await;
    assert_eq!(browser.session(), first, "nothing is written");
    app.clock.advance(10 * MINUTE - MINUTE);
    browser.token().await;
    let second = browser.session();
    browser.token().await;
    assert_eq!(browser.session(), second, "nor a second time");
    app.clock.advance(9 * MINUTE);
    assert!(browser.token().await.is_some(), "but once it was");
}

#[tokio::test]
async fn use_is_written_once_in_each_tenth_and_costs_no_answer_when_it_cannot_be() {
    let clock = Clock::manual();
    let faulty = FaultyStore::new(MemoryStore::new().clock(clock.clone()));
    let gated = Gated::new(faulty.clone());
    let writes = Arc::clone(&gated.writes);
    let failures = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failures);
    let app = App::with(|builder| {
        let note = move |event: &Event<'_>| {
            if let Event::StoreFailed { .. } = event {
                count.fetch_add(1, Ordering::SeqCst);
            }
        };
        let builder = builder.clock(clock.clone()).idle_timeout(10 * MINUTE);
        builder.on_event(note).session_store(gated)
    })
    .await;
    let mut browser = app.signed_in().await;
    for tenth in 1..5 {
        for _ in 0..5 {
            assert!(browser.token().await.is_some());
        }
        assert_eq!(
            writes.count(),
            tenth,
            "the login's own, and one for each tenth"
        );
        clock.advance(MINUTE);
    }
    faulty.set_for(Operation::Replace, Fault::Error);
    assert!(browser.token().await.is_some(), "the handler was done");
    assert_eq!(failures.load(Ordering::SeqCst), 1);
}

async fn asking_for_the_status_is_no_use<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    for _ in 0..2 {
        app.clock.advance(5 * MINUTE);
        browser.open("/telenor/session").await;
    }
    assert!(browser.token().await.is_none());
}

async fn session_from_a_clock_ahead_is_not_used<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    app.clock.advance(5 * MINUTE);
    browser.token().await;
    app.clock.rewind(3 * MINUTE);
    assert!(browser.token().await.is_none(), "used in the future");
}

async fn slow_answer_does_not_bring_back_who_logged_out<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (Arc::clone(&entered), Arc::clone(&leave));
    let slow = async move |_: TelenorUser| {
        gates.0.notify_one();
        gates.1.notified().await;
    };
    let gateway = MockGateway::start().await.unwrap();
    let clock = Clock::manual();
    let auth = store(
        builder(&gateway)
            .clock(clock.clone())
            .idle_timeout(10 * MINUTE),
    );
    let router = common::routes(&common::Hits::default()).route("/slow", get(slow));
    let app = App::mounted(router.layer(auth.build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    clock.advance(5 * MINUTE);
    let mut tab = browser.clone();
    let mut meanwhile = browser.clone();
    let (answer, ()) = tokio::join!(tab.open("/slow"), async {
        entered.notified().await;
        logout(&mut meanwhile).await;
        leave.notify_one();
    });
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.set_cookies(),
        [""; 0],
        "and the cookie is not set anew"
    );
    assert!(tab.token().await.is_none());
    assert!(browser.token().await.is_none(), "nor is a copy of it good");
}

/// A session cookie in a shared cache would be handed to the next visitor.
#[tokio::test]
async fn renewed_cookie_goes_out_with_no_answer_that_others_may_get() {
    let gateway = MockGateway::start().await.unwrap();
    let clock = Clock::manual();
    let store = CookieStore::new(&keys(1)).clock(clock.clone());
    let auth = builder(&gateway).clock(clock.clone()).cookie_keys(keys(1));
    let auth = auth.idle_timeout(10 * MINUTE).session_store(store);
    let answer = async |headers: http::HeaderMap| {
        let wanted = |name| headers[name].to_str().unwrap().to_owned();
        let mut answer = http::Response::new(axum::body::Body::empty());
        *answer.status_mut() = wanted("x-status").parse().unwrap();
        let name: http::HeaderName = wanted("x-targeted").parse().unwrap();
        answer
            .headers_mut()
            .insert(name, headers["x-value"].clone());
        if !wanted("x-cache-control").is_empty() {
            let value = headers["x-cache-control"].clone();
            answer.headers_mut().insert("cache-control", value);
        }
        answer
    };
    let router = common::routes(&common::Hits::default()).route("/answer", get(answer));
    let app = App::mounted(router.layer(auth.build().unwrap()), gateway);
    let private = "private, no-store";
    for (status, handler, expected, renewed) in [
        ("200", "", private, true),
        ("404", "", private, true),
        ("200", "no-cache", "no-cache; private, no-store", true),
        (
            "200",
            "max-age=0, must-revalidate",
            "max-age=0, must-revalidate; private, no-store",
            true,
        ),
        ("200", "private, max-age=60", "private, max-age=60", true),
        ("200", "No-Store", "No-Store", true),
        ("200", "public, max-age=60", "public, max-age=60", false),
        ("200", "Public", "Public", false),
        ("200", "private,immutable", "private,immutable", false),
        ("200", "max-age=60", "max-age=60", false),
        ("200", "no-cache,s-maxage=60", "no-cache,s-maxage=60", false),
        ("304", "", private, false),
        ("304", "no-cache", "no-cache", false),
        (
            "200",
            "must-understand, no-store",
            "must-understand, no-store",
            false,
        ),
        ("200 cdn-cache-control", "no-cache", "no-cache", false),
        ("200 cdn-cache-control=no-store", "", private, true),
        ("200 surrogate-control=Private", "", private, true),
        ("200 surrogate-control", "no-cache", "no-cache", false),
    ] {
        let mut browser = app.signed_in().await;
        clock.advance(MINUTE);
        let (status, targeted) = status.split_once(' ').unwrap_or((status, "x-none"));
        let (targeted, value) = targeted.split_once('=').unwrap_or((targeted, "max-age=60"));
        let lines = [
            ("x-status", status),
            ("x-cache-control", handler),
            ("x-targeted", targeted),
            ("x-value", value),
        ];
        let asked = request(Method::GET, "/answer", &lines);
        let answer = browser.send(asked).await;
        let case = format!("{status} {handler} {targeted} {value}");
        assert_eq!(answer.status.as_str(), status, "{case}");
        let said = answer.headers.get_all("cache-control").iter();
        let said: Vec<_> = said.map(|line| line.to_str().unwrap()).collect();
        assert_eq!(said.join("; "), expected, "{case}");
        assert_eq!(!answer.set_cookies().is_empty(), renewed, "{case}");
        let next = browser.open("/whoami").await;
        assert_eq!(
            next.set_cookies().is_empty(),
            renewed,
            "{case}: or the next one does"
        );
    }
}

async fn logout(browser: &mut Browser) {
    let answer = browser
        .send(request(
            Method::POST,
            "/telenor/logout",
            &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")],
        ))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

/// An app that tells a visitor the id of their session, and the ids that were logged.
async fn with_ids<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) -> (App, TelenorAuthLayer<Store>, Arc<Mutex<Vec<String>>>) {
    let logged = Arc::new(Mutex::new(Vec::new()));
    let ids = Arc::clone(&logged);
    let note = move |event: &Event<'_>| {
        if let Event::LoginSucceeded { session_id, .. } = event {
            ids.lock().unwrap().push((*session_id).to_owned());
        }
    };
    let gateway = MockGateway::start().await.unwrap();
    let auth = store(builder(&gateway).on_event(note)).build().unwrap();
    let id = async |user: TelenorUser| user.session_id().unwrap().to_string();
    let router = Router::new().route("/id", get(id));
    let router = router.merge(common::routes(&common::Hits::default()));
    let app = App::mounted(router.layer(auth.clone()), gateway);
    (app, auth, logged)
}

async fn operator_ends_one_session<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let (app, auth, _) = with_ids(store).await;
    let (mut first, mut second) = (app.signed_in().await, app.signed_in().await);
    let id: SessionId = first.open("/id").await.body.parse().unwrap();
    auth.revoke(id).await.unwrap();
    assert!(first.token().await.is_none());
    assert!(second.token().await.is_some());
    auth.revoke(id).await.unwrap();
}

async fn operator_ends_all_sessions<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let (app, auth, _) = with_ids(store).await;
    let (mut first, mut second) = (app.signed_in().await, app.signed_in().await);
    auth.revoke_all().await.unwrap();
    assert!(first.token().await.is_none());
    assert!(second.token().await.is_none());
}

async fn id_of_a_session_is_the_same_for_handler_and_log<Store: SessionStore>(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
) {
    let (app, _, logged) = with_ids(store).await;
    let mut browser = app.signed_in().await;
    let id = browser.open("/id").await.body;
    assert_eq!(logged.lock().unwrap().as_slice(), std::slice::from_ref(&id));
    assert!(!browser.session().unwrap().contains(&id));
}

#[test]
fn idle_time_is_at_least_a_second_and_at_most_a_day() {
    for timeout in [Duration::ZERO, Duration::from_secs(24 * 3600 + 1)] {
        let refused =
            TelenorAuthLayer::builder("id", "secret", "https://app.test/telenor/callback")
                .idle_timeout(timeout)
                .build();
        assert!(matches!(
            refused.unwrap_err(),
            ConfigError::InvalidDuration {
                setting: "idle_timeout",
                ..
            }
        ));
    }
}

/// An app that refreshes tokens, which last for ten minutes: nine and a half by our clock, the last of which is for refreshing.
async fn refreshing() -> App {
    let gateway = gateway(MockGateway::builder()).await;
    App::at(gateway, TelenorAuthBuilder::refresh_tokens)
}

/// A gateway that hands refresh tokens out.
async fn gateway(builder: MockGatewayBuilder) -> MockGateway {
    let gateway = builder.refresh_tokens(true).start().await.unwrap();
    gateway.set_expires_in(600);
    gateway
}

const TOKEN: Duration = Duration::from_secs(570);

/// Until what runs beside the requests has come to something.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let all = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert!(waited.is_ok(), "{what}");
}

#[tokio::test]
async fn token_is_refreshed_in_its_last_minute_and_nobody_waits() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE - Duration::from_secs(1));
    browser.token().await;
    tokio::task::yield_now().await;
    assert_eq!(app.token_requests(), 1, "there is time yet");

    app.clock.advance(Duration::from_secs(1));
    let gate = app.gateway.hold(Endpoint::Token);
    assert_eq!(
        browser.token().await,
        first,
        "the gateway does not answer yet"
    );
    gate.waiting(1).await;
    assert_eq!(browser.token().await, first);
    gate.open();
    until("a new token is there", async || {
        browser.token().await != first
    })
    .await;
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn who_comes_late_waits_for_one_refresh_together() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await.unwrap();
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let tabs = (0..50).map(|_| {
        let mut tab = browser.clone();
        tokio::spawn(async move { tab.token().await })
    });
    let tabs: Vec<_> = tabs.collect();
    gate.waiting(1).await;
    gate.open();
    let mut tokens = Vec::new();
    for tab in tabs {
        tokens.push(tab.await.unwrap().expect("signed in"));
    }
    assert!(
        tokens
            .iter()
            .all(|token| *token == tokens[0] && *token != first)
    );
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn refreshed_session_goes_on_until_the_maximum() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    for _ in 0..8 * 6 - 1 {
        app.clock.advance(10 * MINUTE);
        assert!(browser.token().await.is_some());
    }
    app.clock.advance(10 * MINUTE);
    assert!(browser.token().await.is_none(), "eight hours are over");
    assert_eq!(app.token_requests(), 8 * 6);
}

#[tokio::test]
async fn good_token_outlives_a_gateway_that_fails_and_a_dead_one_waits_for_it() {
    let failed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failed);
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).on_event(move |event| {
            if let Event::RefreshFailed { .. } = event {
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let tried = async |times| failed.load(Ordering::SeqCst) == times;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.gateway
        .answer_always(Endpoint::Token, Scripted::status(500));
    app.clock.advance(TOKEN - MINUTE);
    assert_eq!(browser.token().await, first);
    until("it was tried", async || tried(1).await).await;
    app.clock.advance(MINUTE - Duration::from_secs(1));
    assert_eq!(browser.token().await, first, "still good");
    until("it was tried again", async || tried(2).await).await;

    app.clock.advance(Duration::from_secs(5));
    let hits = app.hits();
    assert_waits(&browser.open("/whoami").await);
    assert_waits(&browser.open("/perhaps").await);
    assert_eq!(app.token_requests(), 4, "one try in five seconds");
    assert_eq!(app.hits(), hits, "no handler sees a dead token, nor nobody");

    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(Duration::from_secs(5));
    let token = browser.token().await;
    assert!(token.is_some() && token != first);
}

#[track_caller]
fn assert_waits(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.set_cookies(), [""; 0]);
}

#[tokio::test]
async fn only_the_end_of_the_grant_ends_the_session() {
    for rfc in [false, true] {
        let builder = MockGateway::builder();
        let builder = if rfc { builder.rfc_errors() } else { builder };
        let gateway = gateway(builder).await;
        let app = App::at(gateway, TelenorAuthBuilder::refresh_tokens);
        let mut browser = app.signed_in().await;
        app.gateway.revoke_tokens();
        app.clock.advance(TOKEN);
        let answer = browser.open("/whoami").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.open("/whoami").await;
        assert_eq!(
            app.token_requests(),
            2,
            "a dead grant is not asked for twice"
        );
    }
}

#[tokio::test]
async fn refusal_that_is_not_of_the_grant_ends_nothing() {
    for (status, error) in [
        (400, "invalid_client"),
        (400, "invalid_request"),
        (400, "unsupported_grant_type"),
        (401, "invalid_client"),
        (403, "access_denied"),
        (404, "not_found"),
        (429, "slow_down"),
        (200, "neither_an_error_nor_a_token"),
    ] {
        let app = refreshing().await;
        let mut browser = app.signed_in().await;
        let body = format!(r#"{{"error":"{error}"}}"#);
        app.gateway
            .answer_next(Endpoint::Token, Scripted::json(status, body));
        app.clock.advance(TOKEN);
        assert_waits(&browser.open("/whoami").await);
        app.clock.advance(Duration::from_secs(5));
        assert!(browser.token().await.is_some(), "{status} {error}");
    }
}

#[tokio::test]
async fn who_logs_out_while_the_token_is_refreshed_stays_out() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let (mut tab, mut other) = (browser.clone(), browser.clone());
    let (answer, ()) = tokio::join!(tab.open("/whoami"), async {
        gate.waiting(1).await;
        logout(&mut other).await;
        gate.open();
    });
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "to log in");
    assert!(browser.token().await.is_none());
    assert_eq!(
        app.gateway.live_tokens(),
        0,
        "and the new token is taken back"
    );
}

#[tokio::test]
async fn token_that_dies_because_it_was_refreshed_ends_nothing() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let gate = app.gateway.hold(Endpoint::UserInfo);
    let mut tab = browser.clone();
    let slow = tokio::spawn(async move { tab.open("/name").await });
    gate.waiting(1).await;
    app.clock.advance(TOKEN);
    let refreshed = browser.token().await.unwrap();
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::status(401));
    gate.open();
    let answer = slow.await.unwrap();
    assert_eq!(answer.body, "Kari", "with the new token");
    assert_eq!(
        browser.token().await,
        Some(refreshed),
        "signed in as before"
    );
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn token_that_dies_while_it_is_refreshed_ends_nothing() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE);
    let token = app.gateway.hold(Endpoint::Token);
    let mut tab = browser.clone();
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::status(401));
    let slow = tokio::spawn(async move { tab.open("/name").await });
    token.waiting(1).await;
    until("the call was refused", async || {
        app.gateway.hits(Endpoint::UserInfo) == 1
    })
    .await;
    token.open();
    let answer = slow.await.unwrap();
    assert_eq!(answer.body, "Kari", "with the new token");
    let refreshed = browser.token().await;
    assert!(refreshed.is_some() && refreshed != first);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn api_that_refuses_a_new_token_too_ends_the_session_and_no_token_after_token() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::status(401));
    let mut form = request(Method::POST, "/name", &[("accept", "text/html")]);
    form.headers_mut().insert("origin", ORIGIN.parse().unwrap());
    let answer = browser.send(form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 2);
    assert_eq!(app.token_requests(), 2, "a login, and one refresh");
    assert!(browser.token().await.is_none());
}

#[tokio::test]
async fn gateway_that_cannot_refresh_ends_no_session_of_a_dead_token() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let token = browser.token().await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::status(401));
    app.gateway
        .answer_next(Endpoint::Token, Scripted::status(500));
    browser.open("/name").await;
    assert_eq!(browser.token().await, token);
}

#[tokio::test]
async fn dead_token_ends_its_session_when_there_is_no_other_to_be_had() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.gateway.revoke_tokens();
    let answer = browser.open("/name").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(browser.token().await.is_none());
}

/// An app that refreshes tokens, with a store that fails when it is told to and counts what is written.
struct Failing {
    app: App,
    store: MemoryStore,
    faulty: FaultyStore<MemoryStore>,
    writes: Arc<Gate>,
}

impl Failing {
    async fn start(settings: fn(TelenorAuthBuilder) -> TelenorAuthBuilder) -> Self {
        let clock = Clock::manual();
        let store = MemoryStore::new().clock(clock.clone());
        let faulty = FaultyStore::new(store.clone());
        let gated = Gated::new(faulty.clone());
        let writes = Arc::clone(&gated.writes);
        let gateway = gateway(MockGateway::builder()).await;
        let mut app = App::at(gateway, |builder| {
            let builder = settings(builder.refresh_tokens(true).clock(clock.clone()));
            builder.session_store(gated)
        });
        app.clock = clock;
        Self {
            app,
            store,
            faulty,
            writes,
        }
    }
}

#[tokio::test]
async fn store_that_is_away_for_a_moment_costs_no_token_that_was_rotated() {
    let failing = Failing::start(|builder| builder).await;
    let (app, faulty) = (&failing.app, &failing.faulty);
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let waits = tokio::spawn(async move { browser.token().await });
    gate.waiting(1).await;
    faulty.set(Fault::Error);
    gate.open();
    failing.writes.came(3).await;
    faulty.set(Fault::None);
    let token = waits.await.unwrap();
    assert!(token.is_some() && token != first);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn session_that_changed_while_the_store_went_away_keeps_its_new_token() {
    let failing = Failing::start(|builder| builder.idle_timeout(9 * MINUTE)).await;
    let (app, faulty) = (&failing.app, &failing.faulty);
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE);
    let gate = app.gateway.hold(Endpoint::Token);
    assert_eq!(browser.token().await, first);
    gate.waiting(1).await;
    app.clock.advance(Duration::from_secs(9 * 60 / 10));
    assert_eq!(browser.token().await, first, "which notes the use");
    let before = failing.writes.count();
    faulty.set_for(Operation::Load, Fault::Error);
    gate.open();
    failing.writes.came(before + 2).await;
    faulty.set(Fault::None);
    until("the new token is there", async || {
        browser.token().await != first
    })
    .await;
    assert_eq!(app.token_requests(), 2);
}

/// Two instances whose store keeps no claims, so that both may be at it.
#[tokio::test]
async fn instance_that_was_slower_takes_what_the_other_got() {
    let failing = Failing::start(|builder| builder.cookie_keys(keys(1))).await;
    let (app, faulty, writes) = (&failing.app, &failing.faulty, &failing.writes);
    let auth = builder(&app.gateway).clock(app.clock.clone());
    let auth = auth.cookie_keys(keys(1)).refresh_tokens(true);
    let auth = auth.session_store(failing.store.clone()).build().unwrap();
    let mut browser = app.signed_in().await;
    let mut elsewhere = browser.clone();
    elsewhere.router = common::routes(&common::Hits::default()).layer(auth);
    let first = browser.token().await;
    app.clock.advance(TOKEN);

    faulty.set_for(Operation::Replace, Fault::Error);
    let waits = tokio::spawn(async move { browser.token().await });
    writes.came(2).await;
    let slower = tokio::spawn(async move { elsewhere.token().await });
    until("the other one was refused", async || {
        app.token_requests() == 3
    })
    .await;
    let tried = writes.count();
    writes.came(tried + 3).await;
    faulty.set(Fault::None);
    let token = waits.await.unwrap();
    assert!(token.is_some() && token != first);
    assert_eq!(slower.await.unwrap(), token);
}

#[tokio::test]
async fn refresh_goes_on_when_the_browser_hangs_up() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let mut tab = browser.clone();
    let request = tokio::spawn(async move { tab.open("/whoami").await });
    gate.waiting(1).await;
    request.abort();
    gate.open();
    let token = browser.token().await;
    assert!(token.is_some() && token != first);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn noted_use_and_refreshed_token_do_not_overwrite_each_other() {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).idle_timeout(20 * MINUTE)
    });
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE);
    let gate = app.gateway.hold(Endpoint::Token);
    assert_eq!(browser.token().await, first, "which notes the use");
    gate.waiting(1).await;
    gate.open();
    until("a new token is there", async || {
        browser.token().await != first
    })
    .await;
    app.clock.advance(MINUTE);
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn refresh_token_that_is_not_replaced_is_used_again() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let body = r#"{"access_token":"second","expires_in":"600"}"#;
    app.gateway
        .answer_next(Endpoint::Token, Scripted::json(200, body));
    app.clock.advance(TOKEN);
    assert_eq!(browser.token().await.as_deref(), Some("second"));
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_some());
    let sent = app.gateway.requests(Endpoint::Token);
    let tokens: Vec<_> = sent
        .iter()
        .filter_map(|sent| sent.form("refresh_token"))
        .collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_its_token() {
    let app = App::with(TelenorAuthBuilder::refresh_tokens).await;
    app.gateway.set_expires_in(600);
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_none());
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn refresh_tokens_are_ignored_unless_asked_for() {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| builder);
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_none());
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn script_gets_the_info_with_a_refreshed_token() {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).script_api(true)
    });
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    let mut script = navigation("/telenor/user-info");
    script
        .headers_mut()
        .insert("sec-fetch-site", "same-origin".parse().unwrap());
    assert_eq!(browser.send(script).await.status, StatusCode::OK);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn sessions_in_cookies_cannot_be_refreshed() {
    let gateway = MockGateway::start().await.unwrap();
    let refused = in_cookie(builder(&gateway)).refresh_tokens(true).build();
    assert_eq!(refused.unwrap_err(), ConfigError::RefreshNeedsServer);
}
