//! What is left in freed memory: no client secret, token, code, verifier or key.
//!
//! An allocator keeps each block that the thread of a test frees, as it was then. The test looks
//! for its secrets in them afterwards. See [`memory`] for what cannot be seen in this way.

#![allow(unsafe_code, reason = "an allocator is unsafe")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod gateway;
mod keys;
mod login;
mod memory;
mod visitor;
