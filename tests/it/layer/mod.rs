//! The layer as a part of an app.

mod contract;
mod placement;
