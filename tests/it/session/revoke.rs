//! Revocation by an operator, and the ids of sessions.

use std::sync::{Arc, Mutex};

use axum::{Router, routing::get};
use telenor_auth::{
    Clock, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    events::Event,
    mock::MockGateway,
    session::{MemoryStore, SessionId, SubjectId},
};

use crate::support::{self, App, MINUTE, builder, keys, stores::Blocking};

over_each_store! {
    builders:
    operator_ends_one_session
    operator_ends_all_sessions
    handler_and_events_have_the_same_session_id
}

/// An app that shows a user the id of their session, and the ids in its events.
async fn with_ids(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) -> (App, TelenorAuthLayer, Arc<Mutex<Vec<String>>>) {
    let logged = Arc::new(Mutex::new(Vec::new()));
    let ids = Arc::clone(&logged);
    let note = move |event: &Event<'_>| {
        if let Event::LoginSucceeded { session_id, .. } = event {
            ids.lock().unwrap().push((*session_id).to_owned());
        }
    };
    let gateway = MockGateway::start().await.unwrap();
    let auth = store(builder(&gateway).on_event(note)).build().unwrap();
    let id = async |user: TelenorUser| user.session_id().unwrap().to_string();
    let router = Router::new().route("/id", get(id));
    let router = router.merge(support::routes(&support::Hits::default()));
    let app = App::mounted(router.layer(auth.clone()), gateway);
    (app, auth, logged)
}

/// S74.
async fn operator_ends_one_session(store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) {
    let (app, auth, _) = with_ids(store).await;
    let (mut first, mut second) = (app.signed_in().await, app.signed_in().await);
    let id: SessionId = first.open("/id").await.body.parse().unwrap();
    auth.revoke(id).await.unwrap();
    assert!(first.token().await.is_none());
    assert!(second.token().await.is_some());
    auth.revoke(id).await.unwrap();
}

#[tokio::test]
async fn revocation_is_kept_until_every_session_of_now_has_ended() {
    let store = Blocking::new(MemoryStore::new());
    let clock = Clock::manual();
    let (app, auth, _) = with_ids(|builder| {
        let builder = builder.session_store(store.clone()).clock(clock.clone());
        builder.max_session_age(30 * MINUTE)
    })
    .await;
    let id: SessionId = app
        .signed_in()
        .await
        .open("/id")
        .await
        .body
        .parse()
        .unwrap();
    auth.revoke(id).await.unwrap();
    let until = store.until.lock().unwrap().take();
    assert_eq!(until, Some(clock.now() + 30 * MINUTE));
    let subject = SubjectId::new(&keys(1), "customer 17");
    auth.revoke_subject(subject).await.unwrap();
    let until = store.until.lock().unwrap().take();
    assert_eq!(until, Some(clock.now() + 30 * MINUTE));
}

/// S74.
async fn operator_ends_all_sessions(store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) {
    let (app, auth, _) = with_ids(store).await;
    let (mut first, mut second) = (app.signed_in().await, app.signed_in().await);
    auth.revoke_all().await.unwrap();
    assert!(first.token().await.is_none());
    assert!(second.token().await.is_none());
}

async fn handler_and_events_have_the_same_session_id(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let (app, _, logged) = with_ids(store).await;
    let mut browser = app.signed_in().await;
    let id = browser.open("/id").await.body;
    assert_eq!(logged.lock().unwrap().as_slice(), std::slice::from_ref(&id));
    assert!(!browser.session().unwrap().contains(&id));
}
