//! What a layer inside changes in a request, between the layer and the handler.

use axum::{
    Router,
    extract::{OriginalUri, Request},
    middleware::map_request,
    routing::{any, get},
};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use telenor_auth::{ApiError, RecentLogin, TelenorLogin, TelenorUser, mock::MockGateway};

use crate::support::{Answer, App, Browser, MINUTE, ORIGIN, builder, capture::capture, request};

const EVIL: &str = "https://evil.test";

/// Makes the request of a script of every request, and another path.
async fn as_of_a_script(request: Request) -> Request {
    rewritten(
        request,
        &[("accept", "application/json"), ("sec-fetch-mode", "cors")],
    )
}

/// Makes the request of a person of every request, and another path.
async fn as_of_a_person(request: Request) -> Request {
    rewritten(
        request,
        &[("accept", "text/html"), ("sec-fetch-mode", "navigate")],
    )
}

fn rewritten(mut request: Request, headers: &[(&'static str, &'static str)]) -> Request {
    *request.uri_mut() = Uri::from_static("/elsewhere?n=0");
    // As a service without axum, which has no such thing.
    request.extensions_mut().remove::<OriginalUri>();
    request.headers_mut().clear();
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(*name, value);
    }
    request
}

async fn user(_: TelenorUser) -> &'static str {
    "user"
}

async fn recent(RecentLogin(_): RecentLogin<5>) -> &'static str {
    "recent"
}

async fn login(login: TelenorLogin) -> TelenorLogin {
    login
}

async fn name(user: TelenorUser) -> Result<&'static str, ApiError> {
    user.info().await?;
    Ok("name")
}

/// Makes a link on a page of the app of every request.
async fn as_of_the_app(request: Request) -> Request {
    let own = [("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
    with_get(rewritten(request, &own))
}

/// Makes a link on a page of another site of every request.
async fn as_of_another_site(request: Request) -> Request {
    let foreign = [("origin", EVIL), ("sec-fetch-site", "cross-site")];
    with_get(rewritten(request, &foreign))
}

/// Makes a form of another site of every request.
async fn as_of_a_foreign_form(request: Request) -> Request {
    let mut request = as_of_another_site(request).await;
    *request.method_mut() = Method::POST;
    request
}

fn with_get(mut request: Request) -> Request {
    *request.method_mut() = Method::GET;
    request
}

/// Apps that change each request, which is then one of a script, or one of a person.
async fn apps() -> [App; 2] {
    let routes = Router::new()
        .route("/user", get(user))
        .route("/recent", get(recent))
        .route("/login", get(login))
        .route("/name", get(name));
    let routes = [
        routes.clone().layer(map_request(as_of_a_script)),
        routes.layer(map_request(as_of_a_person)),
    ];
    let mut apps = Vec::new();
    for routes in routes {
        let gateway = MockGateway::start().await.unwrap();
        let clock = telenor_auth::Clock::manual();
        let auth = builder(&gateway).clock(clock.clone()).optional(true);
        let router = routes.layer(auth.build().unwrap());
        apps.push(App {
            clock,
            ..App::mounted(router, gateway)
        });
    }
    apps.try_into().ok().unwrap()
}

/// Where a login that this page starts leads to.
async fn way_back(app: &App, browser: &mut Browser, target: &str) -> String {
    let callback = browser.callback_url(&app.gateway, target).await;
    browser.open(&callback).await.location()
}

fn by_a_script(target: &str) -> http::Request<axum::body::Body> {
    request(Method::GET, target, &[("accept", "application/json")])
}

/// S16.
#[tokio::test]
async fn visitor_is_answered_by_the_request_that_the_layer_saw() {
    for app in apps().await {
        for target in ["/user?n=1", "/login?n=2", "/recent?n=3"] {
            let mut browser = app.browser();
            let back = way_back(&app, &mut browser, target).await;
            assert_eq!(back, format!("{ORIGIN}{target}"));
            let script = app.browser().send(by_a_script(target)).await;
            assert_eq!(script.status, StatusCode::UNAUTHORIZED, "{target}");
            let kind = script.headers.get(header::CONTENT_TYPE);
            assert_eq!(kind.unwrap(), "application/problem+json", "{target}");
            // The cookies of other logins, of which a browser keeps five.
            let mut browser = app.browser();
            for _ in 0..7 {
                browser.start(target).await;
            }
            assert_eq!(browser.pending().len(), 5, "{target}");
        }
    }
}

#[tokio::test]
async fn user_whose_session_ends_is_answered_by_the_request_that_the_layer_saw() {
    for app in apps().await {
        let mut browser = app.browser();
        way_back(&app, &mut browser, "/user").await;
        app.clock.advance(6 * MINUTE);
        let old = browser.open("/recent?n=3").await;
        assert_eq!(old.status, StatusCode::UNAUTHORIZED);
        assert!(
            old.body.contains("return_to=%2Frecent%3Fn%3D3"),
            "{}",
            old.body
        );
        let old = browser.send(by_a_script("/recent")).await;
        assert_eq!(old.header("content-type"), Some("application/problem+json"));

        let mut other = browser.clone();
        app.gateway.revoke_tokens();
        let back = way_back(&app, &mut browser, "/name?n=4").await;
        assert_eq!(back, format!("{ORIGIN}/name?n=4"));
        let script = other.send(by_a_script("/name")).await;
        assert_eq!(
            script.header("content-type"),
            Some("application/problem+json")
        );
    }
}

/// Sends a form of a page of this origin.
async fn send_form(app: &App, origin: &str, site: &str) -> Answer {
    let form = [
        ("accept", "text/html"),
        ("origin", origin),
        ("referer", &format!("{origin}/basket")),
        ("sec-fetch-site", site),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let form = request(Method::POST, "/login?n=5", &form);
    app.browser().send(form).await
}

/// S22.
#[tokio::test]
async fn form_of_another_origin_starts_no_login_whatever_a_layer_inside_makes_of_it() {
    let routes = Router::new().route("/login", any(login));
    for (routes, login_page) in [
        (routes.clone().layer(map_request(as_of_the_app)), false),
        (routes.clone().layer(map_request(as_of_the_app)), true),
        (routes.clone().layer(map_request(as_of_another_site)), false),
        (routes.layer(map_request(as_of_a_foreign_form)), false),
    ] {
        let (log, _guard) = capture();
        let gateway = MockGateway::start().await.unwrap();
        let auth = builder(&gateway).optional(true).login_page(login_page);
        let app = App::mounted(routes.layer(auth.build().unwrap()), gateway);
        let refused = send_form(&app, EVIL, "cross-site").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.set_cookies(), [""; 0]);
        let lines = log.lines("INFO", &["cross-origin request refused", "POST", "/login"]);
        assert_eq!(lines.len(), 1, "{}", log.text());
        assert!(lines[0].contains(EVIL), "{}", log.text());
        // A form of the app's own starts a login.
        let begun = send_form(&app, ORIGIN, "same-origin").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER);
        assert!(begun.location().starts_with(&app.gateway.base_url()));
    }
}

over_http2! {
    form_of_another_origin_starts_no_login_whatever_a_layer_inside_makes_of_it
    visitor_is_answered_by_the_request_that_the_layer_saw
    user_whose_session_ends_is_answered_by_the_request_that_the_layer_saw
}
