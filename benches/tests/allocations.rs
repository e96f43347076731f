//! The allocations of a request, beside those of the minimum written by hand, and the memory that a
//! session takes.

use axum::body::Body;
use telenor_auth_benches::{
    apps::{self, SignedIn},
    by_hand::Sessions,
    cases::{self, REQUESTS},
    requests, respond,
};

/// How many allocations a request for the page of the user takes.
fn count(signed_in: SignedIn) -> u64 {
    let mut signed_in = signed_in.checked();
    let cookies = requests::cookies(3, &signed_in.session);
    let request = requests::page("/user", &cookies).map(|()| Body::empty());
    let counted = allocation_counter::measure(|| {
        let response = respond(&mut signed_in.app, request);
        assert!(response.status().is_success());
    });
    counted.count_total
}

#[test]
fn store_in_memory_allocates_no_more_than_the_minimum_and_one() {
    let (by_hand, layer) = (
        count(apps::by_hand(Sessions::memory())),
        count(apps::memory()),
    );
    println!("by hand {by_hand}, layer {layer}");
    assert!(layer <= by_hand + 1, "{layer} against {by_hand}");
}

#[test]
fn cookie_store_allocates_no_more_than_the_minimum() {
    let (by_hand, layer) = (
        count(apps::by_hand(Sessions::cookie())),
        count(apps::cookie()),
    );
    println!("by hand {by_hand}, layer {layer}");
    assert!(layer <= by_hand, "{layer} against {by_hand}");
}

/// How many allocations a request of this row takes beyond those of the bare app.
fn count_of_row(row: &str) -> f64 {
    let count = |subject| {
        let mut case = cases::find(row, subject).expect("a row of cases.rs");
        let counted = allocation_counter::measure(|| case.run());
        counted.count_total as f64 / REQUESTS as f64
    };
    count("layer") - count("bare")
}

/// Each limit is the figure of the day it was set, with all features, and a tenth more.
#[test]
fn visitor_takes_few_allocations() {
    for (row, most) in [("anonymous", 5.5), ("challenge", 11.0), ("fetch", 23.1)] {
        let count = count_of_row(row);
        println!("{row}: {count:.1}");
        assert!(count <= most, "{row}: {count:.1}, at most {most}");
    }
}

/// In use at the end: what the allocator itself adds is not counted.
#[test]
fn session_in_memory_takes_at_most_320_bytes() {
    const SESSIONS: usize = 100_000;
    let mut store = None;
    let counted = allocation_counter::measure(|| store = Some(cases::filled(SESSIONS)));
    let bytes = counted.bytes_current as f64 / SESSIONS as f64;
    println!("{bytes:.1} bytes");
    assert_eq!(store.map(|store| store.len()), Some(SESSIONS));
    assert!(bytes <= 320.0, "{bytes:.1} bytes");
}
