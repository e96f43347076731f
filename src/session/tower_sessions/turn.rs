//! Whose turn is it, of all in this process that want the same claim?
//!
//! The stores for PostgreSQL and MySQL look whether a record is there and write afterwards, so that several who come at the same moment
//! would all believe to be the first. Here one asks at a time, and the others have lost to whoever that is.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::super::SessionId;

/// The claims that this process is asking for at the moment.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashSet<SessionId>>>);

/// Over when dropped.
pub(super) struct Turn {
    turns: Turns,
    claim: SessionId,
}

impl Turns {
    /// `None` when somebody else is asking.
    pub(super) fn take(&self, claim: SessionId) -> Option<Turn> {
        let free = self.lock().insert(claim);
        free.then(|| Turn {
            turns: self.clone(),
            claim,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.claim);
    }
}
