//! Leases in a store for tower-sessions: a record that the first caller creates.

use std::time::{Duration, SystemTime};

use super::{TowerSessionsStore, table::id_of};
use crate::{
    boxed::BoxFuture,
    clock::unix_seconds,
    session::{Lease, Leases, SessionId, StoreError},
};

/// What the record of a lease begins with: one that is held, and one that is completed.
const HELD: &str = "held ";
const COMPLETED: &str = "done ";

impl Leases for TowerSessionsStore {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let id = lease_of(name);
            let Some(_lock) = self.local_locks.try_lock(id) else {
                return Ok(Lease::Held);
            };
            let ours = format!("{HELD}{:032x}", rand::random::<u128>());
            let there = self.table.get_or_create(id, &ours, after(ttl)).await?;
            Ok(match there.strip_prefix(COMPLETED) {
                Some(result) => Lease::Completed(result.to_owned()),
                None if there == ours => Lease::Acquired,
                None => Lease::Held,
            })
        })
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let completed = format!("{COMPLETED}{result}");
            self.table.save(lease_of(name), completed, after(ttl)).await
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.table.delete(lease_of(name)).await })
    }
}

fn lease_of(name: &str) -> SessionId {
    id_of("lease", name)
}

/// By the system's clock, since leases get no `now`. Rounded up, since it counts whole seconds.
fn after(ttl: Duration) -> u64 {
    let seconds = ttl.as_secs().saturating_add(1);
    unix_seconds(SystemTime::now()).saturating_add(seconds)
}
