//! The connection to Redis, which breaks, hangs, moves and is refused.

use std::time::{Duration, Instant};

use redis::cmd;
use telenor_auth::session::{Lease, Leases, SessionStore, SessionToken, check_store};
use tokio_rustls::rustls;

use super::{
    SOON, at, eventually, hasty, key, load, now, revocations::sharing, session, store, subject,
    text,
};
use crate::support::{
    self, MINUTE,
    redis::{Lossy, Redis, free_port},
    tls::{Authority, Relay},
};

#[tokio::test]
async fn all_commands_share_one_connection() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let before = redis.info("total_connections_received");
    let token = store.save(session("token"), now()).await.unwrap();
    for _ in 0..1_000 {
        store.load(&token, now()).await.unwrap().unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (store, token) = (store.clone(), token.clone());
        tasks.spawn(async move { store.load(&token, now()).await });
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
    let token = store.save(session("token"), now()).await.unwrap();
    let known = store.load(&token, now()).await.unwrap().unwrap();
    for step in 0..5 {
        redis.kill();
        redis.restart().await;
        match step {
            0 => assert_eq!(load(&store, &token).await.as_deref(), Some("token")),
            1 => assert_eq!(
                store.acquire("work", MINUTE).await.unwrap(),
                Lease::Acquired
            ),
            2 => drop(store.save(session("other"), now()).await.unwrap()),
            3 => {
                let updated = store.update(&token, known.touched_at(now()), now());
                assert!(updated.await.unwrap().is_some());
            }
            _ => store.remove(&token, now()).await.unwrap(),
        }
    }
}

/// It was executed, and the connection broke before the answer was there.
#[tokio::test]
async fn command_whose_answer_is_lost_is_sent_again_and_does_no_harm() {
    let redis = Redis::start().await;
    let way = Lossy::start(redis.address()).await;
    let url = format!("redis://{}", way.address);
    let store = at(&url);
    let token = store.save(session("token"), now()).await.unwrap();
    let known = store.load(&token, now()).await.unwrap().unwrap();

    way.lose_next_answer();
    assert_eq!(load(&store, &token).await.as_deref(), Some("token"));
    assert!(way.has_lost());

    way.lose_next_answer();
    let updated = store.update(&token, known.touched_at(now()), now());
    assert!(updated.await.unwrap().is_some(), "it is this update");
    assert!(way.has_lost());

    way.lose_next_answer();
    let lease = store.acquire("work", MINUTE).await.unwrap();
    assert_eq!(lease, Lease::Acquired, "it is this caller's");
    assert!(way.has_lost());

    way.lose_next_answer();
    let again = store.save(session("again"), now()).await.unwrap();
    assert!(way.has_lost());
    assert_eq!(load(&store, &again).await.as_deref(), Some("again"));

    way.lose_next_answer();
    store.remove(&again, now()).await.unwrap();
    assert!(way.has_lost());
    assert_eq!(load(&store, &again).await, None);
}

/// S82.
#[tokio::test]
async fn server_that_hangs_is_an_error_in_time() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let token = store.save(session("token"), now()).await.unwrap();
    let hasty = store.clone().with_timeout(Duration::from_millis(200));
    redis.hang();
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let (hasty, token) = (hasty.clone(), token.clone());
        tasks.spawn(async move { hasty.load(&token, now()).await });
    }
    let loaded = tokio::time::timeout(4 * SOON, tasks.join_all()).await;
    for loaded in loaded.expect("an answer in time") {
        assert!(loaded.is_err());
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    assert!(hasty.save(session("new"), now()).await.is_err());
    assert!(hasty.acquire("work", MINUTE).await.is_err());
    redis.go_on();
    eventually("it is back", async || {
        hasty.load(&token, now()).await.is_ok()
    })
    .await;
    assert_eq!(load(&store, &token).await.as_deref(), Some("token"));
}

#[test]
fn timeout_defaults_to_half_a_second() {
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
    let token = store.save(session("token"), now()).await.unwrap();
    gone.hang();
    drop(way);
    eventually("the name is free", async || {
        tokio::net::TcpListener::bind(address).await.is_ok()
    })
    .await;
    let _way = Relay::plain(address, next.address()).await;
    assert!(store.load(&token, now()).await.is_err());
    eventually("the next is asked", async || {
        store.load(&token, now()).await.is_ok()
    })
    .await;
    let token = store.save(session("token"), now()).await.unwrap();
    assert_eq!(next.keys(), [key(&token)]);
}

#[tokio::test]
async fn server_that_takes_no_writes_any_more_is_given_up_for_the_next_of_that_name() {
    let (demoted, next) = (Redis::start().await, Redis::start().await);
    let way = Relay::plain(([127, 0, 0, 1], 0).into(), demoted.address()).await;
    let address = way.address;
    let url = format!("redis://{address}");
    let store = at(&url);
    store.save(session("token"), now()).await.unwrap();
    let () = demoted.ask(cmd("REPLICAOF").arg("127.0.0.1").arg(free_port()));
    let error = store.save(session("token"), now()).await.unwrap_err();
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
        tasks.spawn(async move { store.save(session("token"), now()).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.len(), 50);
    // That of the store, and our own two.
    assert_eq!(next.keys().len(), 50);
    assert_eq!(next.info("total_connections_received"), before + 3);
}

/// What the documentation of `RedisStore` and `CookieStore::share_revocations` lists.
#[tokio::test]
async fn user_needs_no_more_rights_than_documented() {
    const SESSIONS: &str = "+@connection +get +set +del +eval +unlink +scan +exists";
    const SUBJECTS: &str = "+zadd +zrange +zrevrange +zrem +zcard +zpopmin +ttl +expire";
    const REVOCATIONS: &str = "+@connection +get +set +eval +time +xadd +xrange +xrevrange";

    let redis = Redis::start().await;
    let with_rights = |user: &str, rights: &str| {
        let mut create = cmd("ACL");
        create.arg(&["SETUSER", user, "on", ">p@ss/w:rd", "~shop:*"]);
        let rights: Vec<_> = rights.split(' ').collect();
        let () = redis.ask(create.arg(rights));
        let url = format!("redis://{user}:p%40ss%2Fw%3Ard@{}/3", redis.address());
        at(&url).with_prefix("shop:")
    };

    let store = with_rights("sessions", SESSIONS);
    let token = store.save(session("token"), now()).await.unwrap();
    let known = store.load(&token, now()).await.unwrap().unwrap();
    let updated = store.update(&token, known.touched_at(now()), now());
    assert!(updated.await.unwrap().is_some());
    assert_eq!(redis.keys(), [""; 0], "it is the database of that number");
    let ended = store.find_ended(&[(token.id(), known)], now()).await;
    assert_eq!(ended.unwrap(), []);
    let acquire = async || store.acquire("work", MINUTE).await.unwrap();
    assert_eq!(acquire().await, Lease::Acquired);
    assert_eq!(acquire().await, Lease::Held);
    store.complete("work", "done", MINUTE).await.unwrap();
    store.release("work").await.unwrap();
    store.revoke(token.id(), now(), now()).await.unwrap();
    store.remove(&token, now()).await.unwrap();
    store.revoke_all(now()).await.unwrap();
    assert_eq!(load(&store, &token).await, None);

    let store = with_rights("subjects", &format!("{SESSIONS} {SUBJECTS}"));
    check_store(store.clone()).await;
    let store = store.with_max_sessions_per_subject(2);
    let kari = subject("kari");
    let mut tokens = Vec::new();
    for _ in 0..4 {
        let new = session("token").with_subject(kari);
        tokens.push(store.save(new, now()).await.unwrap());
        // So that the next login finds one that has ended.
        if tokens.len() == 1 {
            store.remove(&tokens[0], now()).await.unwrap();
        }
    }
    let live = store.sessions_of(kari, now()).await.unwrap().unwrap();
    assert_eq!(live, [tokens[2].id(), tokens[3].id()]);
    store.revoke_subject(kari, now(), now()).await.unwrap();
    assert_eq!(load(&store, &tokens[3]).await, None);

    let cookies = sharing(&with_rights("cookies", REVOCATIONS));
    check_store(cookies.clone()).await;
    let new = session("token").with_subject(kari);
    let token = cookies.save(new, now()).await.unwrap();
    let until = now() + 10 * MINUTE;
    cookies.revoke_subject(kari, until, now()).await.unwrap();
    assert_eq!(load(&cookies, &token).await, None);
    cookies.revoke_all(now()).await.unwrap();
}

#[tokio::test]
async fn wrong_password_is_an_error_that_does_not_show_it_and_can_be_mended() {
    let redis = Redis::start().await;
    let () = redis.ask(cmd("ACL").arg(&["SETUSER", "shop", "on", ">right", "~*", "+@all"]));
    let url = format!("redis://shop:canary@{}", redis.address());
    let store = at(&url);
    let mark = support::log::mark();
    let error = store.save(session("token"), now()).await.unwrap_err();
    assert!(text(&error).contains("refuses the user or the password"));
    for said in [text(&error), format!("{store:?}")] {
        assert!(!said.contains("canary"), "{said}");
    }
    support::log::assert_silent(mark, &["canary".to_owned(), url]);
    let () = redis.ask(cmd("ACL").arg(&["SETUSER", "shop", ">canary"]));
    eventually("it is admitted", async || {
        store.save(session("token"), now()).await.is_ok()
    })
    .await;
    // One that knows no password asks for none, and its commands are refused.
    let () = redis.ask(cmd("ACL").arg(&["SETUSER", "default", "resetpass", ">other"]));
    let bare = at(&redis.url());
    let error = bare.save(session("token"), now()).await.unwrap_err();
    assert!(text(&error).contains("NOAUTH"), "{}", text(&error));
}

#[tokio::test]
async fn error_of_a_command_that_redis_does_not_know_repeats_no_argument() {
    let redis = Redis::with(&["--rename-command", "EVAL", ""]).await;
    let store = store(&redis);
    let token = store.save(session("token"), now()).await.unwrap();
    let known = store.load(&token, now()).await.unwrap().unwrap();
    let updated = store.update(&token, known.touched_at(now()), now());
    let error = text(&updated.await.unwrap_err());
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
    let loaded = std::pin::pin!(store.load(&token, now())).poll(&mut context);
    assert!(matches!(loaded, Poll::Ready(Err(_))));
    let loaded = std::pin::pin!(cookies.load(&token, now())).poll(&mut context);
    assert!(matches!(loaded, Poll::Ready(Err(_))));
}

/// S82.
#[tokio::test]
async fn server_with_tls_needs_a_certificate_that_is_trusted() {
    let redis = Redis::start().await;
    let (authority, other) = (Authority::generate(), Authority::generate());
    let acceptor = authority.acceptor("localhost", 2100, rustls::ALL_VERSIONS);
    let relay = Relay::start(([127, 0, 0, 1], 0).into(), redis.address(), Some(acceptor)).await;
    let over_tls = |host| {
        let url = format!("rediss://{host}:{}", relay.address.port());
        at(&url)
    };
    let trusting = over_tls("localhost").with_ca(&authority.pem).unwrap();
    check_store(trusting).await;
    let read = relay.read.load(std::sync::atomic::Ordering::SeqCst);
    for (refused, why) in [
        (over_tls("localhost"), "UnknownIssuer"),
        (
            over_tls("localhost").with_ca(&other.pem).unwrap(),
            "BadSignature",
        ),
        (
            over_tls("127.0.0.1").with_ca(&authority.pem).unwrap(),
            "not valid for name",
        ),
    ] {
        let error = refused.save(session("token"), now()).await.unwrap_err();
        assert!(text(&error).contains(why), "{why}: {}", text(&error));
    }
    let after = relay.read.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(
        read, after,
        "nothing was sent to a server that is not trusted"
    );
}
