//! Sessions: what is remembered of a login, and where.
//!
//! | store | for |
//! | --- | --- |
//! | [`MemoryStore`] | one process; the default |
//! | [`CookieStore`] | any number of processes, with nothing to run |
//! | [`RedisStore`] | any number of processes, where a logout is one everywhere and tokens can be refreshed; feature `redis` |
//!
//! Any other place is a [`SessionStore`] of your own; [`check_store`] tells whether it keeps the rules.

mod check;
mod cookie;
mod deny_list;
mod memory;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod store;
mod token;

pub(crate) use self::record::{Record, Tokens};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::{
    check::check_store,
    cookie::{CookieLoad, CookieStore},
    memory::MemoryStore,
    record::Session,
    store::{Claim, SessionStore, StoreError},
    token::{InvalidSessionId, SessionId, SessionToken},
};
