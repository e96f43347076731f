//! A token endpoint that is down.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use telenor_auth::mock::{Answer, Endpoint};
use tokio::task::JoinSet;

use super::ends_with;
use crate::support::{App, navigation};

/// An app whose breaker is open, after five failed logins.
async fn app_with_an_open_breaker() -> App {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::Token, Answer::status(500));
    for _ in 0..5 {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(app.token_requests(), 5);
    app
}

#[tokio::test]
async fn open_breaker_sends_no_request_and_loses_no_login() {
    let app = app_with_an_open_breaker().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    for _ in 0..3 {
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.header("retry-after").is_some());
        assert!(page.body.contains("provider_unavailable"), "{}", page.body);
        assert_eq!(page.set_cookies(), [""; 0], "the login stays pending");
    }
    for (language, title) in [
        ("nb", "Telenor svarer ikke akkurat nå"),
        ("nn", "Telenor svarar ikkje akkurat no"),
        ("en", "Telenor does not answer right now"),
    ] {
        let mut page = navigation(&callback);
        let language = HeaderValue::from_static(language);
        page.headers_mut().insert("accept-language", language);
        let page = browser.send(page).await;
        assert!(page.body.contains(title), "{}", page.body);
    }
    assert_eq!(app.token_requests(), 5);

    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(COOLDOWN);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    app.signed_in().await;
    assert_eq!(app.token_requests(), 7);
}

#[tokio::test]
async fn one_of_many_callbacks_probes_the_gateway() {
    const MANY: usize = 8;
    let app = app_with_an_open_breaker().await;
    let mut logins = Vec::new();
    for _ in 0..MANY {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        logins.push((browser, callback));
    }
    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(COOLDOWN);
    let gate = app.gateway.hold(Endpoint::Token);
    let mut answers = JoinSet::new();
    for (mut browser, callback) in logins.clone() {
        answers.spawn(async move { browser.open(&callback).await.status });
    }
    for _ in 1..MANY {
        let refused = answers.join_next().await.unwrap().unwrap();
        assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    }
    gate.waiting(1).await;
    assert_eq!(app.token_requests(), 6);
    gate.open();
    let probe = answers.join_next().await.unwrap().unwrap();
    assert_eq!(probe, StatusCode::SEE_OTHER);

    for (mut browser, callback) in logins {
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(app.token_requests(), 5 + MANY, "each code once");
}

#[tokio::test]
async fn failed_probe_keeps_the_breaker_open_for_another_cooldown() {
    let app = app_with_an_open_breaker().await;
    for asked in [6, 7] {
        app.clock.advance(COOLDOWN);
        for status in [
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::SERVICE_UNAVAILABLE,
        ] {
            let mut browser = app.browser();
            let callback = browser.callback_url(&app.gateway, "/whoami").await;
            assert_eq!(browser.open(&callback).await.status, status);
        }
        assert_eq!(app.token_requests(), asked);
    }
}

#[tokio::test]
async fn breaker_counts_broken_connections_and_not_refusals() {
    for (answer, sent) in [
        (Answer::Reset, 5),
        (Answer::Truncated, 5),
        (Answer::status(503), 5),
        (Answer::status(400), 8),
        (Answer::status(401), 8),
        (Answer::status(429), 8),
        (Answer::Huge, 8),
        (Answer::html(200, "canary"), 8),
    ] {
        let shown = format!("{answer:?}");
        let app = App::start().await;
        app.gateway.answer_always(Endpoint::Token, answer);
        for _ in 0..8 {
            let mut browser = app.browser();
            let callback = browser.callback_url(&app.gateway, "/whoami").await;
            browser.open(&callback).await;
        }
        assert_eq!(app.token_requests(), sent, "{shown:.80}");
    }
}

#[tokio::test]
async fn answer_between_failures_keeps_the_breaker_closed() {
    let app = App::start().await;
    for status in [500, 502, 503, 504, 429].repeat(3) {
        ends_with(&app, Answer::status(status)).await;
    }
    assert_eq!(app.token_requests(), 15);
    app.signed_in().await;
}

/// How long an open breaker refuses token requests.
const COOLDOWN: Duration = Duration::from_secs(10);
