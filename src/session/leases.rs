//! How instances of an app agree on which of them does a task.

use std::time::Duration;

use super::StoreError;
use crate::boxed::BoxFuture;

/// Lets one instance of an app at a time do a task, and keeps its result for the others.
///
/// The layer takes a lease for each code that it exchanges and each token that it refreshes. The
/// name of a lease holds letters, digits and dashes. A result is sealed before it gets here.
pub trait Leases: Send + Sync {
    /// Takes the lease for `ttl`, unless another instance holds it or has completed its task.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known which instance holds it.
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>>;

    /// Keeps the result of the task for `ttl`, for every instance that asks for the lease by then.
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

/// The state of a task, as [`Leases::acquire`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lease {
    /// The caller has the lease now, and does the task.
    Acquired,
    /// Another instance has the lease, and does the task.
    Held,
    /// The task is done. This is its [result](Leases::complete).
    Completed(String),
}
