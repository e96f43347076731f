//! Sessions: what is kept of a login, and where.
//!
//! A store is chosen where the layer is built, also at run time:
//!
//! ```
//! use telenor_auth::{CookieKeys, TelenorAuthLayer, session::{CookieStore, MemoryStore}};
//!
//! # fn layer(in_cookies: bool) -> Result<TelenorAuthLayer, telenor_auth::ConfigError> {
//! let keys = CookieKeys::random(); // from your secret store, in production
//! let redirect_uri = "https://shop.example/telenor/callback";
//! let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
//!     .cookie_keys(keys.clone());
//! let auth = if in_cookies {
//!     auth.session_store(CookieStore::new(&keys))
//! } else {
//!     auth.session_store(MemoryStore::with_capacity(20_000))
//! };
//! let auth = auth.build()?;
//! # Ok(auth) }
//! # layer(true).and_then(|_| layer(false)).unwrap();
//! ```
//!
//! | store | for |
//! | --- | --- |
//! | [`MemoryStore`] | one process; the default |
//! | [`CookieStore`] | any number of processes, with nothing to run |
//! | `RedisStore` (feature `redis`) | any number of processes, in Redis or Valkey; a logout takes effect on every instance, and tokens can be refreshed |
//! | `TowerSessionsStore` (feature `tower-sessions`) | any number of processes, in any store for tower-sessions: PostgreSQL, MySQL, SQLite, DynamoDB … |
//! | `CachedStore` (feature `cached`) | a read-through cache in front of a store behind a network |
//!
//! Any other place is a [`SessionStore`] of your own. With the feature `mock`, `check_store` runs
//! the conformance suite on it, `check_store_faults` does so while its server fails, and
//! `FaultyStore` fails on command, for the tests of your app.
//!
//! The chapter [Stores](crate::manual::stores) says which one to take when, with figures.

#[cfg(feature = "cached")]
mod cached;
#[cfg(feature = "mock")]
mod check;
mod cookie;
pub(crate) mod erased;
mod leases;
pub(crate) mod limits;
mod memory;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod revocations;
mod store;
mod store_error;
mod token;
#[cfg(feature = "tower-sessions")]
mod tower_sessions;
pub(crate) mod watch;

#[cfg(all(any(test, fuzzing), feature = "redis"))]
pub(crate) use self::record::stored;
pub(crate) use self::record::{Record, Tokens};
pub use self::{
    cookie::CookieStore,
    leases::{Lease, Leases},
    memory::MemoryStore,
    record::{DataTooLarge, Session},
    store::SessionStore,
    store_error::StoreError,
    token::{InvalidSessionId, SessionId, SessionToken, SubjectId},
};
pub use crate::boxed::BoxFuture;

#[cfg(feature = "cached")]
pub use self::cached::CachedStore;
#[cfg(feature = "mock")]
pub use self::check::{Fault, FaultyStore, Operation, check_store, check_store_faults};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
#[cfg(feature = "tower-sessions")]
pub use self::tower_sessions::TowerSessionsStore;
