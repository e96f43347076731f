//! What the models include of `src/flow`.

#[path = "../../../src/flow/single_flight.rs"]
pub(crate) mod single_flight;
