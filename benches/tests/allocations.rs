//! The allocations of a request, beside those of the minimum written by hand.

use axum::body::Body;
use telenor_auth_benches::{
    apps::{self, SignedIn},
    by_hand::Sessions,
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
fn cookie_store_allocates_no_more_than_the_minimum_and_two() {
    let (by_hand, layer) = (
        count(apps::by_hand(Sessions::cookie())),
        count(apps::cookie()),
    );
    println!("by hand {by_hand}, layer {layer}");
    assert!(layer <= by_hand + 2, "{layer} against {by_hand}");
}
