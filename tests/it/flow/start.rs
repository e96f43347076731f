//! The redirect to the gateway, and the route that starts a login.

use std::collections::HashSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use telenor_auth::{
    TelenorAuthLayer,
    mock::{Endpoint, MockGateway},
};

use crate::support::{
    App, Browser, CALLBACK, ORIGIN, capture::capture, navigation, query,
    random::assert_independent_bits, request, routes, state_of,
};

/// S1, S2.
#[tokio::test]
async fn challenge_is_a_303_with_every_parameter_once() {
    let app = App::with(|builder| builder.scope("a b&c+å".replace('å', "d"))).await;
    let answer = app.browser().open("/private").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.body, "");
    let location = answer.location();
    assert!(location.starts_with(&format!("{}/oauth/v2/authorize?", app.gateway.base_url())));
    let url = url::Url::parse(&location).unwrap();
    let names: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let distinct: HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert_eq!(query(&location, "response_type").as_deref(), Some("code"));
    assert_eq!(
        query(&location, "client_id").as_deref(),
        Some(app.gateway.client_id())
    );
    assert_eq!(
        query(&location, "redirect_uri"),
        Some(format!("{ORIGIN}{CALLBACK}"))
    );
    assert_eq!(query(&location, "scope").as_deref(), Some("a b&c+d"));
    assert_eq!(
        query(&location, "code_challenge_method").as_deref(),
        Some("S256")
    );
    assert_eq!(query(&location, "code_challenge").unwrap().len(), 43);
    assert_eq!(state_of(&location).len(), 22);
}

/// S3, S107.
#[tokio::test]
async fn request_does_not_change_the_redirect_uri() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut nav = navigation("/private");
    for (name, value) in [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.test;proto=http"),
    ] {
        nav.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = browser.send(nav).await;
    let configured = Some(format!("{ORIGIN}{CALLBACK}"));
    assert_eq!(query(&answer.location(), "redirect_uri"), configured);
    assert!(
        answer.set_cookies()[0].starts_with("__Host-"),
        "the cookie keeps its secure prefix"
    );

    let mut absolute = navigation("/private");
    *absolute.uri_mut() = "http://evil.test/private".parse().unwrap();
    let location = browser.send(absolute).await.location();
    assert_eq!(query(&location, "redirect_uri"), configured);
    let callback = app.gateway.allow(&location).unwrap();
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/private"));
    assert_eq!(
        app.gateway.requests(Endpoint::Token)[0].form("redirect_uri"),
        configured
    );
}

/// A client can send them as well as a proxy.
///
/// S107.
#[tokio::test]
async fn forwarded_headers_count_for_nothing() {
    let (log, guard) = capture();
    let app = App::with(|builder| builder.http_start("http://start.app.test")).await;
    let mut browser = app.browser();
    let mut open = async |target: &str| {
        let mut nav = navigation(target);
        for (name, value) in [
            ("x-forwarded-host", "start.app.test"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-port", "80"),
            ("x-forwarded-prefix", "/evil"),
            ("x-original-url", "/evil"),
            ("forwarded", "host=start.app.test;proto=http"),
        ] {
            nav.headers_mut().insert(name, value.parse().unwrap());
        }
        browser.send(nav).await
    };
    let begun = open("/whoami").await;
    let start = begun.location();
    let page = open(start.strip_prefix("http://start.app.test").unwrap()).await;
    let (_, link) = page.body.split_once("id=\"continue\" href=\"").unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    let authorization = open(&link).await.location();
    let done = open(&app.gateway.allow(&authorization).unwrap()).await;
    assert_eq!(done.location(), format!("{ORIGIN}/whoami"));
    for line in [begun.set_cookies(), done.set_cookies()].concat() {
        assert!(
            line.starts_with("__Host-") && line.contains("; Secure;"),
            "{line}"
        );
    }
    assert_eq!(open("/whoami").await.status, StatusCode::OK);
    drop(guard);
    assert!(!log.text().contains("evil") && log.lines("WARN", &["start.app.test"]).is_empty());
}

/// S2.
#[tokio::test]
async fn redirect_uri_can_be_left_out() {
    let registered = MockGateway::builder().redirect_uri(format!("{ORIGIN}{CALLBACK}"));
    let gateway = registered.start().await.unwrap();
    let app = App::at(gateway, |builder| builder.omit_redirect_uri(true));
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    assert_eq!(query(&location, "redirect_uri"), None);
    let callback = app.gateway.allow(&location).unwrap();
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    let sent = &app.gateway.requests(Endpoint::Token)[0];
    assert_eq!(sent.form("redirect_uri"), None, "in neither request");
}

/// S2.
#[tokio::test]
async fn every_value_in_the_request_is_encoded() {
    let redirect_uri = format!("{ORIGIN}{CALLBACK}");
    let layer = TelenorAuthLayer::builder("id å&+=%", "secret", redirect_uri)
        .authorization_parameter("hint&", "a b&state=x");
    let router = routes(&Default::default()).layer(layer.build().unwrap());
    let mut browser = Browser {
        router,
        jar: Vec::new(),
    };
    let location = browser.start("/private").await;
    assert!(location.is_ascii() && !location.contains(' '));
    assert_eq!(query(&location, "client_id").as_deref(), Some("id å&+=%"));
    assert_eq!(query(&location, "hint&").as_deref(), Some("a b&state=x"));
    assert_eq!(location.matches("state=").count(), 1, "{location}");
}

/// As far as values show it: that they come from the generator of the system, they cannot.
/// S5.
#[tokio::test]
async fn state_is_128_random_bits_and_says_nothing() {
    let app = App::start().await;
    let mut states = HashSet::new();
    for at in 0..300 {
        let place = format!("/private?{}", "x".repeat(at % 7));
        states.insert(state_of(&app.browser().start(&place).await));
    }
    assert_eq!(states.len(), 300);
    let bytes = states.iter().map(|state| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(state).expect("safe in URLs");
        assert_eq!(bytes.len(), 16, "the same for every place");
        bytes
    });
    assert_independent_bits(&bytes.collect::<Vec<_>>());
}

/// S15.
#[tokio::test]
async fn verifier_is_256_random_bits_and_its_hash_alone_leaves() {
    let app = App::start().await;
    let mut challenges = Vec::new();
    for _ in 0..300 {
        let mut browser = app.browser();
        let location = browser.start("/private").await;
        challenges.push(query(&location, "code_challenge").unwrap());
        let callback = app.gateway.allow(&location).unwrap();
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }
    let sent = app.gateway.requests(Endpoint::Token);
    let verifiers = sent.iter().zip(&challenges).map(|(sent, challenge)| {
        let verifier = sent.form("code_verifier").unwrap();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        assert_eq!(*challenge, BASE64_URL_SAFE_NO_PAD.encode(hash));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(verifier).unwrap();
        assert_eq!(bytes.len(), 32);
        bytes
    });
    assert_independent_bits(&verifiers.collect::<Vec<_>>());
}

/// S15.
#[tokio::test]
async fn verifier_is_sent_only_in_the_token_request() {
    let app = App::start().await;
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    let (_, cookie) = browser.pending().remove(0);
    let callback = app.gateway.allow(&location).unwrap();
    browser.open(&callback).await;
    let sent = &app.gateway.requests(Endpoint::Token)[0];
    let verifier = sent.form("code_verifier").unwrap();
    assert!((43..=128).contains(&verifier.len()));
    assert!(!location.contains(&verifier) && !cookie.contains(&verifier));
}

/// S15.
#[tokio::test]
async fn pkce_can_be_turned_off() {
    let app = App::with(|builder| builder.dangerous_disable_pkce(true)).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    assert!(!callback.contains("code_challenge"));
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        app.gateway.requests(Endpoint::Token)[0].form("code_verifier"),
        None
    );
}

#[tokio::test]
async fn login_route_starts_a_login_for_a_safe_target() {
    let app = App::start().await;
    for (target, lands) in [
        (
            "/telenor/login?return_to=%2Fprivate%3Fn%3D1",
            "/private?n=1",
        ),
        ("/telenor/login", "/"),
        ("/telenor/login?return_to=https%3A%2F%2Fevil.test%2F", "/"),
        ("/telenor/login?return_to=%2F%2Fevil.test%2F", "/"),
        ("/telenor/login?return_to=%2Ftelenor%2Flogout", "/"),
        (
            "/telenor/login?return_to=%2Ftelenor%2Flogin%3Freturn_to%3D%2F",
            "/",
        ),
    ] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, target).await;
        let done = browser.open(&callback).await;
        assert_eq!(done.location(), format!("{ORIGIN}{lands}"), "{target}");
    }
}

#[tokio::test]
async fn login_route_refuses_scripts() {
    let app = App::start().await;
    for headers in [
        &[("accept", "*/*")][..],
        &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
    ] {
        let answer = app
            .browser()
            .send(request(Method::GET, "/telenor/login", headers))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
}

/// S22.
#[tokio::test]
async fn login_page_starts_nothing_before_its_button_is_pressed() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let mut browser = app.browser();
    let mut foreign = navigation("/private?n=1");
    foreign
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let page = browser.send(foreign).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        (page.header("location"), page.set_cookies().len()),
        (None, 0)
    );
    let button = "/telenor/login?return_to=%2Fprivate%3Fn%3D1";
    assert!(page.body.contains(button));

    for from in ["cross-site", "same-site", "none"] {
        let mut foreign = navigation(button);
        foreign
            .headers_mut()
            .insert("sec-fetch-site", from.parse().unwrap());
        assert_eq!(
            browser.send(foreign).await.header("location"),
            None,
            "{from}"
        );
    }
    let mut pressed = navigation(button);
    pressed
        .headers_mut()
        .insert("sec-fetch-site", "same-origin".parse().unwrap());
    assert_eq!(browser.send(pressed).await.status, StatusCode::SEE_OTHER);
}

over_http2! {
    challenge_is_a_303_with_every_parameter_once
    request_does_not_change_the_redirect_uri
    forwarded_headers_count_for_nothing
    redirect_uri_can_be_left_out
    verifier_is_sent_only_in_the_token_request
    pkce_can_be_turned_off
    login_route_starts_a_login_for_a_safe_target
    login_route_refuses_scripts
    login_page_starts_nothing_before_its_button_is_pressed
    every_value_in_the_request_is_encoded
}
