//! Logouts that instances share, of sessions in cookies, which are saved and loaded without a
//! server.

use std::time::{Duration, Instant, SystemTime};

use http::StatusCode;
use redis::cmd;
use telenor_auth::{
    Clock, TelenorAuthBuilder,
    mock::MockGateway,
    session::{CookieStore, RedisStore, SessionStore, SessionToken},
};

use super::{SOON, eventually, hasty, instances::Instances, now, session, store, subject, text};
use crate::support::{self, App, MINUTE, builder, keys, navigation, redis::Redis};

fn cookies(redis: &Redis) -> CookieStore {
    sharing(&store(redis))
}

pub(super) fn sharing(redis: &RedisStore) -> CookieStore {
    CookieStore::new(&keys(1)).share_revocations(redis)
}

/// Whether a store accepts a token, which it knows without waiting.
fn is_in(store: &CookieStore, token: &SessionToken) -> bool {
    is_in_at(store, token, now())
}

fn is_in_at(store: &CookieStore, token: &SessionToken, now: SystemTime) -> bool {
    let loaded = store.try_load(token, now);
    let loaded = loaded.expect("a store that knows the revocations does not wait");
    loaded.unwrap().is_some()
}

#[tokio::test]
async fn logout_takes_effect_in_every_process() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token"), now()).await.unwrap();
    let kept = one.save(session("kept"), now()).await.unwrap();
    for store in [&one, &other] {
        assert!(
            store.load(&token, now()).await.unwrap().is_some(),
            "at the first try"
        );
        assert!(is_in(store, &token));
    }
    let known = one.load(&token, now()).await.unwrap().unwrap();
    let renewed = one.update(&token, known.touched_at(now()), now()).await;
    let renewed = renewed.unwrap().unwrap();
    one.remove(&token, now()).await.unwrap();
    assert!(!is_in(&one, &token), "at once here");
    eventually("it has ended there", async || !is_in(&other, &token)).await;
    assert!(!is_in(&other, &renewed), "in every state of it");
    let updated = other.update(&renewed, known.touched_at(now()), now());
    assert_eq!(updated.await.unwrap(), None);
    let later = cookies(&redis);
    assert_eq!(later.load(&token, now()).await.unwrap().map(drop), None);
    for store in [&one, &other, &later] {
        assert!(is_in(store, &kept), "and no other session ends");
    }
}

#[tokio::test]
async fn revocation_takes_effect_in_every_process() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token"), now()).await.unwrap();
    let kept = one.save(session("kept"), now()).await.unwrap();
    assert!(one.load(&kept, now()).await.unwrap().is_some());
    let known = other.load(&token, now()).await.unwrap().unwrap();
    let until = now() + 10 * MINUTE;
    one.revoke(one.id(&token, &known), until, now())
        .await
        .unwrap();
    eventually("it has ended there", async || !is_in(&other, &token)).await;
    assert!(is_in(&other, &kept));
    one.revoke_all(now()).await.unwrap();
    assert!(!is_in(&one, &kept));
    eventually("all are over there", async || !is_in(&other, &kept)).await;
    assert_eq!(
        cookies(&redis).load(&kept, now()).await.unwrap().map(drop),
        None
    );
}

/// Of the clock of the process that revokes and that of Redis, the later one counts.
#[tokio::test]
async fn clock_that_is_behind_spares_no_session_when_all_are_revoked() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let behind = now() - Duration::from_secs(30);
    let token = other.save(session("token"), now()).await.unwrap();
    assert!(other.load(&token, now()).await.unwrap().is_some());
    one.revoke_all(behind).await.unwrap();
    eventually("it has ended", async || !is_in(&other, &token)).await;
    // Nor does a later one take the first one back.
    let ahead = now() + MINUTE;
    cookies(&redis).revoke_all(ahead).await.unwrap();
    let first: u64 = redis.get("telenor:revoked-up-to").parse().unwrap();
    one.revoke_all(behind).await.unwrap();
    assert_eq!(redis.get("telenor:revoked-up-to"), first.to_string());
}

/// One cookie must not push the logouts of all others out of the list.
#[tokio::test]
async fn session_that_is_ended_again_and_again_is_published_once() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token"), now()).await.unwrap();
    for _ in 0..5 {
        one.remove(&token, now()).await.unwrap();
    }
    assert!(other.load(&token, now()).await.unwrap().is_none());
    other.remove(&token, now()).await.unwrap();
    let published: u64 = redis.ask(cmd("XLEN").arg("telenor:revocations"));
    assert_eq!(published, 1);
}

#[tokio::test]
async fn clock_that_is_far_ahead_does_not_end_the_logins_to_come() {
    let redis = Redis::start().await;
    let clock = Clock::manual();
    clock.advance(60 * MINUTE);
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).clock(clock.clone()).cookie_keys(keys(1));
    let auth = auth.session_store(cookies(&redis)).build().unwrap();
    auth.revoke_all().await.unwrap();
    // The clock is put right, but for two minutes.
    clock.rewind(58 * MINUTE);
    let router = support::routes(&support::Hits::default()).layer(auth);
    let app = App::mounted(router, gateway);
    assert!(app.signed_in().await.token().await.is_some());
    let up_to: u64 = redis.get("telenor:revoked-up-to").parse().unwrap();
    let now = now().duration_since(SystemTime::UNIX_EPOCH);
    assert!(up_to <= now.unwrap().as_secs() + 60, "a minute at most");
}

#[tokio::test]
async fn process_that_does_not_know_the_revocations_accepts_no_session() {
    let mut redis = Redis::start().await;
    let clock = Clock::manual();
    let store = sharing(&hasty(&redis.url()));
    let token = store.save(session("token"), clock.now()).await.unwrap();
    assert!(store.load(&token, clock.now()).await.unwrap().is_some());
    redis.hang();
    clock.advance(Duration::from_secs(25));
    assert!(
        is_in_at(&store, &token, clock.now()),
        "for a while it is known well enough"
    );
    clock.rewind(Duration::from_secs(75));
    assert!(
        store.load(&token, clock.now()).await.is_err(),
        "nor for longer where the clock was set back"
    );
    clock.advance(Duration::from_secs(100));
    let started = Instant::now();
    assert!(store.load(&token, clock.now()).await.is_err());
    let updated = store.update(&token, session("new"), clock.now()).await;
    assert!(updated.is_err());
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    redis.go_on();
    eventually("it is known again", async || {
        store.load(&token, clock.now()).await.is_ok()
    })
    .await;
    assert!(is_in_at(&store, &token, clock.now()));

    redis.kill();
    let never = sharing(&hasty(&redis.url()));
    assert!(
        never.load(&token, clock.now()).await.is_err(),
        "one that never knew it"
    );
    redis.restart().await;
    eventually("it is read", async || {
        never.load(&token, clock.now()).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn logout_that_cannot_be_published_is_an_error_and_takes_effect_here() {
    let mut redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token"), now()).await.unwrap();
    for store in [&one, &other] {
        assert!(store.load(&token, now()).await.unwrap().is_some());
    }
    redis.kill();
    assert!(one.remove(&token, now()).await.is_err());
    assert!(!is_in(&one, &token));
    assert!(one.revoke_all(now()).await.is_err());
    assert!(one.revoke(token.id(), now() + MINUTE, now()).await.is_err());
    redis.restart().await;
    eventually("the second try publishes it", async || {
        one.remove(&token, now()).await.is_ok()
    })
    .await;
    eventually("it has ended there", async || !is_in(&other, &token)).await;
}

#[tokio::test]
async fn list_in_redis_is_bounded() {
    let redis = Redis::start().await;
    let store = CookieStore::new(&keys(1)).with_max_revocations(100);
    let store = store.share_revocations(&self::store(&redis));
    let until = now() + MINUTE;
    for _ in 0..1_000 {
        store
            .revoke(SessionToken::random().id(), until, now())
            .await
            .unwrap();
    }
    let length: u64 = redis.ask(cmd("XLEN").arg("telenor:revocations"));
    assert!((100..=300).contains(&length), "{length}");
}

#[tokio::test]
async fn long_list_is_read_to_its_end() {
    let redis = Redis::start().await;
    let one = cookies(&redis);
    let until = now() + 10 * MINUTE;
    let tokens = [
        one.save(session("first"), now()).await,
        one.save(session("last"), now()).await,
    ];
    let [first, last] = tokens.map(Result::unwrap);
    one.remove(&first, now()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..2_500 {
        let one = one.clone();
        tasks.spawn(async move {
            one.revoke(SessionToken::random().id(), until, now())
                .await
                .unwrap()
        });
    }
    tasks.join_all().await;
    one.remove(&last, now()).await.unwrap();
    let other = cookies(&redis);
    for token in [&first, &last] {
        assert_eq!(other.load(token, now()).await.unwrap().map(drop), None);
    }
}

/// As when a server takes over that had not received all, and whose clock is behind.
#[tokio::test]
async fn list_of_a_server_that_took_over_is_read_whole() {
    const BEGIN_ANEW: &str = "\
redis.call('DEL', KEYS[1])
for at = 1, #ARGV, 2 do
    redis.call('XADD', KEYS[1], ARGV[at], 'session', ARGV[at + 1], 'until', 4102444800)
end";

    let redis = Redis::start().await;
    let store = cookies(&redis);
    let mut ended = Vec::new();
    for name in ["first", "second", "third", "fourth"] {
        let token = store.save(session(name), now()).await.unwrap();
        let known = store.load(&token, now()).await.unwrap().unwrap();
        ended.push((store.id(&token, &known).to_string(), token));
    }
    let begin_anew = |entries: &[(&str, usize)]| {
        let mut script = cmd("EVAL");
        script.arg(BEGIN_ANEW).arg(1).arg("telenor:revocations");
        for (place, at) in entries {
            script.arg(place).arg(&ended[*at].0);
        }
        let () = redis.ask(&mut script);
    };
    let is_read = async |at: usize| {
        let token = &ended[at].1;
        eventually("it is read", async || !is_in(&store, token)).await;
    };
    begin_anew(&[("900000-7", 0)]);
    is_read(0).await;
    begin_anew(&[("1-1", 1)]);
    is_read(1).await;
    begin_anew(&[("900000-7", 0)]);
    // Known by now is 900000-7; what stands a little before it was never seen.
    let looks = || {
        let calls = redis.calls();
        let looks = calls.iter().find(|(name, _)| name == "xrevrange");
        looks.map_or(0, |(_, looks)| *looks)
    };
    let before = looks();
    eventually("that is read", async || looks() >= before + 2).await;
    begin_anew(&[("899000-0", 2), ("900001-0", 3)]);
    is_read(3).await;
    is_read(2).await;
}

#[tokio::test]
async fn entry_that_cannot_be_read_is_an_error() {
    let redis = Redis::start().await;
    let store = cookies(&redis);
    let token = store.save(session("token"), now()).await.unwrap();
    let () =
        redis.ask(cmd("XADD").arg(&["telenor:revocations", "*", "session", "x", "until", "1"]));
    let error = store.load(&token, now()).await.map(drop).unwrap_err();
    assert!(
        text(&error).contains("this app did not write"),
        "{}",
        text(&error)
    );
}

#[tokio::test]
async fn reading_stops_when_the_store_is_dropped() {
    let redis = Redis::start().await;
    let store = cookies(&redis);
    let token = store.save(session("token"), now()).await.unwrap();
    assert!(store.load(&token, now()).await.unwrap().is_some());
    assert_eq!(
        redis.info("connected_clients"),
        2,
        "its own, and that of the test"
    );
    drop(store);
    eventually("the connection is closed", async || {
        redis.info("connected_clients") == 1
    })
    .await;
}

/// S74.
#[tokio::test]
async fn logout_of_a_cookie_at_one_instance_takes_effect_at_the_other() {
    let redis = Redis::start().await;
    let gateway = MockGateway::start().await.unwrap();
    let settings = |builder: TelenorAuthBuilder| builder.session_store(cookies(&redis));
    let app = Instances::start(gateway, settings).await;
    let mut browser = app.signed_in(0).await;
    let mut other = app.moved(&browser, 1);
    assert!(other.token().await.is_some());
    assert_eq!(browser.log_out().await.status, StatusCode::SEE_OTHER);
    eventually("it has ended there", async || {
        other.send(navigation("/whoami")).await.status == StatusCode::SEE_OTHER
    })
    .await;
}

#[tokio::test]
async fn revocation_of_a_subject_takes_effect_in_every_process() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let (kari, ola) = (subject("kari"), subject("ola"));
    let save = async |session| one.save(session, now()).await.unwrap();
    let revoked = save(session("token").with_subject(kari)).await;
    let kept = [
        save(session("token").with_subject(ola)).await,
        save(session("token")).await,
    ];
    for store in [&one, &other] {
        assert!(store.load(&revoked, now()).await.unwrap().is_some());
    }
    let known = one.load(&revoked, now()).await.unwrap().unwrap();
    let renewed = one.update(&revoked, known.touched_at(now()), now()).await;
    let renewed = renewed.unwrap().unwrap();
    let (at, until) = (now(), now() + 10 * MINUTE);
    one.revoke_subject(kari, until, at).await.unwrap();
    assert!(!is_in(&one, &revoked), "at once here");
    eventually("it has ended there", async || !is_in(&other, &revoked)).await;
    let open = [(one.id(&revoked, &known), known.clone())];
    let started_later = cookies(&redis);
    for store in [&one, &other, &started_later] {
        let ended = store.find_ended(&open, now()).await.unwrap();
        assert_eq!(ended, [open[0].0]);
        assert!(!is_in(store, &revoked) && !is_in(store, &renewed));
        assert!(kept.iter().all(|token| is_in(store, token)));
    }
    // A login in the second of the revocation may have come before it.
    eventually("a later login is good", async || {
        let later = one.save(session("later").with_subject(kari), now()).await;
        let later = later.unwrap();
        [&one, &other, &started_later]
            .iter()
            .all(|store| is_in(store, &later))
    })
    .await;
}

#[tokio::test]
async fn revocation_of_a_subject_is_published_once_unless_it_reaches_further() {
    let redis = Redis::start().await;
    let store = cookies(&redis);
    let (at, until) = (now(), now() + 10 * MINUTE);
    let published = async |at, until| -> u64 {
        let kari = subject("kari");
        store.revoke_subject(kari, until, at).await.unwrap();
        redis.ask(cmd("XLEN").arg("telenor:revocations"))
    };
    assert_eq!(published(at, until).await, 1);
    assert_eq!(published(at, until).await, 1);
    assert_eq!(published(at - MINUTE, until - MINUTE).await, 1);
    assert_eq!(published(at + MINUTE, until + MINUTE).await, 2);
}
