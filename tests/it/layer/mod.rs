//! The layer as part of an app.

mod contract;
mod drain;
mod placement;
