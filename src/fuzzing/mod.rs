//! The rules that hold for any bytes from outside, as functions: each takes an input, and panics
//! where a rule is broken.
//!
//! The programs in `fuzz/` call them with inputs that a fuzzer makes up. The tests call them with
//! the inputs in `fuzz/seeds` and `fuzz/findings`. This module exists for these two alone. It is no
//! part of the API.

#![allow(
    clippy::missing_panics_doc,
    reason = "a panic is how each of them says that a rule is broken"
)]

mod accept_language;
mod api_responses;
mod app;
mod callback_query;
mod cookie_header;
mod message;
mod pending_sweep;
#[cfg(any(feature = "redis", feature = "tower-sessions"))]
mod raw;
mod request_kinds;
mod return_url;
mod sealed_values;
#[cfg(test)]
mod seeds;
mod stored_records;
mod token_response;
#[cfg(feature = "tower-sessions")]
mod tower_sessions;

pub use self::{
    accept_language::accept_language, api_responses::api_responses, callback_query::callback_query,
    cookie_header::cookie_header, pending_sweep::pending_sweep, request_kinds::request_kinds,
    return_url::return_url, sealed_values::sealed_values, stored_records::stored_records,
    token_response::token_response,
};
