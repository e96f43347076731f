//! A login from the first page to the last.

use http::StatusCode;
use telenor_auth::mock::Endpoint;

use crate::support::{App, ORIGIN};

#[tokio::test]
async fn login_leads_through_consent_to_the_handler() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?a=1"));
    assert_eq!(done.body, "");
    let page = browser.open(&done.location()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.is_empty());
    assert_eq!((app.token_requests(), app.hits()), (1, 1));
}

#[tokio::test]
async fn token_opens_the_mobile_user_api() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let page = browser.open("/name").await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "Kari"));
}

/// S11.
#[tokio::test]
async fn three_tabs_end_where_they_started() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for tab in 1..=3 {
        callbacks.push(
            browser
                .callback_url(&app.gateway, &format!("/private?n={tab}"))
                .await,
        );
    }
    for tab in [2, 1, 3] {
        let done = browser.open(&callbacks[tab - 1]).await;
        assert_eq!(done.location(), format!("{ORIGIN}/private?n={tab}"));
    }
    assert_eq!(browser.pending(), []);
}

#[tokio::test]
async fn slow_gateway_does_not_slow_other_pages() {
    let app = App::start().await;
    let mut signed_in = app.signed_in().await;
    let mut slow = app.browser();
    let callback = slow.callback_url(&app.gateway, "/private").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let login = tokio::spawn(async move { slow.open(&callback).await.status });
    gate.waiting(1).await;
    assert!(
        signed_in.token().await.is_some(),
        "answered while the exchange waits"
    );
    gate.open();
    assert_eq!(login.await.unwrap(), StatusCode::SEE_OTHER);
}

over_http2! {
    login_leads_through_consent_to_the_handler
    token_opens_the_mobile_user_api
    three_tabs_end_where_they_started
    slow_gateway_does_not_slow_other_pages
}
