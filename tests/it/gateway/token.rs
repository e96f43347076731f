//! The token request, and every failure of the gateway.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use telenor_auth::{
    TelenorAuthBuilder,
    mock::{Answer, Endpoint, MockGateway, TokenShape},
};
use tokio::net::TcpListener;

use super::ends_with;
use crate::{
    flow::refresh::{TOKEN, refreshing},
    support::{self, App, CALLBACK, ORIGIN, builder, capture::capture, query, tls::Relay},
};

fn token(members: &str) -> Answer {
    Answer::json(200, format!(r#"{{"access_token":"token"{members}}}"#))
}

/// S40, S42.
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
        panic!("one authorization header");
    };
    let pair = basic.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let expected = format!(
        "{}:{}",
        app.gateway.client_id(),
        app.gateway.client_secret()
    );
    assert_eq!(BASE64_STANDARD.decode(pair).unwrap(), expected.as_bytes());
    assert!(!body.contains(app.gateway.client_secret()));
    assert!(!request.uri().to_string().contains('?'));
}

/// S40.
#[tokio::test]
async fn token_request_has_redirect_uri_and_verifier_only_where_the_redirect_had_its_part() {
    type Settings = fn(TelenorAuthBuilder) -> TelenorAuthBuilder;
    let cases: [(Settings, bool, bool); 3] = [
        (|builder| builder.omit_redirect_uri(true), false, true),
        (|builder| builder.dangerous_disable_pkce(true), true, false),
        (
            |builder| builder.omit_redirect_uri(true).dangerous_disable_pkce(true),
            false,
            false,
        ),
    ];
    for (settings, has_redirect_uri, has_verifier) in cases {
        let gateway = MockGateway::builder().redirect_uri(format!("{ORIGIN}{CALLBACK}"));
        let app = App::at(gateway.start().await.unwrap(), settings);
        let mut browser = app.browser();
        let authorization = browser.start("/whoami").await;
        let asked = |name| query(&authorization, name).is_some();
        assert_eq!(asked("redirect_uri"), has_redirect_uri);
        assert_eq!(asked("code_challenge"), has_verifier);
        let callback = app.gateway.allow(&authorization).unwrap();
        let done = browser.open(&callback).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let sent = &app.gateway.requests(Endpoint::Token)[0];
        let names: Vec<_> = url::form_urlencoded::parse(sent.body())
            .map(|(name, _)| name.into_owned())
            .collect();
        let mut expected = vec!["grant_type", "code"];
        expected.extend(has_redirect_uri.then_some("redirect_uri"));
        expected.extend(has_verifier.then_some("code_verifier"));
        assert_eq!(names, expected);
    }
}

/// S42.
#[tokio::test]
async fn client_authenticates_once_and_by_the_header_for_a_code_and_for_a_refresh() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_some());
    let requests = app.gateway.requests(Endpoint::Token);
    assert_eq!(requests.len(), 2, "a code and a refresh token");
    for request in requests {
        let sent = request.headers().get_all("authorization").iter().count();
        assert_eq!(sent, 1);
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        assert!(!body.contains("client_secret") && !body.contains("client_assertion"));
        assert!(!body.contains(app.gateway.client_secret()));
        assert_eq!(request.uri().query(), None);
    }
}

/// S41.
#[tokio::test]
async fn credentials_are_encoded_once_or_sent_as_they_are() {
    for (raw, expected) in [
        (false, "a%3Ab+c:p%2B%25%2F%3D%C3%A9%26"),
        (true, "a:b c:p+%/=é&"),
    ] {
        let gateway = MockGateway::builder()
            .client("a:b c", "p+%/=é&")
            .start()
            .await
            .unwrap();
        let layer = builder(&gateway);
        let layer = if raw {
            layer.raw_client_credentials(true)
        } else {
            layer
        };
        let router = support::routes(&support::Hits::default()).layer(layer.build().unwrap());
        let app = App::mounted(router, gateway);
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        browser.open(&callback).await;
        let sent = &app.gateway.requests(Endpoint::Token)[0];
        let pair = sent.headers()["authorization"].to_str().unwrap()[6..].to_owned();
        assert_eq!(BASE64_STANDARD.decode(pair).unwrap(), expected.as_bytes());
    }
}

/// S52.
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

/// S48, S49.
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

/// S55, S56.
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

/// S55.
#[tokio::test]
async fn used_code_offers_another_login_and_a_refused_client_alarms_the_operator() {
    for (answer, status, level) in [
        (
            Answer::json(
                400,
                r#"{"error":"invalid_grant","error_description":"canary"}"#,
            ),
            StatusCode::BAD_REQUEST,
            "INFO",
        ),
        (
            Answer::json(
                400,
                r#"{"ErrorCode":"invalid_request","Error":"Invalid Authorization Code canary"}"#,
            ),
            StatusCode::BAD_REQUEST,
            "INFO",
        ),
        (
            Answer::json(401, r#"{"error":"invalid_client","x":"canary"}"#),
            StatusCode::BAD_GATEWAY,
            "ERROR",
        ),
        (
            Answer::json(
                401,
                r#"{"ErrorCode":"invalid_client","Error":"ClientId canary is Invalid"}"#,
            ),
            StatusCode::BAD_GATEWAY,
            "ERROR",
        ),
        (
            Answer::json(
                401,
                r#"{"fault":{"faultstring":"canary","detail":{"errorcode":"canary"}}}"#,
            ),
            StatusCode::BAD_GATEWAY,
            "ERROR",
        ),
    ] {
        let (log, _guard) = capture();
        let app = App::start().await;
        app.gateway.answer_next(Endpoint::Token, answer);
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        let page = browser.open(&callback).await;
        assert_eq!(page.status, status);
        let restart = "href=\"/telenor/login?return_to=%2Fwhoami\"";
        assert!(page.body.contains(restart), "{}", page.body);
        assert!(!page.body.contains("canary") && !log.text().contains("canary"));
        assert_eq!(log.lines(level, &["login failed"]).len(), 1);
    }
}

/// S43.
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

/// S47.
#[tokio::test]
async fn code_is_sent_twice_only_over_a_kept_connection_that_broke() {
    let app = App::start().await;
    assert_eq!(
        ends_with(&app, Answer::Reset).await,
        StatusCode::BAD_GATEWAY
    );
    assert_eq!(app.token_requests(), 1);
    app.signed_in().await;
    assert_eq!(ends_with(&app, Answer::Reset).await, StatusCode::SEE_OTHER);
    assert_eq!(app.token_requests(), 4);
    app.gateway.answer_always(Endpoint::Token, Answer::Reset);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let failed = browser.open(&callback).await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    assert_eq!(app.token_requests(), 6);
}

/// This test takes real time: the timeouts of the HTTP client follow the real clock.
///
/// S45.
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

/// S56.
#[tokio::test]
async fn unreachable_gateway_leaves_the_login_usable() {
    // The port was free a moment ago. The gateway listens on it only later.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = MockGateway::start().await.unwrap();
    let layer = builder(&gateway).gateway(format!("http://{address}"));
    drop(listener);
    let router = support::routes(&support::Hits::default()).layer(layer.build().unwrap());
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

/// S54.
#[tokio::test]
async fn token_lifetime_counts_from_before_the_request() {
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
        "40 seconds less a leeway of 30 have passed"
    );
}

/// S58.
#[tokio::test]
async fn unknown_members_and_refresh_tokens_are_not_kept() {
    let app = App::with(|builder| {
        let keys = support::keys(1);
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
        "the refresh token of 3000 bytes is not in it"
    );
}

/// S60.
#[tokio::test]
async fn granted_scope_reaches_the_handler() {
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
