//! The token request, and every way in which the gateway may fail it.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::{sync::atomic::Ordering, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use common::{
    App, ORIGIN, builder, navigation,
    tls::{Authority, Relay},
};
use http::{HeaderValue, StatusCode};
use telenor_auth::{
    Clock, ConfigError, TelenorAuthLayer,
    mock::{Answer, Endpoint, MockGateway, TokenShape},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// How long a token endpoint that is down is left alone.
const REST: Duration = Duration::from_secs(10);

/// Scripts one token answer and says how the login ends.
async fn ends_with(app: &App, answer: Answer) -> StatusCode {
    app.gateway.answer_next(Endpoint::Token, answer);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let before = app.gateway.hits(Endpoint::Authorize);
    let page = browser.open(&callback).await;
    if page.status == StatusCode::SEE_OTHER {
        assert!(browser.token().await.is_some());
    } else {
        assert_eq!(browser.session(), None);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(page.header("location").is_none(), "no automatic second try");
        assert!(!page.body.contains("canary"), "the body is not shown");
        assert_eq!(browser.pending(), [], "the login is over");
    }
    assert_eq!(app.gateway.hits(Endpoint::Authorize), before);
    page.status
}

fn token(members: &str) -> Answer {
    Answer::json(200, format!(r#"{{"access_token":"token"{members}}}"#))
}

#[tokio::test]
async fn token_request_is_one_post_with_basic_and_a_form() {
    let app = App::start().await;
    app.signed_in().await;
    let requests = app.gateway.requests(Endpoint::Token);
    let [request] = &requests[..] else {
        panic!("one request");
    };
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.uri().query(), None);
    assert_eq!(
        request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    let body = std::str::from_utf8(request.body()).unwrap();
    let names: Vec<_> = body
        .split('&')
        .map(|pair| pair.split('=').next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["grant_type", "code", "redirect_uri", "code_verifier"]
    );
    let authorizations: Vec<_> = request.headers().get_all("authorization").iter().collect();
    let [basic] = &authorizations[..] else {
        panic!("one way to authenticate");
    };
    let pair = basic.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let expected = format!(
        "{}:{}",
        app.gateway.client_id(),
        app.gateway.client_secret()
    );
    assert_eq!(BASE64_STANDARD.decode(pair).unwrap(), expected.as_bytes());
    assert!(!body.contains(app.gateway.client_secret()));
    assert!(
        !request.headers().contains_key("cookie") && !request.headers().contains_key("referer")
    );
}

#[tokio::test]
async fn raw_credentials_are_sent_as_they_are() {
    for (raw, expected) in [(false, "a%3Ab:p%2B%25"), (true, "a:b:p+%")] {
        let gateway = MockGateway::builder()
            .client("a:b", "p+%")
            .start()
            .await
            .unwrap();
        let layer = builder(&gateway);
        let layer = if raw {
            layer.raw_client_credentials(true)
        } else {
            layer
        };
        let router = common::routes(&common::Hits::default()).layer(layer.build().unwrap());
        let app = App::mounted(router, gateway);
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        browser.open(&callback).await;
        let sent = &app.gateway.requests(Endpoint::Token)[0];
        let pair = sent.headers()["authorization"].to_str().unwrap()[6..].to_owned();
        assert_eq!(BASE64_STANDARD.decode(pair).unwrap(), expected.as_bytes());
    }
}

#[tokio::test]
async fn every_shape_of_telenors_answer_signs_in() {
    let app = App::start().await;
    for shape in [
        TokenShape::Trimmed,
        TokenShape::TrimmedString,
        TokenShape::Bearer,
        TokenShape::BearerToken,
        TokenShape::RawApigee,
    ] {
        app.gateway.set_token_response(shape);
        let mut browser = app.signed_in().await;
        assert!(browser.token().await.is_some(), "{shape:?}");
    }
    for members in [
        "",
        r#","expires_in":3600.0"#,
        r#","token_type":"BEARER""#,
        r#","expires_in":1e300"#,
    ] {
        assert_eq!(
            ends_with(&app, token(members)).await,
            StatusCode::SEE_OTHER,
            "{members}"
        );
    }
}

#[tokio::test]
async fn unusable_answers_are_502() {
    let app = App::start().await;
    let huge_token = format!(r#"{{"access_token":"{}"}}"#, "t".repeat(20_000));
    for answer in [
        Answer::Garbage,
        Answer::Truncated,
        Answer::Huge,
        Answer::html(200, "<html>canary</html>"),
        Answer::json(200, "[]"),
        Answer::json(200, "\"canary\""),
        Answer::json(200, "{\"access_token\":\"canary\"} x"),
        Answer::json(201, "{\"access_token\":\"canary\"}"),
        Answer::json(204, ""),
        Answer::json(200, "\u{feff}{\"access_token\":\"canary\"}"),
        Answer::json(200, huge_token),
        Answer::json(200, r#"{"access_token":"canary","error":"canary"}"#),
        Answer::json(200, r#"{"access_token":"can\r\nary"}"#),
        token(r#","token_type":"mac""#),
        token(r#","expires_in":-1"#),
        token(r#","expires_in":"abc""#),
    ] {
        let shown = format!("{answer:?}");
        assert_eq!(
            ends_with(&app, answer).await,
            StatusCode::BAD_GATEWAY,
            "{shown:.80}"
        );
    }
}

#[tokio::test]
async fn errors_have_the_status_of_their_class() {
    let app = App::start().await;
    for (answer, status) in [
        (
            Answer::json(
                400,
                r#"{"error":"invalid_grant","error_description":"canary"}"#,
            ),
            400,
        ),
        (
            Answer::json(
                400,
                r#"{"ErrorCode":"invalid_request","Error":"Invalid Authorization Code"}"#,
            ),
            400,
        ),
        (
            Answer::json(
                401,
                r#"{"ErrorCode":"invalid_client","Error":"ClientId is Invalid canary"}"#,
            ),
            502,
        ),
        (Answer::fault(401, "oauth.v2.InvalidClientIdentifier"), 502),
        (Answer::status(429), 503),
        (Answer::html(500, "canary"), 502),
        (Answer::html(502, "canary"), 502),
        (Answer::html(503, "canary"), 503),
        (Answer::html(504, "canary"), 504),
    ] {
        let shown = format!("{answer:?}");
        assert_eq!(
            ends_with(&app, answer).await.as_u16(),
            status,
            "{shown:.80}"
        );
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let app = App::start().await;
    let sink = MockGateway::start().await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/oauth/v2/token", sink.base_url());
        let answer = Answer::Redirect { status, location };
        assert_eq!(
            ends_with(&app, answer).await,
            StatusCode::BAD_GATEWAY,
            "{status}"
        );
    }
    assert_eq!(sink.hits(Endpoint::Token), 0);
}

#[tokio::test]
async fn code_is_never_sent_twice() {
    let app = App::start().await;
    assert_eq!(
        ends_with(&app, Answer::Reset).await,
        StatusCode::BAD_GATEWAY
    );
    assert_eq!(app.token_requests(), 1);
    // Also not when a connection that was kept open had closed meanwhile: none is kept.
    app.signed_in().await;
    assert_eq!(
        ends_with(&app, Answer::Reset).await,
        StatusCode::BAD_GATEWAY
    );
    assert_eq!(app.token_requests(), 3);
}

/// The only tests that take real time: the limits of the HTTP client are the network's own.
#[tokio::test]
async fn silent_or_dripping_gateway_is_504_in_time() {
    let app = App::start().await;
    let started = std::time::Instant::now();
    for answer in [Answer::Never, Answer::Drip] {
        let shown = format!("{answer:?}");
        assert_eq!(
            ends_with(&app, answer).await,
            StatusCode::GATEWAY_TIMEOUT,
            "{shown}"
        );
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[tokio::test]
async fn unreachable_gateway_leaves_the_login_usable() {
    // A port that was free a moment ago, and a gateway that is only there later.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = MockGateway::start().await.unwrap();
    let layer = builder(&gateway).gateway(format!("http://{address}"));
    drop(listener);
    let router = common::routes(&common::Hits::default()).layer(layer.build().unwrap());
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let authorization = browser.start("/whoami").await;
    let authorization =
        authorization.replace(&format!("http://{address}"), &app.gateway.base_url());
    let callback = app.gateway.allow(&authorization).unwrap();
    let down = browser.open(&callback).await;
    assert_eq!(down.status, StatusCode::BAD_GATEWAY);
    assert_eq!(down.set_cookies(), [""; 0]);

    let upstream = app
        .gateway
        .base_url()
        .replace("http://", "")
        .parse()
        .unwrap();
    let _relay = Relay::plain(address, upstream).await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn token_is_counted_from_before_the_request() {
    let app = App::start().await;
    app.gateway.set_expires_in(40);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let login = tokio::spawn(async move {
        browser.open(&callback).await;
        browser
    });
    gate.waiting(1).await;
    app.clock.advance(Duration::from_secs(5));
    gate.open();
    let mut browser = login.await.unwrap();
    assert!(browser.token().await.is_some());
    app.clock.advance(Duration::from_secs(5));
    assert!(
        browser.token().await.is_none(),
        "40 seconds less a leeway of 30 are over"
    );
}

#[tokio::test]
async fn unknown_members_and_refresh_tokens_are_not_kept() {
    let app = App::with(|builder| {
        let keys = common::keys(1);
        builder
            .session_store(telenor_auth::session::CookieStore::new(&keys))
            .cookie_keys(keys)
    })
    .await;
    let refresh = format!(r#","refresh_token":"{}","x":1"#, "r".repeat(3_000));
    assert_eq!(
        ends_with(&app, token(&refresh)).await,
        StatusCode::SEE_OTHER
    );
    let mut browser = app.browser();
    app.gateway.answer_next(Endpoint::Token, token(&refresh));
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    browser.open(&callback).await;
    assert!(
        browser.session().unwrap().len() < 400,
        "3000 bytes of refresh token are not in it"
    );
}

#[tokio::test]
async fn scope_that_was_granted_reaches_the_handler() {
    async fn scope(user: telenor_auth::TelenorUser) -> String {
        user.scope().unwrap_or("none").to_owned()
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = axum::Router::new().route("/scope", axum::routing::get(scope));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    app.gateway
        .answer_next(Endpoint::Token, token(r#","scope":"user-info-v1""#));
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/scope").await;
    let page = browser.follow(&callback).await;
    assert_eq!(page.body, "user-info-v1");
}

// --- A token endpoint that is down

/// As many logins as it takes fail, and the token endpoint is left alone.
async fn app_whose_gateway_is_down() -> App {
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
async fn gateway_that_is_down_is_asked_no_more_and_no_login_is_lost_by_it() {
    let app = app_whose_gateway_is_down().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    for _ in 0..3 {
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.header("retry-after").is_some());
        assert!(page.body.contains("provider_unavailable"), "{}", page.body);
        assert_eq!(page.set_cookies(), [""; 0], "the login is as it was");
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
    app.clock.advance(REST);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    app.signed_in().await;
    assert_eq!(app.token_requests(), 7);
}

#[tokio::test]
async fn one_of_many_callbacks_tries_whether_the_gateway_is_back() {
    const MANY: usize = 8;
    let app = app_whose_gateway_is_down().await;
    let mut logins = Vec::new();
    for _ in 0..MANY {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        logins.push((browser, callback));
    }
    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(REST);
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
async fn gateway_that_is_still_down_is_left_alone_for_as_long_again() {
    let app = app_whose_gateway_is_down().await;
    for asked in [6, 7] {
        app.clock.advance(REST);
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
async fn broken_connection_is_a_failure_and_a_refusal_is_none() {
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
async fn answer_between_failures_keeps_logins_going() {
    let app = App::start().await;
    for status in [500, 502, 503, 504, 429].repeat(3) {
        ends_with(&app, Answer::status(status)).await;
    }
    assert_eq!(app.token_requests(), 15);
    app.signed_in().await;
}

// --- TLS

/// How a login over this TLS server ends when only `trusted` is trusted, and how many requests could be read.
async fn over_tls(tls: TlsAcceptor, trusted: Option<&Authority>) -> (StatusCode, usize) {
    let gateway = MockGateway::start().await.unwrap();
    let upstream = gateway.base_url().replace("http://", "").parse().unwrap();
    let relay = Relay::start("127.0.0.1:0".parse().unwrap(), upstream, Some(tls)).await;
    let base = format!("https://localhost:{}", relay.address.port());
    let mut layer = builder(&gateway).gateway(&base);
    if let Some(trusted) = trusted {
        layer = layer.gateway_ca(trusted.pem.clone());
    }
    let router = common::routes(&common::Hits::default()).layer(layer.build().unwrap());
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let authorization = browser
        .start("/private")
        .await
        .replace(&base, &app.gateway.base_url());
    let callback = app.gateway.allow(&authorization).unwrap();
    let status = browser.open(&callback).await.status;
    (status, relay.read.load(Ordering::SeqCst))
}

#[tokio::test]
async fn gateway_behind_a_private_authority_works() {
    let authority = Authority::new();
    for versions in [
        rustls::ALL_VERSIONS,
        &[&rustls::version::TLS12],
        &[&rustls::version::TLS13],
    ] {
        let tls = authority.acceptor("localhost", 2050, versions);
        assert_eq!(
            over_tls(tls, Some(&authority)).await,
            (StatusCode::SEE_OTHER, 1)
        );
    }
}

#[tokio::test]
async fn server_that_cannot_prove_itself_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let all = rustls::ALL_VERSIONS;
    for (tls, trusted, why) in [
        (
            authority.acceptor("localhost", 2050, all),
            None,
            "unknown authority",
        ),
        (
            authority.acceptor("localhost", 2050, all),
            Some(&stranger),
            "another authority",
        ),
        (
            authority.acceptor("localhost", 2021, all),
            Some(&authority),
            "expired",
        ),
        (
            authority.acceptor("other.test", 2050, all),
            Some(&authority),
            "another name",
        ),
    ] {
        assert_eq!(
            over_tls(tls, trusted).await,
            (StatusCode::BAD_GATEWAY, 0),
            "{why}"
        );
    }
}

/// No TLS library here can be made to offer less than 1.2, so the server is one that answers by hand: a ServerHello for TLS 1.0.
#[tokio::test]
async fn tls_older_than_1_2_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut header = [0; 5];
        stream.read_exact(&mut header).await.unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        stream.read_exact(&mut hello).await.unwrap();
        let body = [&[3, 1][..], &[7; 32], &[0], &[0x00, 0x2f], &[0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let record = [&[22, 3, 1, 0, length + 4, 2, 0, 0, length][..], &body].concat();
        stream.write_all(&record).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    });
    let gateway = MockGateway::start().await.unwrap();
    let layer = builder(&gateway).gateway(&base).build().unwrap();
    let app = App::mounted(
        common::routes(&common::Hits::default()).layer(layer),
        gateway,
    );
    let mut browser = app.browser();
    let authorization = browser
        .start("/private")
        .await
        .replace(&base, &app.gateway.base_url());
    let callback = app.gateway.allow(&authorization).unwrap();
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::BAD_GATEWAY
    );
    let alert = server.await.unwrap();
    // RFC 5246 section 7.2.2: fatal (2) protocol_version (70).
    assert_eq!(alert.get(alert.len().wrapping_sub(2)..), Some(&[2, 70][..]));
}

#[test]
fn authorities_that_are_no_pem_are_refused() {
    let layer = |pem: &str| {
        TelenorAuthLayer::builder("id", "secret", format!("{ORIGIN}/telenor/callback"))
            .clock(Clock::default())
            .gateway_ca(pem)
            .build()
    };
    for pem in [
        "",
        "rubbish",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(
            layer(pem).unwrap_err(),
            ConfigError::InvalidCertificates,
            "{pem}"
        );
    }
}
