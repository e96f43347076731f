//! A person sees pages, whatever the browser or something in between makes of the request.

use http::{Method, StatusCode};

use crate::support::{Answer, App, CALLBACK, ORIGIN, request};

type Headers = Vec<(&'static str, &'static str)>;

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// How browsers open a page, beside the usual way.
fn pages() -> Vec<(&'static str, Headers)> {
    let fetch = |dest| {
        vec![
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", dest),
            HTML,
        ]
    };
    vec![
        ("a browser", fetch("document")),
        ("a service worker that passes it on", fetch("empty")),
        ("a destination of the future", fetch("page")),
        (
            "a mode without a destination",
            vec![("sec-fetch-mode", "navigate")],
        ),
        ("plain http", vec![HTML]),
        (
            "a web view",
            vec![("x-requested-with", "no.example.app"), HTML],
        ),
        (
            "an offer of HTTP/2",
            vec![("upgrade", "h2c"), ("connection", "upgrade"), HTML],
        ),
        ("an offer of TLS", vec![("upgrade", "TLS/1.3, h2c"), HTML]),
        ("HTMX that says no", vec![("hx-request", "false"), HTML]),
        (
            "two lines",
            vec![("accept", "*/*"), ("accept", "text/html")],
        ),
    ]
}

/// Requests that start no login, and whose answer a person may see.
fn in_doubt() -> Vec<(&'static str, Headers)> {
    let fetch = |mode, dest| vec![("sec-fetch-mode", mode), ("sec-fetch-dest", dest), HTML];
    vec![
        ("a frame", fetch("navigate", "iframe")),
        ("an old frame", fetch("navigate", "frame")),
        (
            "a frame that states no mode",
            vec![("sec-fetch-dest", "iframe"), HTML],
        ),
        ("an embed", fetch("navigate", "embed")),
        ("an object", fetch("navigate", "object")),
        ("a fenced frame", fetch("navigate", "fencedframe")),
        ("a fetch of HTML", fetch("cors", "empty")),
        (
            "a script",
            vec![("x-requested-with", "xmlhttprequest"), HTML],
        ),
        (
            "a client that takes both",
            vec![("accept", "application/json, text/html")],
        ),
        (
            "two modes",
            vec![
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-mode", "cors"),
                HTML,
            ],
        ),
    ]
}

fn scripts() -> Vec<(&'static str, Headers)> {
    vec![
        ("a script", vec![("accept", "application/json")]),
        ("curl", vec![("accept", "*/*")]),
        ("nothing", vec![]),
        ("no HTML", vec![("accept", "text/html;q=0")]),
        (
            "rather JSON",
            vec![("accept", "text/html;q=0.5, application/json")],
        ),
    ]
}

#[track_caller]
fn assert_page(what: &str, answer: &Answer) {
    let kind = answer.header("content-type");
    assert_eq!(
        kind,
        Some("text/html; charset=utf-8"),
        "{what}: {}",
        answer.body
    );
    let buttons = answer.body.matches("class=\"primary\"").count();
    assert_eq!(buttons, 1, "{what}: {}", answer.body);
}

/// S16.
#[tokio::test]
async fn person_who_opens_a_page_is_sent_to_log_in() {
    let app = App::start().await;
    for (what, headers) in pages() {
        let get = |target| request(Method::GET, target, &headers);
        let guarded = app.browser().send(get("/private")).await;
        assert_eq!(guarded.status, StatusCode::SEE_OTHER, "{what}");
        assert!(guarded.location().contains("/oauth/v2/authorize"), "{what}");
        let button = app
            .browser()
            .send(get("/telenor/login?return_to=%2Fprivate"))
            .await;
        assert_eq!(button.status, StatusCode::SEE_OTHER, "{what}");
        let form = request(Method::POST, "/form", &headers);
        let form = app.browser().send(form).await;
        assert_eq!(form.status, StatusCode::SEE_OTHER, "{what}");
        let lost = app
            .browser()
            .send(get(form.location().trim_start_matches(ORIGIN)))
            .await;
        assert_page(what, &lost);
        assert_eq!(lost.status, StatusCode::UNAUTHORIZED, "{what}");
    }
}

#[tokio::test]
async fn every_route_of_the_layer_shows_a_person_a_page() {
    let app = App::with(|builder| builder.script_api(true)).await;
    for (what, headers) in pages().into_iter().chain(in_doubt()) {
        for (method, target, status) in [
            (Method::GET, format!("{CALLBACK}?code=a&state=b"), 400),
            (
                Method::GET,
                format!("{CALLBACK}?error=server_error&state=b"),
                400,
            ),
            (Method::GET, format!("{CALLBACK}?"), 400),
            (Method::GET, "/telenor/logout".to_owned(), 200),
            (Method::POST, "/telenor/logout".to_owned(), 403),
            (Method::PUT, "/telenor/login".to_owned(), 405),
            (Method::POST, CALLBACK.to_owned(), 405),
            (Method::GET, "/telenor/user-info".to_owned(), 403),
            (Method::GET, "/telenor/login?resume=x".to_owned(), 400),
        ] {
            // One that starts no login does not get that far.
            let answer = app.browser().send(request(method, &target, &headers)).await;
            let answer_is_login = target.contains("resume") && answer.status == 401;
            assert!(
                answer_is_login || answer.status == status,
                "{what} {target}: {answer:?}"
            );
            assert_page(&format!("{what} {target}"), &answer);
        }
    }
}

/// S16.
#[tokio::test]
async fn doubt_gets_a_page_and_no_login() {
    let app = App::start().await;
    for (what, headers) in in_doubt() {
        for target in [
            "/private?a=1",
            "/telenor/login?return_to=%2Fprivate%3Fa%3D1",
        ] {
            let answer = app
                .browser()
                .send(request(Method::GET, target, &headers))
                .await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what} {target}");
            assert_eq!(answer.set_cookies(), [""; 0], "{what} {target}");
            assert_page(what, &answer);
            assert!(
                answer.body.contains("return_to=%2Fprivate%3Fa%3D1"),
                "{what} {target}"
            );
            assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        }
    }
    assert_eq!(app.hits(), 0);
}

/// As Firefox asks for a page behind a service worker. A script can do the same.
/// S16.
#[tokio::test]
async fn page_that_may_be_a_script_gets_a_button_that_works() {
    let app = App::start().await;
    let passed_on = &[
        ("sec-fetch-mode", "same-origin"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-site", "same-origin"),
        HTML,
    ];
    let mut browser = app.browser();
    let page = request(Method::GET, "/private?a=1", passed_on);
    let page = browser.send(page).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.set_cookies(), [""; 0]);
    assert_page("a guarded page", &page);
    let button = "/telenor/login?return_to=%2Fprivate%3Fa%3D1";
    assert!(page.body.contains(button), "{}", page.body);
    let begun = browser.send(request(Method::GET, button, passed_on)).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    // Firefox states that another site's request is one of the app.
    let mut user = app.signed_in().await;
    let asked = user.send(request(Method::GET, button, passed_on)).await;
    assert_eq!(asked.status, StatusCode::OK);
    let lost = browser
        .send(request(Method::POST, "/form", passed_on))
        .await;
    assert_eq!(lost.status, StatusCode::SEE_OTHER);
    for script in [("accept", "*/*"), ("accept", "application/json")] {
        let fetch = &[passed_on[0], passed_on[1], script];
        let answer = app
            .browser()
            .send(request(Method::GET, button, fetch))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

/// S16.
#[tokio::test]
async fn script_gets_a_problem_document() {
    let app = App::start().await;
    for (what, headers) in scripts() {
        for target in [
            "/private",
            "/telenor/login",
            "/telenor/callback?code=a&state=b",
        ] {
            let answer = app
                .browser()
                .send(request(Method::GET, target, &headers))
                .await;
            let kind = answer.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{what} {target}");
        }
    }
}

/// S99.
#[tokio::test]
async fn only_a_websocket_is_no_page_among_upgrades() {
    let app = App::start().await;
    for (upgrade, status) in [
        ("websocket", 401),
        ("WebSocket", 401),
        ("h2c, websocket", 401),
        ("h2c", 303),
        ("websockets", 303),
        ("", 303),
    ] {
        let headers = &[("upgrade", upgrade), HTML];
        let answer = app
            .browser()
            .send(request(Method::GET, "/private", headers))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{upgrade}");
    }
}

#[tokio::test]
async fn boosted_link_leads_to_where_it_points() {
    let app = App::start().await;
    let boosted = |history| {
        [
            ("hx-request", "true"),
            (
                if history {
                    "hx-history-restore-request"
                } else {
                    "hx-boosted"
                },
                "true",
            ),
            ("hx-current-url", "https://app.test/front"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-origin"),
        ]
    };
    for history in [false, true] {
        let page = request(Method::GET, "/private?n=1", &boosted(history));
        let answer = app.browser().send(page).await;
        let login = "https://app.test/telenor/login?return_to=%2Fprivate%3Fn%3D1";
        assert_eq!(answer.header("hx-redirect"), Some(login));
        let button = "/telenor/login?return_to=%2Fprivate%3Fn%3D1";
        let answer = app
            .browser()
            .send(request(Method::GET, button, &boosted(history)))
            .await;
        assert_eq!(answer.header("hx-redirect"), Some(login));
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    let form = request(Method::POST, "/private", &boosted(false));
    let answer = app.browser().send(form).await;
    let back = "https://app.test/telenor/login?return_to=%2Ffront";
    assert_eq!(
        answer.header("hx-redirect"),
        Some(back),
        "a form leads back to its page"
    );
}

#[tokio::test]
async fn refusal_of_a_foreign_script_says_what_is_missing() {
    let app = App::with(|builder| builder.script_api(true)).await;
    let mut browser = app.signed_in().await;
    let curl = request(
        Method::GET,
        "/telenor/user-info",
        &[("accept-language", "en")],
    );
    let answer = browser.send(curl).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("foreign_origin"), "{}", answer.body);
    assert!(
        answer.body.contains("Sec-Fetch-Site: same-origin"),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("signed out"), "{}", answer.body);
    let preflight = &[
        ("origin", "https://other.test"),
        ("access-control-request-method", "GET"),
    ];
    let answer = app
        .browser()
        .send(request(Method::OPTIONS, "/private", preflight))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        answer.body.contains("CORS layer outside"),
        "{}",
        answer.body
    );
    let logout = request(Method::POST, "/telenor/logout", &[("accept", "*/*")]);
    let answer = browser.send(logout).await;
    assert!(
        answer.body.contains("cross_site_request"),
        "{}",
        answer.body
    );
    assert!(
        answer.body.contains("Sec-Fetch-Site: same-origin"),
        "{}",
        answer.body
    );
}

over_http2! {
    person_who_opens_a_page_is_sent_to_log_in
    every_route_of_the_layer_shows_a_person_a_page
    doubt_gets_a_page_and_no_login
    page_that_may_be_a_script_gets_a_button_that_works
    script_gets_a_problem_document
    boosted_link_leads_to_where_it_points
    refusal_of_a_foreign_script_says_what_is_missing
}
