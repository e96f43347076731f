//! The layer as part of an app.

mod contract;
mod placement;
