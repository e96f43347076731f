//! Answers of something between the layer and the gateway, and odd answers of the gateway itself.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use telenor_auth::{
    TelenorAuthBuilder,
    events::{Event, GatewayOutcome},
    mock::{Answer, Endpoint},
};

use super::{
    ends_with,
    raw_app::{RawApp, in_turn},
};
use crate::{
    flow::refresh::{TOKEN, refreshing},
    support::{App, capture::capture, kept::Frozen, raw_server::Reply},
};

type Details = Arc<Mutex<Vec<(String, String)>>>;

/// An app, and cause and detail of its failed logins.
async fn app_with_details() -> (App, Details) {
    let details = Details::default();
    let seen = Arc::clone(&details);
    let hook = move |event: &Event<'_>| {
        if let Event::LoginFailed { cause, detail, .. } = *event {
            let failed = (cause.to_string(), detail.to_owned());
            seen.lock().unwrap().push(failed);
        }
    };
    let app = App::with(|builder: TelenorAuthBuilder| builder.on_event(hook)).await;
    (app, details)
}

fn typed(status: u16, content_type: Option<&str>, body: &[u8]) -> Answer {
    let mut answer = Answer::status(status);
    if let Answer::Respond {
        content_type: of,
        body: bytes,
        ..
    } = &mut answer
    {
        *of = content_type.map(str::to_owned);
        *bytes = body.to_vec();
    }
    answer
}

#[tokio::test]
async fn every_call_asks_for_a_body_without_a_coding() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    browser.open("/name").await;
    browser.log_out().await;
    assert_eq!(app.token_requests(), 2, "a code and a refresh token");
    for endpoint in [Endpoint::Token, Endpoint::UserInfo, Endpoint::Logout] {
        let requests = app.gateway.requests(endpoint);
        assert!(!requests.is_empty());
        for request in requests {
            let asked: Vec<_> = request
                .headers()
                .get_all("accept-encoding")
                .iter()
                .collect();
            assert_eq!(asked, ["identity"], "{endpoint:?}");
        }
    }
}

/// S48.
#[tokio::test]
async fn token_is_taken_under_any_type_but_html() {
    let app = App::start().await;
    let body = br#"{"access_token":"token","expires_in":3599}"#;
    for (kind, status) in [
        (Some("text/plain"), StatusCode::SEE_OTHER),
        (Some("text/json"), StatusCode::SEE_OTHER),
        (Some("application/hal+json"), StatusCode::SEE_OTHER),
        (Some("application/octet-stream"), StatusCode::SEE_OTHER),
        (None, StatusCode::SEE_OTHER),
        (Some("text/html"), StatusCode::BAD_GATEWAY),
        (Some("application/xhtml+xml"), StatusCode::BAD_GATEWAY),
    ] {
        assert_eq!(
            ends_with(&app, typed(200, kind, body)).await,
            status,
            "{kind:?}"
        );
    }
}

/// S49, S55, S57.
#[tokio::test]
async fn odd_answer_is_described_in_the_log_without_its_content() {
    let (app, details) = app_with_details().await;
    for (answer, cause, words) in [
        (
            Answer::html(200, "<html>canary</html>"),
            "token_response_invalid",
            "200 OK with text/html: the answer is HTML",
        ),
        (
            Answer::json(200, r#"{"token":"canary"}"#),
            "token_response_invalid",
            "200 OK with application/json: the answer has no access_token",
        ),
        (
            Answer::html(403, "<html>canary: are you a robot?</html>"),
            "provider_unavailable",
            "403 Forbidden with text/html: the answer is no JSON object",
        ),
        (
            Answer::html(401, "<html>canary</html>"),
            "provider_unavailable",
            "401 Unauthorized with text/html",
        ),
        (
            Answer::json(400, "canary").with_header("content-encoding", "gzip"),
            "provider_unavailable",
            "application/json: the answer has the content coding gzip",
        ),
        (
            typed(
                400,
                None,
                b"\xef\xbb\xbf{\"error\":\"invalid_grant\",\"x\":\"canary\xff\"}",
            ),
            "code_rejected",
            "400 Bad Request with no content type",
        ),
        (Answer::status(401), "client_rejected", "401 Unauthorized"),
    ] {
        ends_with(&app, answer).await;
        let (seen, detail) = details.lock().unwrap().pop().unwrap();
        assert_eq!(seen, cause, "{detail}");
        assert!(
            detail.contains(words) && !detail.contains("canary"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn refusal_of_something_in_between_ends_no_session() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    for answer in [
        Answer::html(401, "<html>canary: are you a robot?</html>"),
        Answer::html(403, "<html>canary</html>"),
        typed(401, Some("text/plain"), b"Unauthorized"),
        Answer::gateway_error(40105).with_header("content-encoding", "br"),
        Answer::json(200, "{}").with_header("content-encoding", "gzip"),
    ] {
        let shown = format!("{answer:?}");
        app.gateway.answer_always(Endpoint::UserInfo, answer);
        let page = browser.open("/name").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{shown}");
        assert!(!page.body.contains("canary"));
        assert!(browser.token().await.is_some(), "{shown}");
    }
    app.gateway
        .answer_always(Endpoint::UserInfo, Answer::status(401));
    browser.open("/name").await;
    assert!(
        browser.token().await.is_none(),
        "an empty 401 is the gateway's"
    );
}

#[tokio::test]
async fn answer_in_a_coding_is_asked_for_again_and_read_when_it_has_none() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    for _ in 0..2 {
        let encoded = Answer::json(200, "{}").with_header("content-encoding", "gzip");
        app.gateway.answer_next(Endpoint::UserInfo, encoded);
    }
    assert_eq!(browser.open("/name").await.body, "Kari");
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 3);
}

#[tokio::test]
async fn refused_refresh_that_cannot_be_read_ends_no_session() {
    let refused = || Answer::json(400, r#"{"error":"invalid_grant"}"#);
    for answer in [
        refused().with_header("content-encoding", "gzip"),
        Answer::html(401, "<html>canary</html>"),
        Answer::html(403, "<html>canary</html>"),
    ] {
        let app = refreshing().await;
        let mut browser = app.signed_in().await;
        app.clock.advance(TOKEN);
        app.gateway.answer_next(Endpoint::Token, answer);
        let page = browser.open("/whoami").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        app.clock.advance(TOKEN);
        assert!(browser.token().await.is_some(), "the next refresh succeeds");
    }
}

#[tokio::test]
async fn refused_refresh_with_an_odd_byte_ends_the_session() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    let body = b"\xef\xbb\xbf{\"error\":\"invalid_grant\",\"error_description\":\"utl\xf8pt\"}";
    app.gateway
        .answer_next(Endpoint::Token, typed(400, Some("application/json"), body));
    assert!(browser.token().await.is_none());
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_none());
    assert_eq!(app.token_requests(), 2);
}

/// Each call is a POST, which is sent once.
#[tokio::test]
async fn answer_of_something_in_between_is_in_the_log_of_every_call() {
    const HTML: &str = "content-type: text/html\r\n";
    const JSON: &str = "content-type: application/json\r\n";
    const GZIP: &str = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    for (status, headers, body, logged) in [
        (403, HTML, "<html>are you a robot?</html>", true),
        (200, GZIP, "{}", true),
        (403, JSON, "{}", false),
        (503, "", "", false),
        (200, JSON, r#"{"name":{"givenName":"Kari"}}"#, false),
    ] {
        let answer = Reply::Respond(status, headers, body.into());
        let raw = RawApp::start(in_turn([Reply::token(), answer])).await;
        let mut browser = raw.signed_in().await;
        let (log, guard) = capture();
        browser.open("/post").await;
        drop(guard);
        let lines = log.lines("WARN", &["look for a firewall or a proxy", "api"]);
        let shown = format!("{status} {headers}{body}: {}", log.text());
        assert_eq!(lines.len(), usize::from(logged), "{shown}");
    }
}

#[tokio::test]
async fn call_without_an_answer_in_time_has_another_outcome_than_a_broken_one() {
    let outcomes = Arc::<Mutex<Vec<GatewayOutcome>>>::default();
    let seen = Arc::clone(&outcomes);
    let app = App::with(|builder| {
        builder.on_event(move |event| {
            if let Event::GatewayCall { outcome, .. } = event {
                seen.lock().unwrap().push(*outcome);
            }
        })
    })
    .await;
    let status = ends_with(&app, Answer::Reset).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(*outcomes.lock().unwrap(), [GatewayOutcome::Unreachable]);
    outcomes.lock().unwrap().clear();

    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let frozen = Frozen::start();
    let login = tokio::spawn(async move { browser.open(&callback).await.status });
    gate.waiting(1).await;
    // So long the layer waits for an answer.
    frozen.pass(Duration::from_secs(6)).await;
    drop(frozen);
    assert_eq!(login.await.unwrap(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(*outcomes.lock().unwrap(), [GatewayOutcome::TimedOut]);
    gate.open();
}
