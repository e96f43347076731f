//! What is logged, counted and told.

mod logs;
#[cfg(feature = "metrics")]
mod metrics;
