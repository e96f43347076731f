//! The layer's own routes, and its answers to other requests.

mod callback;
mod challenge;
mod cross_origin;
mod dead_token;
mod handler_login;
mod instances;
mod login;
mod logout;
mod on_login;
mod recent_login;
pub mod refresh;
mod single_flight;
mod start;
mod status;
