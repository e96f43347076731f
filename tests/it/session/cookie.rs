//! Sessions in cookies.

use http::StatusCode;
use telenor_auth::mock::{Answer as Scripted, Endpoint};

use crate::support::{App, each_store::in_cookie};

/// S76.
#[tokio::test]
async fn session_too_large_for_a_cookie_is_refused_and_makes_no_loop() {
    let app = App::with(in_cookie).await;
    let token = format!(r#"{{"access_token":"{}"}}"#, "t".repeat(5_000));
    app.gateway
        .answer_always(Endpoint::Token, Scripted::json(200, token));
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("session_too_large"));
    assert_eq!(browser.session(), None);
    assert_eq!(page.header("location"), None);
    let ended = async {
        while app.gateway.hits(Endpoint::Logout) == 0 {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), ended).await;
    assert!(ended.is_ok(), "its token is ended at the gateway");
}
