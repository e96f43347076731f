//! What a signed-in request costs as everything around it grows.
//!
//! Each line is a point of a plot: `row,x,y`. The rows:
//!
//! | row | x | y |
//! | --- | --- | --- |
//! | `request – memory store` | sessions | ns over the bare app |
//! | `look-up – memory store` | sessions, taken at random | ns |
//! | `memory` | sessions | bytes of the process for each |
//! | `cookies – …` | cookies of a request, ours last | ns over the bare app |
//! | `cookie bytes – …` | bytes of a cookie before ours | ns over the bare app |
//! | `threads – …` | threads | requests in a second, against one thread |
//! | `pause – …` | sessions that expire at once | µs, the longest between two requests |
//!
//! Machines are noisy, and noise only adds: of several rounds the best one counts. A
//! number as an argument is how many sessions there are at most, which defaults to a million. Names
//! of parts (`sessions`, `cookies`, `threads`, `pauses`) choose among them.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant, SystemTime},
};

use axum::{Router, body::Body, http::Request};
use telenor_auth::{
    Clock,
    session::{MemoryStore, Session, SessionStore, SessionToken},
};
use telenor_auth_benches::{
    apps::{self, SignedIn},
    by_hand::Sessions,
    requests, send,
};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 31;
const REQUESTS: u32 = 2_000;
const ACCESS_TOKEN: &str = "aGdhc2RmZ2hqa2xxd2VydHl1aW9w";
/// More than the tokens that are looked up, so that caches are of no help.
const SAMPLE: usize = 100_000;

type Make = fn() -> SignedIn;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let most = arguments.iter().find_map(|argument| argument.parse().ok());
    let sizes = (2..=7).map(|power| 10_usize.pow(power));
    let sizes: Vec<_> = sizes
        .take_while(|size| *size <= most.unwrap_or(1_000_000))
        .collect();
    let parts: [(&str, &dyn Fn()); 4] = [
        ("sessions", &|| sessions(&sizes)),
        ("cookies", &cookies),
        ("threads", &threads),
        ("pauses", &|| pauses(&sizes)),
    ];
    let is_named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !parts.iter().any(|(name, _)| is_named(name));
    println!("row,x,y");
    for (name, measure) in parts {
        if all || is_named(name) {
            measure();
        }
    }
}

fn point(row: &str, x: usize, y: f64) {
    println!("{row},{x},{y:.2}");
}

/// A store with this number of sessions, and the tokens of some of them.
fn filled(
    runtime: &Runtime,
    size: usize,
    expires_at: SystemTime,
) -> (MemoryStore, Vec<SessionToken>) {
    let store = MemoryStore::with_capacity(size + 10);
    let every = size.div_ceil(SAMPLE);
    let mut tokens = Vec::with_capacity(size / every);
    runtime.block_on(async {
        for number in 0..size {
            let session = Session::new(ACCESS_TOKEN, expires_at);
            let token = store.save(session, SystemTime::now()).await.expect("room");
            if number % every == 0 {
                tokens.push(token);
            }
        }
    });
    (store, tokens)
}

fn sessions(sizes: &[usize]) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for size in sizes {
        let before = resident();
        let an_hour = SystemTime::now() + Duration::from_secs(3_600);
        let (store, tokens) = filled(&runtime, *size, an_hour);
        if *size >= 100_000 {
            let kept = (tokens.len() * size_of::<SessionToken>()) as f64;
            let bytes = resident() - before - kept;
            point("memory", *size, bytes / *size as f64);
        }
        point("look-up – memory store", *size, look_up(&store, &tokens));
        let app = apps::with_store(store).checked();
        point(
            "request – memory store",
            *size,
            overhead(app, |session| requests::cookies(3, session)),
        );
    }
}

/// In bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.unwrap_or(0.0) * 1_024.0
}

fn look_up(store: &MemoryStore, tokens: &[SessionToken]) -> f64 {
    let now = SystemTime::now();
    // In an order that no cache foresees, and is the same each time.
    let mut at = 0;
    let count = tokens.len().clamp(10_000, SAMPLE);
    let mut look_up = || {
        at = (at + 7_919) % tokens.len();
        black_box(store.try_load(&tokens[at], now));
    };
    best(|| {
        let started = Instant::now();
        (0..count).for_each(|_| look_up());
        started.elapsed().as_nanos() as f64 / count as f64
    })
}

fn cookies() {
    let stores: [(&str, Make); 3] = [
        ("by hand", || apps::by_hand(Sessions::memory())),
        ("memory store", apps::memory),
        ("cookie store", apps::cookie),
    ];
    for (store, app) in stores {
        for number in [1, 3, 10, 30] {
            let row = format!("cookies – {store}");
            point(
                &row,
                number,
                overhead(app().checked(), |session| {
                    requests::cookies(number, session)
                }),
            );
        }
        for bytes in [10, 100, 1_000, 4_000] {
            let row = format!("cookie bytes – {store}");
            let cookies = |session: &str| format!("basket={}; {session}", "x".repeat(bytes));
            point(&row, bytes, overhead(app().checked(), cookies));
        }
    }
}

/// What the app costs beyond the bare one, in nanoseconds for each request.
fn overhead(app: SignedIn, cookies: impl Fn(&str) -> String) -> f64 {
    let cookies = cookies(&app.session);
    let value = app
        .session
        .split_once('=')
        .map_or(0, |(_, value)| value.len());
    let mut bare = apps::bare(value);
    let mut layered = app;
    let (mut without, mut with) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        without = without.min(nanoseconds(&mut bare.app, &cookies));
        with = with.min(nanoseconds(&mut layered.app, &cookies));
    }
    with - without
}

fn nanoseconds(app: &mut Router, cookies: &str) -> f64 {
    let requests: Vec<_> = pages(cookies).collect();
    let started = Instant::now();
    requests.into_iter().for_each(|request| send(app, request));
    started.elapsed().as_nanos() as f64 / f64::from(REQUESTS)
}

fn pages(cookies: &str) -> impl Iterator<Item = Request<Body>> {
    (0..REQUESTS).map(move |_| requests::page("/user", cookies).map(|()| Body::empty()))
}

fn best(measure: impl FnMut() -> f64) -> f64 {
    std::iter::repeat_with(measure)
        .take(ROUNDS)
        .fold(f64::MAX, f64::min)
}

/// Each thread is another user.
fn threads() {
    for (store, app) in [
        ("memory store", apps::memory as Make),
        ("cookie store", apps::cookie),
    ] {
        let app = app().checked();
        let sessions = [app.session.clone(), app.session.clone()];
        // In turn, so that what else the machine does meets both.
        let (mut one, mut two) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            one = one.min(on_threads(&app.app, &sessions[..1]));
            two = two.min(on_threads(&app.app, &sessions));
        }
        let row = format!("threads – {store}");
        point(&row, 1, 1.0);
        point(&row, 2, 2.0 * one / two);
    }
}

/// In seconds, for the requests of one thread.
fn on_threads(app: &Router, sessions: &[String]) -> f64 {
    let start = Barrier::new(sessions.len());
    thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter()
            .map(|session| {
                let start = &start;
                let mut app = app.clone();
                scope.spawn(move || {
                    let cookies = requests::cookies(3, session);
                    let requests: Vec<_> = pages(&cookies).collect();
                    start.wait();
                    let started = Instant::now();
                    requests
                        .into_iter()
                        .for_each(|request| send(&mut app, request));
                    started.elapsed().as_secs_f64()
                })
            })
            .collect();
        let times = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"));
        times.fold(0.0, f64::max)
    })
}

/// The longest time that a user waits while sessions expire, where one thread does all.
fn pauses(sizes: &[usize]) {
    for size in sizes.iter().filter(|size| **size >= 10_000) {
        let rounds = if *size > 1_000_000 { 2 } else { 5 };
        let (mut expiring, mut living) = (f64::MAX, f64::MAX);
        for _ in 0..rounds {
            expiring = expiring.min(longest_pause(*size, true));
            living = living.min(longest_pause(*size, false));
        }
        point("pause – they expire", *size, expiring);
        point("pause – they live on", *size, living);
    }
}

/// How long this thread has waited for a processor that did other work.
fn waited() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = stat.split_whitespace().nth(1);
    Duration::from_nanos(waited.and_then(|waited| waited.parse().ok()).unwrap_or(0))
}

/// In microseconds.
fn longest_pause(size: usize, they_expire: bool) -> f64 {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let clock = Clock::manual();
    let lifetime = Duration::from_secs(if they_expire { 30 } else { 3_600 });
    let (store, _) = filled(&runtime, size, clock.now() + lifetime);
    let mut app = apps::layer(|builder| builder.clock(clock.clone()).session_store(store.clone()));
    let cookies = requests::cookies(3, &app.session);
    let page = || requests::page("/user", &cookies).map(|()| Body::empty());
    clock.advance(Duration::from_secs(60));
    runtime.block_on(async {
        send(&mut app.app, page());
        // The sweeper begins to wait for its minute, which passes.
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(61)).await;
        let mut longest = Duration::ZERO;
        let mut quiet = 0;
        let mut left = store.len();
        while quiet < 5_000 {
            let request = page();
            let (started, waited) = (Instant::now(), waited());
            tokio::task::yield_now().await;
            send(&mut app.app, request);
            longest = longest.max(started.elapsed().saturating_sub(self::waited() - waited));
            quiet = if store.len() == left { quiet + 1 } else { 0 };
            left = store.len();
        }
        assert!(they_expire == (left == 1), "{left} are left");
        longest.as_nanos() as f64 / 1_000.0
    })
}
