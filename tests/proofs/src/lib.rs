//! An app and a browser for the proofs, in a crate of its own because they need a compiler for C++.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

#[path = "../../it/support"]
pub mod support {
    pub mod app;
    pub mod browser;
    pub mod log;
    pub mod steps;
}
