//! What a page of another origin has the browser of a signed-in user do is refused.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body, routing::any};
use http::{HeaderValue, Method, Request, StatusCode, Version, header};
use telenor_auth::{
    RouterExt, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    events::Event,
    mock::{Endpoint, MockGateway},
    session::{Fault, FaultyStore, MemoryStore},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::Layer;

use super::refresh;
use crate::support::{
    Answer, App, Browser, CALLBACK, ORIGIN, builder,
    capture::{capture, capture_from},
    navigation, request,
};

const SIBLING: (&str, &str) = ("origin", "https://evil.app.test");
const PAY: &str = "https://pay.test";

/// Sends a request with the headers of a script.
async fn send(browser: &mut Browser, method: Method, headers: &[(&str, &str)]) -> Answer {
    browser.send(request(method, "/private", headers)).await
}

/// S121.
#[tokio::test]
async fn request_of_another_origin_does_not_reach_the_app() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let (same, cross) = (
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "cross-site"),
    );
    let (own, hidden) = (("origin", ORIGIN), ("origin", "null"));
    for (headers, admitted) in [
        (&[][..], true),
        (&[same], true),
        (&[own], true),
        (&[same, own], true),
        // A form on a page with `Referrer-Policy: no-referrer`.
        (&[same, hidden], true),
        (&[("sec-fetch-site", "none")], true),
        (&[hidden], false),
        (&[cross], false),
        (&[cross, SIBLING], false),
        (&[cross, hidden], false),
        (&[("sec-fetch-site", "same-site"), SIBLING], false),
        (&[SIBLING], false),
        (&[("origin", "http://app.test")], false),
        (&[own, SIBLING], false),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let hits = app.hits();
            let answer = send(&mut browser, method.clone(), headers).await;
            let status = if admitted { 200 } else { 403 };
            assert_eq!(answer.status.as_u16(), status, "{method} {headers:?}");
            assert_eq!(app.hits() - hits, usize::from(admitted));
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            let answer = send(&mut browser, method.clone(), headers).await;
            assert_eq!(answer.status, StatusCode::OK, "{method} {headers:?}");
        }
    }
    assert!(browser.token().await.is_some(), "the session goes on");
}

#[tokio::test]
async fn person_gets_a_page_and_a_script_gets_the_cause_and_what_to_change() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let form = [
        SIBLING,
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("accept", "text/html"),
        ("accept-language", "en"),
    ];
    let page = send(&mut browser, Method::POST, &form).await;
    page.assert_safe_reject();
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let kind = page.header("content-type");
    assert_eq!(kind, Some("text/html; charset=utf-8"), "{}", page.body);
    assert!(page.body.contains("another site"), "{}", page.body);
    assert!(page.body.contains("<code>cross_origin_request</code>"));
    assert!(page.body.contains("class=\"primary\" href=\"/\""));
    assert!(!page.body.contains("evil"), "{}", page.body);

    let script = send(&mut browser, Method::POST, &[SIBLING]).await;
    script.assert_safe_reject();
    let kind = script.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{}", script.body);
    assert!(script.body.contains("cross_origin_request"));
    assert!(script.body.contains("trusted_origin"), "{}", script.body);
}

/// S121.
#[tokio::test]
async fn refusal_is_one_line_and_one_event_without_the_query() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&seen);
    let (log, _guard) = capture();
    let app = App::with(|builder| {
        builder.on_event(move |event| {
            if let Event::CrossOriginRefused {
                method,
                path,
                origin,
                ..
            } = event
            {
                let origin = origin.map(str::to_owned);
                let seen = (method.to_string(), path.to_string(), origin);
                events.lock().unwrap().push(seen);
            }
        })
    })
    .await;
    let mut browser = app.signed_in().await;
    for origin in ["https://evil.test", "https://evil.test\t\u{202e}x"] {
        let mut form = request(Method::POST, "/private?number=canary", &[]);
        let origin = HeaderValue::from_bytes(origin.as_bytes()).unwrap();
        form.headers_mut().insert("origin", origin);
        assert_eq!(browser.send(form).await.status, StatusCode::FORBIDDEN);
    }
    let seen = seen.lock().unwrap();
    let expected = |origin: &str| ("POST".into(), "/private".into(), Some(origin.into()));
    assert_eq!(
        *seen,
        [
            expected("https://evil.test"),
            expected("https://evil.testx")
        ]
    );
    let lines = log.lines("INFO", &["cross-origin request refused", "evil.test"]);
    assert_eq!(lines.len(), 2, "{}", log.text());
    assert!(lines[0].contains("POST") && lines[0].contains("/private"));
    assert!(!log.text().contains("canary"), "{}", log.text());
}

#[tokio::test]
async fn request_without_a_session_has_nothing_to_protect() {
    let form = [SIBLING, ("accept", "text/html")];
    let app = App::start().await;
    let answer = send(&mut app.browser(), Method::POST, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location().contains("form=foreign"), "led on by GET");
    let mut odd = app.browser();
    odd.jar
        .push(("__Host-telenor-session".into(), "A".repeat(43)));
    let answer = send(&mut odd, Method::POST, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "a session that ended");

    let app = App::with(|builder| builder.optional(true)).await;
    let answer = send(&mut app.browser(), Method::POST, &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut browser = app.signed_in().await;
    let answer = send(&mut browser, Method::POST, &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn trusted_origin_is_as_good_as_the_own_one() {
    let app = App::with(|builder| {
        builder
            .trusted_origin("https://other.test")
            .trusted_origin("https://PAY.test:443/")
    })
    .await;
    let mut browser = app.signed_in().await;
    let cross = ("sec-fetch-site", "cross-site");
    for (headers, status) in [
        (&[("origin", PAY), cross][..], 200),
        (&[("origin", PAY)], 200),
        (&[("origin", "https://other.test"), cross], 200),
        (&[("origin", ORIGIN)], 200),
        (&[cross], 403),
        (&[("origin", "http://pay.test"), cross], 403),
        (&[("origin", "https://a.pay.test"), cross], 403),
        (&[("origin", "https://PAY.test"), cross], 403),
        (&[("origin", PAY), SIBLING, cross], 403),
    ] {
        let answer = send(&mut browser, Method::POST, headers).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn check_can_be_turned_off() {
    for (allow, status) in [(true, StatusCode::OK), (false, StatusCode::FORBIDDEN)] {
        let app = App::with(|builder| builder.dangerous_allow_cross_origin_requests(allow)).await;
        let mut browser = app.signed_in().await;
        let answer = send(&mut browser, Method::POST, &[SIBLING]).await;
        assert_eq!(answer.status, status);
        // The layer's own form has its own check.
        let logout = request(Method::POST, "/telenor/logout", &[SIBLING]);
        assert_eq!(browser.send(logout).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn refused_request_is_no_use_of_the_session_and_refreshes_no_token() {
    let app = refresh::refreshing().await;
    let mut browser = app.signed_in().await;
    let requests = app.gateway.hits(Endpoint::Token);
    for seconds in [520, 60] {
        app.clock.advance(std::time::Duration::from_secs(seconds));
        let answer = send(&mut browser, Method::POST, &[SIBLING]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        tokio::task::yield_now().await;
        assert_eq!(app.gateway.hits(Endpoint::Token), requests);
    }
    let answer = send(&mut browser, Method::POST, &[("origin", ORIGIN)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(app.gateway.hits(Endpoint::Token), requests + 1);

    let minute = crate::support::MINUTE;
    let app = App::with(|builder| builder.idle_timeout(10 * minute)).await;
    let mut browser = app.signed_in().await;
    app.clock.advance(6 * minute);
    send(&mut browser, Method::POST, &[SIBLING]).await;
    app.clock.advance(6 * minute);
    assert_eq!(browser.token().await, None, "nothing has used the session");
}

/// S121.
#[tokio::test]
async fn session_of_a_store_behind_a_network_is_protected_too() {
    let store = FaultyStore::new(MemoryStore::new());
    let slow = store.clone();
    let app = App::with(|builder| builder.session_store(store)).await;
    let mut browser = app.signed_in().await;
    slow.set(Fault::Slow);
    let answer = send(&mut browser, Method::POST, &[SIBLING]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(app.hits(), 0);
}

/// S121.
#[tokio::test]
async fn every_way_to_mount_the_layer_has_the_check() {
    type Mount = fn(TelenorAuthBuilder) -> Router;
    async fn order(_: TelenorUser) -> &'static str {
        "ordered"
    }
    fn routes() -> Router {
        Router::new()
            .route("/private", any(order))
            .route("/whoami", any(order))
    }
    // The path of the app that browsers see, and the one that it receives.
    let mounts: [(&str, &str, Mount); 7] = [
        ("", "", |auth| routes().layer(auth.build().unwrap())),
        ("", "", |auth| routes().telenor_auth(auth.build().unwrap())),
        ("", "", |auth| {
            let auth = auth.build().unwrap();
            let inner = Router::new().route("/private", any(order));
            let other = Router::new().route("/whoami", any(order));
            let inner = inner.telenor_auth(auth.clone());
            inner.merge(other.telenor_auth(auth))
        }),
        ("", "", |auth| {
            Router::new().fallback_service(auth.build().unwrap().layer(routes()))
        }),
        ("", "", |auth| {
            routes().layer(auth.optional(true).build().unwrap())
        }),
        ("/app", "/app", |auth| {
            let auth = auth.nested_at("/app").build().unwrap();
            Router::new().nest("/app", routes().telenor_auth(auth))
        }),
        ("/kunde", "", |auth| {
            routes().layer(auth.stripped_prefix("/kunde").build().unwrap())
        }),
    ];
    for (number, (seen, received, mount)) in mounts.into_iter().enumerate() {
        let gateway = MockGateway::start().await.unwrap();
        let uri = format!("{ORIGIN}{seen}{CALLBACK}");
        let auth = TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), uri)
            .gateway(gateway.base_url());
        let app = App::mounted(mount(auth), gateway);
        let mut browser = app.browser();
        let page = format!("{received}/whoami");
        let callback = browser.callback_url(&app.gateway, &page).await;
        let outside = format!("{ORIGIN}{seen}");
        let callback = callback.replacen(&outside, received, 1);
        let done = browser.open(&callback).await;
        assert_eq!(
            done.status,
            StatusCode::SEE_OTHER,
            "{number}: {}",
            done.body
        );
        for (headers, status) in [(SIBLING, 403), (("origin", ORIGIN), 200)] {
            let page = format!("{received}/private");
            let form = request(Method::POST, &page, &[headers]);
            let answer = browser.send(form).await;
            assert_eq!(answer.status.as_u16(), status, "{number}: {}", answer.body);
        }
    }
}

/// Serves the app, and returns a connection to it.
async fn connect(app: &App) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app.router.clone()).into_future());
    TcpStream::connect(address).await.unwrap()
}

/// An app with a route that accepts each handshake, and the session cookie of a user.
async fn app_with_a_socket() -> (App, String) {
    async fn accept(_: TelenorUser, request: Request<Body>) -> http::Response<Body> {
        let response = http::Response::builder();
        let response = match request.version() {
            Version::HTTP_2 => response.status(200),
            _ => response
                .status(101)
                .header("upgrade", "websocket")
                .header("connection", "upgrade"),
        };
        response.body(Body::empty()).unwrap()
    }
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).build().unwrap();
    let router = Router::new()
        .route("/whoami", any(async || ""))
        .route("/socket", any(accept))
        .layer(auth);
    let app = App::mounted(router, gateway);
    let session = app.signed_in().await.session().unwrap();
    (app, format!("__Host-telenor-session={session}"))
}

/// S121.
#[tokio::test]
async fn websocket_opens_for_the_apps_own_pages_alone() {
    let (app, cookie) = app_with_a_socket().await;
    for (headers, status) in [
        ("origin: https://app.test\r\n", "101"),
        (
            "origin: https://app.test\r\nsec-fetch-site: same-origin\r\n",
            "101",
        ),
        ("", "101"),
        ("origin: https://evil.app.test\r\n", "403"),
        (
            "origin: https://evil.app.test\r\nsec-fetch-site: same-site\r\n",
            "403",
        ),
        ("origin: http://app.test\r\n", "403"),
        ("origin: null\r\n", "403"),
    ] {
        let mut stream = connect(&app).await;
        let handshake = format!(
            "GET /socket HTTP/1.1\r\nhost: app.test\r\ncookie: {cookie}\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(handshake.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        let expected = format!("HTTP/1.1 {status}");
        assert_eq!(std::str::from_utf8(&answer), Ok(&*expected), "{headers}");
    }
}

/// RFC 8441. The stream stays open, so nothing may wait for its end.
/// S121.
#[tokio::test]
async fn websocket_over_http2_opens_for_the_apps_own_pages_alone() {
    let (app, cookie) = app_with_a_socket().await;
    let (mut client, connection) = h2::client::handshake(connect(&app).await).await.unwrap();
    let connection = tokio::spawn(connection);
    for (origin, status) in [
        (Some(ORIGIN), StatusCode::OK),
        (None, StatusCode::OK),
        (Some("https://evil.app.test"), StatusCode::FORBIDDEN),
        (Some("null"), StatusCode::FORBIDDEN),
    ] {
        client = client.ready().await.unwrap();
        let mut handshake = Request::connect("https://app.test/socket")
            .header("sec-websocket-version", "13")
            .header(header::COOKIE, &cookie);
        if let Some(origin) = origin {
            handshake = handshake.header(header::ORIGIN, origin);
        }
        let protocol = h2::ext::Protocol::from_static("websocket");
        let handshake = handshake.extension(protocol).body(()).unwrap();
        while !client.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
        }
        let (response, _open) = client.send_request(handshake, false).unwrap();
        let started = tokio::time::Instant::now();
        assert_eq!(response.await.unwrap().status(), status, "{origin:?}");
        assert!(started.elapsed().as_secs() < 5, "answered at once");
    }
    connection.abort();
}

/// As a browser sends it, and with the headers of one that opens a page.
/// S16, S99.
#[tokio::test]
async fn websocket_over_http2_without_a_session_starts_no_login() {
    const PAGE: [(&str, &str); 4] = [
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", "none"),
    ];
    let (app, _) = app_with_a_socket().await;
    let (mut client, connection) = h2::client::handshake(connect(&app).await).await.unwrap();
    let connection = tokio::spawn(connection);
    let authorize = app.gateway.hits(Endpoint::Authorize);
    for origin in [None, Some(ORIGIN), Some("https://evil.test"), Some("null")] {
        for headers in [&[][..], &[("sec-fetch-mode", "websocket")], &PAGE] {
            client = client.ready().await.unwrap();
            let mut handshake = Request::connect("https://app.test/socket")
                .header("sec-websocket-version", "13")
                .extension(h2::ext::Protocol::from_static("websocket"));
            let origin = origin.map(|origin| ("origin", origin));
            for (name, value) in headers.iter().copied().chain(origin) {
                handshake = handshake.header(name, value);
            }
            while !client.is_extended_connect_protocol_enabled() {
                tokio::task::yield_now().await;
            }
            let handshake = handshake.body(()).unwrap();
            let (response, _open) = client.send_request(handshake, false).unwrap();
            let response = response.await.unwrap();
            let case = format!("{origin:?} {headers:?}");
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{case}");
            for name in ["location", "set-cookie", "access-control-allow-origin"] {
                assert!(!response.headers().contains_key(name), "{case}: {name}");
            }
        }
    }
    assert_eq!(app.gateway.hits(Endpoint::Authorize), authorize);
    connection.abort();
}

#[tokio::test]
async fn large_form_of_another_origin_is_read_before_the_refusal() {
    let (app, cookie) = app_with_a_socket().await;
    let mut stream = connect(&app).await;
    const LENGTH: usize = 4 * 1024 * 1024;
    for _ in 0..2 {
        let head = format!(
            "POST /socket HTTP/1.1\r\nhost: app.test\r\ncookie: {cookie}\r\naccept: text/html\r\n\
             origin: https://evil.test\r\ncontent-length: {LENGTH}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
            .write_all(&vec![b'x'; LENGTH])
            .await
            .expect("no reset");
        let mut read = Vec::new();
        let answer = loop {
            assert!(stream.read_buf(&mut read).await.expect("no reset") > 0);
            let text = String::from_utf8_lossy(&read);
            let length = text.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
            if body.is_some() && body >= length {
                break text.into_owned();
            }
        };
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(!answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn admitted_request_says_nothing() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let (log, _guard) = capture_from(tracing::Level::INFO);
    browser.send(navigation("/private")).await;
    send(&mut browser, Method::POST, &[("origin", ORIGIN)]).await;
    assert_eq!(log.text(), "");
}

over_http2! {
    request_of_another_origin_does_not_reach_the_app
    person_gets_a_page_and_a_script_gets_the_cause_and_what_to_change
    refusal_is_one_line_and_one_event_without_the_query
    request_without_a_session_has_nothing_to_protect
    trusted_origin_is_as_good_as_the_own_one
    check_can_be_turned_off
    refused_request_is_no_use_of_the_session_and_refreshes_no_token
    session_of_a_store_behind_a_network_is_protected_too
    every_way_to_mount_the_layer_has_the_check
    websocket_opens_for_the_apps_own_pages_alone
    websocket_over_http2_opens_for_the_apps_own_pages_alone
    large_form_of_another_origin_is_read_before_the_refusal
    admitted_request_says_nothing
}
