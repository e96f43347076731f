//! Lets one caller in this process at a time ask for the same lease.
//!
//! The stores for PostgreSQL and MySQL look whether a record is there and write afterwards. Several
//! concurrent callers would all believe to be the first.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use crate::{session::SessionId, sync::lock};

/// The leases that this process asks for at the moment.
#[derive(Clone, Default)]
pub(super) struct LocalLocks(Arc<Mutex<HashSet<SessionId>>>);

/// Unlocks when it is dropped.
pub(super) struct LocalLock {
    locks: LocalLocks,
    lease: SessionId,
}

impl LocalLocks {
    /// Returns `None` while another caller asks.
    pub(super) fn try_lock(&self, lease: SessionId) -> Option<LocalLock> {
        let free = lock(&self.0).insert(lease);
        free.then(|| LocalLock {
            locks: self.clone(),
            lease,
        })
    }
}

impl Drop for LocalLock {
    fn drop(&mut self) {
        lock(&self.locks.0).remove(&self.lease);
    }
}
