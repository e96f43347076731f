//! Sign-in with Telenor line authentication for axum and tower: add one layer, and handlers get a [`TelenorUser`].

#![allow(dead_code, unused_imports)]

mod access_token;
mod clock;
mod config_error;
mod cookie;
mod exchanges;
mod failure;
mod gateway;
mod http_client;
mod key;
mod oauth;
mod page;
mod pending;
mod return_to;
mod rounds;
pub mod session;
mod visit;

pub use self::access_token::AccessToken;
pub use self::clock::Clock;
pub use self::config_error::ConfigError;
pub use self::cookie::CookiePrefix;
pub use self::failure::FailureCause;
pub use self::key::CookieKeys;
pub use self::page::Language;
