//! Counts the instructions of requests by callgrind.
//!
//! Each figure is for 16 requests, since two calls of an allocator seldom cost the same. Subtract
//! `bare` of the same row: what is left is the cost of the layer.

use axum::{body::Body, http::Request};
use gungraun::{library_benchmark, library_benchmark_group, main};
use telenor_auth_benches::{
    apps::{self, SignedIn},
    by_hand::Sessions,
    requests, send,
};

const REQUESTS: usize = 16;

type Case = (SignedIn, Vec<Request<Body>>);

fn case(signed_in: SignedIn, path: &str, cookies: impl FnOnce(&str) -> String) -> Case {
    let signed_in = signed_in.checked();
    let cookies = cookies(&signed_in.session);
    let requests = (0..REQUESTS).map(|_| requests::page(path, &cookies));
    let requests = requests.collect();
    (signed_in, requests)
}

fn signed_in(signed_in: SignedIn, path: &str) -> Case {
    case(signed_in, path, |session| requests::cookies(3, session))
}

fn anonymous(signed_in: SignedIn) -> Case {
    case(signed_in, "/user", |_| requests::cookies(2, ""))
}

fn bare(app: fn() -> SignedIn, path: &str) -> Case {
    signed_in(apps::bare(&app().session), path)
}

fn memory_by_hand() -> SignedIn {
    apps::by_hand(Sessions::memory())
}

fn cookie_by_hand() -> SignedIn {
    apps::by_hand(Sessions::cookie())
}

#[library_benchmark]
#[bench::bare(bare(apps::memory, "/user"))]
#[bench::by_hand(signed_in(memory_by_hand(), "/user"))]
#[bench::layer(signed_in(apps::memory(), "/user"))]
#[bench::layer_plain(signed_in(apps::memory(), "/plain"))]
fn memory((mut signed_in, mut requests): Case) -> Case {
    requests
        .drain(..)
        .for_each(|request| send(&mut signed_in.app, request));
    (signed_in, requests)
}

#[library_benchmark]
#[bench::bare(bare(apps::cookie, "/user"))]
#[bench::by_hand(signed_in(cookie_by_hand(), "/user"))]
#[bench::layer(signed_in(apps::cookie(), "/user"))]
#[bench::layer_plain(signed_in(apps::cookie(), "/plain"))]
fn cookie((mut signed_in, mut requests): Case) -> Case {
    requests
        .drain(..)
        .for_each(|request| send(&mut signed_in.app, request));
    (signed_in, requests)
}

#[library_benchmark]
#[bench::bare(anonymous(apps::bare("")))]
#[bench::by_hand(anonymous(memory_by_hand()))]
#[bench::layer(anonymous(apps::memory()))]
fn challenge((mut signed_in, mut requests): Case) -> Case {
    requests
        .drain(..)
        .for_each(|request| send(&mut signed_in.app, request));
    (signed_in, requests)
}

library_benchmark_group!(name = requests_of, benchmarks = [memory, cookie, challenge]);
main!(library_benchmark_groups = requests_of);
