//! What can be wrong with a store, and with which of its operations.

#[cfg(doc)]
use super::FaultyStore;
#[cfg(doc)]
use crate::session::{Leases, SessionStore};

/// What is wrong with a store, or with the server that it talks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It returns an error, or cannot be reached at all.
    Error,
    /// It takes a request and never answers.
    Hang,
    /// It does what it is asked for, and answers late.
    Slow,
}

/// What a store does for an app, for a test that [breaks](FaultyStore::set_for) one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Every look-up: [`load`](SessionStore::load), [`load_fresh`](SessionStore::load_fresh) and
    /// [`try_load`](SessionStore::try_load).
    Load,
    /// [`SessionStore::save`].
    Save,
    /// [`SessionStore::update`].
    Update,
    /// [`SessionStore::remove`].
    Remove,
    /// [`SessionStore::revoke`].
    Revoke,
    /// [`SessionStore::revoke_subject`].
    RevokeSubject,
    /// [`SessionStore::revoke_all`].
    RevokeAll,
    /// [`SessionStore::find_ended`].
    FindEnded,
    /// [`SessionStore::sessions_of`].
    SessionsOf,
    /// [`Leases::acquire`].
    AcquireLease,
    /// [`Leases::complete`].
    CompleteLease,
    /// [`Leases::release`].
    ReleaseLease,
}

impl Operation {
    pub(super) const COUNT: usize = Self::ReleaseLease as usize + 1;
}
