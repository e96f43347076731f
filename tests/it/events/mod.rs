//! Log lines and metrics.

mod audit;
mod logs;
#[cfg(feature = "metrics")]
pub mod metrics;
