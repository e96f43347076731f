//! Sessions of one subject.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use telenor_auth::session::{
    Leases, Session, SessionId, SessionStore, SessionToken, SubjectId, TowerSessionsStore,
};
use telenor_auth_store_tests::database::Database;
use tokio::task::JoinSet;

use super::{MINUTE, instance, memory, now, save, session, subject, version};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// For each of these, the store has a record of a subject.
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

over_each_store! {
    revoking_a_subject_ends_its_sessions_on_every_instance_and_no_others
    sessions_of_a_subject_are_listed_on_every_instance_until_they_end
    login_beyond_the_limit_ends_the_oldest_session_of_its_subject
    other_instances_find_what_one_has_ended
    ;
    where_creating_is_atomic:
}

/// Logs a customer in.
async fn save_of(store: &TowerSessionsStore, subject: SubjectId) -> SessionToken {
    let session = session().with_subject(subject);
    store.save(session, now()).await.unwrap()
}

async fn sessions_of(store: &TowerSessionsStore, subject: SubjectId) -> Vec<SessionId> {
    let listed = store.sessions_of(subject, now()).await.unwrap();
    listed.expect("the store has a list")
}

/// S84.
async fn revoking_a_subject_ends_its_sessions_on_every_instance_and_no_others(database: Database) {
    let (one, other) = (database.instance(), database.instance());
    let (kari, ola) = (subject("kari"), subject("ola"));
    for _ in 0..2 {
        let revoked = [save_of(&one, kari).await, save_of(&other, kari).await];
        let kept = [save_of(&one, ola).await, save(&other).await];
        for token in &revoked {
            assert_eq!(version(&one, token).await, Some(0));
            assert_eq!(version(&other, token).await, Some(0));
        }
        let until = now() + 10 * MINUTE;
        other.revoke_subject(kari, until, now()).await.unwrap();
        let later = save_of(&one, kari).await;
        for store in [&one, &other, &database.instance()] {
            for token in &revoked {
                assert_eq!(version(store, token).await, None);
                let updated = store.update(token, super::later(&session(), 1), now());
                assert_eq!(updated.await.unwrap(), None);
            }
            for token in kept.iter().chain([&later]) {
                assert_eq!(version(store, token).await, Some(0));
            }
        }
    }
    let unknown = subject("unknown");
    one.revoke_subject(unknown, now(), now()).await.unwrap();
}

async fn sessions_of_a_subject_are_listed_on_every_instance_until_they_end(database: Database) {
    let (one, other) = (database.instance(), database.instance());
    let kari = subject("kari");
    assert_eq!(sessions_of(&one, kari).await, []);
    let mut tokens = Vec::new();
    for store in [&one, &other, &one, &other] {
        tokens.push(save_of(store, kari).await);
    }
    save_of(&one, subject("ola")).await;
    let ids: Vec<_> = tokens.iter().map(SessionToken::id).collect();
    for store in [&one, &other] {
        assert_eq!(sessions_of(store, kari).await, ids, "the oldest first");
    }
    let later = now() + 10 * MINUTE;
    let live = one.sessions_of(kari, later).await.unwrap();
    assert_eq!(live.unwrap(), [], "all have expired");
    one.remove(&tokens[0], now()).await.unwrap();
    other.revoke(ids[2], now(), now()).await.unwrap();
    for store in [&one, &other] {
        assert_eq!(sessions_of(store, kari).await, [ids[1], ids[3]]);
    }
    one.revoke_subject(kari, later, now()).await.unwrap();
    assert_eq!(sessions_of(&other, kari).await, []);
    save_of(&one, kari).await;
    one.revoke_all(now()).await.unwrap();
    assert_eq!(sessions_of(&one, kari).await, []);
}

async fn login_beyond_the_limit_ends_the_oldest_session_of_its_subject(database: Database) {
    let limited = || database.instance().with_max_sessions_per_subject(2);
    let (one, other) = (limited(), limited());
    let (kari, ola) = (subject("kari"), subject("ola"));
    let kept = save_of(&one, ola).await;
    let first = save_of(&one, kari).await;
    let second = save_of(&other, kari).await;
    assert!(version(&other, &first).await.is_some());
    let third = save_of(&other, kari).await;
    assert_eq!(version(&one, &first).await, None);
    // One that has ended leaves its place to the next.
    one.remove(&second, now()).await.unwrap();
    let fourth = save_of(&one, kari).await;
    assert_eq!(sessions_of(&other, kari).await, [third.id(), fourth.id()]);
    for token in [&third, &fourth, &kept] {
        assert!(version(&other, token).await.is_some());
    }
}

async fn other_instances_find_what_one_has_ended(database: Database) {
    let (one, other) = (database.instance(), database.instance());
    let kari = subject("kari");
    let tokens = [
        save(&one).await,
        save(&one).await,
        save(&one).await,
        save_of(&one, kari).await,
        save_of(&one, subject("ola")).await,
    ];
    let mut open = Vec::new();
    for token in &tokens {
        open.push((token.id(), other.load(token, now()).await.unwrap().unwrap()));
    }
    let ended = async |at| other.find_ended(&open, at).await.unwrap();
    assert_eq!(ended(now()).await, []);
    one.remove(&tokens[1], now()).await.unwrap();
    one.revoke(tokens[2].id(), now(), now()).await.unwrap();
    one.revoke_subject(kari, now(), now()).await.unwrap();
    let ids: Vec<_> = tokens.iter().map(SessionToken::id).collect();
    assert_eq!(ended(now()).await, ids[1..=3]);
    assert_eq!(ended(now() + 10 * MINUTE).await, ids, "all have expired");
}

#[tokio::test]
async fn limit_holds_for_logins_at_the_same_moment_in_one_process() {
    let (_, store) = memory();
    let store = store.with_max_sessions_per_subject(2);
    let kari = subject("kari");
    let mut logins = JoinSet::new();
    for _ in 0..5 {
        let store = store.clone();
        logins.spawn(async move { save_of(&store, kari).await });
    }
    let mut live = 0;
    for token in logins.join_all().await {
        live += usize::from(version(&store, &token).await.is_some());
    }
    assert_eq!(live, 2);
    assert_eq!(sessions_of(&store, kari).await.len(), 2);
}

/// An instance that died while it held the list of a subject does not keep the subject out.
#[tokio::test(start_paused = true)]
async fn login_does_not_wait_forever_for_the_list_of_its_subject() {
    let (memory, store) = memory();
    let kari = subject("kari");
    let name = format!("subject-{kari}");
    let dead = instance(&memory);
    dead.acquire(&name, MINUTE).await.unwrap();
    let token = save_of(&store, kari).await;
    assert_eq!(version(&store, &token).await, Some(0));
    let lease = dead.acquire(&name, MINUTE).await.unwrap();
    assert_eq!(
        lease,
        telenor_auth::session::Lease::Held,
        "it is still that of the other"
    );
}

/// The record of a subject's epoch cannot be made to last longer.
#[tokio::test]
async fn long_session_outlasts_what_the_first_login_of_its_subject_made() {
    let (records, store) = memory();
    let kari = subject("kari");
    save_of(&store, kari).await;
    let long = Session::new("long", now() + 365 * DAY).with_subject(kari);
    let token = store.save(long, now()).await.unwrap();
    records.set_clock_ahead(364 * DAY);
    let loaded = store.load(&token, now() + 364 * DAY).await.unwrap();
    assert!(loaded.is_some());

    let until = now() + 366 * DAY;
    store.revoke_subject(kari, until, now()).await.unwrap();
    let loaded = store.load(&token, now() + 364 * DAY).await.unwrap();
    assert!(loaded.is_none());
}

#[tokio::test]
async fn subject_whose_epoch_was_lost_has_no_sessions() {
    let (memory, store) = memory();
    let kari = subject("kari");
    let token = save_of(&store, kari).await;
    // The records of the store's epoch and of the subject's outlast those of the session.
    let mut rows: Vec<_> = memory.rows().values().cloned().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.expiry_date));
    memory.rows().remove(&rows[1].id);
    assert_eq!(version(&store, &token).await, None);
    assert_eq!(sessions_of(&store, kari).await, []);
    let later = save_of(&store, kari).await;
    assert_eq!(version(&store, &later).await, Some(0));
    assert_eq!(version(&store, &token).await, None);
}

#[tokio::test(start_paused = true)]
async fn request_of_a_subject_costs_one_look_up_more() {
    let (memory, store) = memory();
    let (of_none, of_kari) = (save(&store).await, save_of(&store, subject("kari")).await);
    let calls = async |token| {
        memory.calls();
        version(&store, token).await.unwrap();
        memory.calls()
    };
    assert_eq!(calls(&of_none).await, 2);
    assert_eq!(calls(&of_kari).await, 3);
}

/// A time that is not far off, when such a year begins.
fn turn_of_a_year() -> SystemTime {
    let years = now().duration_since(UNIX_EPOCH).unwrap().as_secs() / YEAR.as_secs();
    UNIX_EPOCH + Duration::from_secs((years + 2) * YEAR.as_secs())
}

/// A clock may be a minute behind.
#[tokio::test]
async fn revoking_a_subject_costs_one_call_more_than_there_are_years() {
    const SECOND: Duration = Duration::from_secs(1);
    let (memory, store) = memory();
    let kari = subject("kari");
    let turn = turn_of_a_year();
    for (from, until, years) in [
        (turn + MINUTE, turn + 10 * MINUTE, 1),
        (turn + MINUTE, turn + YEAR - SECOND, 1),
        (turn + MINUTE, turn + YEAR, 2),
        (turn + MINUTE, turn + 10 * YEAR, 11),
        (turn + MINUTE - SECOND, turn + 10 * MINUTE, 2),
        (turn + MINUTE, turn - MINUTE, 1),
    ] {
        memory.calls();
        store.revoke_subject(kari, until, from).await.unwrap();
        assert_eq!(memory.calls(), years + 1, "{until:?}");
    }
}

#[tokio::test]
async fn session_that_is_live_by_a_clock_that_is_behind_ends_with_its_subject() {
    let turn = turn_of_a_year();
    let (memory, store) = memory();
    let kari = subject("kari");
    let (login, end) = (turn - 9 * MINUTE, turn - Duration::from_secs(1));
    let session = Session::new("token", end).with_subject(kari);
    let token = store.save(session, login).await.unwrap();
    let loaded = store.load(&token, login).await.unwrap();
    assert!(loaded.is_some());

    let until = turn + 10 * MINUTE;
    memory.calls();
    store.revoke_subject(kari, until, turn).await.unwrap();
    assert_eq!(
        memory.calls(),
        2 + 1,
        "the record of each year, and the list"
    );
    let loaded = store.load(&token, login).await.unwrap();
    assert!(loaded.is_none());
}
