//! Sessions in stores that were written for tower-sessions: PostgreSQL, SQLite, Redis, and one that goes wrong on purpose.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use http::{Method, StatusCode};
use telenor_auth::{
    Clock,
    session::{
        self, Claim, Session, SessionStore, SessionToken, StoreError, TowerSessionsStore,
        check_store, check_store_faults,
    },
};
use telenor_auth_store_tests::{
    database::{Database, in_postgres},
    memory::{Fault, Memory},
    postgres::Postgres,
    support::{
        app::{App, keys},
        browser::request,
        way::Way,
    },
};
use tokio::{task::JoinSet, time::Instant};
use tower_sessions_core::session::Id;

const MINUTE: Duration = Duration::from_secs(60);

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

fn session() -> Session {
    Session::new("access token in clear", SystemTime::now() + 10 * MINUTE)
}

/// A state of the session that comes this many changes later.
fn later(session: &Session, changes: u32) -> Session {
    (0..changes).fold(session.clone(), |state, _| state.used_at(SystemTime::now()))
}

async fn save(store: &TowerSessionsStore) -> SessionToken<'static> {
    store.save(session()).await.unwrap()
}

/// The version that is loaded.
async fn version(store: &TowerSessionsStore, token: &SessionToken<'_>) -> Option<u32> {
    let session = store.load(token).await.unwrap();
    session.map(|session| session.version())
}

fn memory() -> (Memory, TowerSessionsStore) {
    let memory = Memory::default();
    let store = TowerSessionsStore::from_core_015(memory.clone(), &keys(1));
    (memory, store)
}

/// Another instance of the app.
fn instance(memory: &Memory) -> TowerSessionsStore {
    TowerSessionsStore::from_core_015(memory.clone(), &keys(1))
}

/// The id of a session's own record.
fn own(token: &SessionToken<'_>) -> Id {
    Id(i128::from_le_bytes(token.id().to_bytes()))
}

/// The id of the record that names the generation: the one that lasts longest.
fn generation(memory: &Memory) -> Id {
    let rows = memory.rows();
    rows.values().max_by_key(|row| row.expiry_date).unwrap().id
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
    for secret in [token.expose(), "access token", "login-5"] {
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

/// One that was published for core 0.15; the other store in memory is this test's own.
#[tokio::test]
async fn published_store_for_the_newer_core_keeps_the_rules() {
    let store = tower_sessions_memory_store::MemoryStore::default();
    check_store(TowerSessionsStore::from_core_015(store, &keys(1))).await;
}

#[tokio::test]
async fn record_that_got_another_id_is_deleted_and_tried_again() {
    for other in [&[true][..], &[false, true], &[true, true, false, true]] {
        let (memory, store) = memory();
        save(&store).await;
        memory.give_other_ids(other);
        let token = save(&store).await;
        assert_eq!(version(&store, &token).await, Some(0));
        let rows = memory.rows().len();
        assert_eq!(rows, 5, "the generation and two sessions");
    }
    let (memory, store) = memory();
    save(&store).await;
    memory.give_other_ids(&[true; 100]);
    store.save(session()).await.unwrap_err();
    assert_eq!(memory.rows().len(), 3);
}

#[tokio::test]
async fn slow_instance_does_not_bring_back_a_session_that_is_ended_while_it_writes() {
    for strict in [false, true] {
        let (memory, store) = memory();
        if strict {
            memory.save_strictly();
        }
        let new = session();
        let token = store.save(new.clone()).await.unwrap();
        let held = memory.hold_save();
        let slow = tokio::spawn({
            let (store, token) = (store.clone(), token.clone());
            async move { store.replace(&token, later(&new, 1)).await.unwrap() }
        });
        held.came.notified().await;
        store.remove(&token).await.unwrap();
        held.go.notify_one();
        assert_eq!(slow.await.unwrap(), None);
        assert_eq!(version(&store, &token).await, None);
        let rows = memory.rows().len();
        assert_eq!(rows, 1, "only the generation is left");
    }
}

#[tokio::test]
async fn state_without_its_session_is_worth_nothing() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let before = memory.rows().clone();
    store.remove(&token).await.unwrap();
    for (id, row) in before.into_iter().filter(|(id, _)| *id != own(&token)) {
        memory.rows().insert(id, row);
    }
    assert_eq!(version(&store, &token).await, None);
    let replaced = store.replace(&token, later(&session(), 1)).await.unwrap();
    assert_eq!(replaced, None);
    assert_eq!(version(&store, &token).await, None);
}

#[tokio::test]
async fn session_whose_state_was_dropped_is_over() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let kept = [own(&token), generation(&memory)];
    memory.rows().retain(|id, _| kept.contains(id));
    assert_eq!(version(&store, &token).await, None);
}

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
async fn record_sealed_with_a_removed_key_is_none() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let other = TowerSessionsStore::from_core_015(memory, &keys(2));
    assert_eq!(version(&other, &token).await, None);
    assert_eq!(version(&store, &token).await, Some(0));
}

#[tokio::test]
async fn session_expires_by_the_clock_it_was_given() {
    let (_, store) = memory();
    let clock = Clock::manual();
    let store = store.clock(clock.clone());
    let token = save(&store).await;
    clock.advance(10 * MINUTE);
    assert_eq!(version(&store, &token).await, None);
}

#[tokio::test]
async fn cookie_names_no_record_but_a_session() {
    let (_, store) = memory();
    let token = save(&store).await;
    let claim = async || store.claim("login-5", MINUTE).await.unwrap();
    assert_eq!(claim().await, Claim::Won);
    let state = format!("state {}", token.id());
    for name in ["generation ", "claim login-5", &state] {
        store.remove(&SessionToken::new(name)).await.unwrap();
    }
    assert_eq!(version(&store, &token).await, Some(0));
    assert_eq!(claim().await, Claim::Lost);
}

#[tokio::test(start_paused = true)]
async fn revoking_all_reaches_the_other_instances_within_two_seconds() {
    let (memory, store) = memory();
    let other = instance(&memory);
    let token = save(&store).await;
    assert!(version(&other, &token).await.is_some());
    store.revoke_all().await.unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(version(&other, &token).await, None);
}

#[tokio::test(start_paused = true)]
async fn slow_answer_does_not_undo_that_all_were_revoked() {
    let (memory, store) = memory();
    let token = save(&store).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    let held = memory.hold_load(generation(&memory));
    let slow = tokio::spawn(store.load(&token));
    held.came.notified().await;
    held.go.notify_one();
    held.came.notified().await;
    tokio::time::advance(Duration::from_millis(1)).await;
    store.revoke_all().await.unwrap();
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
            loads.spawn(store.load(&token));
        }
        for loaded in loads.join_all().await {
            assert!(loaded.unwrap().is_some());
        }
        assert_eq!(memory.calls(), 20 * 2 + 1, "one asks for all");
        store.load(&token).await.unwrap();
        assert_eq!(memory.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn generation_that_cannot_be_read_is_believed_for_thirty_seconds() {
    for fault in [Fault::Fails, Fault::Hangs] {
        let (memory, store) = memory();
        let token = save(&store).await;
        memory.set_fault(Some(fault), Some(generation(&memory)));
        tokio::time::advance(Duration::from_secs(27)).await;
        assert!(version(&store, &token).await.is_some());
        tokio::time::advance(Duration::from_secs(3)).await;
        store.load(&token).await.unwrap_err();
        store.save(session()).await.unwrap_err();
        memory.set_fault(None, None);
        assert!(version(&store, &token).await.is_some());
    }
}

#[tokio::test]
async fn generation_that_was_lost_brings_nobody_back() {
    let (memory, store) = memory();
    let revoked = save(&store).await;
    store.revoke_all().await.unwrap();
    let lost = save(&store).await;
    let id = generation(&memory);
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
async fn generation_outlasts_every_session() {
    let (memory, store) = memory();
    save(&store).await;
    let id = generation(&memory);
    let until = memory.rows()[&id].expiry_date;
    let year = time::Duration::days(364);
    assert!(until > time::OffsetDateTime::now_utc() + year);
}

/// Everything that can be asked of a store, and what it said.
async fn ask_everything(store: &TowerSessionsStore) -> Vec<(&'static str, Option<StoreError>)> {
    let token = SessionToken::random();
    let until = SystemTime::now() + MINUTE;
    let state = later(&session(), 1);
    vec![
        ("load", store.load(&token).await.err()),
        ("save", store.save(session()).await.err()),
        ("replace", store.replace(&token, state).await.err()),
        ("remove", store.remove(&token).await.err()),
        ("revoke", store.revoke(token.id(), until).await.err()),
        ("revoke_all", store.revoke_all().await.err()),
        ("claim", store.claim("login-5", MINUTE).await.err()),
        ("release", store.release("login-5").await.err()),
        ("settle", store.settle("login-5", "x", MINUTE).await.err()),
    ]
}

#[tokio::test]
async fn failure_of_the_store_is_an_error_with_its_words() {
    let (memory, store) = memory();
    memory.set_fault(Some(Fault::Fails), None);
    for (call, error) in ask_everything(&store).await {
        let error = error.unwrap_or_else(|| panic!("{call} does not say so"));
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "the disk is gone", "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn store_that_hangs_is_an_error_in_time() {
    let (memory, store) = memory();
    memory.set_fault(Some(Fault::Hangs), None);
    let started = Instant::now();
    store.load(&SessionToken::random()).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 2);
    let store = store.timeout(Duration::from_millis(500));
    let started = Instant::now();
    store.load(&SessionToken::random()).await.unwrap_err();
    assert_eq!(started.elapsed().as_millis() / 10, 50);
    let started = Instant::now();
    for (call, error) in ask_everything(&store).await {
        let error = error.unwrap_or_else(|| panic!("{call} does not say so"));
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "the store did not answer in time", "{call}");
    }
    // None of the nine makes more than two calls that hang.
    assert!(started.elapsed() < Duration::from_millis(9 * 2 * 510));
}

#[tokio::test(start_paused = true)]
async fn store_keeps_the_rules_when_the_store_within_fails() {
    let (memory, store) = memory();
    check_store_faults(store, async |fault| {
        let fault = match fault {
            session::Fault::Error => Some(Fault::Fails),
            session::Fault::Timeout => Some(Fault::Hangs),
            session::Fault::Slow => Some(Fault::Lags),
            _ => None,
        };
        memory.set_fault(fault, None);
    })
    .await;
}

#[tokio::test]
async fn store_in_postgresql_keeps_the_rules_when_its_server_or_the_way_to_it_fails() {
    let server = Postgres::start();
    let way = Way::start(server.address()).await;
    let (store, _) = in_postgres(&Postgres::url_at(way.address), "faults").await;
    let store = TowerSessionsStore::from_core_014(store, &keys(1));
    let store = store.timeout(Duration::from_secs(1));
    check_store_faults(store, async |fault| match fault {
        session::Fault::Error => server.stop(),
        fault => {
            server.heal();
            way.set(fault);
        }
    })
    .await;
}

#[tokio::test]
async fn claim_that_two_instances_wrote_at_the_same_moment_has_one_holder() {
    let (memory, store) = memory();
    let other = instance(&memory);
    memory.create_unguarded();
    let (one, two) = tokio::join!(
        store.claim("login-5", MINUTE),
        other.claim("login-5", MINUTE)
    );
    let mut claims = [one.unwrap(), two.unwrap()];
    claims.sort_by_key(|claim| *claim == Claim::Won);
    assert_eq!(claims, [Claim::Lost, Claim::Won]);
}

#[tokio::test]
async fn one_at_a_time_asks_for_a_claim_in_a_process() {
    let (memory, store) = memory();
    let claim = async |name| store.clone().claim(name, MINUTE).await;
    assert_eq!(claim("login-5").await.unwrap(), Claim::Won);
    let id = *memory.rows().keys().next().unwrap();
    store.release("login-5").await.unwrap();
    let held = memory.hold_load(id);
    let meanwhile = async {
        held.came.notified().await;
        memory.calls();
        assert_eq!(claim("login-5").await.unwrap(), Claim::Lost);
        assert_eq!(memory.calls(), 0, "the store was not asked");
        assert_eq!(claim("login-6").await.unwrap(), Claim::Won);
        held.go.notify_one();
        held.came.notified().await;
        held.go.notify_one();
    };
    let (first, ()) = tokio::join!(claim("login-5"), meanwhile);
    assert_eq!(first.unwrap(), Claim::Won);

    memory.set_fault(Some(Fault::Fails), None);
    claim("login-7").await.unwrap_err();
    memory.set_fault(None, None);
    assert_eq!(claim("login-7").await.unwrap(), Claim::Won);
}

#[tokio::test]
async fn claim_that_has_run_out_is_taken_over_though_it_is_in_the_way() {
    let (memory, store) = memory();
    for settled in [false, true] {
        assert_eq!(store.claim("login-5", MINUTE).await.unwrap(), Claim::Won);
        if settled {
            store.settle("login-5", "failed", MINUTE).await.unwrap();
        }
        for row in memory.rows().values_mut() {
            row.expiry_date = time::OffsetDateTime::now_utc();
        }
    }
    assert_eq!(store.claim("login-5", MINUTE).await.unwrap(), Claim::Won);
    assert_eq!(memory.rows().len(), 1);
}

#[tokio::test]
async fn claim_that_is_not_kept_is_an_error() {
    let (_, store) = memory();
    let behind = Clock::manual();
    behind.rewind(2 * MINUTE);
    let store = store.clock(behind);
    store.claim("login-5", MINUTE).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn replacement_does_not_wait_for_ever_for_an_instance_that_died() {
    let (_, store) = memory();
    let token = save(&store).await;
    let held = format!("replace-{}-1", token.id());
    assert_eq!(store.claim(&held, MINUTE).await.unwrap(), Claim::Won);
    let state = later(&session(), 1);
    store.replace(&token, state.clone()).await.unwrap_err();
    store.release(&held).await.unwrap();
    let replaced = store.replace(&token, state.clone()).await.unwrap();
    assert_eq!(replaced, Some(token.clone()));
    let started = Instant::now();
    assert_eq!(store.replace(&token, state).await.unwrap(), None);
    assert_eq!(started.elapsed(), Duration::ZERO, "it has been done");
}

/// The id of the record that holds the state of the one session there is.
fn state(memory: &Memory, token: &SessionToken<'_>) -> Id {
    let others = [own(token), generation(memory)];
    let rows = memory.rows();
    *rows.keys().find(|id| !others.contains(id)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn replacement_that_failed_can_be_tried_again_at_once() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let new = later(&session(), 1);
    memory.set_fault(Some(Fault::Fails), Some(state(&memory, &token)));
    let started = Instant::now();
    store.replace(&token, new.clone()).await.unwrap_err();
    memory.set_fault(None, None);
    let replaced = store.replace(&token, new).await.unwrap();
    assert_eq!(replaced, Some(token));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// What had no answer may land later, and must not be written over something newer.
#[tokio::test(start_paused = true)]
async fn replacement_without_an_answer_holds_its_place_until_it_can_no_longer_land() {
    let (memory, store) = memory();
    let token = save(&store).await;
    let new = later(&session(), 1);
    let before: Vec<_> = memory.rows().keys().copied().collect();
    let _held = memory.hold_save();
    store.replace(&token, new.clone()).await.unwrap_err();
    store.replace(&token, new.clone()).await.unwrap_err();
    assert_eq!(version(&store, &token).await, Some(0));
    for (id, row) in memory.rows().iter_mut() {
        if !before.contains(id) {
            row.expiry_date = time::OffsetDateTime::now_utc();
        }
    }
    let replaced = store.replace(&token, new).await.unwrap();
    assert_eq!(replaced, Some(token));
}

#[tokio::test]
async fn claim_that_was_given_back_and_taken_again_stands() {
    let (memory, store) = memory();
    let claim = async |store: &TowerSessionsStore| store.claim("login-5", MINUTE).await.unwrap();
    assert_eq!(claim(&store).await, Claim::Won);
    let id = *memory.rows().keys().next().unwrap();
    let (slow, fast) = (instance(&memory), instance(&memory));
    let held = memory.hold_load(id);
    let faster = async {
        held.came.notified().await;
        store.release("login-5").await.unwrap();
        held.go.notify_one();
        held.came.notified().await;
        let won = claim(&fast).await;
        held.go.notify_one();
        won
    };
    let (slow, fast) = tokio::join!(claim(&slow), faster);
    assert_eq!((slow, fast), (Claim::Lost, Claim::Won));
}

#[tokio::test]
async fn first_logins_at_the_same_moment_do_not_end_each_other() {
    let (memory, store) = memory();
    save(&store).await;
    let held = memory.hold_create(generation(&memory));
    memory.rows().clear();
    let store = instance(&memory);
    let slow = async { save(&store).await };
    let fast = async {
        held.came.notified().await;
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

#[test]
fn debug_shows_nothing_of_the_store_within() {
    let (_, store) = memory();
    assert_eq!(
        format!("{store:?}"),
        "TowerSessionsStore { timeout: 2s, .. }"
    );
}

/// Logs in, takes the database away for a while, and logs out.
async fn login_outlasts_the_database(app: App, server: &Postgres) {
    let mut browser = app.signed_in().await;
    assert!(browser.token().await.is_some());

    server.stop();
    let away = browser.open("/whoami").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.header("retry-after").is_some());
    assert_eq!(away.header("location"), None);
    assert!(browser.session().is_some());
    server.start_again();
    let deadline = Instant::now() + Duration::from_secs(60);
    while browser.token().await.is_none() {
        assert!(Instant::now() < deadline, "the session is not back");
    }

    let mut copied = browser.clone();
    let same_origin = &[("sec-fetch-site", "same-origin")];
    let logout = request(Method::POST, "/telenor/logout", same_origin);
    assert_eq!(browser.send(logout).await.status, StatusCode::SEE_OTHER);
    assert!(copied.token().await.is_none());
    assert_eq!(copied.open("/whoami").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn login_with_postgresql_outlasts_the_database() {
    let server = Postgres::start();
    for (schema, changes) in [("fixed", false), ("changing", true)] {
        let (store, _) = in_postgres(&server.url(), schema).await;
        let app = App::with(|builder| {
            let keys = keys(1);
            let store = TowerSessionsStore::from_core_014(store, &keys);
            let builder = builder.cookie_keys(keys);
            let builder = match changes {
                true => builder.idle_timeout(10 * MINUTE),
                false => builder,
            };
            builder.session_store(store.timeout(Duration::from_secs(3)))
        });
        login_outlasts_the_database(app.await, &server).await;
    }
}
