//! Sessions in memory.

use http::StatusCode;
use telenor_auth::session::MemoryStore;

use crate::support::App;

/// S81.
#[tokio::test]
async fn full_memory_store_is_503_and_keeps_live_sessions() {
    let app = App::with(|builder| builder.session_store(MemoryStore::with_capacity(1))).await;
    let mut first = app.signed_in().await;
    let mut second = app.browser();
    let callback = second.callback_url(&app.gateway, "/private").await;
    let page = second.open(&callback).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.header("retry-after").is_some());
    assert!(first.token().await.is_some());
}

/// S81.
#[test]
fn memory_store_has_a_capacity_by_default() {
    let store = format!("{:?}", MemoryStore::new());
    assert!(store.contains("capacity: 100000"), "{store}");
}
