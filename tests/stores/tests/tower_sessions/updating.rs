//! Updates of a session.

use std::time::Duration;

use telenor_auth::session::{Lease, Leases, SessionStore, SessionToken};
use telenor_auth_store_tests::memory::{Fault, Memory};
use tokio::time::Instant;
use tower_sessions_core::session::Id;

use super::{MINUTE, epoch, later, memory, now, own, save, session, version};

#[tokio::test(start_paused = true)]
async fn update_does_not_wait_forever_for_an_instance_that_died() {
    let (_, store) = memory();
    let token = save(&store).await;
    let held = format!("update-{}-1", token.id());
    assert_eq!(store.acquire(&held, MINUTE).await.unwrap(), Lease::Acquired);
    let state = later(&session(), 1);
    store
        .update(&token, state.clone(), now())
        .await
        .unwrap_err();
    store.release(&held).await.unwrap();
    let updated = store.update(&token, state.clone(), now()).await.unwrap();
    assert_eq!(updated, Some(token.clone()));
    let started = Instant::now();
    assert_eq!(store.update(&token, state, now()).await.unwrap(), None);
    assert_eq!(started.elapsed(), Duration::ZERO, "it has been done");
}

/// The id of the record that holds the state of the one session there is.
fn state(memory: &Memory, token: &SessionToken) -> Id {
    let others = [own(token), epoch(memory)];
    let rows = memory.rows();
    *rows.keys().find(|id| !others.contains(id)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn update_that_failed_can_be_tried_again_at_once() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let new = later(&session(), 1);
    memory.set_fault(Some(Fault::Fails), Some(state(&memory, &token)));
    let started = Instant::now();
    store.update(&token, new.clone(), now()).await.unwrap_err();
    memory.set_fault(None, None);
    let updated = store.update(&token, new, now()).await.unwrap();
    assert_eq!(updated, Some(token));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// What had no answer may land later, and must not be written over something newer.
#[tokio::test(start_paused = true)]
async fn update_without_an_answer_holds_its_place_until_it_can_no_longer_land() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let new = later(&session(), 1);
    let before: Vec<_> = memory.rows().keys().copied().collect();
    let _held = memory.hold_save();
    store.update(&token, new.clone(), now()).await.unwrap_err();
    store.update(&token, new.clone(), now()).await.unwrap_err();
    assert_eq!(version(&store, &token).await, Some(0));
    for (id, row) in memory.rows().iter_mut() {
        if !before.contains(id) {
            row.expiry_date = time::OffsetDateTime::now_utc();
        }
    }
    let updated = store.update(&token, new, now()).await.unwrap();
    assert_eq!(updated, Some(token));
}

/// The lease has run out by then, and may be that of another instance.
#[tokio::test(start_paused = true)]
async fn update_that_was_stalled_for_too_long_does_not_release_its_lease() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let held = memory.hold_load(state(&memory, &token));
    let stall = async {
        held.came().await;
        store.remove(&token, now()).await.unwrap();
        held.go.notify_one();
        held.came().await;
        held.go.notify_one();
        // The answer is there when the process goes on, so the call did not fail.
        tokio::time::advance(Duration::from_secs(20)).await;
    };
    let update = store.update(&token, later(&session(), 1), now());
    let (updated, ()) = tokio::join!(update, stall);
    assert_eq!(updated.unwrap(), None);
    let lease = format!("update-{}-1", token.id());
    let lease = store.acquire(&lease, MINUTE).await.unwrap();
    assert_eq!(lease, Lease::Held);
}
