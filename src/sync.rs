//! What threads meet at: locks that outlive a panic, and atomic values.
//!
//! What the locks protect is whole between any two statements, so a panic elsewhere is no reason to
//! give it up.
//!
//! The model checks in `tests/models` put another file in the place of this one, whose types let
//! them choose the order of events. So the files that they check take these types from here.

use std::sync::PoisonError;
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
