//! Sign-in with Telenor line authentication for axum and tower: add one layer, and handlers get a [`TelenorUser`].

#![allow(dead_code, unused_imports)]

mod clock;
mod config_error;

pub use self::clock::Clock;
pub use self::config_error::ConfigError;
