//! What a script is told about the session.

use http::{Method, StatusCode};

use crate::support::{App, ORIGIN, request};

over_each_store! {
    apps:
    status_tells_no_token
}

async fn status_tells_no_token(app: App) {
    let ask = || {
        request(
            Method::GET,
            "/telenor/session",
            &[("accept", "application/json")],
        )
    };
    let nobody = app.browser().send(ask()).await;
    assert_eq!(nobody.status, StatusCode::OK);
    assert_eq!(nobody.header("cache-control"), Some("no-store"));
    let json: serde_json::Value = serde_json::from_str(&nobody.body).unwrap();
    assert_eq!(json["signed_in"], false);
    assert_eq!(json["login"], format!("{ORIGIN}/telenor/login"));

    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let somebody = browser.send(ask()).await;
    let json: serde_json::Value = serde_json::from_str(&somebody.body).unwrap();
    assert_eq!(json["signed_in"], true);
    assert!((1..3_600).contains(&json["seconds_left"].as_u64().unwrap()));
    assert!(!somebody.body.contains(&token));
}
