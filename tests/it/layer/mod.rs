//! The layer as part of an app.

mod behind_proxy;
mod contract;
mod drain;
mod placement;
mod readiness;
mod rewritten;
