//! Sessions in Redis: a real one, which is killed, hung and brought back; and what several instances of an app are to each other through it.

#![cfg(all(feature = "mock", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::{
    error::Error,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use axum::Router;
use common::{
    Answer, App, Browser, builder, keys, navigation,
    redis::{Lossy, Redis, free_port},
    request,
    stores::Gated,
    tls::{Authority, Relay},
    way::Way,
};
use http::{Method, StatusCode};
use redis::cmd;
use telenor_auth::{
    Clock, TelenorAuthBuilder,
    mock::{Endpoint, MockGateway},
    session::{
        Claim, CookieStore, Fault, FaultyStore, Operation, RedisStore, Session, SessionStore,
        SessionToken, StoreError, check_store, check_store_faults,
    },
};
use tokio_rustls::rustls;

const MINUTE: Duration = Duration::from_secs(60);
/// Far longer than a store waits by default, on a machine that has a lot to do as well, and shorter than anybody's patience.
const SOON: Duration = Duration::from_secs(5);

/// A store that waits even for a machine that has a lot to do.
fn store(redis: &Redis) -> RedisStore {
    at(&redis.url())
}

fn at(url: &str) -> RedisStore {
    hasty(url).timeout(Duration::from_secs(5))
}

/// A store that waits as long as it does by default.
fn hasty(url: &str) -> RedisStore {
    RedisStore::new(url, &keys(1)).unwrap()
}

fn session(access_token: &str) -> Session {
    Session::new(access_token, SystemTime::now() + 10 * MINUTE)
}

async fn load<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) -> Option<String> {
    let session = store.load(token).await.unwrap();
    session.map(|session| session.access_token().secret().to_owned())
}

/// Waits for something that takes a moment.
async fn eventually(what: &str, mut happens: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happens().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn key(token: &SessionToken<'_>) -> String {
    format!("telenor:session:{}", token.id())
}

/// All that an error says.
fn text(error: &StoreError) -> String {
    format!("{error} {error:?} {}", error.source().unwrap())
}

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
    let way = Way::start(redis.address()).await;
    let url = format!("redis://{}", way.address);
    check_store_faults(hasty(&url), async |fault| way.set(fault)).await;
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

// --- the connection

#[tokio::test]
async fn all_commands_share_one_connection() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let before = redis.info("total_connections_received");
    let token = store.save(session("token")).await.unwrap();
    for _ in 0..1_000 {
        store.load(&token).await.unwrap().unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        tasks.spawn(store.load(&token));
    }
    for loaded in tasks.join_all().await {
        loaded.unwrap().unwrap();
    }
    // And the one that asks.
    assert_eq!(redis.info("total_connections_received"), before + 2);
}

#[tokio::test]
async fn first_commands_after_a_restart_are_answered() {
    let mut redis = Redis::durable().await;
    let store = store(&redis);
    let token = store.save(session("token")).await.unwrap();
    let known = store.load(&token).await.unwrap().unwrap();
    for step in 0..5 {
        redis.kill();
        redis.restart().await;
        match step {
            0 => assert_eq!(load(&store, &token).await.as_deref(), Some("token")),
            1 => assert_eq!(store.claim("work", MINUTE).await.unwrap(), Claim::Won),
            2 => drop(store.save(session("other")).await.unwrap()),
            3 => {
                let replaced = store.replace(&token, known.touched_at(SystemTime::now()));
                assert!(replaced.await.unwrap().is_some());
            }
            _ => store.remove(&token).await.unwrap(),
        }
    }
}

/// It was executed and nobody knows: the connection broke before the answer was there.
#[tokio::test]
async fn command_whose_answer_is_lost_is_sent_again_and_does_no_harm() {
    let redis = Redis::start().await;
    let way = Lossy::start(redis.address()).await;
    let url = format!("redis://{}", way.address);
    let store = at(&url);
    let token = store.save(session("token")).await.unwrap();
    let known = store.load(&token).await.unwrap().unwrap();

    way.lose_next_answer();
    assert_eq!(load(&store, &token).await.as_deref(), Some("token"));
    assert!(way.has_lost());

    way.lose_next_answer();
    let replaced = store.replace(&token, known.touched_at(SystemTime::now()));
    assert!(
        replaced.await.unwrap().is_some(),
        "it was us who replaced it"
    );
    assert!(way.has_lost());

    way.lose_next_answer();
    let claim = store.claim("work", MINUTE).await.unwrap();
    assert_eq!(claim, Claim::Won, "it was us who claimed it");
    assert!(way.has_lost());

    way.lose_next_answer();
    let again = store.save(session("again")).await.unwrap();
    assert!(way.has_lost());
    assert_eq!(load(&store, &again).await.as_deref(), Some("again"));

    way.lose_next_answer();
    store.remove(&again).await.unwrap();
    assert!(way.has_lost());
    assert_eq!(load(&store, &again).await, None);
}

#[tokio::test]
async fn server_that_hangs_is_an_error_in_time() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("token")).await.unwrap();
    let hasty = store.clone().timeout(Duration::from_millis(200));
    redis.hang();
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..300 {
        tasks.spawn(hasty.load(&token));
    }
    for loaded in tasks.join_all().await {
        assert!(loaded.is_err());
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    assert!(hasty.save(session("new")).await.is_err());
    assert!(hasty.claim("work", MINUTE).await.is_err());
    redis.go_on();
    eventually("it is back", async || hasty.load(&token).await.is_ok()).await;
    assert_eq!(load(&store, &token).await.as_deref(), Some("token"));
}

#[test]
fn store_waits_half_a_second_unless_told_otherwise() {
    let store = format!("{:?}", hasty("redis://127.0.0.1"));
    assert!(store.contains("timeout: 500ms"), "{store}");
}

/// A machine that is gone breaks no connection: it is just never heard of again.
#[tokio::test]
async fn server_that_is_never_heard_of_again_is_given_up_for_the_next_of_that_name() {
    let (gone, next) = (Redis::start().await, Redis::start().await);
    let way = Relay::plain(([127, 0, 0, 1], 0).into(), gone.address()).await;
    let address = way.address;
    let url = format!("redis://{address}");
    let store = hasty(&url);
    let token = store.save(session("token")).await.unwrap();
    gone.hang();
    drop(way);
    eventually("the name is free", async || {
        tokio::net::TcpListener::bind(address).await.is_ok()
    })
    .await;
    let _way = Relay::plain(address, next.address()).await;
    assert!(store.load(&token).await.is_err());
    eventually("the next is asked", async || {
        store.load(&token).await.is_ok()
    })
    .await;
    let token = store.save(session("token")).await.unwrap();
    assert_eq!(next.keys(), [key(&token)]);
}

#[tokio::test]
async fn server_that_takes_no_writes_any_more_is_given_up_for_the_next_of_that_name() {
    let (demoted, next) = (Redis::start().await, Redis::start().await);
    let way = Relay::plain(([127, 0, 0, 1], 0).into(), demoted.address()).await;
    let address = way.address;
    let url = format!("redis://{address}");
    let store = at(&url);
    store.save(session("token")).await.unwrap();
    let () = demoted.ask(cmd("REPLICAOF").arg("127.0.0.1").arg(free_port()));
    let error = store.save(session("token")).await.unwrap_err();
    assert!(text(&error).contains("READONLY"), "{}", text(&error));
    drop(way);
    eventually("the name is free", async || {
        tokio::net::TcpListener::bind(address).await.is_ok()
    })
    .await;
    let _way = Relay::plain(address, next.address()).await;
    let before = next.info("total_connections_received");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        tasks.spawn(async move { store.save(session("token")).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.len(), 50);
    // That of the store, and our own two.
    assert_eq!(next.keys().len(), 50);
    assert_eq!(next.info("total_connections_received"), before + 3);
}

#[tokio::test]
async fn user_needs_no_more_rights_than_documented() {
    let redis = Redis::start().await;
    let () = redis.ask(
        cmd("ACL")
            .arg("SETUSER")
            .arg("shop")
            .arg("on")
            .arg(">p@ss/w:rd")
            .arg("~shop:*")
            .arg(&[
                "+@connection",
                "+get",
                "+set",
                "+del",
                "+eval",
                "+unlink",
                "+scan",
            ]),
    );
    let () = redis.ask(
        cmd("ACL")
            .arg("SETUSER")
            .arg("cookie")
            .arg("on")
            .arg(">password")
            .arg("~shop:*")
            .arg(&["+@connection", "+get", "+set", "+eval", "+time"])
            .arg(&["+xadd", "+xrange", "+xrevrange"]),
    );
    let url = |user: &str| format!("redis://{user}@{}/3", redis.address());
    let store = at(&url("shop:p%40ss%2Fw%3Ard"));
    let store = store.prefix("shop:");
    check_store(store.clone()).await;
    let token = store.save(session("token")).await.unwrap();
    let known = store.load(&token).await.unwrap().unwrap();
    let replaced = store.replace(&token, known.touched_at(SystemTime::now()));
    assert!(replaced.await.unwrap().is_some());
    assert_eq!(redis.keys(), [""; 0], "it is the database of that number");
    assert_eq!(store.claim("work", MINUTE).await.unwrap(), Claim::Won);
    assert_eq!(store.claim("work", MINUTE).await.unwrap(), Claim::Lost);
    store.settle("work", "done", MINUTE).await.unwrap();
    store.release("work").await.unwrap();
    store.revoke_all().await.unwrap();
    assert_eq!(load(&store, &token).await, None);

    let redis = at(&url("cookie:password"));
    let cookies = sharing(&redis.prefix("shop:"));
    check_store(cookies.clone()).await;
    cookies.revoke_all().await.unwrap();
}

#[tokio::test]
async fn wrong_password_is_an_error_that_does_not_show_it_and_can_be_mended() {
    let redis = Redis::start().await;
    let () = redis.ask(cmd("ACL").arg(&["SETUSER", "shop", "on", ">right", "~*", "+@all"]));
    let url = format!("redis://shop:canary@{}", redis.address());
    let store = at(&url);
    let mark = common::log::mark();
    let error = store.save(session("token")).await.unwrap_err();
    assert!(text(&error).contains("refuses the user or the password"));
    for said in [text(&error), format!("{store:?}")] {
        assert!(!said.contains("canary"), "{said}");
    }
    common::log::assert_silent(mark, &["canary".to_owned(), url]);
    let () = redis.ask(cmd("ACL").arg(&["SETUSER", "shop", ">canary"]));
    eventually("it is let in", async || {
        store.save(session("token")).await.is_ok()
    })
    .await;
    // One that knows no password asks for none, and its commands are refused.
    let () = redis.ask(cmd("ACL").arg(&["SETUSER", "default", "resetpass", ">other"]));
    let bare = at(&redis.url());
    let error = bare.save(session("token")).await.unwrap_err();
    assert!(text(&error).contains("NOAUTH"), "{}", text(&error));
}

#[tokio::test]
async fn error_of_a_command_that_redis_does_not_know_repeats_no_argument() {
    let redis = Redis::with(&["--rename-command", "EVAL", ""]).await;
    let store = store(&redis);
    let token = store.save(session("token")).await.unwrap();
    let known = store.load(&token).await.unwrap().unwrap();
    let replaced = store.replace(&token, known.touched_at(SystemTime::now()));
    let error = text(&replaced.await.unwrap_err());
    assert!(error.contains("unknown command 'EVAL'"), "{error}");
    assert!(!error.contains("redis.call"), "{error}");
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    use std::task::{Context, Poll, Waker};
    let url = format!("redis://127.0.0.1:{}", free_port());
    let store = hasty(&url);
    let cookies = sharing(&store);
    let token = SessionToken::random();
    let mut context = Context::from_waker(Waker::noop());
    let loaded = store.load(&token).as_mut().poll(&mut context);
    assert!(matches!(loaded, Poll::Ready(Err(_))));
    let loaded = std::pin::pin!(cookies.load(&token)).poll(&mut context);
    assert!(matches!(loaded, Poll::Ready(Err(_))));
}

#[tokio::test]
async fn server_with_tls_needs_a_certificate_that_is_trusted() {
    let redis = Redis::start().await;
    let (authority, other) = (Authority::new(), Authority::new());
    let acceptor = authority.acceptor("localhost", 2100, rustls::ALL_VERSIONS);
    let relay = Relay::start(([127, 0, 0, 1], 0).into(), redis.address(), Some(acceptor)).await;
    let over_tls = |host| {
        let url = format!("rediss://{host}:{}", relay.address.port());
        at(&url)
    };
    let trusting = over_tls("localhost").ca(&authority.pem).unwrap();
    check_store(trusting).await;
    let read = relay.read.load(std::sync::atomic::Ordering::SeqCst);
    for (refused, why) in [
        (over_tls("localhost"), "UnknownIssuer"),
        (
            over_tls("localhost").ca(&other.pem).unwrap(),
            "BadSignature",
        ),
        (
            over_tls("127.0.0.1").ca(&authority.pem).unwrap(),
            "not valid for name",
        ),
    ] {
        let error = refused.save(session("token")).await.unwrap_err();
        assert!(text(&error).contains(why), "{why}: {}", text(&error));
    }
    let after = relay.read.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(read, after, "nothing was sent to whoever it was");
}

// --- the whole layer

fn with(store: RedisStore) -> impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<RedisStore> {
    |builder| builder.cookie_keys(keys(1)).session_store(store)
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("location"), None, "no login");
    assert_eq!(answer.set_cookies(), [""; 0], "and the session is kept");
}

#[tokio::test]
async fn app_starts_while_redis_is_down_and_works_once_it_is_up() {
    let mut redis = Redis::start().await;
    redis.kill();
    let app = App::with(with(hasty(&redis.url()))).await;
    let mut browser = app.browser();
    browser.jar = vec![("__Host-telenor-session".into(), "token".into())];
    assert_unavailable(&browser.open("/whoami").await);
    redis.restart().await;
    eventually("it works", async || {
        browser.open("/whoami").await.status == StatusCode::SEE_OTHER
    })
    .await;
    assert!(app.signed_in().await.token().await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_is_503_for_everybody_and_over_when_it_is_over() {
    let mut redis = Redis::durable().await;
    let app = App::with(with(hasty(&redis.url()))).await;
    let mut browsers = Vec::new();
    for _ in 0..5 {
        browsers.push(app.signed_in().await);
    }
    let open_all = async |browsers: &[Browser]| {
        let mut tasks = tokio::task::JoinSet::new();
        for browser in browsers.iter().cycle().take(50) {
            let mut browser = browser.clone();
            tasks.spawn(async move {
                let started = Instant::now();
                (browser.open("/whoami").await, started.elapsed())
            });
        }
        tasks.join_all().await
    };
    for round in 0..2 {
        let hits = app.hits();
        redis.kill();
        for _ in 0..3 {
            for (answer, took) in open_all(&browsers).await {
                assert_unavailable(&answer);
                assert!(took < SOON, "{took:?}");
            }
        }
        assert_eq!(app.hits(), hits);
        redis.restart().await;
        let up = Instant::now();
        let mut first = browsers[round].clone();
        eventually("the first is let in", async || {
            first.open("/whoami").await.status == StatusCode::OK
        })
        .await;
        assert!(up.elapsed() < SOON, "{:?}", up.elapsed());
        for (answer, _) in open_all(&browsers).await {
            assert_eq!(answer.status, StatusCode::OK, "with the session of before");
        }
    }
}

#[tokio::test]
async fn hanging_redis_is_503_in_time() {
    let redis = Redis::start().await;
    let app = App::with(with(hasty(&redis.url()))).await;
    let mut browser = app.signed_in().await;
    let callback = app.browser().callback_url(&app.gateway, "/whoami").await;
    redis.hang();
    for target in ["/whoami", "/perhaps", "/telenor/session", &callback] {
        let started = Instant::now();
        assert_unavailable(&browser.open(target).await);
        assert!(started.elapsed() < SOON, "{target}");
    }
    redis.go_on();
    eventually("it is back", async || browser.token().await.is_some()).await;
}

#[tokio::test]
async fn login_that_met_a_hanging_redis_goes_on_when_it_is_back() {
    let redis = Redis::start().await;
    let app = App::with(with(hasty(&redis.url()))).await;
    app.signed_in().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    redis.hang();
    assert_unavailable(&browser.open(&callback).await);
    redis.go_on();
    // What it had been asked meanwhile it does now: claims the login for nobody, and gives it back.
    let started = Instant::now();
    eventually("it goes on", async || {
        let answer = browser.open(&callback).await;
        answer.status == StatusCode::SEE_OTHER
    })
    .await;
    assert!(started.elapsed() < 4 * SOON, "{:?}", started.elapsed());
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn request_costs_one_command_and_a_login_four() {
    let redis = Redis::start().await;
    let app = App::with(with(store(&redis))).await;
    let reset = || {
        let () = redis.ask(cmd("CONFIG").arg("RESETSTAT"));
    };
    reset();
    let mut browser = app.signed_in().await;
    // The login is claimed, its code about to be sent, its session saved, and what came of it told.
    assert_eq!(redis.calls(), [("set".to_owned(), 4)]);
    reset();
    for _ in 0..10 {
        assert!(browser.token().await.is_some());
    }
    assert_eq!(redis.calls(), [("get".to_owned(), 10)]);
}

// --- several instances

/// Two instances of an app behind one balancer.
struct Instances {
    routers: [Router; 2],
    gateway: MockGateway,
    clock: Clock,
}

impl Instances {
    async fn start<Store: SessionStore>(
        gateway: MockGateway,
        settings: impl Fn(TelenorAuthBuilder, &Clock) -> TelenorAuthBuilder<Store>,
    ) -> Self {
        let clock = Clock::manual();
        let instance = || {
            let builder = builder(&gateway).cookie_keys(keys(1)).clock(clock.clone());
            let layer = settings(builder, &clock).build().unwrap();
            common::routes(&common::Hits::default()).layer(layer)
        };
        Self {
            routers: [instance(), instance()],
            gateway,
            clock,
        }
    }

    fn browser(&self, at: usize) -> Browser {
        Browser {
            router: self.routers[at].clone(),
            jar: Vec::new(),
        }
    }

    async fn signed_in(&self, at: usize) -> Browser {
        let mut browser = self.browser(at);
        let callback = browser.callback_url(&self.gateway, "/whoami").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        browser
    }

    /// The same browser, sent to the other instance from here on.
    fn moved(&self, browser: &Browser, to: usize) -> Browser {
        Browser {
            router: self.routers[to].clone(),
            jar: browser.jar.clone(),
        }
    }
}

async fn log_out(browser: &mut Browser) -> Answer {
    let same_origin = &[("sec-fetch-site", "same-origin")];
    browser
        .send(request(Method::POST, "/telenor/logout", same_origin))
        .await
}

async fn two_instances(redis: &Redis) -> Instances {
    let gateway = MockGateway::start().await.unwrap();
    Instances::start(gateway, |builder, clock| {
        builder.session_store(store(redis).clock(clock.clone()))
    })
    .await
}

#[tokio::test]
async fn callback_that_reaches_two_instances_is_one_login() {
    let redis = Redis::start().await;
    let app = two_instances(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let mut tasks = tokio::task::JoinSet::new();
    for at in [0, 1] {
        let (mut browser, callback) = (app.moved(&browser, at), callback.clone());
        tasks.spawn(async move {
            let done = browser.open(&callback).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
            browser
        });
    }
    gate.waiting(1).await;
    eventually("the other one has seen that it is being done", async || {
        redis.calls().contains(&("get".to_owned(), 2))
    })
    .await;
    gate.open();
    let browsers = tasks.join_all().await;
    assert_eq!(app.gateway.hits(Endpoint::Token), 1);
    assert_eq!(browsers[0].session(), browsers[1].session());
    for mut browser in browsers {
        assert!(browser.token().await.is_some());
    }
    // And later still, by Back or a second tab.
    let mut again = app.moved(&browser, 1);
    assert_eq!(again.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.gateway.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn session_of_one_instance_is_good_and_over_at_the_other() {
    let redis = Redis::start().await;
    let app = two_instances(&redis).await;
    let browser = app.signed_in(0).await;
    let mut other = app.moved(&browser, 1);
    assert!(other.token().await.is_some());
    let copied = other.clone();
    assert_eq!(log_out(&mut other).await.status, StatusCode::SEE_OTHER);
    for at in [0, 1] {
        assert!(app.moved(&copied, at).token().await.is_none());
    }
}

/// Two instances, of which the first one cannot say any more what became of a login.
async fn one_that_died(redis: &Redis) -> Instances {
    let gateway = MockGateway::start().await.unwrap();
    let first = std::cell::Cell::new(true);
    Instances::start(gateway, |builder, clock| {
        let faulty = FaultyStore::new(store(redis).clock(clock.clone()));
        if first.replace(false) {
            faulty.set_for(Operation::Settle, Fault::Error);
            faulty.set_for(Operation::Release, Fault::Error);
        }
        builder.session_store(faulty)
    })
    .await
}

#[tokio::test]
async fn login_of_an_instance_that_died_goes_on_at_another() {
    let redis = Redis::start().await;
    let app = one_that_died(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut elsewhere = app.moved(&browser, 1);
    assert_unavailable(&browser.open(&callback).await);
    let claim = redis.keys().pop().unwrap();
    let seconds: u64 = redis.ask(cmd("TTL").arg(&claim));
    assert!(seconds <= 45, "{seconds}");

    let answer = elsewhere.open(&callback).await;
    assert_unavailable(&answer);
    assert_eq!(answer.set_cookies(), [""; 0], "the login is as it was");
    let () = redis.ask(cmd("DEL").arg(&claim));
    let answer = elsewhere.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(elsewhere.token().await.is_some());
    assert_eq!(app.gateway.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn code_that_an_instance_may_have_sent_before_it_died_is_sent_by_no_other() {
    let redis = Redis::start().await;
    let app = one_that_died(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut elsewhere = app.moved(&browser, 1);
    browser.open(&callback).await;
    let claim = redis.keys().pop().unwrap();
    let () = redis.ask(cmd("SET").arg(&claim).arg("=sent"));
    for _ in 0..2 {
        let answer = elsewhere.open(&callback).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }
    assert_eq!(app.gateway.hits(Endpoint::Token), 0);
}

#[tokio::test]
async fn code_counts_as_sent_for_as_long_as_its_login_may_come_back() {
    let redis = Redis::start().await;
    let app = two_instances(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let done = tokio::spawn(async move { browser.open(&callback).await.status });
    gate.waiting(1).await;
    let claim = redis.keys().pop().unwrap();
    assert_eq!(redis.get(&claim), "=sent");
    let seconds: u64 = redis.ask(cmd("TTL").arg(&claim));
    assert!((301..=360).contains(&seconds), "{seconds}");
    gate.open();
    assert_eq!(done.await.unwrap(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn two_instances_refresh_a_token_once() {
    let redis = Redis::start().await;
    let gateway = MockGateway::builder()
        .refresh_tokens(true)
        .start()
        .await
        .unwrap();
    gateway.set_expires_in(60);
    let app = Instances::start(gateway, |builder, clock| {
        let store = store(&redis).clock(clock.clone());
        builder.refresh_tokens(true).session_store(store)
    })
    .await;
    let browser = app.signed_in(0).await;
    let before = app.moved(&browser, 0).token().await.unwrap();
    app.clock.advance(2 * MINUTE);
    let gate = app.gateway.hold(Endpoint::Token);
    let mut tasks = tokio::task::JoinSet::new();
    for at in [0, 1, 0, 1] {
        let mut browser = app.moved(&browser, at);
        tasks.spawn(async move { browser.token().await });
    }
    gate.waiting(1).await;
    gate.open();
    let tokens = tasks.join_all().await;
    assert!(
        tokens.iter().all(|token| *token == tokens[0]),
        "the same for all"
    );
    assert_ne!(tokens[0].as_ref().unwrap(), &before);
    assert_eq!(
        app.gateway.hits(Endpoint::Token),
        2,
        "a login, and a refresh"
    );
}

#[tokio::test]
async fn use_of_a_session_is_noted_after_the_answer_and_sets_no_cookie() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let app = App::with(|builder| {
        let builder = builder.cookie_keys(keys(1)).idle_timeout(10 * MINUTE);
        builder.session_store(store.clone())
    })
    .await;
    let mut browser = app.signed_in().await;
    app.clock.advance(MINUTE);
    let answer = browser.open("/whoami").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.set_cookies(), [""; 0]);
    let token = SessionToken::new(browser.session().unwrap());
    eventually("it is noted", async || {
        let session = store.load(&token).await.unwrap();
        session.unwrap().version() == 1
    })
    .await;
}

#[tokio::test]
async fn refresh_that_could_not_begin_leaves_it_to_the_other_instance() {
    let redis = Redis::start().await;
    let gateway = MockGateway::builder().refresh_tokens(true);
    let gateway = gateway.start().await.unwrap();
    gateway.set_expires_in(60);
    let (faults, gates) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let app = Instances::start(gateway, |builder, clock| {
        let faulty = FaultyStore::new(store(&redis).clock(clock.clone()));
        let gated = Gated::new(faulty.clone());
        faults.lock().unwrap().push(faulty);
        gates.lock().unwrap().push(Arc::clone(&gated.loads));
        builder.refresh_tokens(true).session_store(gated)
    })
    .await;
    let (faults, gates) = (faults.into_inner().unwrap(), gates.into_inner().unwrap());
    let browser = app.signed_in(0).await;
    app.clock.advance(2 * MINUTE);
    gates[0].shut();
    let mut first = app.moved(&browser, 0);
    let refused = tokio::spawn(async move { first.open("/whoami").await });
    gates[0].came(gates[0].count() + 1).await;
    faults[0].set_for(Operation::Load, Fault::Error);
    gates[0].open();
    let refused = refused.await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.gateway.hits(Endpoint::Token), 1, "it had not begun");
    assert!(app.moved(&browser, 1).token().await.is_some());
}

// --- logouts that are shared, of sessions in cookies; they are saved and loaded without a server, which is not for `check_store_faults`

fn cookies(redis: &Redis) -> CookieStore {
    sharing(&store(redis))
}

fn sharing(redis: &RedisStore) -> CookieStore {
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
    let router = common::routes(&common::Hits::default()).layer(auth);
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
    assert_eq!(log_out(&mut browser).await.status, StatusCode::SEE_OTHER);
    eventually("it is over there", async || {
        other.send(navigation("/whoami")).await.status == StatusCode::SEE_OTHER
    })
    .await;
}
