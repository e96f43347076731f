//! The databases that `TowerSessionsStore` is tried with, in a crate of its own because they take
//! minutes to build.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

#[path = "../../it/support"]
pub mod support {
    pub mod app;
    pub mod browser;
    pub mod fault_proxy;
    pub mod kept;
    pub mod log;
    pub mod redis;
    pub mod steps;
    pub mod tls;
}

pub mod database;
pub mod memory;
pub mod postgres;
pub mod redis;

/// The example in the documentation of `TowerSessionsStore`, which is compiled here.
#[doc = include_str!("../../../src/session/tower_sessions/postgresql.md")]
pub mod example {}
