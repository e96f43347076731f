//! The models, by the part of the library that they run.

/// Says for each model how its orders are searched.
macro_rules! models {
    ($part:literal: $($name:ident, $search:expr;)+) => {
        pub(super) const MODELS: &[Model] = &[$(Model {
            name: concat!($part, "::", stringify!($name)),
            search: $search,
            run: $name,
        }),+];
    };
}

mod breaker;
mod cached;
mod key_ring;
mod memory_store;
mod single_flight;

use crate::explore::{Model, Search};

pub(crate) fn all() -> Vec<Model> {
    [
        single_flight::MODELS,
        memory_store::MODELS,
        cached::MODELS,
        key_ring::MODELS,
        breaker::MODELS,
    ]
    .concat()
}
