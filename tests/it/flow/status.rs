//! The status of the session, for scripts.

use http::{Method, StatusCode};

use crate::support::{App, ORIGIN, request};

over_each_store! {
    apps:
    status_contains_no_token
}

async fn status_contains_no_token(app: App) {
    let ask = || {
        request(
            Method::GET,
            "/telenor/session",
            &[("accept", "application/json")],
        )
    };
    let anonymous = app.browser().send(ask()).await;
    assert_eq!(anonymous.status, StatusCode::OK);
    assert_eq!(anonymous.header("cache-control"), Some("no-store"));
    let json: serde_json::Value = serde_json::from_str(&anonymous.body).unwrap();
    assert_eq!(json["signed_in"], false);
    assert_eq!(json["login"], format!("{ORIGIN}/telenor/login"));

    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let signed_in = browser.send(ask()).await;
    let json: serde_json::Value = serde_json::from_str(&signed_in.body).unwrap();
    assert_eq!(json["signed_in"], true);
    assert!((1..3_600).contains(&json["seconds_left"].as_u64().unwrap()));
    assert!(!signed_in.body.contains(&token));
}
