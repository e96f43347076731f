//! Log lines and metrics.

mod logs;
#[cfg(feature = "metrics")]
pub mod metrics;
