//! What Redis keeps of a session, and the rules for stores.

use std::time::{Duration, SystemTime};

use redis::cmd;
use telenor_auth::{
    Clock,
    session::{
        Claim, Fault, RedisStore, Session, SessionStore, SessionToken, check_store,
        check_store_faults,
    },
};

use super::{eventually, hasty, key, load, session, store};
use crate::support::{MINUTE, fault_proxy::FaultProxy, keys, redis::Redis};

#[tokio::test]
async fn store_keeps_the_rules() {
    let redis = Redis::start().await;
    check_store(store(&redis)).await;
    check_store(store(&redis).prefix("*[a]:")).await;
}

#[tokio::test]
async fn store_keeps_the_rules_when_its_server_is_killed_or_hangs() {
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
async fn store_keeps_the_rules_when_the_way_to_its_server_breaks_or_is_slow() {
    let redis = Redis::start().await;
    let proxy = FaultProxy::start(redis.address()).await;
    let url = format!("redis://{}", proxy.address);
    check_store_faults(hasty(&url), async |fault| proxy.set(fault)).await;
}

#[tokio::test]
async fn stores_with_the_same_keys_share_their_sessions() {
    let redis = Redis::start().await;
    let (one, other) = (store(&redis), store(&redis));
    let token = one.save(session("shared")).await.unwrap();
    assert_eq!(load(&other, &token).await.as_deref(), Some("shared"));
    other.remove(&token).await.unwrap();
    assert_eq!(load(&one, &token).await, None);
    let token = one.save(session("shared")).await.unwrap();
    one.revoke(token.id(), SystemTime::now()).await.unwrap();
    assert_eq!(load(&other, &token).await, None);
}

#[tokio::test]
async fn session_leaves_redis_when_it_ends() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let left = |token: &SessionToken<'_>| -> i64 { redis.ask(cmd("PTTL").arg(key(token))) };
    let ends = SystemTime::now() + 10 * MINUTE;
    let token = store.save(Session::new("token", ends)).await.unwrap();
    let most = ends.duration_since(SystemTime::now()).unwrap().as_millis();
    let most = i64::try_from(most).unwrap() + 1_000;
    assert!((most - 10_000..=most).contains(&left(&token)));
    let known = store.load(&token).await.unwrap().unwrap();
    let replaced = store
        .replace(&token, known.touched_at(SystemTime::now()))
        .await;
    assert_eq!(replaced.unwrap(), Some(token.clone()));
    assert!(
        (0..=most).contains(&left(&token)),
        "still, when it is replaced"
    );

    // By a clock that stands still it is not over before it is there.
    let clock = Clock::manual();
    let brief = Session::new("brief", clock.now() + Duration::from_secs(2));
    let brief = store.clone().clock(clock).save(brief).await.unwrap();
    eventually("it has gone by itself", async || {
        !redis.ask::<bool>(cmd("EXISTS").arg(key(&brief)))
    })
    .await;
    let over = Session::new("over", SystemTime::now() - MINUTE);
    assert!(store.save(over).await.is_err());
}

#[tokio::test]
async fn session_that_is_over_by_the_stores_clock_is_not_loaded() {
    let redis = Redis::start().await;
    let clock = Clock::manual();
    let store = store(&redis).clock(clock.clone());
    let token = store.save(session("token")).await.unwrap();
    clock.advance(10 * MINUTE);
    assert_eq!(load(&store, &token).await, None);
    assert_eq!(redis.keys(), [key(&token)], "though Redis has it yet");
}

#[tokio::test]
async fn what_is_in_redis_opens_no_session() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("access-token")).await.unwrap();
    let other = store.save(session("other-token")).await.unwrap();
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

#[tokio::test]
async fn token_of_any_spelling_is_a_plain_miss() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let kept = store.save(session("kept")).await.unwrap();
    for token in ["'", "\"", "\r\nFLUSHALL\r\n", "*", "a b", "\0", "æ", "{x}"] {
        let token = SessionToken::new(token);
        assert_eq!(load(&store, &token).await, None);
        let replaced = store.replace(&token, session("new").touched_at(SystemTime::now()));
        assert_eq!(replaced.await.unwrap(), None);
        store.remove(&token).await.unwrap();
    }
    assert_eq!(redis.keys(), [key(&kept)]);
}

#[tokio::test]
async fn removed_session_is_not_brought_back() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("token")).await.unwrap();
    let known = store.load(&token).await.unwrap().unwrap();
    store.remove(&token).await.unwrap();
    let replaced = store.replace(&token, known.touched_at(SystemTime::now()));
    assert_eq!(replaced.await.unwrap(), None);
    assert_eq!(redis.keys(), [""; 0]);
}

#[tokio::test]
async fn of_many_who_replace_a_session_at_once_one_does() {
    let redis = Redis::start().await;
    let first = store(&redis);
    let token = first.save(session("token")).await.unwrap();
    let known = first.load(&token).await.unwrap().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, token) = (store(&redis), token.clone());
        let new = known.touched_at(SystemTime::now());
        tasks.spawn(async move { store.replace(&token, new).await.unwrap().is_some() });
    }
    let replaced = tasks.join_all().await;
    assert_eq!(replaced.iter().filter(|replaced| **replaced).count(), 1);
    assert_eq!(first.load(&token).await.unwrap().unwrap().version(), 1);
    // Whoever saw an older state, or skips one, is too late.
    let later = known
        .touched_at(SystemTime::now())
        .touched_at(SystemTime::now());
    assert!(
        first
            .replace(&token, later.clone())
            .await
            .unwrap()
            .is_some()
    );
    for other in [
        known.clone(),
        later.clone(),
        later
            .touched_at(SystemTime::now())
            .touched_at(SystemTime::now()),
    ] {
        assert_eq!(first.replace(&token, other).await.unwrap(), None);
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
    let stores = prefixes.map(|prefix| store(&redis).prefix(prefix));
    let () = redis.ask(cmd("SET").arg("a:session:mine").arg("x"));
    for store in &stores {
        store.claim("work", MINUTE).await.unwrap();
    }
    for ended in &stores {
        let mut kept = Vec::new();
        for store in &stores {
            kept.push(store.save(session("token")).await.unwrap());
        }
        ended.revoke_all().await.unwrap();
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
    assert_eq!(stores[0].claim("work", MINUTE).await.unwrap(), Claim::Lost);
}

#[tokio::test]
async fn ending_all_sessions_finds_every_one_of_many() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3_000 {
        let store = store.clone();
        tasks.spawn(async move { store.save(session("token")).await.unwrap() });
    }
    tasks.join_all().await;
    assert_eq!(redis.keys().len(), 3_000);
    store.revoke_all().await.unwrap();
    assert_eq!(redis.keys(), [""; 0]);
}

#[tokio::test]
async fn claimed_work_is_one_instances_until_it_is_settled_or_given_back() {
    let redis = Redis::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store(&redis);
        tasks.spawn(async move { store.claim("work", MINUTE).await.unwrap() });
    }
    let claims = tasks.join_all().await;
    let won = claims.iter().filter(|claim| **claim == Claim::Won);
    assert_eq!(won.count(), 1);
    let lost = claims.iter().filter(|claim| **claim == Claim::Lost);
    assert_eq!(lost.count(), 19);

    let store = store(&redis);
    assert_eq!(store.claim("else", MINUTE).await.unwrap(), Claim::Won);
    for result in ["done", "", "?", "=="] {
        store.settle("work", result, MINUTE).await.unwrap();
        let claim = store.claim("work", MINUTE).await.unwrap();
        assert_eq!(claim, Claim::Settled(result.to_owned()));
    }
    let left: u64 = redis.ask(cmd("PTTL").arg("telenor:claim:work"));
    assert!((1..=60_000).contains(&left));
    store.release("work").await.unwrap();
    let brief = Duration::from_millis(50);
    assert_eq!(store.claim("work", brief).await.unwrap(), Claim::Won);
    eventually("a claim runs out", async || {
        store.claim("work", brief).await.unwrap() == Claim::Won
    })
    .await;
}
