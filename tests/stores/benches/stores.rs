//! What each store costs: memory for a session, requests for a core, commands for Redis; and what a
//! login costs.
//!
//! Figures for `docs/stores.md`. Needs `redis-server` and PostgreSQL; everything runs on this
//! machine, the servers on a core of their own if there are two.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where something is missing, and is printed"
)]

use std::{
    fs,
    future::pending,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use telenor_auth::{
    TelenorUser,
    mock::MockGateway,
    session::{CachedStore, CookieStore, MemoryStore, RedisStore, Session, SessionStore},
};
use telenor_auth_store_tests::{
    database::Database,
    support::{
        app::{App, builder, keys},
        browser::{Browser, navigation},
        redis::Redis,
        tls::{Authority, Relay},
    },
};
use tokio_rustls::rustls;
use tower::Service;

const SESSIONS: u32 = 100_000;
const REQUESTS: u32 = 50_000;
/// As many requests are in flight at any time, on one thread.
const AT_ONCE: u32 = 64;
const ROUNDS: usize = 5;
const LOGINS: u64 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // What the tests listen to costs more than anything that is measured here.
    let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
    let keys = keys(1);
    let redis = Redis::start().await;
    let in_redis = RedisStore::new(&redis.url(), &keys).unwrap();

    println!("Memory for a session, with an access token of 40 characters:");
    println!("  MemoryStore {:6.0} bytes", memory_of_process().await);
    println!(
        "  RedisStore  {:6.0} bytes",
        memory_of_redis(&redis, &in_redis).await
    );
    println!(
        "  CookieStore {:6} bytes of cookie",
        cookie_length(&CookieStore::new(&keys)).await
    );

    println!("Commands to Redis:");
    commands(&redis, in_redis.clone()).await;

    println!("Requests in a second on one core, {AT_ONCE} at once, handler takes TelenorUser:");
    let bare = throughput(bare(), &navigation("/user")).await;
    println!("  no layer    {bare:8.0}");
    through_layer("MemoryStore", MemoryStore::new()).await;
    through_layer("CookieStore", CookieStore::new(&keys)).await;
    through_layer("RedisStore", in_redis.clone()).await;
    through_layer("CachedStore over RedisStore", CachedStore::new(in_redis)).await;
    for (name, database) in [
        ("TowerSessionsStore, SQLite", Database::sqlite().await),
        (
            "TowerSessionsStore, PostgreSQL",
            Database::postgresql().await,
        ),
    ] {
        through_layer(name, database.instance()).await;
    }

    println!("Time of this process's core for a login, with a handler that asks for nothing:");
    for (name, tls) in [("http", false), ("https", true)] {
        let time = login(tls).await;
        println!(
            "  token endpoint by {name:6} {:6.0} µs",
            time.as_secs_f64() * 1e6
        );
    }
}

/// What a token of the mock gateway, and perhaps of Telenor, looks like; the length of the latter
/// is not documented.
fn session() -> Session {
    Session::new(
        "a".repeat(40),
        SystemTime::now() + Duration::from_secs(3600),
    )
}

async fn memory_of_process() -> f64 {
    let store = MemoryStore::with_capacity(SESSIONS as usize);
    let before = resident();
    for _ in 0..SESSIONS {
        store.save(session(), SystemTime::now()).await.unwrap();
    }
    let after = resident();
    assert_eq!(store.len(), SESSIONS as usize);
    (after - before) as f64 / f64::from(SESSIONS)
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

async fn memory_of_redis(redis: &Redis, store: &RedisStore) -> f64 {
    let before = redis.info("used_memory");
    for _ in 0..SESSIONS {
        store.save(session(), SystemTime::now()).await.unwrap();
    }
    let after = redis.info("used_memory");
    (after - before) as f64 / f64::from(SESSIONS)
}

async fn cookie_length(store: &CookieStore) -> usize {
    store
        .save(session(), SystemTime::now())
        .await
        .unwrap()
        .secret()
        .len()
}

async fn commands(redis: &Redis, store: RedisStore) {
    let app = App::with(|builder| builder.session_store(store)).await;
    let before = commands_so_far(redis);
    let memory = redis.info("used_memory");
    let mut browsers = Vec::new();
    for _ in 0..LOGINS {
        browsers.push(app.signed_in().await);
    }
    let logins = commands_so_far(redis) - before;
    let memory = redis.info("used_memory") - memory;
    let before = commands_so_far(redis);
    for browser in &mut browsers {
        browser.token().await.unwrap();
    }
    let requests = commands_so_far(redis) - before;
    println!("  for a login   {:.2}", logins as f64 / LOGINS as f64);
    println!("  for a request {:.2}", requests as f64 / LOGINS as f64);
    println!(
        "  memory for a login, session and all {:.0} bytes",
        memory as f64 / LOGINS as f64
    );
}

fn commands_so_far(redis: &Redis) -> u64 {
    let calls = redis.calls();
    calls.iter().map(|(_, calls)| calls).sum()
}

fn bare() -> Router {
    Router::new()
        .route("/user", get(async || "user"))
        .with_state(())
}

async fn through_layer(name: &str, store: impl SessionStore) {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).session_store(store).build().unwrap();
    let user = async |_: TelenorUser| "user";
    let router = Router::new().route("/user", get(user)).layer(auth);
    let router = router.with_state(());
    let mut browser = Browser {
        router: router.clone(),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/user").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    let mut request = navigation("/user");
    let cookie = format!("__Host-telenor-session={}", browser.session().unwrap());
    request
        .headers_mut()
        .insert("cookie", cookie.parse().unwrap());
    let per_second = throughput(router, &request).await;
    println!("  {name:28} {per_second:8.0}");
}

/// From the challenge to the session. The token requests use a kept connection. The gateway is on
/// another thread.
async fn login(tls: bool) -> Duration {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(gateway(tls, sender));
    });
    let (gateway, base, pem) = receiver.recv().unwrap();
    let auth = builder(&gateway).gateway(base);
    let auth = if tls { auth.gateway_ca(pem) } else { auth };
    let router = Router::new().route("/user", get(async |_: TelenorUser| "user"));
    let router = router.layer(auth.build().unwrap());
    let before = core_time();
    for _ in 0..LOGINS {
        let mut browser = Browser {
            router: router.clone(),
            jar: Vec::new(),
        };
        let callback = browser.callback_url(&gateway, "/user").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }
    (core_time() - before) / u32::try_from(LOGINS).unwrap()
}

async fn gateway(tls: bool, sender: mpsc::Sender<(Arc<MockGateway>, String, String)>) {
    let gateway = Arc::new(MockGateway::start().await.unwrap());
    let authority = Authority::generate();
    let acceptor = authority.acceptor("localhost", 2050, rustls::ALL_VERSIONS);
    let any = "127.0.0.1:0".parse().unwrap();
    let upstream = gateway
        .base_url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let relay = Relay::start(any, upstream, tls.then_some(acceptor)).await;
    let scheme = if tls { "https" } else { "http" };
    let base = format!("{scheme}://localhost:{}", relay.address.port());
    sender.send((gateway, base, authority.pem)).unwrap();
    pending::<()>().await;
    drop(relay);
}

/// How long this thread has had a core for itself.
fn core_time() -> Duration {
    let times = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(times.split(' ').next().unwrap().parse().unwrap())
}

/// The median of a few rounds.
async fn throughput(router: Router, request: &Request<Body>) -> f64 {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut in_flight = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let mut router = router.clone();
            let requests: Vec<_> = (0..REQUESTS / AT_ONCE).map(|_| copy(request)).collect();
            in_flight.spawn(async move {
                for request in requests {
                    let answer = router.call(request).await.unwrap();
                    assert_eq!(answer.status(), StatusCode::OK);
                }
            });
        }
        in_flight.join_all().await;
        rounds.push(f64::from(REQUESTS) / started.elapsed().as_secs_f64());
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn copy(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
