//! What the models include of `src/session`.

#[path = "../../../src/session/cached/mod.rs"]
mod cached;
#[path = "../../../src/session/leases.rs"]
mod leases;
#[path = "../../../src/session/memory/mod.rs"]
mod memory;
#[path = "../../../src/session/record.rs"]
mod record;
#[path = "../../../src/session/store.rs"]
mod store;
#[path = "../../../src/session/store_error.rs"]
mod store_error;
#[path = "../../../src/session/token.rs"]
mod token;

pub(crate) use self::{
    cached::CachedStore,
    leases::Leases,
    memory::MemoryStore,
    record::{Session, Tokens},
    store::SessionStore,
    store_error::StoreError,
    token::{SessionId, SessionToken, SubjectId},
};
