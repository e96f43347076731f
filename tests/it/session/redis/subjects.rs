//! Sessions of one subject, which several instances share through Redis.

use std::{collections::BTreeSet, time::Duration};

use redis::cmd;
use telenor_auth::session::{
    RedisStore, Session, SessionId, SessionStore, SessionToken, SubjectId,
};

use super::{at, eventually, load, now, session, store, subject};
use crate::support::{
    MINUTE,
    redis::{Lossy, Redis},
};

/// Logs a customer in.
async fn save(store: &RedisStore, subject: SubjectId) -> SessionToken {
    save_for(store, subject, 10 * MINUTE).await
}

async fn save_for(store: &RedisStore, subject: SubjectId, ttl: Duration) -> SessionToken {
    let session = Session::new("token", now() + ttl).with_subject(subject);
    store.save(session, now()).await.unwrap()
}

async fn sessions_of(store: &RedisStore, subject: SubjectId) -> Vec<SessionId> {
    let listed = store.sessions_of(subject, now()).await.unwrap();
    listed.expect("Redis has a list")
}

fn index(subject: SubjectId) -> String {
    format!("telenor:subject:{subject}")
}

#[tokio::test]
async fn revoking_a_subject_ends_its_sessions_on_every_instance_and_no_others() {
    let redis = Redis::start().await;
    let (one, other) = (store(&redis), store(&redis));
    let of_another_app = store(&redis).with_prefix("other:");
    let (kari, ola) = (subject("kari"), subject("ola"));
    let revoked = [save(&one, kari).await, save(&other, kari).await];
    let kept = [
        save(&one, ola).await,
        other.save(session("token"), now()).await.unwrap(),
    ];
    let elsewhere = save(&of_another_app, kari).await;
    other
        .revoke_subject(kari, now() + 10 * MINUTE, now())
        .await
        .unwrap();
    let later = save(&one, kari).await;
    for store in [&one, &other] {
        for token in &revoked {
            assert_eq!(load(store, token).await, None);
        }
        for token in kept.iter().chain([&later]) {
            assert!(load(store, token).await.is_some());
        }
    }
    assert!(load(&of_another_app, &elsewhere).await.is_some());
    let unknown = subject("unknown");
    one.revoke_subject(unknown, now(), now()).await.unwrap();
}

/// A look into the database after an erasure (GDPR, article 17).
/// S115.
#[tokio::test]
async fn nothing_of_a_subject_is_left_when_its_sessions_are_ended() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let (kari, ola) = (subject("kari"), subject("ola"));
    for _ in 0..3 {
        save(&store, kari).await;
    }
    assert_eq!(redis.keys().len(), 4, "three sessions, and their list");
    store
        .revoke_subject(kari, now() + 10 * MINUTE, now())
        .await
        .unwrap();
    assert_eq!(redis.keys(), [""; 0]);
    save(&store, ola).await;
    assert_eq!(redis.keys().len(), 2);
}

/// S84.
#[tokio::test]
async fn sessions_of_a_subject_are_listed_on_every_instance_until_they_end() {
    let redis = Redis::start().await;
    let (one, other) = (store(&redis), store(&redis));
    let kari = subject("kari");
    assert_eq!(sessions_of(&one, kari).await, []);
    let mut tokens = Vec::new();
    for store in [&one, &other, &one, &other] {
        tokens.push(save(store, kari).await);
    }
    save(&one, subject("ola")).await;
    let ids: Vec<_> = tokens.iter().map(SessionToken::id).collect();
    for store in [&one, &other] {
        assert_eq!(sessions_of(store, kari).await, ids, "the oldest first");
    }
    one.remove(&tokens[0], now()).await.unwrap();
    other.revoke(ids[2], now(), now()).await.unwrap();
    for store in [&one, &other] {
        assert_eq!(sessions_of(store, kari).await, [ids[1], ids[3]]);
    }
    one.revoke_all(now()).await.unwrap();
    assert_eq!(sessions_of(&other, kari).await, []);
}

/// S84.
#[tokio::test]
async fn login_beyond_the_limit_ends_the_oldest_session_of_its_subject() {
    let redis = Redis::start().await;
    let limited = || store(&redis).with_max_sessions_per_subject(2);
    let (one, other) = (limited(), limited());
    let (kari, ola) = (subject("kari"), subject("ola"));
    let kept = save(&one, ola).await;
    let first = save(&one, kari).await;
    let second = save(&other, kari).await;
    assert!(load(&other, &first).await.is_some());
    let third = save(&other, kari).await;
    assert_eq!(load(&one, &first).await, None);
    // One that has ended leaves its place to the next.
    one.remove(&second, now()).await.unwrap();
    let fourth = save(&one, kari).await;
    assert_eq!(sessions_of(&other, kari).await, [third.id(), fourth.id()]);
    for token in [&third, &fourth, &kept] {
        assert!(load(&other, token).await.is_some());
    }
}

#[tokio::test]
async fn limit_holds_for_logins_at_the_same_moment() {
    let redis = Redis::start().await;
    let kari = subject("kari");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store(&redis).with_max_sessions_per_subject(3);
        tasks.spawn(async move { save(&store, kari).await });
    }
    let store = store(&redis);
    let mut live = BTreeSet::new();
    for token in tasks.join_all().await {
        if load(&store, &token).await.is_some() {
            live.insert(token.id());
        }
    }
    assert_eq!(live.len(), 3);
    let listed = sessions_of(&store, kari).await;
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), live);
}

/// It was executed, and its answer is lost.
#[tokio::test]
async fn login_that_was_sent_twice_is_one_session_of_its_subject() {
    let redis = Redis::start().await;
    let way = Lossy::start(redis.address()).await;
    let store = at(&format!("redis://{}", way.address));
    let store = store.with_max_sessions_per_subject(2);
    let kari = subject("kari");
    let first = save(&store, kari).await;
    way.lose_next_answer();
    let second = save(&store, kari).await;
    assert!(way.has_lost());
    assert_eq!(sessions_of(&store, kari).await, [first.id(), second.id()]);
}

#[tokio::test]
async fn other_instances_find_what_one_has_ended() {
    let redis = Redis::start().await;
    let (one, other) = (store(&redis), store(&redis));
    let kari = subject("kari");
    let tokens = [
        one.save(session("kept"), now()).await.unwrap(),
        one.save(session("removed"), now()).await.unwrap(),
        one.save(session("revoked"), now()).await.unwrap(),
        save(&one, kari).await,
        save(&one, subject("ola")).await,
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
    one.revoke_all(now()).await.unwrap();
    assert_eq!(ended(now()).await, ids);
    assert_eq!(other.find_ended(&[], now()).await.unwrap(), []);
}

#[tokio::test]
async fn ended_sessions_are_found_among_more_than_one_command_asks_for() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let mut open = Vec::new();
    for _ in 0..1_100 {
        open.push((SessionToken::random().id(), session("gone")));
    }
    for at in [0, 499, 500, 1_099] {
        let kept = session("kept");
        let token = store.save(kept.clone(), now()).await.unwrap();
        open[at] = (token.id(), kept);
    }
    let ended = store.find_ended(&open, now()).await.unwrap();
    let gone = open
        .iter()
        .filter(|(_, session)| session.access_token().secret() == "gone");
    assert_eq!(ended, gone.map(|(id, _)| *id).collect::<Vec<_>>());
}

/// S82.
#[tokio::test]
async fn list_of_a_subject_leaves_redis_with_its_last_session() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let left = |subject| -> i64 { redis.ask(cmd("TTL").arg(index(subject))) };
    let kari = subject("kari");
    for minutes in [5, 10, 5] {
        save_for(&store, kari, minutes * MINUTE).await;
    }
    // A second more than the session, which Redis may count from a later moment.
    assert!((590..=601).contains(&left(kari)), "{}", left(kari));
    store.revoke_subject(kari, now(), now()).await.unwrap();
    assert_eq!(redis.keys(), [""; 0]);

    let (brief, limited) = (subject("brief"), store.with_max_sessions_per_subject(1));
    for _ in 0..2 {
        save_for(&limited, brief, Duration::from_secs(3)).await;
    }
    assert_eq!(redis.keys().len(), 2, "a session and the list");
    eventually("they have gone by themselves", async || {
        redis.keys().is_empty()
    })
    .await;
}

/// Or a session that still lives could not be ended any more.
#[tokio::test]
async fn list_of_a_subject_is_there_as_long_as_each_of_its_sessions() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let kari = subject("kari");
    let key = index(kari);
    for _ in 0..10 {
        let token = save(&store, kari).await;
        let session = super::key(&token);
        let left = |key: &str| -> i64 { redis.ask(cmd("PTTL").arg(key)) };
        let (session, list) = (left(&session), left(&key));
        assert!(list >= session, "{list} against {session}");
        // As when a part of a second has passed since the last login.
        let () = redis.ask(cmd("PEXPIRE").arg(&key).arg(599_600));
    }
}

#[tokio::test]
async fn look_into_redis_does_not_tell_whose_sessions_there_are() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = save(&store, subject("kari@shop.test")).await;
    let keys = redis.keys();
    assert_eq!(keys.len(), 2);
    let ids: Vec<String> = redis.ask(cmd("ZRANGE").arg(&keys[1]).arg(0).arg(-1));
    assert_eq!(ids, [token.id().to_string()]);
    for text in [keys.join(" "), redis.get(&keys[0]), ids.join(" ")] {
        assert!(!text.contains("kari") && !text.contains(token.secret()));
    }
}
