//! What the models include of `src/gateway`.

#[path = "../../../src/gateway/breaker.rs"]
pub(crate) mod breaker;
