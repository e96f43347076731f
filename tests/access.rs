//! Who gets in, who is told what, and where in an app the layer can stand.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::sync::atomic::Ordering;

use axum::{
    Extension, Json, Router,
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get, post},
};
use common::{App, Hits, ORIGIN, builder, navigation, request};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use telenor_auth::{
    ApiError, PlainHttp, RouterExt, TelenorAuthLayer, TelenorUser,
    mock::{Answer as Scripted, Endpoint, MockGateway},
};
use tower::{Layer, ServiceExt};

// --- who is sent to log in

#[tokio::test]
async fn only_a_person_who_opens_a_page_is_sent_away() {
    let app = App::start().await;
    let fetch = |mode, dest| {
        vec![
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
            ("accept", "*/*"),
        ]
    };
    for (what, method, headers, status) in [
        ("image", Method::GET, fetch("no-cors", "image"), 401),
        ("fetch", Method::GET, fetch("cors", "empty"), 401),
        (
            "fetch of html",
            Method::GET,
            vec![
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-dest", "empty"),
                ("accept", "text/html"),
            ],
            401,
        ),
        ("frame", Method::GET, fetch("navigate", "iframe"), 401),
        (
            "service worker",
            Method::GET,
            fetch("same-origin", "serviceworker"),
            401,
        ),
        ("manifest", Method::GET, fetch("cors", "manifest"), 401),
        (
            "event stream",
            Method::GET,
            vec![("accept", "text/event-stream")],
            401,
        ),
        ("curl", Method::GET, vec![("accept", "*/*")], 401),
        (
            "json",
            Method::GET,
            vec![("accept", "application/json")],
            401,
        ),
        (
            "ajax",
            Method::GET,
            vec![
                ("accept", "text/html"),
                ("x-requested-with", "XMLHttpRequest"),
            ],
            401,
        ),
        ("nothing said", Method::GET, vec![], 401),
        ("head", Method::HEAD, vec![("accept", "text/html")], 401),
        ("put", Method::PUT, vec![("accept", "text/html")], 401),
        (
            "websocket",
            Method::GET,
            vec![
                ("upgrade", "websocket"),
                ("connection", "upgrade"),
                ("accept", "text/html"),
            ],
            401,
        ),
        (
            "preflight",
            Method::OPTIONS,
            vec![
                ("origin", "https://other.test"),
                ("access-control-request-method", "GET"),
            ],
            403,
        ),
        (
            "prefetch",
            Method::GET,
            vec![("sec-purpose", "prefetch"), ("accept", "text/html")],
            503,
        ),
        (
            "prerender",
            Method::GET,
            vec![
                ("sec-purpose", "prefetch;prerender"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            503,
        ),
        (
            "old prefetch",
            Method::GET,
            vec![("x-moz", "prefetch"), ("accept", "text/html")],
            503,
        ),
    ] {
        let answer = app
            .browser()
            .send(request(method, "/private", &headers))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{what}");
        assert_eq!(answer.set_cookies(), [""; 0], "{what} gets no cookie");
        assert_eq!(
            answer.header("location"),
            None,
            "{what} is not sent anywhere"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert!(
            !answer.body.contains("/oauth/"),
            "{what} is not told the gateway"
        );
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{what}"
        );
        if status == 401 {
            let scheme = answer
                .header("www-authenticate")
                .expect("401 names a scheme");
            assert!(
                !scheme.to_ascii_lowercase().contains("basic"),
                "no password box for {what}"
            );
        }
    }
    assert_eq!(app.hits(), 0);
    let old_browser = request(
        Method::GET,
        "/private",
        &[("accept", "text/html,*/*;q=0.8")],
    );
    assert_eq!(
        app.browser().send(old_browser).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        app.browser().open("/private").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn script_is_told_where_to_log_in() {
    let app = App::start().await;
    let script = request(
        Method::GET,
        "/private",
        &[("accept", "application/json"), ("accept-language", "en")],
    );
    let answer = app.browser().send(script).await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["cause"], "login_required");
    assert_eq!(problem["login"], format!("{ORIGIN}/telenor/login"));
    assert!(
        problem["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty())
    );
}

#[tokio::test]
async fn form_without_a_session_is_neither_kept_nor_repeated() {
    let app = App::start().await;
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let mut form = navigation("/private");
        *form.method_mut() = method.clone();
        *form.body_mut() = "card=canary".into();
        let answer = app.browser().send(form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method}");
        assert_eq!(answer.header("location"), None);
    }
    let post = |referer: &str| {
        let mut form = navigation("/form");
        *form.method_mut() = Method::POST;
        *form.body_mut() = "card=canary".into();
        form.headers_mut()
            .insert("referer", referer.parse().unwrap());
        form
    };
    for (referer, back) in [
        (
            format!("{ORIGIN}/private?step=2"),
            "return_to=%2Fprivate%3Fstep%3D2",
        ),
        ("https://app.test.evil.test/x".to_owned(), "return_to=%2F\""),
        (format!("{ORIGIN}//evil.test/"), "return_to=%2F\""),
        ("rubbish".to_owned(), "return_to=%2F\""),
    ] {
        let mut browser = app.browser();
        let answer = browser.send(post(&referer)).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "the answer to a form is a page that can be reloaded"
        );
        assert!(
            answer.location().starts_with(ORIGIN),
            "a page of ours, and not the gateway"
        );
        assert!(answer.set_cookies().is_empty() && !answer.location().contains("canary"));
        let page = browser.open(&answer.location()).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert!(page.body.contains("form_not_sent"));
        assert!(page.body.contains(back), "{referer}: {}", page.body);
    }
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn htmx_is_told_to_open_the_login_page() {
    let app = App::start().await;
    let htmx: &[_] = &[
        ("hx-request", "true"),
        ("hx-current-url", "https://app.test/private?step=2"),
        ("sec-fetch-mode", "cors"),
        ("accept", "text/html"),
    ];
    for method in [Method::GET, Method::POST] {
        let answer = app
            .browser()
            .send(request(method, "/private/row", htmx))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let login = answer.header("hx-redirect");
        assert_eq!(
            login,
            Some("https://app.test/telenor/login?return_to=%2Fprivate%3Fstep%3D2")
        );
        assert_eq!(
            (answer.header("location"), answer.set_cookies().len()),
            (None, 0)
        );
    }
    let foreign: &[_] = &[
        ("hx-request", "true"),
        ("hx-current-url", "https://evil.test/"),
    ];
    let answer = app
        .browser()
        .send(request(Method::GET, "/private", foreign))
        .await;
    assert_eq!(
        answer.header("hx-redirect"),
        Some("https://app.test/telenor/login?return_to=%2F")
    );
}

#[tokio::test]
async fn office_gets_a_page_and_no_login_of_its_own() {
    let app = App::start().await;
    for agent in [
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "Microsoft Office Word 2014",
    ] {
        for accept in ["*/*", "text/html"] {
            let office = request(
                Method::GET,
                "/private?n=1",
                &[("user-agent", agent), ("accept", accept)],
            );
            let answer = app.browser().send(office).await;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "an error would be taken for a broken link"
            );
            assert_eq!(
                (answer.header("location"), answer.set_cookies().len()),
                (None, 0)
            );
            assert!(answer.body.contains("return_to=%2Fprivate%3Fn%3D1"));
        }
        let probe = request(Method::HEAD, "/private", &[("user-agent", agent)]);
        assert_eq!(
            app.browser().send(probe).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn headers_that_claim_a_number_reach_no_handler() {
    async fn headers(headers: http::HeaderMap) -> String {
        format!("{headers:?}")
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = common::routes(&Hits::default()).route("/headers", get(headers));
    let app = App::mounted(
        router.layer(builder(&gateway).optional(true).build().unwrap()),
        gateway,
    );
    for mut browser in [app.browser(), app.signed_in().await] {
        let mut sent = navigation("/headers");
        for name in [
            "x-msisdn",
            "msisdn",
            "X_MSISDN",
            "x-up-calling-line-id",
            "x-nokia-msisdn",
        ] {
            let name: HeaderName = name.parse().unwrap();
            sent.headers_mut()
                .insert(name, HeaderValue::from_static("4791234567"));
        }
        let page = browser.send(sent).await;
        assert!(!page.body.contains("4791234567"), "{}", page.body);
        assert!(page.body.contains("text/html"), "the others are there");
    }
}

#[tokio::test]
async fn no_path_query_header_or_agent_opens_a_guarded_route() {
    let app = App::start().await;
    for target in [
        "/private",
        "/private?x=/telenor/session",
        "/private/x.css",
        "/telenor/../private",
        "/telenor/session/../../private",
        "/telenor%2f..%2fprivate",
        "//private",
        "/PRIVATE",
        "/telenor/session/",
        "/health",
        "/favicon.ico",
    ] {
        let mut nav = navigation(target);
        for (name, value) in [
            ("x-forwarded-uri", "/telenor/session"),
            ("x-original-url", "/telenor/session"),
            ("x-forwarded-user", "kari"),
            ("x-auth-request-user", "kari"),
            ("authorization", "Bearer abc"),
            ("user-agent", "kube-probe/1.30"),
        ] {
            nav.headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let answer = app.browser().send(nav).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{target}");
    }
    assert_eq!(app.hits(), 0);
}

// --- optional

#[tokio::test]
async fn optional_layer_leaves_policy_to_the_handlers() {
    let app = App::with(|builder| builder.optional(true)).await;
    let mut browser = app.browser();
    assert_eq!(browser.open("/perhaps").await.body, "anonymous");
    assert_eq!(browser.open("/private").await.body, "handler");
    assert_eq!(browser.open("/nowhere").await.status, StatusCode::NOT_FOUND);
    let hits = app.hits();
    let script = request(Method::GET, "/whoami", &[("accept", "*/*")]);
    assert_eq!(browser.send(script).await.status, StatusCode::UNAUTHORIZED);
    let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
    assert_eq!(app.hits(), hits, "the handler did not run");
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?a=1"));
    assert_eq!(browser.open("/perhaps").await.body, "user");
}

#[tokio::test]
async fn optional_user_is_none_for_anything_invalid() {
    let app = App::with(|builder| builder.optional(true)).await;
    for cookies in [
        "__Host-telenor-session=rubbish",
        "__Host-telenor-session=",
        "__Host-telenor-session=a; __Host-telenor-session=b",
        "telenor-session=a",
    ] {
        let mut nav = navigation("/perhaps");
        nav.headers_mut()
            .insert(header::COOKIE, HeaderValue::from_static(cookies));
        nav.headers_mut()
            .insert("x-msisdn", HeaderValue::from_static("4791234567"));
        assert_eq!(app.browser().send(nav).await.body, "anonymous", "{cookies}");
    }
}

#[tokio::test]
async fn handler_without_a_layer_is_not_run() {
    let hits = Hits::default();
    let app = App::mounted(common::routes(&hits), MockGateway::start().await.unwrap());
    for target in ["/whoami", "/perhaps"] {
        let answer = app.browser().open(target).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.body.contains("TelenorAuthLayer"));
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn debug_of_a_user_shows_no_token() {
    async fn shown(user: TelenorUser) -> String {
        format!("{user:?} {:?} {:#?}", user.access_token(), Some(&user))
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = Router::new().route("/shown", get(shown)).route(
        "/whoami",
        get(async |user: TelenorUser| user.access_token().secret().to_owned()),
    );
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let page = browser.open("/shown").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains(&token));
}

// --- answers

#[tokio::test]
async fn every_answer_of_the_layer_is_uncached_and_tells_no_referrer() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let denied = app.gateway.deny(&browser.start("/private").await).unwrap();
    let script: &[_] = &[("accept", "application/json")];
    let same_origin: &[_] = &[("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    for sent in [
        navigation("/private"),
        navigation("/telenor/callback"),
        navigation("/telenor/login"),
        navigation("/telenor/logout"),
        navigation("/telenor/session"),
        navigation(&denied),
        request(Method::GET, "/private", script),
        request(Method::POST, "/private", same_origin),
        request(Method::POST, "/telenor/callback", same_origin),
        request(Method::POST, "/telenor/logout", script),
        navigation(&callback),
        navigation("/telenor/logout"),
        request(Method::POST, "/telenor/logout", same_origin),
    ] {
        let what = format!("{} {}", sent.method(), sent.uri());
        let answer = browser.send(sent).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{what}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{what}"
        );
        assert!(
            answer
                .header("vary")
                .is_some_and(|vary| vary.contains("Cookie")),
            "{what}"
        );
        assert_eq!(answer.header("strict-transport-security"), None, "{what}");
        if answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            let policy = answer.header("content-security-policy").expect(&what);
            for part in [
                "default-src 'none'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            ] {
                assert!(policy.contains(part), "{what}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{what}");
            assert_eq!(
                answer.header("content-type"),
                Some("text/html; charset=utf-8")
            );
            assert!(
                !answer.body.contains("<script") && !answer.body.contains(" style="),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn answers_of_handlers_are_private_unless_they_say_otherwise() {
    async fn public() -> Response {
        let headers = [
            (header::CACHE_CONTROL, "public, max-age=60"),
            (header::VARY, "Accept-Encoding"),
        ];
        (headers, "style").into_response()
    }
    async fn cookies() -> impl IntoResponse {
        (
            AppendHeaders([(header::SET_COOKIE, "a=1"), (header::SET_COOKIE, "b=2")]),
            "two",
        )
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = common::routes(&Hits::default())
        .route("/public.css", get(public))
        .route("/cookies", get(cookies))
        .route("/not-modified", get(async || StatusCode::NOT_MODIFIED));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    let private = browser.open("/private/x.css").await;
    assert_eq!(private.header("cache-control"), Some("private, no-store"));
    assert_eq!(private.header("vary"), Some("Cookie"));
    let public = browser.open("/public.css").await;
    assert_eq!(public.header("cache-control"), Some("public, max-age=60"));
    let vary: Vec<_> = public.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["Accept-Encoding", "Cookie"]);
    assert_eq!(browser.open("/cookies").await.set_cookies(), ["a=1", "b=2"]);
    for target in ["/private", "/public.css", "/not-modified"] {
        assert_eq!(
            browser.open(target).await.set_cookies(),
            [""; 0],
            "{target}"
        );
    }
}

#[tokio::test]
async fn cookies_of_a_handler_survive_next_to_the_layers() {
    async fn ends(user: TelenorUser) -> impl IntoResponse {
        let error: ApiError = user.info().await.unwrap_err();
        (
            AppendHeaders([
                (header::SET_COOKIE, "a=1; Path=/"),
                (header::SET_COOKIE, "b=2; Path=/"),
            ]),
            error,
        )
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = common::routes(&Hits::default()).route("/ends", get(ends));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::gateway_error(40106));
    let cookies = browser.open("/ends").await.set_cookies();
    assert_eq!(
        cookies.len(),
        3,
        "two of the handler's, and a new login: {cookies:?}"
    );
    assert!(
        cookies.iter().any(|line| line.starts_with("a=1"))
            && cookies.iter().any(|line| line.starts_with("b=2"))
    );
}

// --- plain http

#[tokio::test]
async fn plain_http_is_sent_to_https_with_no_look_at_cookies() {
    let hits = Hits::default();
    let gateway = MockGateway::start().await.unwrap();
    let https = common::routes(&hits).layer(builder(&gateway).build().unwrap());
    let http = https.clone().layer(Extension(PlainHttp));
    let app = App::mounted(https, gateway);
    let signed_in = app.signed_in().await;
    for jar in [vec![], signed_in.jar.clone()] {
        for target in [
            "/whoami?a=1",
            "/telenor/login",
            "/telenor/callback?code=a&state=b",
        ] {
            let mut browser = common::Browser {
                router: http.clone(),
                jar: jar.clone(),
            };
            let answer = browser.open(target).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            assert!(
                answer.location().starts_with("https://app.test/"),
                "{}",
                answer.location()
            );
            assert!(!answer.location().contains("code="));
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
        let mut browser = common::Browser {
            router: http.clone(),
            jar,
        };
        let script = request(Method::GET, "/whoami", &[("accept", "*/*")]);
        assert_eq!(browser.send(script).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn loopback_http_is_for_development_only() {
    let gateway = MockGateway::start().await.unwrap();
    for redirect_uri in [
        "http://127.0.0.1:3000/telenor/callback",
        "http://localhost:3000/telenor/callback",
    ] {
        let layer =
            TelenorAuthLayer::builder("id", "secret", redirect_uri).gateway(gateway.base_url());
        let app = common::routes(&Hits::default()).layer(layer.build().unwrap());
        let response = app.oneshot(navigation("/private")).await.unwrap();
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(
            cookie.starts_with("dev-telenor-login-") && !cookie.contains("Secure"),
            "{cookie}"
        );
    }
    for redirect_uri in [
        "http://shop.example/telenor/callback",
        "http://10.0.0.1/telenor/callback",
    ] {
        assert!(
            TelenorAuthLayer::builder("id", "secret", redirect_uri)
                .build()
                .is_err()
        );
    }
}

// --- where the layer stands

/// Walks a whole login through an app that is mounted in some way, to a guarded page.
async fn login_works(router: Router, gateway: MockGateway, target: &str) -> App {
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, target).await;
    let page = browser.follow(&callback).await;
    assert_eq!(page.status, StatusCode::OK, "{target}: {}", page.body);
    app
}

async fn user(_: TelenorUser) -> &'static str {
    "user"
}

fn guarded() -> Router {
    Router::new().route("/guarded", get(user))
}

fn nested(gateway: &MockGateway) -> telenor_auth::TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}/app/telenor/callback");
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
}

async fn gateway() -> MockGateway {
    MockGateway::start().await.unwrap()
}

#[tokio::test]
async fn layer_as_the_last_call_works() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let app = login_works(guarded().layer(auth), gateway, "/guarded").await;
    assert_eq!(
        app.browser().open("/nowhere").await.status,
        StatusCode::SEE_OTHER,
        "unknown paths are guarded too"
    );
}

#[tokio::test]
async fn layer_after_a_fallback_works() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = guarded().fallback(async || "fallback").layer(auth);
    login_works(router, gateway, "/guarded").await;
}

#[tokio::test]
async fn layer_before_a_fallback_never_sees_its_callback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let app = App::mounted(
        guarded()
            .layer(auth)
            .fallback(async || StatusCode::NOT_FOUND),
        gateway,
    );
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/guarded").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        browser.open("/guarded").await.status,
        StatusCode::SEE_OTHER,
        "and nobody gets in"
    );
}

#[tokio::test]
async fn bare_route_layer_never_sees_its_callback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    for router in [
        guarded().route_layer(auth.clone()),
        Router::new().route("/guarded", get(user).layer(auth.clone())),
        Router::new()
            .merge(guarded().layer(auth))
            .fallback(async || StatusCode::NOT_FOUND),
    ] {
        let mut browser = common::Browser {
            router,
            jar: Vec::new(),
        };
        let callback = browser.callback_url(&gateway, "/guarded").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.open("/guarded").await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn routes_added_after_the_layer_have_no_user() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let app = App::mounted(
        Router::new().layer(auth).route("/guarded", get(user)),
        gateway,
    );
    assert_eq!(
        app.browser().open("/guarded").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn layer_around_the_router_works_with_public_routes_outside() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = Router::new()
        .route("/public", get(async || "public"))
        .fallback_service(auth.layer(guarded()));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/public").await.body, "public");
}

#[tokio::test]
async fn layer_around_a_nested_service_works() {
    let gateway = gateway().await;
    let auth = nested(&gateway).build().unwrap();
    let router = Router::new().nest_service("/app", auth.layer(guarded()));
    login_works(router, gateway, "/app/guarded?a=1").await;
}

#[tokio::test]
async fn layer_nested_with_a_fallback_of_its_own_works() {
    let gateway = gateway().await;
    let auth = nested(&gateway).build().unwrap();
    let inner = guarded()
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(auth);
    login_works(Router::new().nest("/app", inner), gateway, "/app/guarded").await;
}

#[tokio::test]
async fn nested_layer_whose_callback_is_outside_says_so() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    for router in [
        Router::new().nest("/app", guarded().layer(auth.clone())),
        Router::new().nest_service("/app", auth.layer(guarded())),
        Router::new().nest("/app", guarded().telenor_auth(auth.clone())),
    ] {
        let mut browser = common::Browser {
            router,
            jar: Vec::new(),
        };
        let answer = browser.open("/app/guarded").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
}

#[tokio::test]
async fn registered_callback_works_with_any_layer_and_a_later_fallback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let own = || guarded().route("/telenor/callback", get(async || StatusCode::NOT_FOUND));
    let app = login_works(
        own().layer(auth.clone()).fallback(async || "late"),
        gateway,
        "/guarded",
    )
    .await;
    login_works(
        own().route_layer(auth).fallback(async || "late"),
        app.gateway,
        "/guarded",
    )
    .await;
}

#[tokio::test]
async fn extension_guards_routes_and_leaves_unknown_paths_alone() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = guarded()
        .telenor_auth(auth)
        .route("/public", get(async || "public"));
    let app = login_works(router, gateway, "/guarded").await;
    let mut browser = app.browser();
    assert_eq!(browser.open("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.open("/public").await.body, "public");
    for own in ["/telenor/login", "/telenor/session", "/telenor/logout"] {
        assert_ne!(
            browser.open(own).await.status,
            StatusCode::NOT_FOUND,
            "{own}"
        );
    }
}

#[tokio::test]
async fn extension_works_with_a_later_fallback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = guarded()
        .telenor_auth(auth)
        .fallback(async || (StatusCode::NOT_FOUND, "mine"));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/nowhere").await.body, "mine");
}

#[tokio::test]
async fn extension_works_on_a_router_that_is_merged() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = Router::new()
        .route("/public", get(async || "public"))
        .fallback(async || (StatusCode::NOT_FOUND, "outer"))
        .merge(guarded().telenor_auth(auth));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/public").await.body, "public");
    assert_eq!(app.browser().open("/nowhere").await.body, "outer");
}

#[tokio::test]
async fn extension_works_on_a_router_that_is_nested() {
    let gateway = gateway().await;
    let auth = nested(&gateway).nested_at("/app").build().unwrap();
    let router = Router::new()
        .route("/public", get(async || "public"))
        .nest("/app", guarded().telenor_auth(auth));
    let app = login_works(router, gateway, "/app/guarded?a=1").await;
    assert_eq!(
        app.browser().open("/app/nowhere").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn extension_that_is_nested_unawares_says_so() {
    let gateway = gateway().await;
    let auth = nested(&gateway).build().unwrap();
    let app = App::mounted(
        Router::new().nest("/app", guarded().telenor_auth(auth)),
        gateway,
    );
    assert_eq!(
        app.browser().open("/app/guarded").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn user_in_a_nested_handler_returns_to_the_whole_path() {
    let gateway = gateway().await;
    let auth = builder(&gateway).optional(true).build().unwrap();
    let router = Router::new().nest("/shop", guarded()).layer(auth);
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let callback = browser
        .callback_url(&app.gateway, "/shop/guarded?a=1")
        .await;
    assert_eq!(
        browser.open(&callback).await.location(),
        format!("{ORIGIN}/shop/guarded?a=1")
    );
}

#[tokio::test]
async fn layers_that_change_the_body_may_stand_inside() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let inner = tower::service_fn(async |_: http::Request<axum::body::Body>| {
        Ok::<_, std::convert::Infallible>(http::Response::new("a body of another type".to_owned()))
    });
    let app = Router::new().fallback_service(auth.layer(inner));
    login_works(app, gateway, "/anything").await;
}

#[tokio::test]
async fn bodies_and_extensions_reach_the_handler_untouched() {
    async fn echo(
        _: TelenorUser,
        Extension(number): Extension<u8>,
        Json(body): Json<Vec<u8>>,
    ) -> String {
        format!("{number} {body:?}")
    }
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = common::routes(&Hits::default())
        .route("/echo", post(echo))
        .layer(auth)
        .layer(Extension(7_u8));
    let app = App::mounted(router, gateway);
    let mut browser = app.signed_in().await;
    let mut sent = request(
        Method::POST,
        "/echo",
        &[("content-type", "application/json")],
    );
    *sent.body_mut() = "[1,2]".into();
    sent.headers_mut().insert(
        HeaderName::from_static("x-mine"),
        HeaderValue::from_static("1"),
    );
    assert_eq!(browser.send(sent).await.body, "7 [1, 2]");
}
