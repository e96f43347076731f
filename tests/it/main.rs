//! The crate as its users meet it, laid out like `src/`.
//!
//! What needs a process of its own is in a binary of its own beside this one: counting allocations, and a cluster under load.

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
mod mock;
mod response;
mod session;
mod user;

mod examples;
