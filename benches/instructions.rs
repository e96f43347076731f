//! Counts the instructions of requests by callgrind.
//!
//! Each figure is for 16 requests, since two calls of an allocator seldom cost the same. It holds
//! the copy of each request as well: subtract `bare` of the same row, and what is left is the cost
//! of the layer.

use axum::{body::Body, http::Request};
use gungraun::{library_benchmark, library_benchmark_group, main};
use telenor_auth_benches::{
    apps::{self, SignedIn},
    by_hand::Sessions,
    requests, send,
};

const REQUESTS: usize = 16;

/// The lengths of the session cookie's value, by store.
const MEMORY: usize = 43;
const SEALED: usize = 260;

type Case = (SignedIn, Request<()>);

fn case(signed_in: SignedIn, path: &str, cookies: impl FnOnce(&str) -> String) -> Case {
    let signed_in = signed_in.checked();
    let request = requests::page(path, &cookies(&signed_in.session));
    (signed_in, request)
}

fn signed_in(signed_in: SignedIn, path: &str) -> Case {
    case(signed_in, path, |session| requests::cookies(3, session))
}

fn anonymous(signed_in: SignedIn) -> Case {
    case(signed_in, "/user", |_| requests::cookies(2, ""))
}

fn bare(length: usize) -> Case {
    signed_in(apps::bare(length), "/user")
}

fn memory_by_hand() -> SignedIn {
    apps::by_hand(Sessions::memory())
}

fn cookie_by_hand() -> SignedIn {
    apps::by_hand(Sessions::cookie())
}

#[inline(always)]
fn run((mut signed_in, request): Case) -> Case {
    for _ in 0..REQUESTS {
        send(&mut signed_in.app, request.clone().map(|()| Body::empty()));
    }
    (signed_in, request)
}

#[library_benchmark]
#[bench::bare(bare(MEMORY))]
#[bench::by_hand(signed_in(memory_by_hand(), "/user"))]
#[bench::layer(signed_in(apps::memory(), "/user"))]
#[bench::layer_plain(signed_in(apps::memory(), "/plain"))]
fn memory(case: Case) -> Case {
    run(case)
}

#[library_benchmark]
#[bench::bare(bare(SEALED))]
#[bench::by_hand(signed_in(cookie_by_hand(), "/user"))]
#[bench::layer(signed_in(apps::cookie(), "/user"))]
#[bench::layer_plain(signed_in(apps::cookie(), "/plain"))]
fn cookie(case: Case) -> Case {
    run(case)
}

#[library_benchmark]
#[bench::bare(anonymous(apps::bare(0)))]
#[bench::by_hand(anonymous(memory_by_hand()))]
#[bench::layer(anonymous(apps::memory()))]
fn challenge(case: Case) -> Case {
    run(case)
}

library_benchmark_group!(name = requests_of, benchmarks = [memory, cookie, challenge]);
main!(library_benchmark_groups = requests_of);
