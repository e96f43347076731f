//! What holds in every database.

use std::time::SystemTime;

use telenor_auth::session::{Claim, SessionStore, TowerSessionsStore, check_store};
use telenor_auth_store_tests::database::Database;
use tokio::task::JoinSet;

use super::{MINUTE, later, save, session, version};

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
    store_keeps_the_rules
    database_holds_nothing_that_opens_anything
    session_is_replaced_by_its_next_state_only
    ended_session_comes_back_by_nothing
    revoking_all_ends_every_session_on_every_instance
    claim_has_one_holder_until_it_is_given_back_or_settled
    one_of_many_in_one_process_wins
    ;
    where_creating_is_atomic:
    one_of_many_claims_wins
    one_of_many_replacements_wins
}

async fn store_keeps_the_rules(database: Database) {
    check_store(database.instance()).await;
}

async fn database_holds_nothing_that_opens_anything(database: Database) {
    let store = database.instance();
    let token = save(&store).await;
    let renewed = store.replace(&token, later(&session(), 1)).await.unwrap();
    assert!(renewed.is_some());
    store.claim("login-5", MINUTE).await.unwrap();
    let dump = database.dump().await;
    assert_eq!(dump.len(), 5, "generation, session, state and two claims");
    let text: Vec<u8> = dump
        .into_iter()
        .flat_map(|(id, data)| [id.into_bytes(), data].concat())
        .collect();
    let text = String::from_utf8_lossy(&text);
    for secret in [token.secret(), "access token", "login-5"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

async fn session_is_replaced_by_its_next_state_only(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let new = session();
    let token = store.save(new.clone()).await.unwrap();
    let replace = |changes| other.replace(&token, later(&new, changes));
    assert_eq!(replace(2).await.unwrap(), None, "one was left out");
    assert_eq!(replace(1).await.unwrap(), Some(token.clone()));
    assert_eq!(version(&store, &token).await, Some(1));
    assert_eq!(replace(1).await.unwrap(), None, "somebody was faster");
    assert_eq!(replace(2).await.unwrap(), Some(token.clone()));
    assert_eq!(version(&store, &token).await, Some(2));
}

async fn ended_session_comes_back_by_nothing(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let new = session();
    for by_id in [false, true] {
        let token = store.save(new.clone()).await.unwrap();
        other.replace(&token, later(&new, 1)).await.unwrap();
        let before = database.dump().await.len();
        if by_id {
            let until = SystemTime::now() + MINUTE;
            other.revoke(token.id(), until).await.unwrap();
        } else {
            other.remove(&token).await.unwrap();
        }
        let left = database.dump().await.len();
        assert_eq!(left, before - 2, "session and state");
        for changes in [1, 2] {
            let replaced = store.replace(&token, later(&new, changes)).await;
            assert_eq!(replaced.unwrap(), None);
        }
        assert_eq!(version(&store, &token).await, None);
        assert_eq!(version(&other, &token).await, None);
    }
}

async fn revoking_all_ends_every_session_on_every_instance(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let tokens = [save(&store).await, save(&other).await];
    for token in &tokens {
        assert!(version(&store, token).await.is_some());
        assert!(version(&other, token).await.is_some());
    }
    store.revoke_all().await.unwrap();
    store.revoke_all().await.unwrap();
    let started_later = database.instance();
    for token in &tokens {
        assert_eq!(version(&store, token).await, None);
        assert_eq!(version(&started_later, token).await, None);
        let replaced = store.replace(token, later(&session(), 1)).await;
        assert_eq!(replaced.unwrap(), None);
    }
    let new = save(&store).await;
    assert!(
        version(&other, &new).await.is_some(),
        "whoever logs in afterwards is known at once, also where it is not known yet that all were revoked"
    );
    for token in &tokens {
        assert_eq!(version(&other, token).await, None, "which it is now");
    }
}

async fn claim_has_one_holder_until_it_is_given_back_or_settled(database: Database) {
    let (store, other) = (database.instance(), database.instance());
    let claim = async |store: &TowerSessionsStore| store.claim("login-5", MINUTE).await.unwrap();
    assert_eq!(claim(&store).await, Claim::Won);
    assert_eq!(claim(&other).await, Claim::Lost);
    let another = other.claim("login-6", MINUTE).await.unwrap();
    assert_eq!(another, Claim::Won, "another piece of work");
    store.release("login-5").await.unwrap();
    assert_eq!(claim(&other).await, Claim::Won);
    other.settle("login-5", "sealed", MINUTE).await.unwrap();
    for store in [&store, &other] {
        assert_eq!(claim(store).await, Claim::Settled("sealed".into()));
    }
    assert_eq!(database.dump().await.len(), 2);
}

async fn one_of_many_claims_wins(database: Database) {
    let mut claims = JoinSet::new();
    for _ in 0..20 {
        let store = database.instance();
        claims.spawn(async move { store.claim("login-5", MINUTE).await.unwrap() });
    }
    let claims = claims.join_all().await;
    let won = claims.iter().filter(|claim| **claim == Claim::Won);
    assert_eq!(won.count(), 1, "{claims:?}");
}

async fn one_of_many_in_one_process_wins(database: Database) {
    let store = database.instance();
    let new = session();
    let token = store.save(new.clone()).await.unwrap();
    for round in 0..5 {
        let mut claims = JoinSet::new();
        let mut replacements = JoinSet::new();
        for _ in 0..20 {
            let (one, name) = (store.clone(), format!("login-{round}"));
            claims.spawn(async move { one.claim(&name, MINUTE).await.unwrap() });
            let (one, token, state) = (store.clone(), token.clone(), later(&new, round + 1));
            replacements.spawn(async move { one.replace(&token, state).await.unwrap() });
        }
        let claims = claims.join_all().await;
        let won = claims.iter().filter(|claim| **claim == Claim::Won);
        assert_eq!(won.count(), 1, "{claims:?}");
        let replaced = replacements.join_all().await;
        assert_eq!(replaced.iter().flatten().count(), 1, "{replaced:?}");
    }
}

async fn one_of_many_replacements_wins(database: Database) {
    let store = database.instance();
    let new = session();
    let token = store.save(new.clone()).await.unwrap();
    let mut replacements = JoinSet::new();
    for _ in 0..20 {
        let (store, token, state) = (database.instance(), token.clone(), later(&new, 1));
        replacements.spawn(async move { store.replace(&token, state).await.unwrap() });
    }
    let replaced = replacements.join_all().await;
    assert_eq!(replaced.iter().flatten().count(), 1);
    assert_eq!(version(&store, &token).await, Some(1));
}
