//! The record by which all sessions are ended.

use std::time::{Duration, SystemTime};

use telenor_auth::session::{Session, SessionStore};
use telenor_auth_store_tests::memory::Fault;
use tokio::task::JoinSet;

use super::{MINUTE, epoch, instance, memory, now, save, session, version};

#[tokio::test(start_paused = true)]
async fn revoking_all_reaches_the_other_instances_within_two_seconds() {
    let (memory, store) = memory();
    let other = instance(&memory);
    let token = save(&store).await;
    assert!(version(&other, &token).await.is_some());
    store.revoke_all(now()).await.unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(version(&other, &token).await, None);
}

#[tokio::test(start_paused = true)]
async fn slow_answer_does_not_undo_that_all_were_revoked() {
    let (memory, store) = memory();
    let token = save(&store).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    let held = memory.hold_load(epoch(&memory));
    let slow = tokio::spawn({
        let (store, token) = (store.clone(), token.clone());
        async move { store.load(&token, now()).await }
    });
    held.came().await;
    held.go.notify_one();
    held.came().await;
    tokio::time::advance(Duration::from_millis(1)).await;
    store.revoke_all(now()).await.unwrap();
    held.go.notify_one();
    slow.await.unwrap().unwrap();
    assert_eq!(version(&store, &token).await, None);
}

#[tokio::test(start_paused = true)]
async fn request_costs_two_look_ups_and_one_more_every_two_seconds() {
    let (memory, store) = memory();
    let token = save(&store).await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(2)).await;
        memory.calls();
        let mut loads = JoinSet::new();
        for _ in 0..20 {
            let (store, token) = (store.clone(), token.clone());
            loads.spawn(async move { store.load(&token, now()).await });
        }
        for loaded in loads.join_all().await {
            assert!(loaded.unwrap().is_some());
        }
        assert_eq!(memory.calls(), 20 * 2 + 1, "one asks for all");
        store.load(&token, now()).await.unwrap();
        assert_eq!(memory.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn epoch_that_cannot_be_read_is_used_for_thirty_seconds() {
    for fault in [Fault::Fails, Fault::Hangs] {
        let (memory, store) = memory();
        let token = save(&store).await;
        memory.set_fault(Some(fault), Some(epoch(&memory)));
        tokio::time::advance(Duration::from_secs(27)).await;
        assert!(version(&store, &token).await.is_some());
        tokio::time::advance(Duration::from_secs(3)).await;
        store.load(&token, now()).await.unwrap_err();
        store.save(session(), now()).await.unwrap_err();
        memory.set_fault(None, None);
        assert!(version(&store, &token).await.is_some());
    }
}

#[tokio::test]
async fn epoch_that_was_lost_brings_no_session_back() {
    let (memory, store) = memory();
    let revoked = save(&store).await;
    store.revoke_all(now()).await.unwrap();
    let lost = save(&store).await;
    let id = epoch(&memory);
    memory.rows().remove(&id);
    for _ in 0..2 {
        let started_later = instance(&memory);
        for token in [&revoked, &lost] {
            assert_eq!(version(&started_later, token).await, None);
        }
        save(&started_later).await;
    }
}

#[tokio::test]
async fn epoch_outlasts_every_session() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let end_of_mysql = SystemTime::UNIX_EPOCH + Duration::from_secs(i32::MAX as u64);
    for login in [now(), end_of_mysql] {
        let (memory, store) = memory();
        let session = Session::new("token", login + MINUTE);
        store.save(session, login).await.unwrap();
        let id = epoch(&memory);
        let until = memory.rows()[&id].expiry_date;
        assert!(until > time::OffsetDateTime::from(login + YEAR - MINUTE));
    }
}

#[tokio::test]
async fn first_logins_at_the_same_moment_do_not_end_each_other() {
    let (memory, store) = memory();
    save(&store).await;
    let held = memory.hold_create(epoch(&memory));
    memory.rows().clear();
    let store = instance(&memory);
    let slow = async { save(&store).await };
    let fast = async {
        held.came().await;
        let fast = tokio::spawn({
            let store = store.clone();
            async move { save(&store).await }
        });
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        held.go.notify_one();
        fast.await.unwrap()
    };
    let (slow, fast) = tokio::join!(slow, fast);
    let started_later = instance(&memory);
    for token in [slow, fast] {
        assert_eq!(version(&started_later, &token).await, Some(0));
    }
}
