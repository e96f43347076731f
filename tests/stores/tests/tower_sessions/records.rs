//! What a record holds, and which of them make a session.

use telenor_auth::session::{Lease, Leases, SessionStore, SessionToken, TowerSessionsStore};
use telenor_auth_store_tests::support::app::keys;

use super::{MINUTE, epoch, later, memory, now, own, save, session, version};

/// S62.
#[tokio::test]
async fn record_that_got_another_id_is_deleted_and_tried_again() {
    for other in [&[true][..], &[false, true], &[true, true, false, true]] {
        let (memory, store) = memory();
        save(&store).await;
        memory.give_other_ids(other);
        let token = save(&store).await;
        assert_eq!(version(&store, &token).await, Some(0));
        let rows = memory.rows().len();
        assert_eq!(rows, 5, "the epoch and two sessions");
    }
    let (memory, store) = memory();
    save(&store).await;
    memory.give_other_ids(&[true; 100]);
    store.save(session(), now()).await.unwrap_err();
    assert_eq!(memory.rows().len(), 3);
}

/// S75.
#[tokio::test]
async fn slow_instance_does_not_bring_back_a_session_that_is_ended_while_it_writes() {
    for strict in [false, true] {
        let (memory, store) = memory();
        if strict {
            memory.save_strictly();
        }
        let new = session();
        let token = store.save(new.clone(), now()).await.unwrap();
        let held = memory.hold_save();
        let slow = tokio::spawn({
            let (store, token) = (store.clone(), token.clone());
            async move { store.update(&token, later(&new, 1), now()).await.unwrap() }
        });
        held.came().await;
        store.remove(&token, now()).await.unwrap();
        held.go.notify_one();
        assert_eq!(slow.await.unwrap(), None);
        assert_eq!(version(&store, &token).await, None);
        let rows = memory.rows().len();
        assert_eq!(rows, 1, "only the epoch is left");
    }
}

#[tokio::test]
async fn state_without_its_session_is_worth_nothing() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let before = memory.rows().clone();
    store.remove(&token, now()).await.unwrap();
    for (id, row) in before.into_iter().filter(|(id, _)| *id != own(&token)) {
        memory.rows().insert(id, row);
    }
    assert_eq!(version(&store, &token).await, None);
    let updated = store
        .update(&token, later(&session(), 1), now())
        .await
        .unwrap();
    assert_eq!(updated, None);
    assert_eq!(version(&store, &token).await, None);
}

#[tokio::test]
async fn session_whose_state_was_dropped_has_ended() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let kept = [own(&token), epoch(&memory)];
    memory.rows().retain(|id, _| kept.contains(id));
    assert_eq!(version(&store, &token).await, None);
}

/// S67.
#[tokio::test]
async fn record_in_the_place_of_another_does_not_open() {
    let (memory, store) = memory();
    let (victim, thief) = (save(&store).await, save(&store).await);
    let mut rows = memory.rows().clone();
    let mut moved = rows.remove(&own(&victim)).unwrap();
    moved.id = own(&thief);
    memory.rows().insert(moved.id, moved);
    assert_eq!(version(&store, &thief).await, None);
    assert_eq!(version(&store, &victim).await, Some(0));
}

#[tokio::test]
async fn record_sealed_with_a_removed_key_is_no_session() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let other = TowerSessionsStore::from_core_015(memory, &keys(2));
    assert_eq!(version(&other, &token).await, None);
    assert_eq!(version(&store, &token).await, Some(0));
}

#[tokio::test]
async fn session_expires_by_the_callers_clock() {
    let (_, store) = memory();
    let token = save(&store).await;
    let loaded = store.load(&token, now() + 10 * MINUTE).await.unwrap();
    assert_eq!(loaded.map(drop), None);
}

#[tokio::test]
async fn cookie_names_no_record_but_a_session() {
    let (_, store) = memory();
    let token = save(&store).await;
    let acquire = async || store.acquire("login-5", MINUTE).await.unwrap();
    assert_eq!(acquire().await, Lease::Acquired);
    let state = format!("state {}", token.id());
    for name in ["epoch ", "lease login-5", &state] {
        store.remove(&SessionToken::new(name), now()).await.unwrap();
    }
    assert_eq!(version(&store, &token).await, Some(0));
    assert_eq!(acquire().await, Lease::Held);
}
