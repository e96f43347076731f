//! What can be wrong with a store, and with which of its operations.

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

/// What a store does for an app, for a test that breaks
/// [one of them](crate::session::FaultyStore::set_for).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Every look-up: [`SessionStore::load`](crate::session::SessionStore::load), `load_fresh` and
    /// `try_load`.
    Load,
    /// [`SessionStore::save`](crate::session::SessionStore::save).
    Save,
    /// [`SessionStore::update`](crate::session::SessionStore::update).
    Update,
    /// [`SessionStore::remove`](crate::session::SessionStore::remove).
    Remove,
    /// [`SessionStore::revoke`](crate::session::SessionStore::revoke).
    Revoke,
    /// [`SessionStore::revoke_subject`](crate::session::SessionStore::revoke_subject).
    RevokeSubject,
    /// [`SessionStore::revoke_all`](crate::session::SessionStore::revoke_all).
    RevokeAll,
    /// [`SessionStore::find_ended`](crate::session::SessionStore::find_ended).
    FindEnded,
    /// [`SessionStore::sessions_of`](crate::session::SessionStore::sessions_of).
    SessionsOf,
    /// [`SessionStore::ping`](crate::session::SessionStore::ping).
    Ping,
    /// [`Leases::acquire`](crate::session::Leases::acquire).
    AcquireLease,
    /// [`Leases::complete`](crate::session::Leases::complete).
    CompleteLease,
    /// [`Leases::release`](crate::session::Leases::release).
    ReleaseLease,
}

impl Operation {
    pub(super) const COUNT: usize = Self::ReleaseLease as usize + 1;
}
