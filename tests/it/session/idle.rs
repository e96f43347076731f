//! Sessions that end because they are unused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{response::AppendHeaders, routing::get};
use http::{Method, StatusCode};
use telenor_auth::{
    Clock, ConfigError, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    events::Event,
    mock::{Answer as Scripted, Endpoint, MockGateway},
    session::{Fault, FaultyStore, MemoryStore, Operation},
};
use tokio::sync::Notify;

use crate::support::{
    self, App, MINUTE, builder, each_store::in_cookie, request, stores::Blocking,
};

over_each_store! {
    builders:
    unused_session_ends
    use_extends_no_session_past_the_maximum
    session_is_touched_at_most_every_tenth
    status_request_does_not_touch_the_session
    session_touched_in_the_future_is_refused
    slow_answer_revives_no_ended_session
}

/// An app where ten minutes without use end a session.
async fn idle(store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> App {
    let app = App::with(|builder| store(builder.idle_timeout(10 * MINUTE))).await;
    app.gateway.set_expires_in(1_000_000);
    app
}

/// S72.
async fn unused_session_ends(store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) {
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
    let page = browser.open("/telenor/logout").await;
    assert!(!page.body.contains("<form"), "there is nothing to end");
    browser.log_out().await;
    assert_eq!(app.gateway.hits(Endpoint::Logout), 0);
}

/// S72.
async fn use_extends_no_session_past_the_maximum(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    for _ in 0..8 * 12 - 1 {
        app.clock.advance(5 * MINUTE);
        assert!(browser.token().await.is_some());
    }
    app.clock.advance(5 * MINUTE);
    assert!(browser.token().await.is_none(), "eight hours have passed");
}

/// S72.
async fn session_is_touched_at_most_every_tenth(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
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
    assert_eq!(browser.session(), second, "it is not written a second time");
    app.clock.advance(9 * MINUTE);
    assert!(browser.token().await.is_some(), "it was written once");
}

/// S63, S80.
#[tokio::test]
async fn renewed_cookie_is_set_like_the_first_and_beside_those_of_the_handler() {
    let gateway = MockGateway::start().await.unwrap();
    gateway.set_expires_in(1_000_000);
    let clock = Clock::manual();
    let auth = in_cookie(
        builder(&gateway)
            .clock(clock.clone())
            .idle_timeout(10 * MINUTE),
    );
    let set = async |_: TelenorUser| {
        AppendHeaders([("set-cookie", "basket=17"), ("set-cookie", "lang=nb")])
    };
    let router = support::routes(&support::Hits::default()).route("/cookies", get(set));
    let app = App::mounted(router.layer(auth.build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    clock.advance(5 * MINUTE);
    let answer = browser.open("/cookies").await;
    let lines = answer.set_cookies();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[..2], ["basket=17", "lang=nb"]);
    let (pair, attributes) = lines[2].split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-telenor-session="));
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=28500"
    );
}

/// A browser drops a longer cookie without a word, and then the session would end unused.
///
/// S76.
#[tokio::test]
async fn cookie_that_just_fits_is_renewed_as_long_as_its_session_lasts() {
    let app = App::with(|builder| in_cookie(builder.idle_timeout(Duration::from_secs(10)))).await;
    let mut longest = None;
    for length in 2_900..3_000 {
        let token = "t".repeat(length);
        let answer = format!(r#"{{"access_token":"{token}","expires_in":100000}}"#);
        app.gateway
            .answer_next(Endpoint::Token, Scripted::json(200, answer));
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        if browser.open(&callback).await.status != StatusCode::SEE_OTHER {
            break;
        }
        longest = Some(browser);
    }
    let mut browser = longest.expect("a shorter one fits");
    // After 127 of them, the number of renewals takes a byte more.
    for renewals in 0..140 {
        app.clock.advance(Duration::from_secs(1));
        let answer = browser.open("/private").await;
        assert_eq!(answer.status, StatusCode::OK, "after {renewals} renewals");
    }
}

#[tokio::test]
async fn touch_is_written_once_in_each_tenth_and_its_failure_costs_no_answer() {
    let clock = Clock::manual();
    let faulty = FaultyStore::new(MemoryStore::new());
    let blocking = Blocking::new(faulty.clone());
    let writes = Arc::clone(&blocking.writes);
    let failures = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failures);
    let app = App::with(|builder| {
        let note = move |event: &Event<'_>| {
            if let Event::StoreFailed { .. } = event {
                count.fetch_add(1, Ordering::SeqCst);
            }
        };
        let builder = builder.clock(clock.clone()).idle_timeout(10 * MINUTE);
        builder.on_event(note).session_store(blocking)
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
            "one for the login, and one for each tenth"
        );
        clock.advance(MINUTE);
    }
    faulty.set_for(Operation::Update, Fault::Error);
    assert!(browser.token().await.is_some(), "the handler has run");
    assert_eq!(failures.load(Ordering::SeqCst), 1);
}

async fn status_request_does_not_touch_the_session(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    for _ in 0..2 {
        app.clock.advance(5 * MINUTE);
        browser.open("/telenor/session").await;
    }
    assert!(browser.token().await.is_none());
}

async fn session_touched_in_the_future_is_refused(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let app = idle(store).await;
    let mut browser = app.signed_in().await;
    app.clock.advance(5 * MINUTE);
    browser.token().await;
    app.clock.rewind(3 * MINUTE);
    assert!(browser.token().await.is_none(), "touched in the future");
}

/// S75.
async fn slow_answer_revives_no_ended_session(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
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
    let router = support::routes(&support::Hits::default()).route("/slow", get(slow));
    let app = App::mounted(router.layer(auth.build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    clock.advance(5 * MINUTE);
    let mut tab = browser.clone();
    let mut other_tab = browser.clone();
    let (answer, ()) = tokio::join!(tab.open("/slow"), async {
        entered.notified().await;
        other_tab.log_out().await;
        leave.notify_one();
    });
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.set_cookies(), [""; 0], "the cookie is not set again");
    assert!(tab.token().await.is_none());
    assert!(
        browser.token().await.is_none(),
        "a copy of it is invalid too"
    );
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

over_http2! {
    renewed_cookie_is_set_like_the_first_and_beside_those_of_the_handler
}
