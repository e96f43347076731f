//! A login ends on the app's own origin and at the page where it began, with any target.
//!
//! Each target goes through a whole login: the start, the gateway, the callback, its `Location`.
//! `SEED` sets another seed for the generated targets, and `CASES` how many there are.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod deep_links;
mod generated;
mod layer;
mod links;
mod naive;
mod random;
mod tricks;
mod verdict;
