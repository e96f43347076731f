//! Sessions in stores that were written for tower-sessions: PostgreSQL,
//! SQLite, Redis, and one that fails on purpose.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::time::{Duration, SystemTime};

use telenor_auth::{
    ConfigError, TelenorAuthLayer,
    session::{
        Lease, Session, SessionStore, SessionToken, SubjectId, TowerSessionsStore, check_store,
    },
};
use telenor_auth_store_tests::{memory::Memory, support::app::keys};
use tower_sessions_core::session::Id;

#[macro_use]
mod each_database;
mod app_part;
mod epoch;
mod failures;
mod leases;
mod records;
mod subjects;
mod updating;

const MINUTE: Duration = Duration::from_secs(60);

fn now() -> SystemTime {
    SystemTime::now()
}

fn session() -> Session {
    Session::new("access token in clear", now() + 10 * MINUTE)
}

/// A state of the session that comes this many changes later.
fn later(session: &Session, changes: u32) -> Session {
    (0..changes).fold(session.clone(), |state, _| state.touched_at(now()))
}

fn subject(name: &str) -> SubjectId {
    SubjectId::new(&keys(1), name)
}

async fn save(store: &TowerSessionsStore) -> SessionToken {
    store.save(session(), now()).await.unwrap()
}

/// The version that is loaded.
async fn version(store: &TowerSessionsStore, token: &SessionToken) -> Option<u32> {
    let session = store.load(token, now()).await.unwrap();
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
fn own(token: &SessionToken) -> Id {
    Id(i128::from_le_bytes(token.id().to_bytes()))
}

/// The id of the record that names the epoch: the one that lasts longest.
fn epoch(memory: &Memory) -> Id {
    let rows = memory.rows();
    rows.values().max_by_key(|row| row.expiry_date).unwrap().id
}

/// One that was published for core 0.15; the other store in memory is this test's own.
#[tokio::test]
async fn published_store_for_the_newer_core_meets_the_contract() {
    let store = tower_sessions_memory_store::MemoryStore::default();
    check_store(TowerSessionsStore::from_core_015(store, &keys(1))).await;
}

#[test]
fn debug_shows_nothing_of_the_store_within() {
    let (_, store) = memory();
    assert_eq!(
        format!("{store:?}"),
        "TowerSessionsStore { timeout: 2s, .. }"
    );
}

#[tokio::test]
async fn leases_are_in_the_same_store() {
    let (memory, store) = memory();
    let acquire = async |store: &TowerSessionsStore| {
        let leases = store.leases().unwrap();
        leases.acquire("login-5", MINUTE).await.unwrap()
    };
    assert_eq!(acquire(&store).await, Lease::Acquired);
    assert_eq!(acquire(&instance(&memory)).await, Lease::Held);
}

#[test]
fn keys_are_those_of_the_app() {
    let (_, store) = memory();
    let built = TelenorAuthLayer::builder("id", "secret", "https://shop.test/telenor/callback")
        .cookie_keys(keys(2))
        .session_store(store)
        .build();
    assert!(matches!(built.unwrap_err(), ConfigError::StoreKeysDiffer));
}
