//! The app's words for a place: its path, and what lies below it.

use axum::Router;
use http::{HeaderValue, Method, StatusCode, header};
use telenor_auth::{
    Language, RouterExt, TelenorAuthBuilder, TelenorAuthLayer,
    mock::{Answer as Scripted, Endpoint, MockGateway},
};

use crate::support::{Answer, App, ORIGIN, capture::capture, navigation, request, routes};

/// Two places, one below the other, and words for the app as a whole.
fn words(builder: TelenorAuthBuilder) -> TelenorAuthBuilder {
    builder
        .purpose(Language::Bokmal, "hente alt")
        .purpose(Language::English, "get everything")
        .continue_without("/open")
        .purpose_at("/private", Language::Bokmal, "fylle ut adressen")
        .purpose_at("/private/name/", Language::Bokmal, "vise navnet")
        .continue_without_at("/private", "/manual-form")
}

#[track_caller]
fn assert_words(page: &Answer, purpose: &str, way_out: &str) {
    for words in ["hente alt", "fylle ut adressen", "vise navnet"] {
        assert_eq!(
            page.body.contains(words),
            words == purpose,
            "{words} in {}",
            page.body
        );
    }
    for target in ["/open", "/manual-form"] {
        let link = format!("href=\"{target}\"");
        assert_eq!(
            page.body.contains(&link),
            target == way_out,
            "{target} in {}",
            page.body
        );
    }
}

#[tokio::test]
async fn failed_login_has_the_words_of_the_place_it_leads_to() {
    let app = App::with(words).await;
    for (target, purpose, way_out) in [
        ("/whoami", "hente alt", "/open"),
        ("/private-old", "hente alt", "/open"),
        ("/private", "fylle ut adressen", "/manual-form"),
        (
            "/private/?next=/whoami",
            "fylle ut adressen",
            "/manual-form",
        ),
        ("/%70rivate/x", "fylle ut adressen", "/manual-form"),
        ("/x/../private", "fylle ut adressen", "/manual-form"),
        ("/private/name", "vise navnet", "/manual-form"),
        ("/private/name/x/y", "vise navnet", "/manual-form"),
        ("/private/name-old", "fylle ut adressen", "/manual-form"),
    ] {
        let mut browser = app.browser();
        let denied = app.gateway.deny(&browser.start(target).await).unwrap();
        assert_words(&browser.open(&denied).await, purpose, way_out);
        // By a button of the app.
        let query: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
        let login = format!("/telenor/login?return_to={query}");
        let denied = app.gateway.deny(&browser.start(&login).await).unwrap();
        assert_words(&browser.open(&denied).await, purpose, way_out);
    }
}

#[tokio::test]
async fn each_page_has_the_words_of_the_place_it_concerns() {
    let app = App::with(|builder| words(builder).login_page(true)).await;
    let frame = |target: &str| {
        let mut request = navigation(target);
        let frame = HeaderValue::from_static("iframe");
        request.headers_mut().insert("sec-fetch-dest", frame);
        request
    };
    let ahead = |target: &str| {
        let mut request = navigation(target);
        let prefetch = HeaderValue::from_static("prefetch");
        request.headers_mut().insert("sec-purpose", prefetch);
        request
    };
    let login = "/telenor/login?return_to=%2Fprivate%2Fname%3Fa%3D1";
    for (what, request, status) in [
        (
            "login page",
            navigation("/private/name?a=1"),
            StatusCode::OK,
        ),
        (
            "page in a frame",
            frame("/private/name"),
            StatusCode::UNAUTHORIZED,
        ),
        ("login route", frame(login), StatusCode::UNAUTHORIZED),
        (
            "login page that asks first",
            navigation(&format!("{login}&ask=first")),
            StatusCode::OK,
        ),
    ] {
        let page = app.browser().send(request).await;
        assert_eq!(page.status, status, "{what}");
        assert_words(&page, "vise navnet", "/manual-form");
    }
    // Their pages have no purpose, and lead on without a login.
    for (what, request) in [
        ("lost form", navigation(&format!("{login}&form=not-sent"))),
        ("page loaded ahead", ahead("/private/name")),
        ("login route loaded ahead", ahead(login)),
    ] {
        let page = app.browser().send(request).await;
        assert!(
            page.body.contains("href=\"/manual-form\""),
            "{what}: {}",
            page.body
        );
    }
}

#[tokio::test]
async fn error_without_a_state_concerns_the_newest_login() {
    let app = App::with(words).await;
    let mut browser = app.browser();
    browser.start("/whoami").await;
    app.clock.advance(std::time::Duration::from_secs(2));
    browser.start("/private/name").await;
    app.clock.advance(std::time::Duration::from_secs(2));
    let page = browser.open("/telenor/callback?error=access_denied").await;
    assert_words(&page, "vise navnet", "/manual-form");
    assert!(
        page.body.contains("return_to=%2Fprivate%2Fname"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn failed_exchange_and_failed_call_have_the_words_of_their_place() {
    let app =
        App::with(|builder| words(builder).purpose_at("/name", Language::Bokmal, "vise navnet"))
            .await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private/x").await;
    let busy = Scripted::status(429);
    app.gateway.answer_next(Endpoint::Token, busy);
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_words(&page, "fylle ut adressen", "/manual-form");

    let mut browser = app.signed_in().await;
    let failing = Scripted::status(503);
    app.gateway.answer_always(Endpoint::UserInfo, failing);
    assert_words(&browser.open("/name?n=1").await, "vise navnet", "/open");
    let mut form = navigation("/name");
    *form.method_mut() = Method::POST;
    let referer = format!("{ORIGIN}/private?step=2").parse().unwrap();
    form.headers_mut().insert(header::REFERER, referer);
    let page = browser.send(form).await;
    assert_words(&page, "fylle ut adressen", "/manual-form");
}

#[tokio::test]
async fn place_without_words_in_a_language_has_those_of_the_app() {
    let app = App::with(words).await;
    let mut browser = app.browser();
    let denied = app.gateway.deny(&browser.start("/private").await).unwrap();
    let mut callback = navigation(&denied);
    let english = HeaderValue::from_static("en");
    callback
        .headers_mut()
        .insert(header::ACCEPT_LANGUAGE, english);
    let page = browser.send(callback).await;
    assert!(page.body.contains("get everything"), "{}", page.body);
    assert!(page.body.contains("href=\"/manual-form\""));
}

#[tokio::test]
async fn places_are_paths_of_the_app_behind_a_proxy_that_takes_a_prefix_away() {
    let gateway = MockGateway::start().await.unwrap();
    let uri = format!("{ORIGIN}/kunde/telenor/callback");
    let layer = TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), uri);
    let layer = words(layer.gateway(gateway.base_url())).stripped_prefix("/kunde");
    let router = routes(&Default::default()).layer(layer.build().unwrap());
    let app = App::mounted(router, gateway);
    for (target, purpose) in [
        ("/private/x", "fylle ut adressen"),
        ("/whoami", "hente alt"),
    ] {
        let mut browser = app.browser();
        let denied = app.gateway.deny(&browser.start(target).await).unwrap();
        let received = denied.replace("/kunde", "");
        let page = browser.open(&received).await;
        assert!(page.body.contains(purpose), "{target}: {}", page.body);
        let way_out = page.body.contains("href=\"/kunde/manual-form\"");
        assert_eq!(way_out, target == "/private/x", "{}", page.body);
    }
}

#[tokio::test]
async fn places_have_the_path_at_which_the_router_is_nested() {
    let gateway = MockGateway::start().await.unwrap();
    let uri = format!("{ORIGIN}/app/telenor/callback");
    let layer = TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), uri);
    let layer = layer
        .gateway(gateway.base_url())
        .nested_at("/app")
        .purpose(Language::Bokmal, "hente alt")
        .purpose_at("/app/private", Language::Bokmal, "fylle ut adressen")
        // The router receives this path, and the app does not.
        .purpose_at("/whoami", Language::Bokmal, "vise navnet")
        .continue_without("/open")
        .continue_without_at("/app/private", "/manual-form");
    let routes = routes(&Default::default()).telenor_auth(layer.build().unwrap());
    let app = App::mounted(Router::new().nest("/app", routes), gateway);
    for (target, purpose, way_out) in [
        ("/app/private/x", "fylle ut adressen", "/manual-form"),
        ("/app/whoami", "hente alt", "/open"),
    ] {
        let mut browser = app.browser();
        let denied = app.gateway.deny(&browser.start(target).await).unwrap();
        assert_words(&browser.open(&denied).await, purpose, way_out);
    }
}

#[tokio::test]
async fn guarded_way_out_of_a_place_is_reported() {
    let (log, _guard) = capture();
    let app = App::with(|builder| {
        builder
            .continue_without("/open")
            .continue_without_at("/whoami", "/private")
    })
    .await;
    let page = app.browser().open("/private?a=1").await;
    assert_eq!(page.status, StatusCode::OK, "it starts no login by itself");
    let lines = log.lines("WARN", &["continue_without_at", "/private"]);
    assert_eq!(lines.len(), 1, "{}", log.text());
}

#[tokio::test]
async fn script_gets_no_words_that_are_for_a_page() {
    let app = App::with(words).await;
    let script = request(Method::GET, "/private", &[("accept", "*/*")]);
    let answer = app.browser().send(script).await;
    assert!(!answer.body.contains("fylle ut"), "{}", answer.body);
}

#[tokio::test]
async fn login_without_room_for_its_address_keeps_the_words_of_its_place() {
    let app = App::with(words).await;
    let mut browser = app.browser();
    let long = |n: u8| format!("/private/name/{n}?{}", "x".repeat(900));
    let mut started = Vec::new();
    for n in 0..5 {
        started.push(browser.start(&long(n)).await);
    }
    let mut without_room = 0;
    for url in started {
        let page = browser.open(&app.gateway.deny(&url).unwrap()).await;
        assert_words(&page, "vise navnet", "/manual-form");
        without_room += usize::from(page.body.contains("return_to=%2F\""));
    }
    assert!(without_room > 0, "some of them lead home");
}
