//! What holds in every database.

use std::time::Duration;

use telenor_auth::session::{Lease, Leases, SessionStore, TowerSessionsStore, check_store};
use telenor_auth_store_tests::{
    database::Database,
    support::kept::{Keeper, assert_ends, assert_goes_on, has_ended, pass},
};
use tokio::task::JoinSet;

use super::{MINUTE, keys, later, now, save, session, subject, version};

macro_rules! over {
    ($database:ident: $($name:ident)*) => {
        mod $database {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Database::$database().await).await;
            })*
        }
    };
}

macro_rules! over_each_store {
    ($($name:ident)*; where_creating_is_atomic: $($atomic:ident)*) => {
        over!(memory: $($name)* $($atomic)*);
        over!(sqlite: $($name)* $($atomic)*);
        over!(redis: $($name)* $($atomic)*);
        over!(postgresql: $($name)*);
    };
}

over_each_store! {
    store_meets_the_contract
    database_holds_nothing_that_opens_anything
    session_is_updated_to_its_next_state_only
    ended_session_comes_back_by_nothing
    revoking_all_ends_every_session_on_every_instance
    end_at_another_instance_ends_what_waits_for_it
    lease_has_one_holder_until_it_is_released_or_completed
    one_of_many_in_one_process_wins
    ;
    where_creating_is_atomic:
    one_of_many_callers_acquires_a_lease
    one_of_many_updates_wins
}

async fn store_meets_the_contract(database: Database) {
    check_store(database.instance()).await;
}

/// S62, S82.
async fn database_holds_nothing_that_opens_anything(database: Database) {
    let store = database.instance();
    let token = save(&store).await;
    let renewed = store
        .update(&token, later(&session(), 1), now())
        .await
        .unwrap();
    assert!(renewed.is_some());
    store.acquire("login-5", MINUTE).await.unwrap();
    let dump = database.dump().await;
    assert_eq!(dump.len(), 5, "epoch, session, state and two leases");
    let kari = subject("kari@shop.test");
    let of_kari = store.save(session().with_subject(kari), now()).await;
    let of_kari = of_kari.unwrap();
    let dump = database.dump().await;
    assert_eq!(
        dump.len(),
        9,
        "session, state, and epoch and list of the subject"
    );
    let text: Vec<u8> = dump
        .into_iter()
        .flat_map(|(id, data)| [id.into_bytes(), data].concat())
        .collect();
    let text = String::from_utf8_lossy(&text);
    let kari = kari.to_string();
    for secret in [
        token.secret(),
        of_kari.secret(),
        "access token",
        "login-5",
        "kari@shop.test",
        &kari,
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}

async fn session_is_updated_to_its_next_state_only(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let new = session();
    let token = store.save(new.clone(), now()).await.unwrap();
    let update = |changes| other.update(&token, later(&new, changes), now());
    assert_eq!(update(2).await.unwrap(), None, "one was left out");
    assert_eq!(update(1).await.unwrap(), Some(token.clone()));
    assert_eq!(version(&store, &token).await, Some(1));
    assert_eq!(update(1).await.unwrap(), None, "another caller was faster");
    assert_eq!(update(2).await.unwrap(), Some(token.clone()));
    assert_eq!(version(&store, &token).await, Some(2));
}

/// S74, S75.
async fn ended_session_comes_back_by_nothing(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let new = session();
    for by_id in [false, true] {
        let token = store.save(new.clone(), now()).await.unwrap();
        other.update(&token, later(&new, 1), now()).await.unwrap();
        let before = database.dump().await.len();
        if by_id {
            let until = now() + MINUTE;
            other.revoke(token.id(), until, now()).await.unwrap();
        } else {
            other.remove(&token, now()).await.unwrap();
        }
        let left = database.dump().await.len();
        assert_eq!(left, before - 2, "session and state");
        for changes in [1, 2] {
            let updated = store.update(&token, later(&new, changes), now()).await;
            assert_eq!(updated.unwrap(), None);
        }
        assert_eq!(version(&store, &token).await, None);
        assert_eq!(version(&other, &token).await, None);
    }
}

/// S74.
async fn revoking_all_ends_every_session_on_every_instance(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let tokens = [save(&store).await, save(&other).await];
    for token in &tokens {
        assert!(version(&store, token).await.is_some());
        assert!(version(&other, token).await.is_some());
    }
    store.revoke_all(now()).await.unwrap();
    store.revoke_all(now()).await.unwrap();
    let started_later = database.instance();
    for token in &tokens {
        assert_eq!(version(&store, token).await, None);
        assert_eq!(version(&started_later, token).await, None);
        let updated = store.update(token, later(&session(), 1), now()).await;
        assert_eq!(updated.unwrap(), None);
    }
    let new = save(&store).await;
    assert!(
        version(&other, &new).await.is_some(),
        "a later login is known at once, also where it is not known yet that all were revoked"
    );
    for token in &tokens {
        assert_eq!(version(&other, token).await, None, "which it is now");
    }
}

async fn end_at_another_instance_ends_what_waits_for_it(database: Database) {
    let here = database.instance();
    let here = Keeper::start(|builder| builder.cookie_keys(keys(1)).session_store(here)).await;
    let (_, first) = here.signed_in().await;
    let (_, second) = here.signed_in().await;
    let (mut one, mut two) = (first.ended(), second.ended());
    assert_goes_on(&mut one).await;
    let id = first.session_id().unwrap();
    let elsewhere = database.instance();
    elsewhere.revoke(id, now(), now()).await.unwrap();
    pass(Duration::from_secs(20)).await;
    assert_ends(&mut one).await;
    assert!(!has_ended(&mut two));
    // The same instance, at once.
    here.auth.revoke_all().await.unwrap();
    assert_ends(&mut two).await;
}

/// S82.
async fn lease_has_one_holder_until_it_is_released_or_completed(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let acquire =
        async |store: &TowerSessionsStore| store.acquire("login-5", MINUTE).await.unwrap();
    assert_eq!(acquire(&store).await, Lease::Acquired);
    assert_eq!(acquire(&other).await, Lease::Held);
    let another = other.acquire("login-6", MINUTE).await.unwrap();
    assert_eq!(another, Lease::Acquired, "another lease");
    store.release("login-5").await.unwrap();
    assert_eq!(acquire(&other).await, Lease::Acquired);
    other.complete("login-5", "sealed", MINUTE).await.unwrap();
    for store in [&store, &other] {
        assert_eq!(acquire(store).await, Lease::Completed("sealed".into()));
    }
    assert_eq!(database.dump().await.len(), 2);
}

/// S82.
async fn one_of_many_callers_acquires_a_lease(database: Database) {
    let mut leases = JoinSet::new();
    for _ in 0..20 {
        let store = database.instance();
        leases.spawn(async move { store.acquire("login-5", MINUTE).await.unwrap() });
    }
    let leases = leases.join_all().await;
    let acquired = leases.iter().filter(|lease| **lease == Lease::Acquired);
    assert_eq!(acquired.count(), 1, "{leases:?}");
}

/// S8.
async fn one_of_many_in_one_process_wins(database: Database) {
    let store = database.instance();
    let new = session();
    let token = store.save(new.clone(), now()).await.unwrap();
    for round in 0..5 {
        let mut leases = JoinSet::new();
        let mut updates = JoinSet::new();
        for _ in 0..20 {
            let (one, name) = (store.clone(), format!("login-{round}"));
            leases.spawn(async move { one.acquire(&name, MINUTE).await.unwrap() });
            let (one, token, state) = (store.clone(), token.clone(), later(&new, round + 1));
            updates.spawn(async move { one.update(&token, state, now()).await.unwrap() });
        }
        let leases = leases.join_all().await;
        let acquired = leases.iter().filter(|lease| **lease == Lease::Acquired);
        assert_eq!(acquired.count(), 1, "{leases:?}");
        let updated = updates.join_all().await;
        assert_eq!(updated.iter().flatten().count(), 1, "{updated:?}");
    }
}

async fn one_of_many_updates_wins(database: Database) {
    let store = database.instance();
    let new = session();
    let token = store.save(new.clone(), now()).await.unwrap();
    let mut updates = JoinSet::new();
    for _ in 0..20 {
        let (store, token, state) = (database.instance(), token.clone(), later(&new, 1));
        updates.spawn(async move { store.update(&token, state, now()).await.unwrap() });
    }
    let updated = updates.join_all().await;
    assert_eq!(updated.iter().flatten().count(), 1);
    assert_eq!(version(&store, &token).await, Some(1));
}
