//! How instances of an app agree on which of them does a task.

use std::time::Duration;

use super::StoreError;
use crate::boxed::BoxFuture;

/// Lets one instance of an app at a time do a task, and leaves the result for the others.
///
/// The layer takes a lease for each code that it exchanges and each token that it refreshes. The
/// name of a lease holds letters, digits and dashes. What is left as a result is sealed already.
pub trait Leases: Send + Sync {
    /// Takes the lease, for as long as `ttl`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known which instance holds it.
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>>;

    /// Keeps the result of the work for `ttl`, for every instance that asks for the lease by then.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the result is not kept.
    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives the lease back, so that the next instance can take it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the lease may still be held.
    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Who does a task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lease {
    /// The caller does.
    Acquired,
    /// Another instance does at the moment.
    Held,
    /// It is done, with what was left as the [result](Leases::complete).
    Completed(String),
}
