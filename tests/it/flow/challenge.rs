//! Requests without a session: page views lead to the login, other requests get an error.

use http::{HeaderValue, Method, StatusCode};

use crate::support::{App, ORIGIN, log, navigation, request};

/// S16, S17, S19, S99.
#[tokio::test]
async fn only_page_views_redirect_to_the_login() {
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
        ("no headers", Method::GET, vec![], 401),
        ("head", Method::HEAD, vec![("accept", "text/html")], 401),
        ("put", Method::PUT, vec![("accept", "text/html")], 401),
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
        assert_eq!(answer.header("location"), None, "{what} is not redirected");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert!(
            !answer.body.contains("/oauth/"),
            "{what} does not see the gateway"
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

/// S16.
#[tokio::test]
async fn websocket_without_a_session_starts_no_login() {
    let app = App::start().await;
    let headers = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("accept", "text/html"),
    ];
    let handshake = request(Method::GET, "/private", &headers);
    let answer = app.browser().send(handshake).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.set_cookies(), [""; 0]);
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn script_gets_the_address_of_the_login() {
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

/// S1, S18.
#[tokio::test]
async fn form_without_a_session_is_neither_kept_nor_repeated() {
    let app = App::start().await;
    let mark = log::mark();
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let mut form = navigation("/private");
        *form.method_mut() = method.clone();
        *form.body_mut() = "card=canary-4571".into();
        let answer = app.browser().send(form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method}");
        assert_eq!(answer.header("location"), None);
    }
    let post = |referer: &str| {
        let mut form = navigation("/form");
        *form.method_mut() = Method::POST;
        *form.body_mut() = "card=canary-4571".into();
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
            "a form leads to a page that can be reloaded"
        );
        assert!(
            answer.location().starts_with(ORIGIN),
            "a page of the app, not the gateway"
        );
        assert!(answer.set_cookies().is_empty() && !answer.location().contains("canary"));
        let page = browser.open(&answer.location()).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert!(page.body.contains("form_not_sent"));
        assert!(page.body.contains(back), "{referer}: {}", page.body);
    }
    let mut browser = app.browser();
    let lost = browser.send(post(&format!("{ORIGIN}/private"))).await;
    let page = browser.open(&lost.location()).await;
    let callback = browser
        .callback_url(&app.gateway, &button(&page.body))
        .await;
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/private"));
    log::assert_silent(mark, &["canary-4571".to_owned()]);
    assert_eq!(app.hits(), 0);
}

#[tokio::test]
async fn htmx_gets_a_redirect_to_the_login_page() {
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

/// S16.
#[tokio::test]
async fn office_gets_a_page_and_starts_no_login() {
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
                "Office shows an error as a broken link"
            );
            assert_eq!(
                (answer.header("location"), answer.set_cookies().len()),
                (None, 0)
            );
            assert!(answer.body.contains("return_to=%2Fprivate%3Fn%3D1"));
        }
        let login = "/telenor/login?return_to=%2Fprivate";
        let office = request(Method::GET, login, &[("user-agent", agent)]);
        let page = app.browser().send(office).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("location"), None);
        let callback = "/telenor/callback?code=a&state=b";
        let office = request(Method::GET, callback, &[("user-agent", agent)]);
        let page = app.browser().send(office).await;
        let html = Some("text/html; charset=utf-8");
        assert_eq!(page.header("content-type"), html);
        let probe = request(Method::HEAD, "/private", &[("user-agent", agent)]);
        assert_eq!(
            app.browser().send(probe).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(app.hits(), 0);
}

/// S19.
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

/// A payment page sends its form across sites, so without the session cookie.
#[tokio::test]
async fn return_from_another_site_leads_on_into_the_app() {
    let app = App::start().await;
    let post = |sent: &[(&'static str, &'static str)]| {
        let mut headers = vec![
            ("accept", "text/html"),
            ("referer", "https://app.test/whoami"),
        ];
        headers.extend(sent);
        request(Method::POST, "/private/done?order=7", &headers)
    };
    for (what, sent, foreign) in [
        (
            "another site",
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ][..],
            true,
        ),
        ("a sibling", &[("sec-fetch-site", "same-site")], true),
        ("an origin alone", &[("origin", "https://pay.test")], true),
        ("plain http", &[("origin", "http://app.test")], true),
        ("the app", &[("sec-fetch-site", "same-origin")], false),
        ("a reload", &[("sec-fetch-site", "none")], false),
        ("the app's origin", &[("origin", ORIGIN)], false),
        ("a hidden origin", &[("origin", "null")], false),
        ("nothing", &[], false),
    ] {
        let mut user = app.signed_in().await;
        let (mut anonymous, hits) = (app.browser(), app.hits());
        let answer = anonymous.send(post(sent)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{what}");
        assert_eq!(app.hits(), hits, "the form does not arrive");
        let next = user.open(&answer.location()).await;
        if foreign {
            assert_eq!(next.status, StatusCode::SEE_OTHER, "{what}: {}", next.body);
            assert_eq!(
                next.location(),
                format!("{ORIGIN}/private/done?order=7"),
                "{what}"
            );
        } else {
            assert!(next.body.contains("form_not_sent"), "{what}: {}", next.body);
            assert!(next.body.contains("return_to=%2Fwhoami"), "{what}");
        }
        let without = anonymous.open(&answer.location()).await;
        assert_eq!(without.status, StatusCode::UNAUTHORIZED, "{what}");
        let cause = if foreign {
            "login_required"
        } else {
            "form_not_sent"
        };
        assert!(without.body.contains(cause), "{what}");
    }
}

fn opened(target: &str, sent: &[(&str, &str)]) -> http::Request<axum::body::Body> {
    let mut headers = vec![("accept", "text/html")];
    headers.extend(sent);
    request(Method::GET, target, &headers)
}

/// The address of the button on a page of the layer.
fn button(page: &str) -> String {
    let link = page.split("class=\"primary\"").nth(1).unwrap();
    let link = link
        .split("href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    link.replace("&#38;", "&").replace("&amp;", "&")
}

/// S22.
#[tokio::test]
async fn login_page_waits_for_its_button_whatever_the_browser_states() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let login = "/telenor/login?return_to=%2Fprivate";
    for target in ["/private", login] {
        for sent in [
            &[][..],
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ],
            &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            &[
                ("sec-fetch-site", "same-site"),
                ("sec-fetch-mode", "navigate"),
            ],
        ] {
            let mut browser = app.browser();
            let page = browser.send(opened(target, sent)).await;
            assert_eq!(page.status, StatusCode::OK, "{target} {sent:?}");
            assert_eq!(browser.pending(), [], "{target} {sent:?}");
            // Another site has the button's address, and not the cookie.
            let stolen = app.browser().send(opened(&button(&page.body), &[])).await;
            assert_eq!(stolen.header("location"), None, "{target} {sent:?}");
            // And the address of a button of its own, with the cookie of another.
            let foreign = app.browser().send(opened(target, sent)).await;
            let foreign = opened(&button(&foreign.body), &[]);
            let stolen = browser.clone().send(foreign).await;
            assert_eq!(stolen.header("location"), None, "{target} {sent:?}");
            let pressed: &[_] = match sent {
                [] => &[],
                _ => &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-mode", "navigate"),
                ],
            };
            let begun = browser.send(opened(&button(&page.body), pressed)).await;
            assert_eq!(begun.status, StatusCode::SEE_OTHER, "{target} {sent:?}");
        }
    }
    let mut browser = app.browser();
    let poll: &[_] = &[
        ("hx-request", "true"),
        ("hx-current-url", "https://app.test/private"),
    ];
    for target in ["/private/row", login] {
        let part = browser.send(request(Method::GET, target, poll)).await;
        let address = part.header("hx-redirect").unwrap().to_owned();
        let same_origin = &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
        ];
        let page = browser.send(opened(&address, same_origin)).await;
        assert_eq!(page.status, StatusCode::OK, "{target}: a poll is no button");
    }
}

#[tokio::test]
async fn buttons_of_two_tabs_work() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let mut browser = app.browser();
    let first = browser.send(opened("/private?n=1", &[])).await;
    let second = browser.send(opened("/private?n=2", &[])).await;
    for page in [&first, &second] {
        let begun = browser.send(opened(&button(&page.body), &[])).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn button_with_a_value_that_the_layer_never_makes_is_not_pressed() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let mut browser = app.browser();
    let page = browser.send(opened("/private", &[])).await;
    let [cookie] = &page.set_cookies()[..] else {
        panic!("one cookie");
    };
    assert!(cookie.contains("; Max-Age=86400"), "{cookie}");
    let name = cookie.split_once('=').unwrap().0;
    for (value, begins) in [
        ("AAAAAAAAAAAAAAAAAAAA-_", true),
        ("AAAAAAAAAAAAAAAAAAAAA", false),
        ("AAAAAAAAAAAAAAAAAAAAA.", false),
        ("A", false),
    ] {
        let mut browser = app.browser();
        browser.jar.push((name.to_owned(), value.to_owned()));
        let target = format!("/telenor/login?return_to=%2Fprivate&button={value}");
        let answer = browser.send(opened(&target, &[])).await;
        assert_eq!(answer.status == StatusCode::SEE_OTHER, begins, "{value}");
    }
}

#[tokio::test]
async fn other_site_cannot_change_the_login_of_a_signed_in_browser() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let login = "/telenor/login?return_to=%2Fprivate%2Fpath-of-its-choice";
    for sent in [
        &[][..],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ],
        &[
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", "navigate"),
        ],
    ] {
        let page = browser.send(opened(login, sent)).await;
        assert_eq!(page.status, StatusCode::OK, "{sent:?}");
        assert_eq!(browser.pending(), []);
    }
    let own = &[
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ];
    let begun = browser.clone().send(opened(login, own)).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "the app's own button");
    let typed = &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")];
    let begun = browser.clone().send(opened(login, typed)).await;
    assert_eq!(
        begun.status,
        StatusCode::SEE_OTHER,
        "the user's own bookmark"
    );
    let begun = app.browser().send(opened(login, &[])).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "nothing to lose");
}

#[tokio::test]
async fn place_survives_however_a_blank_is_written() {
    let app = App::start().await;
    for written in [
        "%2Fsko%2Fr%C3%B8d%20sko",
        "%2Fsko%2Fr%C3%B8d+sko",
        "/sko/r%C3%B8d%20sko",
        "/sko/r%C3%B8d+sko",
        "%2Fsko%2Fr%25C3%25B8d%2520sko",
    ] {
        let mut browser = app.browser();
        let login = format!("/telenor/login?return_to={written}");
        let callback = browser.callback_url(&app.gateway, &login).await;
        let done = browser.open(&callback).await;
        assert_eq!(
            done.location(),
            format!("{ORIGIN}/sko/r%C3%B8d%20sko"),
            "{written}"
        );
    }
}

#[tokio::test]
async fn button_in_a_browser_without_cookies_ends_on_the_page_that_says_so() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let page = app.browser().send(opened("/private", &[])).await;
    let pressed = app.browser().send(opened(&button(&page.body), &[])).await;
    assert_eq!(pressed.status, StatusCode::BAD_REQUEST);
    assert!(pressed.body.contains("login_loop"), "{}", pressed.body);
    assert!(pressed.body.contains("no_cookie"), "{}", pressed.body);
}

#[tokio::test]
async fn page_by_htmx_waits_for_the_button_too() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let boosted = &[("hx-request", "true"), ("hx-boosted", "true")];
    let mut browser = app.browser();
    let same_origin = &[
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ];
    for (target, status) in [
        ("/private", StatusCode::OK),
        ("/telenor/login", StatusCode::SEE_OTHER),
    ] {
        let answer = browser.send(request(Method::GET, target, boosted)).await;
        let address = answer.header("hx-redirect").unwrap().to_owned();
        let next = browser.send(opened(&address, same_origin)).await;
        assert_eq!(next.status, status, "{target}");
    }
}

#[tokio::test]
async fn library_that_fetches_pages_leaves_the_buttons_to_the_browser() {
    let app = App::start().await;
    let turbo = &[
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("accept", "text/html, application/xhtml+xml"),
    ];
    let page = app
        .browser()
        .send(request(Method::GET, "/private", turbo))
        .await;
    let buttons = page.body.split("data-turbo=\"false\"").nth(1).unwrap();
    assert!(buttons.contains("class=\"primary\""), "{}", page.body);
}

#[tokio::test]
async fn page_of_the_settings_is_known_with_its_query() {
    let settings = |builder: telenor_auth::TelenorAuthBuilder| {
        builder
            .continue_without("/private?guest=1")
            .after_logout("/whoami?out=1")
    };
    let app = App::with(settings).await;
    for (target, status) in [
        ("/private?guest=1", StatusCode::OK),
        ("/private", StatusCode::SEE_OTHER),
        ("/whoami?out=1", StatusCode::OK),
        ("/whoami", StatusCode::SEE_OTHER),
    ] {
        let answer = app.browser().open(target).await;
        assert_eq!(answer.status, status, "{target}");
    }
}

#[tokio::test]
async fn address_of_an_old_button_begins_a_login_where_none_waits_for_a_button() {
    let app = App::start().await;
    let old = "/telenor/login?return_to=%2Fprivate&button=AAAAAAAAAAAAAAAAAAAAAA";
    let begun = app.browser().send(opened(old, &[])).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
}

over_http2! {
    only_page_views_redirect_to_the_login
    script_gets_the_address_of_the_login
    form_without_a_session_is_neither_kept_nor_repeated
    htmx_gets_a_redirect_to_the_login_page
    office_gets_a_page_and_starts_no_login
    no_path_query_header_or_agent_opens_a_guarded_route
    return_from_another_site_leads_on_into_the_app
    login_page_waits_for_its_button_whatever_the_browser_states
    buttons_of_two_tabs_work
    other_site_cannot_change_the_login_of_a_signed_in_browser
    place_survives_however_a_blank_is_written
    button_in_a_browser_without_cookies_ends_on_the_page_that_says_so
    page_by_htmx_waits_for_the_button_too
    library_that_fetches_pages_leaves_the_buttons_to_the_browser
    page_of_the_settings_is_known_with_its_query
    address_of_an_old_button_begins_a_login_where_none_waits_for_a_button
}
