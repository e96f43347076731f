//! Tests of the public API, laid out like `src/`.
//!
//! Tests that need a process of their own are in other binaries: the count of allocations, and a
//! cluster under load.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]
#![allow(
    unreachable_pub,
    reason = "other binaries and the stores' crate include what is shared"
)]

#[macro_use]
mod support;

mod architecture;
mod browser;
mod builder;
mod events;
mod flow;
mod gateway;
mod key;
mod layer;
mod manual;
mod mock;
mod response;
mod session;
mod user;

mod examples;
