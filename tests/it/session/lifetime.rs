//! The lifetime of a session.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::support::{App, MINUTE, request};

over_each_store! {
    apps:
    session_lasts_as_long_as_its_token
    session_is_never_longer_than_the_maximum
    session_from_the_future_is_refused
}

async fn session_lasts_as_long_as_its_token(app: App) {
    app.gateway.set_expires_in(60);
    let mut browser = app.signed_in().await;
    app.clock.advance(Duration::from_secs(29));
    assert!(browser.token().await.is_some());
    app.clock.advance(Duration::from_secs(1));
    let hits = app.hits();
    assert_eq!(
        browser.open("/whoami").await.status,
        StatusCode::SEE_OTHER,
        "a page logs in again"
    );
    let script = request(Method::GET, "/whoami", &[("accept", "application/json")]);
    assert_eq!(
        browser.send(script).await.status,
        StatusCode::UNAUTHORIZED,
        "a script gets an error"
    );
    assert_eq!(app.hits(), hits, "no handler sees a dead token");
}

async fn session_is_never_longer_than_the_maximum(app: App) {
    app.gateway.set_expires_in(1_000_000_000);
    let mut browser = app.signed_in().await;
    app.clock.advance(8 * 60 * MINUTE - MINUTE);
    assert!(browser.token().await.is_some());
    app.clock.advance(MINUTE);
    assert!(browser.token().await.is_none());
}

async fn session_from_the_future_is_refused(app: App) {
    let mut browser = app.signed_in().await;
    app.clock.rewind(2 * MINUTE);
    let hits = app.hits();
    assert_eq!(browser.open("/whoami").await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.hits(), hits);
}
