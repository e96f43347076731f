//! A token endpoint that is down.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use telenor_auth::mock::{Answer, Endpoint};
use tokio::task::JoinSet;
use url::Url;

use super::{ends_with, raw_app::RawApp};
use crate::support::{
    App, navigation,
    raw_server::{RawRequest, Reply},
};

/// So many requests in a row must fail, and for so long.
const ENOUGH: usize = 11;
const FAILING_TIME: Duration = Duration::from_secs(10);
/// How long an open breaker refuses token requests.
const PAUSE: Duration = Duration::from_secs(10);

/// An app whose breaker is open, after eleven failed logins.
async fn app_with_an_open_breaker() -> App {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::Token, Answer::status(500));
    fail(&app, 1).await;
    app.clock.advance(FAILING_TIME);
    fail(&app, ENOUGH - 1).await;
    assert_eq!(app.token_requests(), ENOUGH);
    app
}

async fn fail(app: &App, logins: usize) {
    for _ in 0..logins {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    }
}

/// S56.
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
    assert_eq!(app.token_requests(), ENOUGH);

    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(PAUSE);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    app.signed_in().await;
    assert_eq!(app.token_requests(), ENOUGH + 2);
}

#[tokio::test]
async fn every_login_after_the_pause_is_sent() {
    const MANY: usize = 8;
    let app = app_with_an_open_breaker().await;
    app.gateway.answer_normally(Endpoint::Token);
    let mut logins = Vec::new();
    for _ in 0..MANY {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        logins.push((browser, callback));
    }
    app.clock.advance(PAUSE);
    let gate = app.gateway.hold(Endpoint::Token);
    let mut answers = JoinSet::new();
    for (mut browser, callback) in logins {
        answers.spawn(async move { browser.open(&callback).await.status });
    }
    gate.waiting(MANY).await;
    gate.open();
    for status in answers.join_all().await {
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
    assert_eq!(app.token_requests(), ENOUGH + MANY, "each code once");
}

#[tokio::test]
async fn trial_of_failures_alone_ends_in_another_pause() {
    let app = app_with_an_open_breaker().await;
    app.clock.advance(PAUSE);
    fail(&app, 1).await;
    app.clock.advance(FAILING_TIME);
    fail(&app, ENOUGH - 1).await;
    let before = app.token_requests();
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.token_requests(), before);
}

#[tokio::test]
async fn breaker_counts_broken_connections_and_not_refusals() {
    for (answer, sent) in [
        (Answer::Reset, ENOUGH),
        (Answer::Truncated, ENOUGH),
        (Answer::status(503), ENOUGH),
        (Answer::status(400), 14),
        (Answer::status(401), 14),
        (Answer::status(429), 14),
        (Answer::Huge, 14),
        (Answer::html(200, "canary"), 14),
    ] {
        let shown = format!("{answer:?}");
        let app = App::start().await;
        app.gateway.answer_always(Endpoint::Token, answer);
        for login in 0..14 {
            let mut browser = app.browser();
            let callback = browser.callback_url(&app.gateway, "/whoami").await;
            browser.open(&callback).await;
            if login == 0 {
                app.clock.advance(FAILING_TIME);
            }
        }
        assert_eq!(app.token_requests(), sent, "{shown:.80}");
    }
}

/// A gateway that answers a made-up code with a server error, and all else with a token.
fn fails_for_made_up_codes(request: &RawRequest) -> Reply {
    match request.body.contains("code=made-up") {
        true => Reply::Respond(500, "", Vec::new()),
        false => {
            Reply::json(r#"{"access_token":"token","expires_in":120,"refresh_token":"refresh"}"#)
        }
    }
}

/// Opens the callback of a new login with a made-up code.
async fn make_up_codes(raw: &RawApp, codes: usize) -> usize {
    let mut refused = 0;
    for _ in 0..codes {
        let mut browser = raw.app.browser();
        let mut callback = Url::parse(&raw.callback(&mut browser).await).unwrap();
        let state = callback.query_pairs().find(|(name, _)| name == "state");
        let state = state.unwrap().1.into_owned();
        let mut query = callback.query_pairs_mut();
        query.clear().append_pair("code", "made-up");
        query.append_pair("state", &state);
        drop(query);
        let status = browser.open(callback.as_str()).await.status;
        refused += usize::from(status == StatusCode::SERVICE_UNAVAILABLE);
    }
    refused
}

#[tokio::test]
async fn made_up_codes_do_not_shut_out_good_logins() {
    let raw = RawApp::start(fails_for_made_up_codes).await;
    // A quiet hour: no login succeeded for long.
    raw.clock.advance(Duration::from_secs(3_600));
    for _ in 0..12 {
        assert_eq!(make_up_codes(&raw, 100).await, 0);
        raw.signed_in().await;
        raw.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn stranger_who_opened_the_breaker_cannot_keep_it_open() {
    let raw = RawApp::start(fails_for_made_up_codes).await;
    make_up_codes(&raw, 1).await;
    raw.clock.advance(FAILING_TIME);
    assert!(make_up_codes(&raw, ENOUGH).await > 0, "the breaker is open");
    let mut browser = raw.app.browser();
    let callback = raw.callback(&mut browser).await;
    let refused = browser.open(&callback).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    raw.clock.advance(PAUSE);
    assert_eq!(make_up_codes(&raw, 30).await, 0, "the stranger comes first");
    let login = browser.open(&callback).await;
    assert_eq!(login.status, StatusCode::SEE_OTHER);
    make_up_codes(&raw, 30).await;
    raw.signed_in().await;
}

#[tokio::test]
async fn refresh_goes_on_while_the_breaker_of_codes_is_open() {
    let settings = |builder: telenor_auth::TelenorAuthBuilder| builder.refresh_tokens(true);
    let raw = RawApp::with(settings, fails_for_made_up_codes).await;
    let mut browser = raw.signed_in().await;
    raw.clock.advance(Duration::from_secs(110));
    make_up_codes(&raw, 1).await;
    raw.clock.advance(FAILING_TIME);
    assert!(make_up_codes(&raw, ENOUGH).await > 0, "the breaker is open");
    assert_eq!(browser.token().await.as_deref(), Some("token"));
    let sent = raw.server.requests();
    let refreshes = sent
        .iter()
        .filter(|request| request.body.contains("grant_type=refresh"));
    assert_eq!(refreshes.count(), 1);
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
