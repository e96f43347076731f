//! Sessions: what is remembered of a login, and where.
//!
//! | store | for |
//! | --- | --- |
//! | [`MemoryStore`] | one process; the default |
//! | [`CookieStore`] | any number of processes, with nothing to run |
//! | [`RedisStore`] | any number of processes, where a logout is one everywhere and tokens can be refreshed; feature `redis` |
//! | [`TowerSessionsStore`] (feature `tower-sessions`) | any number of processes, in any store for tower-sessions: PostgreSQL, MySQL, SQLite, DynamoDB … |
//! | [`CachedStore`] | a short memory in front of a store behind a network |
//!
//! Any other place is a [`SessionStore`] of your own; [`check_store`] tells whether it keeps the rules, and [`check_store_faults`] whether
//! it does when its server fails. [`FaultyStore`] fails on command, for tests of what your app does then.
//!
#![doc = include_str!("../../docs/scaling.md")]

mod cached;
mod check;
mod cookie;
mod memory;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod store;
mod token;
#[cfg(feature = "tower-sessions")]
mod tower_sessions;

pub(crate) use self::record::{Record, Tokens};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
#[cfg(feature = "tower-sessions")]
pub use self::tower_sessions::TowerSessionsStore;
pub use self::{
    cached::{CachedLoad, CachedStore},
    check::{Fault, FaultyStore, Operation, check_store, check_store_faults},
    cookie::{CookieLoad, CookieStore},
    memory::MemoryStore,
    record::Session,
    store::{Claim, SessionStore, StoreError},
    token::{InvalidSessionId, SessionId, SessionToken},
};
