//! The CPU time of whole logins: challenge, callback, and the exchange of the code between them.
//!
//! The token endpoint runs in another process and does not count, and neither does making the
//! requests. 32 logins are in progress at once. The layer and the minimum by hand take turns, and
//! the ratio of the medians is what counts.
//!
//! `--only layer memory 1000` does so many logins of one of them and nothing else, for callgrind
//! and perf.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::{env, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use rustix::time::{ClockId, clock_gettime};
use telenor_auth_benches::{
    apps,
    by_hand::Sessions,
    requests,
    token_endpoint::{self, TokenEndpoint},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use tower::Service;

const ROUNDS: usize = 41;
const LOGINS: usize = 640;
const AT_ONCE: usize = 32;

fn main() {
    let arguments: Vec<_> = env::args().collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match &arguments[1..] {
        [token_endpoint::ARGUMENT] => token_endpoint::serve(),
        ["--only", which, store, logins, ..] => {
            let endpoint = TokenEndpoint::start();
            let app = Measured::new(which, store, 1, &endpoint.origin);
            let logins = logins.parse().expect("a number of logins");
            let [challenges, callbacks] = app.log_in(logins);
            println!("{challenges:.2} + {callbacks:.2} us");
        }
        _ => {
            for threads in [1, 2] {
                for store in ["memory", "cookie"] {
                    compare(store, threads);
                }
            }
        }
    }
}

/// An app, and what it runs in.
struct Measured {
    app: Router,
    runtime: Runtime,
}

fn compare(store: &str, threads: usize) {
    let endpoints = [TokenEndpoint::start(), TokenEndpoint::start()];
    let [layer, by_hand] = &endpoints;
    let apps = [
        Measured::new("layer", store, threads, &layer.origin),
        Measured::new("by-hand", store, threads, &by_hand.origin),
    ];
    let mut rounds = [const { Vec::new() }; 2];
    for round in 0..=ROUNDS {
        for (app, rounds) in apps.iter().zip(&mut rounds) {
            let spent = app.log_in(LOGINS);
            // The first one opens the connections.
            if round > 0 {
                rounds.push(spent);
            }
        }
    }
    println!("{store} store, {AT_ONCE} logins at once, {threads} thread(s), us of CPU for each:");
    let [layer, by_hand] = rounds.map(Medians::of);
    for ((name, medians), endpoint) in [("layer", &layer), ("by hand", &by_hand)]
        .into_iter()
        .zip(&endpoints)
    {
        let (connections, logins) = endpoint.counts();
        println!(
            "  {name:7} {:7.2} challenge {:6.2}, callback {:7.2}; {connections} connections \
             for {logins} logins",
            medians.login, medians.challenge, medians.callback
        );
    }
    println!(
        "  ratio   {:7.2} challenge {:6.2}, callback {:7.2}",
        layer.login / by_hand.login,
        layer.challenge / by_hand.challenge,
        layer.callback / by_hand.callback
    );
}

struct Medians {
    login: f64,
    challenge: f64,
    callback: f64,
}

impl Medians {
    fn of(rounds: Vec<[f64; 2]>) -> Self {
        let median = |of: fn(&[f64; 2]) -> f64| {
            let mut values: Vec<_> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            login: median(|[challenge, callback]| challenge + callback),
            challenge: median(|[challenge, _]| *challenge),
            callback: median(|[_, callback]| *callback),
        }
    }
}

impl Measured {
    fn new(which: &str, store: &str, threads: usize, origin: &str) -> Self {
        let runtime = match threads {
            1 => Builder::new_current_thread().enable_all().build(),
            _ => Builder::new_multi_thread()
                .worker_threads(threads)
                .enable_all()
                .build(),
        };
        let runtime = runtime.expect("a runtime");
        let app = runtime.block_on(async {
            match (which, store) {
                ("layer", store) => apps::login_in_layer(store, origin),
                (_, "memory") => apps::login_by_hand(Sessions::memory(), origin),
                _ => apps::login_by_hand(Sessions::cookie(), origin),
            }
        });
        Self { app, runtime }
    }

    /// Microseconds of CPU time for each challenge, and for each callback.
    fn log_in(&self, logins: usize) -> [f64; 2] {
        let others = requests::others(2);
        let pages = (0..logins).map(|_| requests::page("/user", &others));
        let (challenges, challenge) = self.send_all(pages.collect());
        let callbacks = challenges
            .iter()
            .map(|response| requests::callback(response, &others));
        let (responses, callback) = self.send_all(callbacks.collect());
        for response in responses {
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            let cookies = response.headers().get_all(header::SET_COOKIE);
            let is_session = |cookie: &&[u8]| cookie.starts_with(b"__Host-telenor-session=");
            let mut cookies = cookies.iter().map(|cookie| cookie.as_bytes());
            assert!(cookies.any(|cookie| is_session(&cookie)));
        }
        [challenge, callback]
    }

    /// Sends requests, some at once, and returns the responses and the CPU time of each.
    fn send_all(&self, requests: Vec<Request<()>>) -> (Vec<Response<Body>>, f64) {
        let count = requests.len();
        let mut shares: Vec<_> = (0..AT_ONCE).map(|_| Vec::new()).collect();
        for (at, request) in requests.into_iter().enumerate() {
            shares[at % AT_ONCE].push(request.map(|()| Body::empty()));
        }
        self.runtime.block_on(async {
            let before = cpu_time();
            let mut tasks = JoinSet::new();
            for share in shares {
                let mut app = self.app.clone();
                tasks.spawn(async move {
                    let mut responses = Vec::with_capacity(share.len());
                    for request in share {
                        let Ok(response) = app.call(request).await;
                        responses.push(response);
                    }
                    responses
                });
            }
            let responses = tasks.join_all().await;
            let spent = cpu_time() - before;
            let spent = spent.as_secs_f64() * 1e6 / count as f64;
            (responses.into_iter().flatten().collect(), spent)
        })
    }
}

/// Of all threads of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("it is not negative")
}
