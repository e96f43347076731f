//! Sessions, and where they are kept.

mod app_part;
#[cfg(feature = "cached")]
mod cached;
mod contract;
mod cookie;
mod ended;
mod failures;
mod idle;
mod lifetime;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod refusal;
mod revoke;
mod token;
