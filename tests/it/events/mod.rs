//! Log lines and metrics.

mod logs;
#[cfg(feature = "metrics")]
mod metrics;
