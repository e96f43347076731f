//! What the layer does with a request.

mod callback;
mod challenge;
mod dead_token;
mod login;
mod logout;
mod refresh;
mod single_flight;
mod start;
mod status;
