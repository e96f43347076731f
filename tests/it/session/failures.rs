//! Stores that fail.

use http::StatusCode;
use telenor_auth::session::{Fault, FaultyStore, MemoryStore, Operation};

use crate::support::App;

/// A store in which one operation fails.
fn broken(operation: Operation) -> FaultyStore<MemoryStore> {
    let store = FaultyStore::new(MemoryStore::new());
    store.set_for(operation, Fault::Error);
    store
}

#[tokio::test]
async fn store_failure_is_503_and_never_anonymous() {
    for optional in [false, true] {
        let app = App::with(|builder| {
            builder
                .session_store(broken(Operation::Load))
                .optional(optional)
        })
        .await;
        let mut browser = app.browser();
        browser.jar = vec![("__Host-telenor-session".into(), "token".into())];
        for target in ["/private", "/perhaps", "/telenor/session"] {
            let answer = browser.open(target).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
            assert!(answer.header("retry-after").is_some());
            assert!(answer.header("location").is_none());
        }
        assert_eq!(app.hits(), 0);
    }
}

#[tokio::test]
async fn login_that_cannot_be_saved_is_503() {
    let app = App::with(|builder| builder.session_store(broken(Operation::Save))).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn logout_that_cannot_be_saved_is_503() {
    let app = App::with(|builder| builder.session_store(broken(Operation::Remove))).await;
    let mut browser = app.signed_in().await;
    let answer = browser.log_out().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.session(), None, "this browser has no session left");
}
