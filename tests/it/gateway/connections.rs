//! Kept connections: when a request goes over one, and when it is sent again.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use telenor_auth::{ApiError, TelenorUser, mock::MockGateway};

use super::raw_app::{LOGOUT, RawApp, TOKEN, USERS, in_turn};
use crate::support::{
    App, Hits, builder,
    raw_server::{RawServer, Reply},
    routes,
};

#[tokio::test]
async fn logins_calls_and_logouts_share_one_connection() {
    for raw in [
        RawApp::start(|_| Reply::token()).await,
        RawApp::over_tls(|_| Reply::token()).await,
    ] {
        raw.signed_in().await;
        let mut browser = raw.signed_in().await;
        assert_eq!(browser.open("/call").await.body, "called");
        browser.log_out().await;
        let paths = [TOKEN, USERS, LOGOUT].map(|path| raw.server.connections(path));
        assert_eq!(paths, [vec![1, 1], vec![1], vec![1]]);
        assert_eq!(raw.server.accepted(), 1);
    }
}

/// S59.
#[tokio::test]
async fn requests_carry_no_cookie_and_no_referrer() {
    let reply = Reply::Respond(
        200,
        "content-type: application/json\r\nset-cookie: a=b; Path=/\r\n",
        br#"{"access_token":"token","expires_in":3599}"#.to_vec(),
    );
    let raw = RawApp::start(move |_| reply.clone()).await;
    raw.signed_in().await;
    let mut browser = raw.signed_in().await;
    for target in ["/call", "/post"] {
        assert_eq!(browser.open(target).await.status, StatusCode::OK);
    }
    browser.log_out().await;
    let requests = raw.server.requests();
    assert_eq!(requests.len(), 5);
    for request in requests {
        let head = request.head.to_ascii_lowercase();
        let names: Vec<_> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .collect();
        for (name, _) in names {
            assert!(
                !["cookie", "referer", "origin", "from"].contains(&name),
                "{head}"
            );
        }
    }
}

#[tokio::test]
async fn login_after_the_server_closed_the_kept_connection_works() {
    for raw in [
        RawApp::start(|_| Reply::token().and_close()).await,
        RawApp::over_tls(|_| Reply::token().and_close()).await,
    ] {
        for _ in 0..3 {
            raw.signed_in().await;
        }
        assert!(
            raw.server.connections(TOKEN).len() <= 5,
            "each code twice at most"
        );
    }
}

/// S47.
#[tokio::test]
async fn code_is_sent_again_when_a_kept_connection_breaks_before_the_answer() {
    let replies = || in_turn([Reply::token(), Reply::Break(b"")]);
    for raw in [
        RawApp::start(replies()).await,
        RawApp::over_tls(replies()).await,
    ] {
        raw.signed_in().await;
        raw.signed_in().await;
        assert_eq!(raw.server.connections(TOKEN), [1, 1, 2], "on a fresh one");
        let [_, first, second] = &raw.server.requests()[..] else {
            panic!("three requests");
        };
        assert_eq!((&first.head, &first.body), (&second.head, &second.body));
    }
}

/// S47.
#[tokio::test]
async fn second_attempt_that_breaks_is_the_last() {
    let raw = RawApp::start(in_turn([
        Reply::token(),
        Reply::Break(b""),
        Reply::Break(b""),
    ]))
    .await;
    raw.signed_in().await;
    let (mut browser, status) = raw.login().await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(raw.server.connections(TOKEN), [1, 1, 2]);
    assert_eq!(
        browser.pending(),
        [],
        "the code was sent: the login has ended"
    );
    assert!(browser.token().await.is_none());
}

#[tokio::test]
async fn code_that_was_sent_stays_sent_when_the_second_attempt_cannot_connect() {
    let mut raw = RawApp::start(in_turn([Reply::token(), Reply::Break(b"")])).await;
    raw.signed_in().await;
    raw.server.stop_accepting().await;
    let (browser, status) = raw.login().await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(raw.server.connections(TOKEN), [1, 1]);
    assert_eq!(browser.pending(), [], "the login has ended");
}

/// S47.
#[tokio::test]
async fn fresh_connection_that_breaks_before_the_answer_is_502() {
    for raw in [
        RawApp::start(in_turn([Reply::Break(b"")])).await,
        RawApp::over_tls(in_turn([Reply::Break(b"")])).await,
    ] {
        let (browser, status) = raw.login().await;
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(raw.server.connections(TOKEN), [1], "the code was sent once");
        assert_eq!(browser.pending(), []);
    }
}

/// S47.
#[tokio::test]
async fn connection_that_breaks_within_an_answer_is_502() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 42\r\n";
    for part in [
        &b"H"[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        HEAD,
        b"HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n{\"access_token\":\"t",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n15\r\n{\"access_token\":\"tok\"}\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let replies = || in_turn([Reply::token(), Reply::Break(part)]);
        for raw in [RawApp::start(replies()).await, RawApp::over_tls(replies()).await] {
            raw.signed_in().await;
            let (_, status) = raw.login().await;
            let shown = String::from_utf8_lossy(part);
            assert_eq!(status, StatusCode::BAD_GATEWAY, "{shown}");
            assert_eq!(raw.server.connections(TOKEN), [1, 1], "{shown}");
            raw.signed_in().await;
        }
    }
}

#[tokio::test]
async fn read_over_a_kept_connection_that_breaks_is_repeated() {
    let raw = RawApp::start(in_turn([Reply::token(), Reply::Break(b"")])).await;
    let mut browser = raw.signed_in().await;
    assert_eq!(browser.open("/call").await.body, "called");
    assert_eq!(raw.server.connections(USERS), [1, 2]);
}

#[tokio::test]
async fn logout_over_a_kept_connection_that_breaks_is_repeated() {
    let raw = RawApp::start(in_turn([Reply::token(), Reply::Break(b"")])).await;
    let mut browser = raw.signed_in().await;
    browser.log_out().await;
    assert_eq!(raw.server.connections(LOGOUT), [1, 2]);
}

#[tokio::test]
async fn other_calls_of_the_app_are_sent_once_over_a_fresh_connection() {
    let raw = RawApp::start(in_turn([Reply::token(), Reply::Break(b"")])).await;
    let mut browser = raw.signed_in().await;
    let failed = browser.open("/post").await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(raw.server.connections(USERS), [2]);
    assert_eq!(browser.open("/post").await.body, "posted");
}

#[tokio::test]
async fn answer_that_says_close_ends_the_connection() {
    let close = Reply::Respond(
        200,
        "content-type: application/json\r\nconnection: close\r\n",
        br#"{"access_token":"token"}"#.to_vec(),
    );
    let raw = RawApp::start(move |_| close.clone()).await;
    raw.signed_in().await;
    raw.signed_in().await;
    assert_eq!(raw.server.connections(TOKEN), [1, 2]);
}

/// This test takes real time: the timeouts of the HTTP client follow the real clock.
///
/// S47.
#[tokio::test]
async fn both_attempts_share_the_total_time_and_silence_is_not_repeated() {
    let raw = RawApp::start(in_turn([
        Reply::token(),
        Reply::Break(b""),
        Reply::Hang,
        Reply::token(),
        Reply::Hang,
    ]))
    .await;
    raw.signed_in().await;
    let started = std::time::Instant::now();
    assert_eq!(raw.login().await.1, StatusCode::GATEWAY_TIMEOUT);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(raw.server.connections(TOKEN), [1, 1, 2]);
    raw.signed_in().await;
    assert_eq!(raw.login().await.1, StatusCode::GATEWAY_TIMEOUT);
    let sent = raw.server.connections(TOKEN);
    assert_eq!(
        sent,
        [1, 1, 2, 3, 3],
        "a connection that is silent did not break"
    );
}

#[tokio::test]
async fn headers_of_the_app_do_not_change_the_framing() {
    async fn call(user: TelenorUser) -> Result<&'static str, ApiError> {
        let call = user
            .request(Method::POST, USERS)
            .header(header::CONTENT_LENGTH, HeaderValue::from_static("1"))
            .header(header::HOST, HeaderValue::from_static("evil.example"))
            .header(header::CONNECTION, HeaderValue::from_static("close"))
            .header(header::ACCEPT_ENCODING, HeaderValue::from_static("br"))
            .body("whole");
        call.send().await.map(|_| "called")
    }
    let server = RawServer::start(|_| Reply::token()).await;
    let base = format!("http://{}", server.address);
    let gateway = MockGateway::start().await.unwrap();
    let layer = builder(&gateway).gateway(&base).build().unwrap();
    let router = routes(&Hits::default()).route("/framed", axum::routing::get(call));
    let app = App::mounted(router.layer(layer), gateway);
    let mut browser = app.browser();
    let authorization = browser.start("/whoami").await;
    let authorization = authorization.replace(&base, &app.gateway.base_url());
    browser
        .open(&app.gateway.allow(&authorization).unwrap())
        .await;
    assert_eq!(browser.open("/framed").await.body, "called");
    let sent = server.requests().pop().unwrap();
    assert_eq!(sent.body, "whole");
    let host = format!("\r\nhost: {}\r\n", server.address);
    assert!(sent.head.contains(&host), "{}", sent.head);
    for own in ["evil", "close", "br\r\n"] {
        assert!(!sent.head.contains(own), "{}", sent.head);
    }
}
