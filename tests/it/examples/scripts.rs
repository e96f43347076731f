//! What the script of the example javascript gets. tests/browser runs the script itself.

use http::{Method, StatusCode};
use serde_json::Value;

use super::program::{KARI, Program};
use crate::support::{Answer, Browser, request};

async fn fetch(browser: &mut Browser, path: &str) -> (StatusCode, Value) {
    let headers = [
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-site", "same-origin"),
        ("accept", "*/*"),
    ];
    let Answer { status, body, .. } = browser.send(request(Method::GET, path, &headers)).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn javascript_gets_a_401_with_the_login_and_then_user_info_without_a_token() {
    let app = Program::start("javascript", &[("RUST_LOG", "off")]);
    let mut browser = app.visitor();
    let page = browser.open("/").await;
    assert_eq!(page.status, StatusCode::OK);
    let (status, session) = fetch(&mut browser, "/telenor/session").await;
    assert_eq!(
        (status, &session["signed_in"]),
        (StatusCode::OK, &Value::from(false))
    );
    for path in ["/api/orders", "/telenor/user-info"] {
        let (status, problem) = fetch(&mut browser, path).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(problem["cause"], "login_required");
        assert!(problem["login"].is_string(), "{path}: {problem}");
    }
    let (_, problem) = fetch(&mut browser, "/api/orders").await;
    browser
        .log_in_as(KARI, problem["login"].as_str().unwrap())
        .await;
    let (_, session) = fetch(&mut browser, "/telenor/session").await;
    assert_eq!(session["signed_in"], true);
    let (_, orders) = fetch(&mut browser, "/api/orders").await;
    assert_eq!(orders[0]["item"], "Anorakk");
    let (_, user) = fetch(&mut browser, "/telenor/user-info").await;
    assert_eq!(user["name"]["givenName"], "Kari");
}
