//! What Redis keeps of a session, and the contract of stores.

use std::time::Duration;

use redis::cmd;
use telenor_auth::{
    Clock,
    session::{
        Fault, Lease, Leases, RedisStore, Session, SessionStore, SessionToken, check_store,
        check_store_faults,
    },
};

use super::{
    super::token::assert_random, at, eventually, hasty, key, load, now, session, store, subject,
};
use crate::support::{
    MINUTE,
    fault_proxy::FaultProxy,
    keys,
    redis::{Overtaking, Redis},
};

#[tokio::test]
async fn store_meets_the_contract() {
    let redis = Redis::start().await;
    check_store(store(&redis)).await;
    check_store(store(&redis).with_prefix("*[a]:")).await;
}

#[tokio::test]
async fn store_meets_the_contract_when_its_server_is_killed_or_hangs() {
    let mut redis = Redis::durable().await;
    let store = hasty(&redis.url());
    check_store_faults(store, async |fault| match fault {
        Fault::Error => redis.kill(),
        Fault::Hang => redis.hang(),
        _ => redis.heal().await,
    })
    .await;
}

#[tokio::test]
async fn store_meets_the_contract_when_the_way_to_its_server_breaks_or_is_slow() {
    let redis = Redis::start().await;
    let proxy = FaultProxy::start(redis.address()).await;
    let url = format!("redis://{}", proxy.address);
    check_store_faults(hasty(&url), async |fault| proxy.set(fault)).await;
}

#[tokio::test]
async fn stores_with_the_same_keys_share_their_sessions() {
    let redis = Redis::start().await;
    let (one, other) = (store(&redis), store(&redis));
    let token = one.save(session("shared"), now()).await.unwrap();
    assert_eq!(load(&other, &token).await.as_deref(), Some("shared"));
    other.remove(&token, now()).await.unwrap();
    assert_eq!(load(&one, &token).await, None);
    let token = one.save(session("shared"), now()).await.unwrap();
    one.revoke(token.id(), now(), now()).await.unwrap();
    assert_eq!(load(&other, &token).await, None);
}

/// S82, S115.
#[tokio::test]
async fn session_leaves_redis_when_it_ends() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let left = |token: &SessionToken| -> i64 { redis.ask(cmd("PTTL").arg(key(token))) };
    let ends = now() + 10 * MINUTE;
    let token = store
        .save(Session::new("token", ends), now())
        .await
        .unwrap();
    let most = ends.duration_since(now()).unwrap().as_millis();
    let most = i64::try_from(most).unwrap() + 1_000;
    assert!((most - 10_000..=most).contains(&left(&token)));
    let known = store.load(&token, now()).await.unwrap().unwrap();
    let updated = store.update(&token, known.touched_at(now()), now()).await;
    assert_eq!(updated.unwrap(), Some(token.clone()));
    assert!(
        (0..=most).contains(&left(&token)),
        "still, when it is updated"
    );

    // By a clock that stands still it has not expired before it is there.
    let at = Clock::manual().now();
    let brief = Session::new("brief", at + Duration::from_secs(2));
    let brief = store.save(brief, at).await.unwrap();
    eventually("it has gone by itself", async || {
        !redis.ask::<bool>(cmd("EXISTS").arg(key(&brief)))
    })
    .await;
    let over = Session::new("over", now() - MINUTE);
    assert!(store.save(over, now()).await.is_err());
}

/// S82.
#[tokio::test]
async fn session_that_has_expired_by_the_callers_clock_is_not_loaded() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("token"), now()).await.unwrap();
    let loaded = store.load(&token, now() + 10 * MINUTE).await.unwrap();
    assert_eq!(loaded.map(drop), None);
    assert_eq!(redis.keys(), [key(&token)], "though Redis has it yet");
}

/// Another instance has made the same id a moment before.
///
/// S62.
#[tokio::test]
async fn session_never_takes_the_place_of_another() {
    for of_a_subject in [false, true] {
        let redis = Redis::start().await;
        let way = Overtaking::start(redis.address(), 2).await;
        let store = at(&format!("redis://{}", way.address));
        let session = match of_a_subject {
            true => session("later").with_subject(subject("kari")),
            false => session("later"),
        };
        let token = store.save(session, now()).await.unwrap();
        assert_eq!(load(&store, &token).await.as_deref(), Some("later"));
        let taken = way.taken();
        assert_eq!(taken.len(), 2, "it has met each of them, and tried again");
        for taken in taken {
            assert_eq!(redis.get(&taken), "taken");
        }
    }
}

/// S62.
#[tokio::test]
async fn token_is_256_random_bits_and_never_the_same() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let store = store.clone();
        tasks.spawn(async move { store.save(session("token"), now()).await.unwrap() });
    }
    assert_random(&tasks.join_all().await);
}

/// S62, S67, S82.
#[tokio::test]
async fn what_is_in_redis_opens_no_session() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("access-token"), now()).await.unwrap();
    let other = store.save(session("other-token"), now()).await.unwrap();
    for key in redis.keys() {
        let value = redis.get(&key);
        for secret in [
            token.secret(),
            other.secret(),
            "access-token",
            "other-token",
        ] {
            assert!(!key.contains(secret) && !value.contains(secret));
        }
    }
    // Put in place of another, given another version, altered, or sealed under other keys.
    let (good, swapped) = (redis.get(&key(&token)), redis.get(&key(&other)));
    let sealed = good.strip_prefix("0.").unwrap();
    for bad in [
        swapped,
        format!("1.{sealed}"),
        format!("00.{sealed}"),
        sealed.to_owned(),
        format!("{good}A"),
        good.to_lowercase(),
        String::new(),
    ] {
        let () = redis.ask(cmd("SET").arg(key(&token)).arg(&bad));
        assert_eq!(load(&store, &token).await, None, "{bad}");
    }
    let () = redis.ask(cmd("SET").arg(key(&token)).arg(b"\xff\xfe"));
    assert_eq!(load(&store, &token).await, None);
    let () = redis.ask(cmd("SET").arg(key(&token)).arg(&good));
    assert_eq!(load(&store, &token).await.as_deref(), Some("access-token"));
    let elsewhere = RedisStore::new(&redis.url(), &keys(2)).unwrap();
    assert_eq!(load(&elsewhere, &token).await, None);
}

/// S82.
#[tokio::test]
async fn token_of_any_spelling_is_a_plain_miss() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let kept = store.save(session("kept"), now()).await.unwrap();
    for token in ["'", "\"", "\r\nFLUSHALL\r\n", "*", "a b", "\0", "æ", "{x}"] {
        let token = SessionToken::new(token);
        assert_eq!(load(&store, &token).await, None);
        let updated = store.update(&token, session("new").touched_at(now()), now());
        assert_eq!(updated.await.unwrap(), None);
        store.remove(&token, now()).await.unwrap();
    }
    assert_eq!(redis.keys(), [key(&kept)]);
}

#[tokio::test]
async fn removed_session_is_not_brought_back() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("token"), now()).await.unwrap();
    let known = store.load(&token, now()).await.unwrap().unwrap();
    store.remove(&token, now()).await.unwrap();
    let updated = store.update(&token, known.touched_at(now()), now());
    assert_eq!(updated.await.unwrap(), None);
    assert_eq!(redis.keys(), [""; 0]);
}

#[tokio::test]
async fn of_many_callers_that_update_a_session_at_once_one_does() {
    let redis = Redis::start().await;
    let first = store(&redis);
    let token = first.save(session("token"), now()).await.unwrap();
    let known = first.load(&token, now()).await.unwrap().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, token) = (store(&redis), token.clone());
        let new = known.touched_at(now());
        tasks.spawn(async move { store.update(&token, new, now()).await.unwrap().is_some() });
    }
    let updated = tasks.join_all().await;
    assert_eq!(updated.iter().filter(|updated| **updated).count(), 1);
    assert_eq!(
        first.load(&token, now()).await.unwrap().unwrap().version(),
        1
    );
    // A caller that saw an older state, or skips one, is too late.
    let later = known.touched_at(now()).touched_at(now());
    assert!(
        first
            .update(&token, later.clone(), now())
            .await
            .unwrap()
            .is_some()
    );
    for other in [
        known.clone(),
        later.clone(),
        later.touched_at(now()).touched_at(now()),
    ] {
        assert_eq!(first.update(&token, other, now()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn ending_all_sessions_ends_those_of_this_app_alone() {
    let redis = Redis::start().await;
    let prefixes = [
        "a:",
        "a*:",
        "a?:",
        "[ab]:",
        "a\\:",
        "",
        "session:",
        "a:session:",
    ];
    let stores = prefixes.map(|prefix| store(&redis).with_prefix(prefix));
    let () = redis.ask(cmd("SET").arg("a:session:mine").arg("x"));
    for store in &stores {
        store.acquire("work", MINUTE).await.unwrap();
    }
    for ended in &stores {
        let mut kept = Vec::new();
        for store in &stores {
            kept.push(store.save(session("token"), now()).await.unwrap());
        }
        ended.revoke_all(now()).await.unwrap();
        for (store, token) in stores.iter().zip(&kept) {
            let same = std::ptr::eq(store, ended);
            assert_eq!(
                load(store, token).await.is_none(),
                same,
                "{ended:?}, {store:?}"
            );
        }
    }
    assert_eq!(redis.get("a:session:mine"), "x");
    assert_eq!(
        stores[0].acquire("work", MINUTE).await.unwrap(),
        Lease::Held
    );
}

#[tokio::test]
async fn ending_all_sessions_finds_every_one_of_many() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3_000 {
        let store = store.clone();
        tasks.spawn(async move { store.save(session("token"), now()).await.unwrap() });
    }
    tasks.join_all().await;
    assert_eq!(redis.keys().len(), 3_000);
    store.revoke_all(now()).await.unwrap();
    assert_eq!(redis.keys(), [""; 0]);
}

/// S82.
#[tokio::test]
async fn lease_is_held_by_one_instance_until_it_is_completed_or_released() {
    let redis = Redis::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store(&redis);
        tasks.spawn(async move { store.acquire("work", MINUTE).await.unwrap() });
    }
    let leases = tasks.join_all().await;
    let acquired = leases.iter().filter(|lease| **lease == Lease::Acquired);
    assert_eq!(acquired.count(), 1);
    let held = leases.iter().filter(|lease| **lease == Lease::Held);
    assert_eq!(held.count(), 19);

    let store = store(&redis);
    assert_eq!(
        store.acquire("else", MINUTE).await.unwrap(),
        Lease::Acquired
    );
    for result in ["done", "", "?", "=="] {
        store.complete("work", result, MINUTE).await.unwrap();
        let lease = store.acquire("work", MINUTE).await.unwrap();
        assert_eq!(lease, Lease::Completed(result.to_owned()));
    }
    let left: u64 = redis.ask(cmd("PTTL").arg("telenor:lease:work"));
    assert!((1..=60_000).contains(&left));
    store.release("work").await.unwrap();
    let brief = Duration::from_millis(50);
    assert_eq!(store.acquire("work", brief).await.unwrap(), Lease::Acquired);
    eventually("a lease runs out", async || {
        store.acquire("work", brief).await.unwrap() == Lease::Acquired
    })
    .await;
}
