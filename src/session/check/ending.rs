//! A session that was ended is gone for good, and no other with it.

use std::time::{Duration, SystemTime};

use super::{at_once, keep, load, next, remove, replace, save, session};
use crate::session::{Record, Session, SessionId, SessionStore, SessionToken};

const ROUNDS: usize = 50;

pub(super) async fn removed_session_is_gone_and_no_other<Store: SessionStore>(store: &Store) {
    let (first, second) = (save(store, "first").await, save(store, "second").await);
    remove(store, &first).await;
    assert!(
        load(store, &first).await.is_none(),
        "a removed session is gone"
    );
    let reloaded = store.reload(&first).await;
    assert!(
        reloaded.expect("looking up a token is no error").is_none(),
        "a removed session is not reloaded"
    );
    remove(store, &first).await;
    let other = load(store, &second).await;
    assert_eq!(
        other.as_deref(),
        Some("second"),
        "only the removed session is gone"
    );
}

pub(super) async fn ended_session_does_not_come_back_by_being_replaced<Store: SessionStore>(
    store: &Store,
) {
    for revoked in [false, true] {
        let first = session("first");
        let token = keep(store, &first).await;
        if revoked {
            revoke(store, store.id(&token, &first)).await;
        } else {
            remove(store, &token).await;
        }
        assert!(
            replace(store, &token, &next(&first, "later"))
                .await
                .is_none(),
            "a session that was ended is not replaced"
        );
        assert!(
            load(store, &token).await.is_none(),
            "a session that was ended does not come back by being replaced"
        );
    }
    // Where the token changes, a browser may hold either of them.
    for by_the_old in [false, true] {
        let first = session("first");
        let old = keep(store, &first).await;
        let new = replace(store, &old, &next(&first, "later")).await;
        let new = new.expect("a session is replaced by the state that comes next");
        remove(store, if by_the_old { &old } else { &new }).await;
        assert!(
            load(store, &old).await.is_none() && load(store, &new).await.is_none(),
            "a removed session is gone, by the token before it was replaced and by the one after"
        );
    }
}

/// Logging out while another request is noted.
pub(super) async fn removing_wins_over_replacing<Store: SessionStore>(store: &Store) {
    let mut tokens = Vec::new();
    let mut tasks = Vec::new();
    for round in 0..ROUNDS {
        let first = session("first");
        let token = keep(store, &first).await;
        let later = next(&first, "later");
        // Each is begun first every other time.
        for removes in [round % 2 == 0, round % 2 != 0] {
            let (store, token, later) = (store.clone(), token.clone(), later.clone());
            tasks.push(async move {
                if removes {
                    remove(&store, &token).await;
                    return None;
                }
                replace(&store, &token, &later).await
            });
        }
        tokens.push(token);
    }
    tokens.extend(at_once(tasks).await.into_iter().flatten());
    for token in tokens {
        assert!(
            load(store, &token).await.is_none(),
            "a session that is removed and replaced at the same time is gone"
        );
    }
}

async fn revoke<Store: SessionStore>(store: &Store, id: SessionId) {
    let until = SystemTime::now() + Duration::from_secs(700);
    let revoked = store.revoke(id, until).await;
    revoked.expect("a session can be revoked, and an unknown id is no error");
}

pub(super) async fn id_names_one_session_for_as_long_as_it_lasts<Store: SessionStore>(
    store: &Store,
) {
    let (first, other) = (session("first"), session("other"));
    let token = keep(store, &first).await;
    let id = store.id(&token, &first);
    if Store::STABLE_TOKEN {
        assert!(
            id == token.id(),
            "the id of a session is its token's, unless the token changes"
        );
    }
    assert!(
        id != store.id(&keep(store, &other).await, &other),
        "no two sessions have the same id"
    );
    let later = next(&first, "later");
    let replaced = replace(store, &token, &later).await;
    let replaced = replaced.expect("a session is replaced by the state that comes next");
    assert!(
        id == store.id(&replaced, &later),
        "the id stays the same when the session is replaced"
    );
    revoke(store, id).await;
    assert!(
        load(store, &replaced).await.is_none(),
        "a replaced session can be revoked by the id it had before"
    );
}

pub(super) async fn revoked_session_is_gone_and_no_other<Store: SessionStore>(store: &Store) {
    let first = session("first");
    let (token, other) = (keep(store, &first).await, save(store, "other").await);
    let id = store.id(&token, &first);
    revoke(store, SessionToken::random().id()).await;
    assert!(
        load(store, &token).await.is_some(),
        "revoking an unknown id ends nobody's session"
    );
    revoke(&store.clone(), id).await;
    assert!(
        load(store, &token).await.is_none(),
        "a revoked session is gone"
    );
    revoke(store, id).await;
    let other = load(store, &other).await;
    assert_eq!(
        other.as_deref(),
        Some("other"),
        "only the revoked session is gone"
    );
}

pub(super) async fn revoking_all_ends_what_was_saved_before<Store: SessionStore>(store: &Store) {
    let first = session("first");
    let (token, other) = (keep(store, &first).await, save(store, "other").await);
    let all = store.clone().revoke_all().await;
    all.expect("all sessions can be revoked");
    for token in [&token, &other] {
        assert!(
            load(store, token).await.is_none(),
            "every session that was saved before is gone"
        );
    }
    assert!(
        replace(store, &token, &next(&first, "later"))
            .await
            .is_none(),
        "a session that was revoked with all others is not replaced"
    );
    // A store that goes by when a session was issued may do so by the second.
    let now = session("later");
    let later = Session::of(Record {
        issued_at: now.record().issued_at + 2,
        ..now.record().clone()
    });
    let token = keep(store, &later).await;
    assert!(
        load(store, &token).await.is_some(),
        "a session that is saved after all were revoked lives"
    );
}
