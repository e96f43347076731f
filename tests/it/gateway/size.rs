//! How much of an answer is read.

use http::StatusCode;
use telenor_auth::mock::{Answer, Endpoint};

use super::{
    ends_with,
    raw_app::{RawApp, TOKEN},
};
use crate::support::{App, raw_server::Reply};

/// A token response of so many bytes.
fn answer_of(length: usize) -> Vec<u8> {
    let mut body = br#"{"access_token":"token","expires_in":3599}"#.to_vec();
    body.resize(length, b' ');
    body
}

/// S46.
#[tokio::test]
async fn answer_of_64_kib_is_read_and_a_longer_one_is_502() {
    const JSON: &str = "content-type: application/json\r\n";
    for (length, expected) in [
        (64 * 1024, StatusCode::SEE_OTHER),
        (64 * 1024 + 1, StatusCode::BAD_GATEWAY),
        (1024 * 1024, StatusCode::BAD_GATEWAY),
    ] {
        let raw = RawApp::start(move |_| Reply::Respond(200, JSON, answer_of(length))).await;
        assert_eq!(raw.login().await.1, expected, "{length}");
    }
}

/// Without the cap, the login would end by its timeout, with a 504.
///
/// S46.
#[tokio::test]
async fn answer_without_end_is_502() {
    for start in [
        &b"HTTP/1.1 200 OK\r\n\r\n{"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffff\r\n{",
        b"HTTP/1.1 500 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: ",
    ] {
        let raw = RawApp::start(move |_| Reply::Endless(start)).await;
        let (browser, status) = raw.login().await;
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(browser.pending(), [], "the code was sent");
        assert_eq!(raw.server.connections(TOKEN), [1]);
        raw.login().await;
        assert_eq!(
            raw.server.connections(TOKEN),
            [1, 2],
            "no connection is kept"
        );
    }
}

/// Nothing is decompressed, so a small body cannot become a large one.
///
/// S46.
#[tokio::test]
async fn compressed_answer_is_not_opened() {
    let app = App::start().await;
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let token = r#"{"access_token":"canary"}"#;
        let answer = Answer::json(200, token).with_header("content-encoding", coding);
        let status = ends_with(&app, answer).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{coding}");
    }
    for request in app.gateway.requests(Endpoint::Token) {
        assert_eq!(request.headers()["accept-encoding"], "identity");
    }
}
