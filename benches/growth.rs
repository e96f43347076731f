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
//! Machines are noisy, and noise only adds: of several rounds the best one counts. A round takes
//! all points of a chart, so that a slow minute meets all of them. A number as an argument is how
//! many sessions there are at most, which defaults to a million. Names of parts (`sessions`,
//! `cookies`, `threads`, `pauses`) choose among them.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant, SystemTime},
};

use axum::{Router, body::Body, http::Request};
use telenor_auth::{
    Clock, CookieKeys, TelenorAuthBuilder,
    session::{CookieStore, MemoryStore, Session, SessionStore, SessionToken},
};
use telenor_auth_benches::{
    apps::{self, SignedIn},
    by_hand::Sessions,
    requests, send,
};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 301;
/// So few at once stay in the caches of a processor, as those of a server do.
const REQUESTS: u32 = 64;
/// Rounds of what takes long.
const FEW_ROUNDS: usize = 31;
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
    let mut points = Vec::new();
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
        let cookies = requests::cookies(3, &app.session);
        points.push(Point::new("request – memory store", *size, app, cookies));
    }
    measure(points);
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
    let (mut numbers, mut lengths) = (Vec::new(), Vec::new());
    for (store, app) in stores {
        for number in [1, 3, 10, 30] {
            let app = app().checked();
            let cookies = requests::cookies(number, &app.session);
            let row = format!("cookies – {store}");
            numbers.push(Point::new(&row, number, app, cookies));
        }
        for bytes in [10, 100, 1_000, 4_000] {
            let app = app().checked();
            let cookies = format!("basket={}; {}", "x".repeat(bytes), app.session);
            let row = format!("cookie bytes – {store}");
            lengths.push(Point::new(&row, bytes, app, cookies));
        }
    }
    measure(numbers);
    measure(lengths);
}

/// What is measured for a point of a plot.
struct Point {
    row: String,
    x: usize,
    app: SignedIn,
    cookies: String,
    /// In nanoseconds of a request.
    bare: f64,
    layered: f64,
}

impl Point {
    fn new(row: &str, x: usize, app: SignedIn, cookies: String) -> Self {
        Self {
            row: row.to_owned(),
            x,
            app,
            cookies,
            bare: f64::MAX,
            layered: f64::MAX,
        }
    }
}

/// Prints what each app costs beyond the bare one, in nanoseconds for each request.
fn measure(mut points: Vec<Point>) {
    let mut bare = apps::bare(0);
    for _ in 0..ROUNDS {
        for point in &mut points {
            point.bare = point.bare.min(nanoseconds(&mut bare.app, &point.cookies));
            let layered = nanoseconds(&mut point.app.app, &point.cookies);
            point.layered = point.layered.min(layered);
        }
    }
    for measured in points {
        let beyond = measured.layered - measured.bare;
        point(&measured.row, measured.x, beyond);
    }
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
        .take(FEW_ROUNDS)
        .fold(f64::MAX, f64::min)
}

fn threads() {
    let store = MemoryStore::new();
    let app = apps::with_store(store.clone()).checked();
    threads_of("memory store", &app, &store);
    let keys = CookieKeys::random();
    let store = CookieStore::new(&keys);
    let with_keys = |builder: TelenorAuthBuilder| builder.cookie_keys(keys);
    let app = apps::layer(|builder| with_keys(builder).session_store(store.clone())).checked();
    threads_of("cookie store", &app, &store);
}

/// Each thread is another user.
fn threads_of(name: &str, app: &SignedIn, store: &impl SessionStore) {
    let sessions = [app.session.clone(), another_session(app, store)];
    // In turn, so that what else the machine does meets both.
    let (mut one, mut two) = (f64::MAX, f64::MAX);
    for _ in 0..FEW_ROUNDS {
        one = one.min(on_threads(&app.app, &sessions[..1]));
        two = two.min(on_threads(&app.app, &sessions));
    }
    let row = format!("threads – {name}");
    point(&row, 1, 1.0);
    point(&row, 2, 2.0 * one / two);
}

/// The cookie of a session like the one of the login.
fn another_session(app: &SignedIn, store: &impl SessionStore) -> String {
    let (name, token) = app.session.split_once('=').expect("a cookie");
    let runtime = app.runtime.as_ref().expect("a runtime");
    let now = SystemTime::now();
    runtime.block_on(async {
        let loaded = store.load(&SessionToken::new(token), now).await;
        let session = loaded.ok().flatten().expect("it is signed in");
        let saved = store.save(session.touched_at(now), now).await;
        format!("{name}={}", saved.expect("room").secret())
    })
}

/// In nanoseconds of a thread, for its requests.
fn on_threads(app: &Router, sessions: &[String]) -> f64 {
    let start = Barrier::new(sessions.len());
    let requests = |session: &String| {
        let cookies = requests::cookies(3, session);
        let mut app = app.clone();
        start.wait();
        let batches = (0..FEW_ROUNDS).map(|_| {
            let requests: Vec<_> = pages(&cookies).collect();
            running(|| {
                requests
                    .into_iter()
                    .for_each(|request| send(&mut app, request))
            })
        });
        batches.sum::<Duration>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter()
            .map(|session| scope.spawn(|| requests(session)))
            .collect();
        let times = threads.into_iter().map(|thread| thread.join());
        times.map(|time| time.expect("it ends")).max()
    })
    .map_or(0.0, |time| time.as_nanos() as f64)
}

/// How long this takes, without the time in which the processor did other work.
fn running(work: impl FnOnce()) -> Duration {
    let waited_before = waited();
    let started = Instant::now();
    work();
    let elapsed = started.elapsed();
    elapsed.saturating_sub(waited() - waited_before)
}

/// How long this thread has waited for a processor.
fn waited() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = stat.split_whitespace().nth(1);
    Duration::from_nanos(waited.and_then(|waited| waited.parse().ok()).unwrap_or(0))
}

/// The longest time that a user waits while sessions expire, where one thread does all. Each round
/// takes the same steps, so of each step the quietest round counts.
fn pauses(sizes: &[usize]) {
    for size in sizes.iter().filter(|size| **size >= 10_000) {
        let rounds = if *size > 1_000_000 { 2 } else { 5 };
        let longest = |they_expire: bool| {
            let rounds = (0..rounds).map(|_| pauses_of(*size, they_expire));
            let quietest = rounds.reduce(|mut quietest, round| {
                quietest.truncate(round.len());
                let both = quietest.iter_mut().zip(round);
                both.for_each(|(least, pause)| *least = pause.min(*least));
                quietest
            });
            let longest = quietest.into_iter().flatten().max();
            longest.map_or(0.0, |longest| longest.as_nanos() as f64 / 1_000.0)
        };
        let (expiring, living) = (longest(true), longest(false));
        point("pause – they expire", *size, expiring);
        point("pause – they live on", *size, living);
    }
}

/// How long each of many requests waits, one after the other.
fn pauses_of(size: usize, they_expire: bool) -> Vec<Duration> {
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
        let mut pauses = Vec::new();
        let mut quiet = 0;
        let mut left = store.len();
        while quiet < 5_000 {
            let request = page();
            let waited_before = waited();
            let started = Instant::now();
            tokio::task::yield_now().await;
            send(&mut app.app, request);
            let elapsed = started.elapsed();
            pauses.push(elapsed.saturating_sub(waited() - waited_before));
            quiet = if store.len() == left { quiet + 1 } else { 0 };
            left = store.len();
        }
        assert!(they_expire == (left == 1), "{left} are left");
        pauses
    })
}
