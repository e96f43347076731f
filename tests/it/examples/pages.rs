//! The examples that show pages: optional, own_pages, http_start, hyper_only.

use http::StatusCode;

use super::program::{KARI, Program, answer_at_gateway, between};
use crate::support::browser::navigation;

const NONE: [(&str, &str); 0] = [];

#[tokio::test]
async fn optional_shows_its_front_page_to_all_and_the_account_to_users() {
    let app = Program::start("optional", &NONE);
    let mut browser = app.visitor();
    assert!(browser.open("/").await.body.contains("Logg inn"));
    let done = browser.log_in_as(KARI, "/account").await;
    assert_eq!(done.location(), format!("{}/account", app.base));
    assert_eq!(browser.open("/account").await.body, "Hei, Kari!");
    assert!(browser.open("/").await.body.contains("Logg ut"));
    browser.log_out().await;
    assert!(browser.open("/").await.body.contains("Logg inn"));
}

#[tokio::test]
async fn own_pages_have_the_look_and_the_words_of_the_app() {
    let app = Program::start("own_pages", &NONE);
    let mut browser = app.visitor();
    let page = browser.open("/checkout").await;
    assert_eq!(page.status, StatusCode::OK);
    for own in [
        "Fjellbua",
        "fylle ut adressen din",
        "data:image/svg+xml",
        "href=\"/form\"",
    ] {
        assert!(page.body.contains(own), "{own}: {}", page.body);
    }
    let button = between(&page.body, "class=\"primary\" href=\"", "\"");
    let mut pressed = navigation(&button.replace("&#38;", "&"));
    let site = "same-origin".parse().unwrap();
    pressed.headers_mut().insert("sec-fetch-site", site);
    let authorization = browser.send(pressed).await.location();
    let callback = answer_at_gateway(&authorization, KARI, "deny").await;
    let denied = browser.open(&callback).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(
        denied.body.contains("<h1>Du delte ikke adressen</h1>"),
        "{}",
        denied.body
    );
    assert_eq!(browser.open("/form").await.status, StatusCode::OK);
}

#[tokio::test]
async fn http_start_leads_over_a_page_on_another_host_and_back() {
    let mut app = Program::start("http_start", &NONE);
    let mut browser = app.visitor();
    let start = browser.open("/account").await.location();
    let host = app.base.replace("http://127.0.0.1", "localhost");
    assert!(
        start.starts_with(&format!("http://{host}/telenor/start?")),
        "{start}"
    );
    let mut request = navigation(&start);
    request.headers_mut().insert("host", host.parse().unwrap());
    // No cookie belongs to that host.
    let page = app.visitor().send(request).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let link = between(&page.body, "id=\"continue\" href=\"", "\"").replace("&#38;", "&");
    assert!(link.starts_with(&app.base), "{link}");
    let authorization = browser.start(&link).await;
    let callback = answer_at_gateway(&authorization, KARI, "allow").await;
    browser.open(&callback).await;
    assert_eq!(browser.open("/account").await.body, "Du er logget inn");
    for step in ["shown", "passed", "returned"] {
        app.line_with(&format!("start page: {step}"));
    }
}

#[tokio::test]
async fn hyper_only_needs_no_router() {
    let app = Program::start("hyper_only", &NONE);
    let mut browser = app.visitor();
    browser.log_in_as(KARI, "/any/path").await;
    assert_eq!(browser.open("/any/path").await.body, "Hei, Kari!");
}
