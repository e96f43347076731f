//! Locks in spite of poison.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks in spite of poison: one failed test assertion must not hide behind another.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
