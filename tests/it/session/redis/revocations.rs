//! Logouts that instances share, of sessions in cookies, which are saved and loaded without a server.

use std::time::{Duration, Instant, SystemTime};

use http::StatusCode;
use redis::cmd;
use telenor_auth::{
    Clock,
    mock::MockGateway,
    session::{CookieStore, RedisStore, SessionStore, SessionToken},
};

use super::{SOON, eventually, hasty, instances::Instances, session, store, text};
use crate::support::{self, App, MINUTE, builder, keys, navigation, redis::Redis};

fn cookies(redis: &Redis) -> CookieStore {
    sharing(&store(redis))
}

pub(super) fn sharing(redis: &RedisStore) -> CookieStore {
    CookieStore::new(&keys(1)).share_revocations(redis)
}

/// Whether a store lets a token in, which it says at once.
fn is_in(store: &CookieStore, token: &SessionToken<'_>) -> bool {
    use std::task::{Context, Poll, Waker};
    let mut load = store.load(token);
    let polled = std::pin::Pin::new(&mut load).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(loaded) => loaded.unwrap().is_some(),
        Poll::Pending => panic!("a store that knows asks nobody"),
    }
}

#[tokio::test]
async fn logout_is_told_to_every_process() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token")).await.unwrap();
    let kept = one.save(session("kept")).await.unwrap();
    for store in [&one, &other] {
        assert!(
            store.load(&token).await.unwrap().is_some(),
            "at the first try"
        );
        assert!(is_in(store, &token));
    }
    let known = one.load(&token).await.unwrap().unwrap();
    let renewed = one
        .replace(&token, known.touched_at(SystemTime::now()))
        .await;
    let renewed = renewed.unwrap().unwrap();
    one.remove(&token).await.unwrap();
    assert!(!is_in(&one, &token), "at once here");
    eventually("it is over there", async || !is_in(&other, &token)).await;
    assert!(!is_in(&other, &renewed), "in every state of it");
    let replaced = other.replace(&renewed, known.touched_at(SystemTime::now()));
    assert_eq!(replaced.await.unwrap(), None);
    let later = cookies(&redis);
    assert_eq!(later.load(&token).await.unwrap().map(drop), None);
    for store in [&one, &other, &later] {
        assert!(is_in(store, &kept), "and nobody else is logged out");
    }
}

#[tokio::test]
async fn revoked_sessions_are_told_to_every_process() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token")).await.unwrap();
    let kept = one.save(session("kept")).await.unwrap();
    assert!(one.load(&kept).await.unwrap().is_some());
    let known = other.load(&token).await.unwrap().unwrap();
    let until = SystemTime::now() + 10 * MINUTE;
    one.revoke(one.id(&token, &known), until).await.unwrap();
    eventually("it is over there", async || !is_in(&other, &token)).await;
    assert!(is_in(&other, &kept));
    one.revoke_all().await.unwrap();
    assert!(!is_in(&one, &kept));
    eventually("all are over there", async || !is_in(&other, &kept)).await;
    assert_eq!(cookies(&redis).load(&kept).await.unwrap().map(drop), None);
}

/// Of the machine's whose word it is, and of Redis: whoever has the later clock is right.
#[tokio::test]
async fn clock_that_is_behind_spares_nobody_when_all_are_ended() {
    let redis = Redis::start().await;
    let behind = Clock::manual();
    behind.rewind(30 * Duration::from_secs(1));
    let one = cookies(&redis).clock(behind);
    let other = cookies(&redis);
    let token = other.save(session("token")).await.unwrap();
    assert!(other.load(&token).await.unwrap().is_some());
    one.revoke_all().await.unwrap();
    eventually("it is over", async || !is_in(&other, &token)).await;
    // Nor does a second word take the first one back.
    let ahead = Clock::manual();
    ahead.advance(MINUTE);
    cookies(&redis).clock(ahead).revoke_all().await.unwrap();
    let first: u64 = redis.get("telenor:ended-all").parse().unwrap();
    one.revoke_all().await.unwrap();
    assert_eq!(redis.get("telenor:ended-all"), first.to_string());
}

/// One cookie must not push everybody else's logout out of the list.
#[tokio::test]
async fn session_that_is_ended_again_and_again_is_told_once() {
    let redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token")).await.unwrap();
    for _ in 0..5 {
        one.remove(&token).await.unwrap();
    }
    assert!(other.load(&token).await.unwrap().is_none());
    other.remove(&token).await.unwrap();
    let told: u64 = redis.ask(cmd("XLEN").arg("telenor:ended"));
    assert_eq!(told, 1);
}

#[tokio::test]
async fn clock_that_is_far_ahead_does_not_end_the_logins_to_come() {
    let redis = Redis::start().await;
    let clock = Clock::manual();
    clock.advance(60 * MINUTE);
    let store = cookies(&redis).clock(clock.clone());
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).clock(clock.clone()).cookie_keys(keys(1));
    let auth = auth.session_store(store).build().unwrap();
    auth.revoke_all().await.unwrap();
    // The clock is put right, but for two minutes.
    clock.rewind(58 * MINUTE);
    let router = support::routes(&support::Hits::default()).layer(auth);
    let app = App::mounted(router, gateway);
    assert!(app.signed_in().await.token().await.is_some());
    let up_to: u64 = redis.get("telenor:ended-all").parse().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    assert!(up_to <= now.unwrap().as_secs() + 60, "a minute at most");
}

#[tokio::test]
async fn who_does_not_know_who_was_logged_out_lets_nobody_in() {
    let mut redis = Redis::start().await;
    let clock = Clock::manual();
    let store = sharing(&hasty(&redis.url())).clock(clock.clone());
    let token = store.save(session("token")).await.unwrap();
    assert!(store.load(&token).await.unwrap().is_some());
    redis.hang();
    clock.advance(Duration::from_secs(25));
    assert!(is_in(&store, &token), "for a while it is known well enough");
    clock.rewind(Duration::from_secs(75));
    assert!(
        store.load(&token).await.is_err(),
        "nor for longer where the clock was set back"
    );
    clock.advance(Duration::from_secs(100));
    let started = Instant::now();
    assert!(store.load(&token).await.is_err());
    let replaced = store.replace(&token, session("new")).await;
    assert!(replaced.is_err());
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    redis.go_on();
    eventually("it is known again", async || {
        store.load(&token).await.is_ok()
    })
    .await;
    assert!(is_in(&store, &token));

    redis.kill();
    let never = sharing(&hasty(&redis.url()));
    assert!(never.load(&token).await.is_err(), "one that never knew it");
    redis.restart().await;
    eventually("it is read", async || never.load(&token).await.is_ok()).await;
}

#[tokio::test]
async fn logout_that_cannot_be_told_is_an_error_and_holds_here() {
    let mut redis = Redis::start().await;
    let (one, other) = (cookies(&redis), cookies(&redis));
    let token = one.save(session("token")).await.unwrap();
    for store in [&one, &other] {
        assert!(store.load(&token).await.unwrap().is_some());
    }
    redis.kill();
    assert!(one.remove(&token).await.is_err());
    assert!(!is_in(&one, &token));
    assert!(one.revoke_all().await.is_err());
    assert!(
        one.revoke(token.id(), SystemTime::now() + MINUTE)
            .await
            .is_err()
    );
    redis.restart().await;
    eventually("the second try tells it", async || {
        one.remove(&token).await.is_ok()
    })
    .await;
    eventually("it is over there", async || !is_in(&other, &token)).await;
}

#[tokio::test]
async fn list_in_redis_is_bounded() {
    let redis = Redis::start().await;
    let store = CookieStore::new(&keys(1)).revocations(100);
    let store = store.share_revocations(&self::store(&redis));
    let until = SystemTime::now() + MINUTE;
    for _ in 0..1_000 {
        store
            .revoke(SessionToken::random().id(), until)
            .await
            .unwrap();
    }
    let length: u64 = redis.ask(cmd("XLEN").arg("telenor:ended"));
    assert!((100..=300).contains(&length), "{length}");
}

#[tokio::test]
async fn long_list_is_read_to_its_end() {
    let redis = Redis::start().await;
    let one = cookies(&redis);
    let until = SystemTime::now() + 10 * MINUTE;
    let tokens = [
        one.save(session("first")).await,
        one.save(session("last")).await,
    ];
    let [first, last] = tokens.map(Result::unwrap);
    one.remove(&first).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..2_500 {
        let one = one.clone();
        tasks.spawn(async move {
            one.revoke(SessionToken::random().id(), until)
                .await
                .unwrap()
        });
    }
    tasks.join_all().await;
    one.remove(&last).await.unwrap();
    let other = cookies(&redis);
    for token in [&first, &last] {
        assert_eq!(other.load(token).await.unwrap().map(drop), None);
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
        let token = store.save(session(name)).await.unwrap();
        let known = store.load(&token).await.unwrap().unwrap();
        ended.push((store.id(&token, &known).to_string(), token));
    }
    let begin_anew = |entries: &[(&str, usize)]| {
        let mut script = cmd("EVAL");
        script.arg(BEGIN_ANEW).arg(1).arg("telenor:ended");
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
    let token = store.save(session("token")).await.unwrap();
    let () = redis.ask(cmd("XADD").arg(&["telenor:ended", "*", "session", "x", "until", "1"]));
    let error = store.load(&token).await.map(drop).unwrap_err();
    assert!(text(&error).contains("none of ours"), "{}", text(&error));
}

#[tokio::test]
async fn nobody_reads_on_for_a_store_that_is_gone() {
    let redis = Redis::start().await;
    let store = cookies(&redis);
    let token = store.save(session("token")).await.unwrap();
    assert!(store.load(&token).await.unwrap().is_some());
    assert_eq!(redis.info("connected_clients"), 2, "it, and we who ask");
    drop(store);
    eventually("the connection is closed", async || {
        redis.info("connected_clients") == 1
    })
    .await;
}

#[tokio::test]
async fn logout_of_a_cookie_at_one_instance_is_one_at_the_other() {
    let redis = Redis::start().await;
    let gateway = MockGateway::start().await.unwrap();
    let app = Instances::start(gateway, |builder, clock| {
        let store = cookies(&redis).clock(clock.clone());
        builder.session_store(store)
    })
    .await;
    let mut browser = app.signed_in(0).await;
    let mut other = app.moved(&browser, 1);
    assert!(other.token().await.is_some());
    assert_eq!(browser.log_out().await.status, StatusCode::SEE_OTHER);
    eventually("it is over there", async || {
        other.send(navigation("/whoami")).await.status == StatusCode::SEE_OTHER
    })
    .await;
}
