//! Sessions that were ended before their time, for a store that cannot forget them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::session::Session;

type Login = [u8; 16];

/// In seconds.
const WARN_EVERY: u64 = 60;

/// Bounded: when it is full, the one that ends first by itself is dropped, which is logged unless it has. Nothing is dropped by the clock alone,
/// which may have jumped.
pub(in crate::session) struct DenyList {
    /// Spares everybody the lock for as long as nobody was denied.
    any: AtomicBool,
    denied: RwLock<Denied>,
    capacity: usize,
}

#[derive(Default)]
struct Denied {
    entries: HashMap<Login, Entry>,
    /// The same, in the order in which they end.
    order: BTreeSet<(u64, Login)>,
    /// When it was last said that the list is full.
    warned_at: u64,
    /// Every login up to this second is denied.
    all_up_to: u64,
}

struct Entry {
    /// When the session would have ended anyway.
    until: u64,
    /// Whether the others know it as well.
    #[cfg(feature = "redis")]
    told: bool,
}

impl DenyList {
    pub(in crate::session) fn new(capacity: usize) -> Self {
        Self {
            any: AtomicBool::new(false),
            denied: RwLock::default(),
            capacity,
        }
    }

    #[cfg(feature = "redis")]
    pub(in crate::session) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(in crate::session) fn contains(&self, session: &Session) -> bool {
        self.any.load(Ordering::Acquire) && {
            let denied = self.read();
            session.record().issued_at <= denied.all_up_to
                || denied.entries.contains_key(&session.login())
        }
    }

    pub(in crate::session) fn insert(&self, login: Login, until: u64, now: u64) {
        self.write().insert(login, until, now, self.capacity);
        self.any.store(true, Ordering::Release);
    }

    /// One that others tell of, perhaps once more: what had to make room for others before does not come back for it.
    #[cfg(feature = "redis")]
    pub(in crate::session) fn learn(&self, login: Login, until: u64, now: u64) {
        let mut denied = self.write();
        let first = denied.order.first();
        let is_first = first.is_none_or(|(first, _)| until <= *first);
        let known = denied.entries.contains_key(&login);
        if !known && is_first && denied.entries.len() >= self.capacity {
            denied.forgets(until, now);
            return;
        }
        denied.insert(login, until, now, self.capacity);
        denied.tell(login);
        self.any.store(true, Ordering::Release);
    }

    /// Whether the others know of it until then, or later.
    #[cfg(feature = "redis")]
    pub(in crate::session) fn is_told(&self, login: Login, until: u64) -> bool {
        let denied = self.read();
        let entry = denied.entries.get(&login);
        entry.is_some_and(|entry| entry.told && entry.until >= until)
    }

    #[cfg(feature = "redis")]
    pub(in crate::session) fn tell(&self, login: Login) {
        self.write().tell(login);
    }

    /// Denies every session that was issued up to this second.
    pub(in crate::session) fn insert_all(&self, up_to: u64) {
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
    fn insert(&mut self, login: Login, until: u64, now: u64, capacity: usize) {
        if let Some(known) = self.entries.get(&login) {
            if known.until >= until {
                return;
            }
            self.order.remove(&(known.until, login));
        } else if self.entries.len() >= capacity
            && let Some((ends, first)) = self.order.pop_first()
        {
            self.entries.remove(&first);
            self.forgets(ends, now);
        }
        let entry = Entry {
            until,
            #[cfg(feature = "redis")]
            told: false,
        };
        self.entries.insert(login, entry);
        self.order.insert((until, login));
    }

    /// Says so, at most once a minute, unless it has ended by itself.
    fn forgets(&mut self, ends: u64, now: u64) {
        if now < ends && now.abs_diff(self.warned_at) >= WARN_EVERY {
            self.warned_at = now;
            tracing::warn!(
                "the list of ended cookie sessions is full: the one that ends first can be used again until then"
            );
        }
    }

    #[cfg(feature = "redis")]
    fn tell(&mut self, login: Login) {
        if let Some(entry) = self.entries.get_mut(&login) {
            entry.told = true;
        }
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
    fn full_list_drops_what_ends_first() {
        let list = DenyList::new(2);
        let sessions = [session(), session(), session(), session()];
        let insert = |at: usize, until| list.insert(sessions[at].login(), until, 50);
        let denied = || sessions.each_ref().map(|session| list.contains(session));
        insert(0, 60);
        insert(1, 90);
        insert(2, 80);
        assert_eq!(denied(), [false, true, true, false]);
        insert(2, 95);
        insert(2, 70);
        insert(3, 92);
        assert_eq!(denied(), [false, false, true, true], "the later end counts");
        insert(0, 60);
        assert_eq!(
            denied(),
            [true, false, true, false],
            "whoever logs out now is out"
        );
        assert_eq!(list.read().entries.len(), 2);
        assert_eq!(list.read().order.len(), 2);
    }

    #[test]
    fn nothing_is_dropped_because_the_clock_jumped() {
        let list = DenyList::new(2);
        let (first, second) = (session(), session());
        list.insert(first.login(), 60, 0);
        list.insert(second.login(), 70, 1_000_000);
        assert!(list.contains(&first) && list.contains(&second));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn what_is_told_again_displaces_nothing_that_ends_later() {
        let list = DenyList::new(2);
        let sessions = [session(), session(), session()];
        let learn = |at: usize, until| list.learn(sessions[at].login(), until, 50);
        let denied = || sessions.each_ref().map(|session| list.contains(session));
        learn(0, 60);
        learn(1, 40);
        assert_eq!(
            denied(),
            [true, true, false],
            "there is room, whatever the clock says"
        );
        learn(2, 70);
        learn(1, 40);
        assert_eq!(denied(), [true, false, true]);
        learn(0, 65);
        assert!(
            list.is_told(sessions[0].login(), 65),
            "one that is known may end later"
        );
        assert!(!list.is_told(sessions[0].login(), 66));
        list.insert(sessions[1].login(), 80, 50);
        list.learn(sessions[2].login(), 70, 50);
        list.insert(sessions[2].login(), 75, 50);
        assert!(!list.is_told(sessions[2].login(), 75));
        learn(2, 75);
        assert!(list.is_told(sessions[2].login(), 75), "full or not");
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
