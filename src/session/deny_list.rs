//! Sessions that were ended before their time, for a store that cannot forget them.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Session;

type Login = [u8; 16];

/// Bounded: when it is full, the one that ends first by itself is dropped, which is logged.
pub(super) struct DenyList {
    /// Spares everybody the lock for as long as nobody was denied.
    any: AtomicBool,
    denied: RwLock<Denied>,
    capacity: usize,
}

#[derive(Default)]
struct Denied {
    /// Until they would have ended anyway.
    until: HashMap<Login, u64>,
    /// Every login up to this second is denied.
    all_up_to: u64,
}

impl DenyList {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            any: AtomicBool::new(false),
            denied: RwLock::default(),
            capacity,
        }
    }

    #[cfg(feature = "redis")]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn contains(&self, session: &Session) -> bool {
        self.any.load(Ordering::Acquire) && {
            let denied = self.read();
            session.record().issued_at <= denied.all_up_to
                || denied.until.contains_key(&session.login())
        }
    }

    pub(super) fn insert(&self, login: Login, until: u64, now: u64) {
        let mut denied = self.write();
        self.any.store(true, Ordering::Release);
        if let Some(known) = denied.until.get_mut(&login) {
            *known = until.max(*known);
            return;
        }
        if denied.until.len() >= self.capacity {
            denied.until.retain(|_, until| now < *until);
        }
        if denied.until.len() >= self.capacity {
            tracing::warn!(
                "the list of ended cookie sessions is full: the one that ends first can be used again until then"
            );
            match denied.first_to_end() {
                Some((first, ends)) if ends < until => denied.until.remove(&first),
                _ => return,
            };
        }
        denied.until.insert(login, until);
    }

    /// Denies every session that was issued up to this second.
    pub(super) fn insert_all(&self, up_to: u64) {
        let mut denied = self.write();
        denied.all_up_to = denied.all_up_to.max(up_to);
        self.any.store(true, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Denied> {
        self.denied.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Denied> {
        self.denied.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Denied {
    fn first_to_end(&self) -> Option<(Login, u64)> {
        let first = self.until.iter().min_by_key(|(_, until)| **until);
        first.map(|(login, until)| (*login, *until))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn session() -> Session {
        Session::new(
            "token",
            UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX)),
        )
    }

    #[test]
    fn only_what_was_inserted_is_denied() {
        let list = DenyList::new(10);
        let (ended, other) = (session(), session());
        list.insert(ended.login(), 100, 0);
        assert!(list.contains(&ended));
        assert!(!list.contains(&other));
    }

    #[test]
    fn list_is_bounded_and_drops_what_has_ended_first() {
        let list = DenyList::new(2);
        let sessions = [session(), session(), session(), session()];
        let insert = |at: usize, until, now| list.insert(sessions[at].login(), until, now);
        insert(0, 60, 0);
        insert(1, 90, 0);
        insert(2, 80, 60);
        assert!(!list.contains(&sessions[0]), "it had ended by itself");
        insert(3, 100, 60);
        assert!(!list.contains(&sessions[2]), "it would end first");
        assert!(list.contains(&sessions[1]) && list.contains(&sessions[3]));
        insert(0, 85, 60);
        assert!(!list.contains(&sessions[0]), "it ends first itself");
        insert(1, 95, 60);
        insert(1, 70, 60);
        assert_eq!(list.read().until[&sessions[1].login()], 95);
        assert!(list.contains(&sessions[3]));
        assert_eq!(list.read().until.len(), 2);
    }

    #[test]
    fn denying_all_spares_who_logs_in_later() {
        let list = DenyList::new(1);
        let session = session();
        let issued_at = session.record().issued_at;
        list.insert_all(issued_at - 1);
        assert!(!list.contains(&session));
        list.insert_all(issued_at);
        list.insert_all(issued_at - 1);
        assert!(list.contains(&session));
    }
}
