//! What a proxy in front of the app changes: the path, the host, and what is said about it.

use axum::{Router, extract::OriginalUri, routing::get};
use http::{HeaderValue, Method, Request, StatusCode};
use telenor_auth::{
    RouterExt, TelenorAuthBuilder, TelenorAuthLayer, TelenorLogin, TelenorUser, mock::MockGateway,
};
use tower::{Layer, ServiceExt};

use crate::support::{App, Browser, ORIGIN, builder, capture::capture, navigation, query, request};

const PREFIX: &str = "/kunde";

fn behind(gateway: &MockGateway) -> TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}{PREFIX}/telenor/callback");
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
        .stripped_prefix(PREFIX)
}

async fn user(user: TelenorUser) -> String {
    user.logout_path().to_owned()
}

fn guarded() -> Router {
    Router::new().route("/", get(user)).route("/sko", get(user))
}

/// A proxy that takes the prefix away, and knows no other path.
fn stripping(app: Router) -> Router {
    let service = tower::service_fn(move |mut request: Request<axum::body::Body>| {
        let app = app.clone();
        async move {
            let seen = request.uri().path_and_query().unwrap().as_str();
            let Some(rest) = seen.strip_prefix(PREFIX) else {
                let mut other = http::Response::new(axum::body::Body::from("another app"));
                *other.status_mut() = StatusCode::NOT_FOUND;
                return Ok(other);
            };
            let rest = if rest.starts_with('/') {
                rest.to_owned()
            } else {
                format!("/{rest}")
            };
            *request.uri_mut() = rest.parse().unwrap();
            // A proxy leaves nothing of the address that it received.
            request.extensions_mut().remove::<OriginalUri>();
            app.oneshot(request).await
        }
    });
    Router::new().fallback_service(service)
}

#[tokio::test]
async fn login_works_behind_a_proxy_that_takes_a_prefix_away() {
    let gateway = MockGateway::start().await.unwrap();
    let layer = || behind(&gateway).build().unwrap();
    for app in [
        guarded().layer(layer()),
        guarded().telenor_auth(layer()),
        Router::new().fallback_service(layer().layer(guarded())),
    ] {
        let mut browser = Browser {
            router: stripping(app),
            jar: Vec::new(),
        };
        let callback = browser.callback_url(&gateway, "/kunde/sko?a=1").await;
        assert!(callback.starts_with("https://app.test/kunde/telenor/callback?"));
        let done = browser.open(&callback).await;
        assert_eq!(done.location(), format!("{ORIGIN}/kunde/sko?a=1"));
        let page = browser.open(&done.location()).await;
        assert_eq!(page.body, "/kunde/telenor/logout", "links have the prefix");
    }
}

#[tokio::test]
async fn every_address_that_a_browser_gets_has_the_prefix() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = behind(&gateway)
        .home("/")
        .after_logout("/ute")
        .continue_without("/skjema")
        .build()
        .unwrap();
    let app = guarded().layer(auth).route("/ute", get(async || "ute"));
    let mut browser = Browser {
        router: stripping(app),
        jar: Vec::new(),
    };
    for stated in ["/kunde/sko", "/sko", "%2Fkunde%2Fsko"] {
        let login = browser
            .open(&format!("/kunde/telenor/login?return_to={stated}"))
            .await;
        let callback = gateway.allow(&login.location()).unwrap();
        let done = browser.open(&callback).await;
        assert_eq!(done.location(), format!("{ORIGIN}/kunde/sko"), "{stated}");
    }
    let script = request(Method::GET, "/kunde/telenor/session", &[]);
    let status = browser.send(script).await;
    assert!(
        status
            .body
            .contains("https://app.test/kunde/telenor/logout")
    );
    let page = browser.open("/kunde/telenor/logout").await;
    assert!(
        page.body.contains("action=\"/kunde/telenor/logout"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("href=\"/kunde/\""),
        "home: {}",
        page.body
    );
    let out = request(
        Method::POST,
        "/kunde/telenor/logout",
        &[("sec-fetch-site", "same-origin")],
    );
    assert_eq!(
        browser.send(out).await.location(),
        format!("{ORIGIN}/kunde/ute")
    );
    let failed = browser
        .open("/kunde/telenor/callback?error=x&state=y")
        .await;
    assert!(
        failed.body.contains("href=\"/kunde/skjema\""),
        "{}",
        failed.body
    );
    let script = request(Method::GET, "/kunde/sko", &[("accept", "application/json")]);
    let problem = browser.send(script).await;
    assert!(
        problem
            .body
            .contains("https://app.test/kunde/telenor/login")
    );
    let htmx = &[
        ("hx-request", "true"),
        ("hx-current-url", "https://app.test/kunde/sko?x=1"),
    ];
    let part = browser.send(request(Method::GET, "/kunde/sko", htmx)).await;
    assert_eq!(
        part.header("hx-redirect"),
        Some("https://app.test/kunde/telenor/login?return_to=%2Fkunde%2Fsko%3Fx%3D1")
    );
}

#[test]
fn prefix_that_does_not_begin_the_redirect_uri_is_refused() {
    for prefix in ["/butikk", "kunde", "/kun", "/kunde/telenor/callback"] {
        let layer =
            TelenorAuthLayer::builder("id", "secret", "https://a.test/kunde/telenor/callback")
                .stripped_prefix(prefix)
                .build();
        let error = layer.unwrap_err();
        assert!(
            error.to_string().contains("stripped_prefix"),
            "{prefix}: {error}"
        );
    }
    let with_slash = TelenorAuthLayer::builder("id", "secret", "https://a.test/kunde/t/callback")
        .stripped_prefix("/kunde/")
        .build();
    assert!(with_slash.is_ok());
}

#[tokio::test]
async fn callback_that_went_astray_ends_on_one_page_with_one_error_line() {
    for optional in [false, true] {
        let app = App::with(|builder| builder.optional(optional)).await;
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
        let sent = callback.split_once('?').unwrap().1.to_owned();
        for path in [
            "/telenor/callback/",
            "//telenor/callback",
            "/telenor//callback",
            "/telenor/%63allback",
            "/TELENOR/callback",
            "/kunde/telenor/callback",
            "/callback",
            "/",
        ] {
            let (log, _guard) = capture();
            let answer = browser.clone().open(&format!("{path}?{sent}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(answer.body.contains("callback_astray"), "{}", answer.body);
            assert!(
                answer.body.contains("return_to=%2Fwhoami%3Fa%3D1"),
                "starts over there"
            );
            let lines = log.lines("ERROR", &[]);
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(
                lines[0].contains(path) && lines[0].contains("/telenor/callback"),
                "{lines:?}"
            );
            assert!(!log.text().contains(&query(&callback, "code").unwrap()));
        }
        assert_eq!(app.token_requests(), 0, "the code is not redeemed");
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn state_of_no_live_login_is_no_stray_callback() {
    let app = App::start().await;
    let (mut ours, mut other) = (app.browser(), app.browser());
    let callback = ours.callback_url(&app.gateway, "/private").await;
    let sent = callback.split_once('?').unwrap().1.to_owned();
    assert_eq!(
        other.open(&format!("/private?{sent}")).await.status,
        StatusCode::SEE_OTHER
    );
    for target in [
        "/private?state=abc&code=x",
        "/private?state=",
        "/private?code=1",
    ] {
        assert_eq!(
            ours.open(target).await.status,
            StatusCode::SEE_OTHER,
            "{target}"
        );
    }
}

#[tokio::test]
async fn callback_that_never_arrives_is_reported_once() {
    let gateway = MockGateway::start().await.unwrap();
    let mounts: [fn(TelenorAuthLayer) -> Router; 5] = [
        |auth| {
            guarded()
                .layer(auth)
                .fallback(async || StatusCode::NOT_FOUND)
        },
        |auth| guarded().layer(auth).merge(Router::new()),
        |auth| guarded().route_layer(auth),
        |auth| Router::new().route("/sko", get(user).layer(auth)),
        |auth| {
            guarded()
                .layer(auth)
                .merge(Router::new().fallback(async || "public"))
        },
    ];
    for mount in mounts {
        let (log, _guard) = capture();
        let router = mount(builder(&gateway).build().unwrap());
        for _ in 0..10 {
            let mut browser = Browser {
                router: router.clone(),
                jar: Vec::new(),
            };
            let callback = browser.callback_url(&gateway, "/sko").await;
            browser.open(&callback).await;
        }
        let lines = log.lines("WARN", &["/telenor/callback", "Where to put the layer"]);
        assert_eq!(lines.len(), 1, "{}", log.text());
    }
    let (log, _guard) = capture();
    let app = App::start().await;
    app.signed_in().await;
    for _ in 0..10 {
        app.browser().open("/private").await;
    }
    assert_eq!(log.lines("WARN", &["Where to put the layer"]), [""; 0]);
}

fn to_host(target: &str, host: &'static str) -> Request<axum::body::Body> {
    let mut request = navigation(target);
    request
        .headers_mut()
        .insert("host", HeaderValue::from_static(host));
    request
}

#[tokio::test]
async fn other_name_of_the_app_is_reported_once() {
    let (log, _guard) = capture();
    let app = App::start().await;
    for host in [
        "app.test",
        "app.test:8443",
        "APP.test.",
        "www.app.test",
        "www.app.test",
    ] {
        let answer = app.browser().send(to_host("/private", host)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{host}");
        let location = answer.location();
        assert!(!location.contains("www.app.test"), "Host decides nothing");
    }
    let lines = log.lines("WARN", &["www.app.test", "https://app.test"]);
    assert_eq!(lines.len(), 1, "{}", log.text());
    assert_eq!(log.lines("WARN", &["host=\"app.test"]), [""; 0]);
}

/// The address of the login route cannot hold what the handler gave to its login.
#[tokio::test]
async fn login_of_a_handler_keeps_its_note_under_another_name_of_this_machine() {
    let gateway = MockGateway::start().await.unwrap();
    let redirect_uri = "http://localhost:3000/telenor/callback";
    let auth =
        TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
            .gateway(gateway.base_url())
            .optional(true)
            .build()
            .unwrap();
    let router = Router::new()
        .route("/plain", get(async |login: TelenorLogin| login))
        .route("/note", get(async |login: TelenorLogin| login.note("a")))
        .route(
            "/hint",
            get(async |login: TelenorLogin| login.parameter("login_hint", "a")),
        )
        .layer(auth);
    for (target, leads_to) in [
        ("/plain", "http://localhost:3000/telenor/login?"),
        ("/note", &gateway.base_url()),
        ("/hint", &gateway.base_url()),
    ] {
        let request = to_host(target, "127.0.0.1:3000");
        let answer = router.clone().oneshot(request).await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(leads_to), "{target}: {location}");
    }
}

#[tokio::test]
async fn other_name_of_this_machine_leads_to_the_registered_one_once() {
    let gateway = MockGateway::start().await.unwrap();
    let redirect_uri = "http://localhost:3000/telenor/callback";
    let auth =
        TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
            .gateway(gateway.base_url())
            .build()
            .unwrap();
    let app = guarded().layer(auth);
    for host in [
        "127.0.0.1:3000",
        "[::1]:3000",
        "0.0.0.0:3000",
        "a.localhost:3000",
    ] {
        let first = app
            .clone()
            .oneshot(to_host("/sko?a=1", host))
            .await
            .unwrap();
        let location = first.headers()["location"].to_str().unwrap().to_owned();
        assert!(
            location.starts_with("http://localhost:3000/telenor/login?return_to=%2Fsko%3Fa%3D1"),
            "{host}: {location}"
        );
        assert!(!first.headers().contains_key("set-cookie"));
        // A development proxy changes the host of the browser that is right by now.
        let again = location.trim_start_matches("http://localhost:3000");
        let second = app.clone().oneshot(to_host(again, host)).await.unwrap();
        let location = second.headers()["location"].to_str().unwrap();
        assert!(
            location.contains("/oauth/v2/authorize"),
            "{host}: {location}"
        );
    }
    let marked = "/hotel?host=oslo";
    let page = app.clone().oneshot(to_host(marked, "127.0.0.1:3000"));
    let page = page.await.unwrap();
    let location = page.headers()["location"].to_str().unwrap();
    assert!(location.contains("host=registered"), "{location}");
    let right = app
        .clone()
        .oneshot(to_host("/sko", "localhost:8080"))
        .await
        .unwrap();
    assert!(
        right.headers()["location"]
            .to_str()
            .unwrap()
            .contains("/oauth/v2/authorize")
    );
}

#[tokio::test]
async fn second_layer_that_was_built_apart_is_reported_once() {
    let gateway = MockGateway::start().await.unwrap();
    let layer = |optional| builder(&gateway).optional(optional).build().unwrap();
    let (log, _guard) = capture();
    let twice = guarded().layer(layer(false)).layer(layer(true));
    let mut browser = Browser {
        router: twice,
        jar: Vec::new(),
    };
    browser.open("/sko").await;
    browser.open("/sko").await;
    assert_eq!(
        log.lines("WARN", &["two layers"]).len(),
        1,
        "{}",
        log.text()
    );
    let (log, _guard) = capture();
    let auth = layer(true);
    let clones = guarded().layer(auth.clone()).layer(auth);
    Browser {
        router: clones,
        jar: Vec::new(),
    }
    .open("/sko")
    .await;
    assert_eq!(log.lines("WARN", &["two layers"]), [""; 0]);
}

#[tokio::test]
async fn way_out_and_home_behind_the_layer_are_reported_once() {
    let (log, _guard) = capture();
    let app = App::with(|builder| builder.continue_without("/private").home("/whoami")).await;
    for _ in 0..2 {
        let page = app.browser().open("/private?a=1").await;
        assert_eq!(
            page.status,
            StatusCode::OK,
            "the way out starts no login by itself"
        );
        assert_eq!(
            app.browser().open("/whoami").await.status,
            StatusCode::SEE_OTHER
        );
    }
    assert_eq!(
        log.lines("WARN", &["continue_without"]).len(),
        1,
        "{}",
        log.text()
    );
    assert_eq!(
        log.lines("WARN", &["home leads"]).len(),
        1,
        "{}",
        log.text()
    );
    let (log, _guard) = capture();
    let app = App::start().await;
    app.browser().open("/").await;
    assert_eq!(
        log.lines("WARN", &["home leads"]),
        [""; 0],
        "nothing was set"
    );
}

#[tokio::test]
async fn cookie_of_another_app_with_the_same_name_is_reported_once() {
    let (log, _guard) = capture();
    let (one, other) = (App::start().await, App::start().await);
    // A whole login leaves no pending one behind.
    let mut browser = one.signed_in().await;
    browser.router = other.router.clone();
    browser.start("/private").await;
    browser.start("/private").await;
    assert_eq!(
        log.lines("WARN", &["cookie_name"]).len(),
        1,
        "{}",
        log.text()
    );
}

#[tokio::test]
async fn target_outside_the_prefix_is_the_home_of_the_app() {
    let gateway = MockGateway::start().await.unwrap();
    let app = guarded().layer(behind(&gateway).build().unwrap());
    for stated in [
        "/../admin",
        "/kunde/../other/x",
        "/kunde/%2e%2e/other",
        "/kunder/../x",
    ] {
        let mut browser = Browser {
            router: stripping(app.clone()),
            jar: Vec::new(),
        };
        let login = browser
            .open(&format!("/kunde/telenor/login?return_to={stated}"))
            .await;
        let callback = gateway.allow(&login.location()).unwrap();
        let done = browser.open(&callback).await;
        let location = done.location();
        let path = url::Url::parse(&location).unwrap().path().to_owned();
        assert!(path.starts_with("/kunde/"), "{stated}: {location}");
    }
}

#[tokio::test]
async fn start_page_that_went_astray_is_no_endless_redirect() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = behind(&gateway)
        .http_start("http://start.app.test")
        .build()
        .unwrap();
    let app = guarded().layer(auth);
    let mut browser = Browser {
        router: app,
        jar: Vec::new(),
    };
    let page = browser.start("/sko").await;
    let (log, _guard) = capture();
    // The proxy of the start host takes nothing away.
    for target in [page.as_str(), &page.replace("/start?", "/start/?")] {
        let target = target.trim_start_matches("http://start.app.test");
        let answer = browser.send(to_host(target, "start.app.test")).await;
        let location = answer.location();
        assert!(
            location.contains("/kunde/telenor/login?resume="),
            "{location}"
        );
        let login = location.trim_start_matches("https://app.test/kunde");
        let page = browser.open(login).await;
        assert_eq!(page.status, StatusCode::OK, "a page with a button");
    }
    // Its link arrives at the app's own host, whose proxy takes nothing away now.
    let go = page.replace("?t=", "?go=") + "&x=y";
    let target = go.trim_start_matches("http://start.app.test");
    let answer = browser.send(to_host(target, "app.test")).await;
    let location = answer.location();
    assert!(
        location.contains("/kunde/telenor/login?resume="),
        "{location}"
    );
    assert!(!location.contains("x=y"), "{location}");
    assert_eq!(
        log.lines("ERROR", &["start page"]).len(),
        1,
        "{}",
        log.text()
    );
}

/// S17.
#[tokio::test]
async fn stray_callback_that_is_loaded_ahead_changes_nothing() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let sent = callback.split_once('?').unwrap().1;
    let mut ahead = navigation(&format!("/private?{sent}"));
    let prefetch = HeaderValue::from_static("prefetch");
    ahead.headers_mut().insert("sec-purpose", prefetch);
    let answer = browser.send(ahead).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.set_cookies(), [""; 0]);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}
