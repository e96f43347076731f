//! Shared parts of the tests. Other binaries include the files that they use by `#[path]`.

use std::time::Duration;

#[macro_use]
pub mod each_store;
#[macro_use]
pub mod http2;

pub mod app;
pub mod browser;
pub mod capture;
pub mod connect_proxy;
pub mod demo;
#[cfg(feature = "redis")]
pub mod fault_proxy;
pub mod kept;
pub mod leased;
pub mod log;
pub mod random;
pub mod raw_server;
#[cfg(feature = "redis")]
pub mod redis;
pub mod remote;
pub mod steps;
pub mod stores;
pub mod tls;

pub use app::{App, CALLBACK, Hits, builder, keys, routes};
pub use browser::{Answer, Browser, ORIGIN, navigation, request};
pub use remote::remote;
pub use steps::{query, state_of};

pub const MINUTE: Duration = Duration::from_secs(60);
