//! Scripts and records.

use std::{
    error::Error,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use reqwest::{StatusCode, header};
use serde_json::Value;
use telenor_auth::mock::{Answer, Endpoint, MockGateway, Subscriber};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    DEVICE, USERS, api, authorize_url, client, encode, get, json_of, redeem, registered, signed_in,
    token, token_request,
};

#[tokio::test]
async fn scripted_answers_go_queue_first_then_always_then_normal() {
    let gateway = registered().await;
    let access_token = signed_in(&gateway).await;
    gateway.answer_always(Endpoint::UserInfo, Answer::gateway_error(42902));
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::html(502, "<h1>Bad Gateway</h1>"),
    );
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::status(503).with_header("retry-after", "7"),
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(api(&gateway, USERS, &access_token).await);
    }
    assert_eq!(seen[0].status(), 502);
    assert_eq!(
        seen[0].headers()[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    assert_eq!(seen[1].status(), 503);
    assert_eq!(seen[1].headers()[header::RETRY_AFTER], "7");
    assert_eq!(
        (seen[2].status(), seen[3].status()),
        (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS)
    );
    assert_eq!(api(&gateway, DEVICE, &access_token).await.status(), 200);

    gateway.answer_normally(Endpoint::UserInfo);
    assert_eq!(api(&gateway, USERS, &access_token).await.status(), 200);
}

#[tokio::test]
async fn faults_and_redirects_go_out_as_written() {
    let gateway = registered().await;
    let code = "keymanagement.service.access_token_expired";
    gateway.answer_next(Endpoint::UserInfo, Answer::fault(500, code));
    let fault = api(&gateway, USERS, "x").await;
    assert_eq!(fault.status(), 500);
    assert_eq!(json_of(fault).await["fault"]["detail"]["errorcode"], code);

    let location = "http://127.0.0.1:1/".to_owned();
    gateway.answer_next(
        Endpoint::Token,
        Answer::Redirect {
            status: 307,
            location,
        },
    );
    let moved = redeem(&gateway, "x").await;
    assert_eq!(moved.status(), 307);
    assert_eq!(moved.headers()[header::LOCATION], "http://127.0.0.1:1/");

    gateway.answer_next(Endpoint::Token, Answer::status(200).with_header("a\n", "b"));
    assert_eq!(redeem(&gateway, "x").await.status(), 500);
}

#[tokio::test]
async fn garbage_is_a_200_that_is_neither_json_nor_text() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::Token, Answer::Garbage);
    let response = redeem(&gateway, "x").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert!(std::str::from_utf8(&response.bytes().await.unwrap()).is_err());
}

/// Reads everything that comes until the connection ends, however it ends.
async fn raw(gateway: &MockGateway, path: &str) -> (Vec<u8>, std::io::Result<()>) {
    let address = gateway.base_url();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: mock\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let end = stream.read_to_end(&mut read).await;
    (read, end.map(drop))
}

#[tokio::test]
async fn reset_drops_the_connection_after_the_request_without_a_byte() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::Reset);
    let (read, end) = raw(&gateway, USERS).await;
    assert_eq!(read, b"");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(gateway.hits(Endpoint::UserInfo), 1);

    gateway.answer_next(Endpoint::Token, Answer::Reset);
    let error = token_request(&gateway, &[]).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_connect(), "{error:?}");
    assert_eq!(gateway.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn truncated_breaks_off_a_plausible_body_before_its_promised_end() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::Truncated);
    let (read, end) = raw(&gateway, USERS).await;
    end.unwrap();
    let text = String::from_utf8(read).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 4096"), "{head}");
    assert!(serde_json::from_str::<Value>(body).unwrap()["access_token"].is_string());

    gateway.answer_next(Endpoint::Token, Answer::Truncated);
    assert!(redeem(&gateway, "x").await.bytes().await.is_err());
}

#[tokio::test]
async fn huge_gives_no_warning_of_its_size() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::Token, Answer::Huge);
    let response = redeem(&gateway, "x").await;
    assert_eq!(response.content_length(), None);
    assert!(response.bytes().await.unwrap().len() > 10 << 20);
}

#[tokio::test]
async fn never_keeps_the_request_until_the_gateway_is_dropped() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::Token, Answer::Never);
    let request = tokio::spawn(token_request(&gateway, &[]).send());
    while gateway.hits(Endpoint::Token) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!request.is_finished());
    drop(gateway);
    let ended = tokio::time::timeout(Duration::from_secs(10), request).await;
    assert!(ended.unwrap().unwrap().is_err());
}

// The paused clock advances whenever every task waits, so the seconds take no time.
#[tokio::test(start_paused = true)]
async fn drip_sends_the_head_at_once_and_a_byte_of_the_body_a_second() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::Drip);
    let begun = tokio::time::Instant::now();
    let (read, end) = raw(&gateway, USERS).await;
    end.unwrap();
    let head = read.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let body = u64::try_from(read.len() - head).unwrap();
    assert!(body > 30);
    assert!(begun.elapsed() >= Duration::from_secs(body));
}

#[tokio::test(start_paused = true)]
async fn delays_come_before_the_scripted_or_the_normal_answer() {
    let gateway = registered().await;
    let begun = tokio::time::Instant::now();
    let teapot = Box::new(Answer::status(418));
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::Delay(Duration::from_secs(5), teapot),
    );
    assert_eq!(api(&gateway, USERS, "x").await.status(), 418);
    assert!(begun.elapsed() >= Duration::from_secs(5));
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::DelayNormal(Duration::from_secs(5)),
    );
    assert_eq!(api(&gateway, USERS, "x").await.status(), 401);
    assert!(begun.elapsed() >= Duration::from_secs(10));
}

#[tokio::test]
async fn a_gate_holds_recorded_requests_until_it_opens() {
    let gateway = registered().await;
    let gate = gateway.hold(Endpoint::Token);
    let requests = [(); 3].map(|()| tokio::spawn(token_request(&gateway, &[]).send()));
    gate.waiting(3).await;
    assert_eq!(gateway.hits(Endpoint::Token), 3);
    assert!(requests.iter().all(|request| !request.is_finished()));
    gate.open();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 400);
    }
    assert_eq!(token(&gateway, &[]).await.status(), 400);

    // A dropped gate is an open one.
    drop(gateway.hold(Endpoint::Token));
    assert_eq!(token(&gateway, &[]).await.status(), 400);
}

#[tokio::test]
async fn requests_are_recorded_whole_and_shown_redacted() {
    let gateway = registered().await;
    let fields = [("grant_type", "authorization_code"), ("code", "Secret77")];
    let url = format!("{}/oauth/v2/token?trace=Secret88", gateway.base_url());
    let request = client()
        .post(url)
        .bearer_auth("Secret99")
        .body(encode(&fields));
    request.send().await.unwrap();

    let recorded = &gateway.requests(Endpoint::Token)[0];
    assert_eq!(recorded.method(), "POST");
    assert_eq!(recorded.uri(), "/oauth/v2/token?trace=Secret88");
    assert_eq!(recorded.headers()[header::AUTHORIZATION], "Bearer Secret99");
    assert_eq!(recorded.form("code").unwrap(), "Secret77");
    assert_eq!(recorded.query("trace").unwrap(), "Secret88");
    assert_eq!(recorded.body(), encode(&fields).as_bytes());
    let shown = format!(
        "{recorded:?} {gateway:?} {:?} {:?}",
        Subscriber::kari(),
        MockGateway::builder()
    );
    for secret in ["Secret", "Kari", gateway.client_secret()] {
        assert!(!shown.contains(secret), "{shown}");
    }

    gateway
        .deny(&authorize_url(&gateway, &[("state", "s")]))
        .unwrap();
    assert_eq!(
        gateway.requests(Endpoint::Authorize)[0]
            .query("state")
            .unwrap(),
        "s"
    );
}

#[tokio::test]
async fn dropping_the_gateway_frees_its_address() -> Result<(), Box<dyn Error>> {
    let gateway = registered().await;
    let base = gateway.base_url();
    assert_eq!(get(format!("{base}{USERS}")).await.status(), 401);
    drop(gateway);
    // The accept loop ends when the runtime gets to it.
    while client().get(&base).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let address: SocketAddr = base.trim_start_matches("http://").parse()?;
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    let again = MockGateway::builder().listen(address).start().await?;
    assert_eq!(again.base_url(), base);
    Ok(())
}
