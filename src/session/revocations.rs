//! Sessions that were ended before their time, for a store that cannot forget them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    login_id::LoginId,
    session::{Session, SubjectId},
    sync::{read, write},
};

/// In seconds.
const WARN_INTERVAL: u64 = 60;

/// Which sessions an entry ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    /// The one of this login.
    Session(LoginId),
    /// Those of this subject.
    Subject(SubjectId),
}

/// What ends sessions before their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revocation {
    pub target: Target,
    /// Ends sessions that were issued up to this second.
    pub issued_up_to: u64,
    /// When these sessions would have ended anyway.
    pub until: u64,
}

/// The revocation list. It is bounded: when it is full, the entry that expires first is dropped,
/// which is logged unless it has expired. The clock alone drops nothing, since it may have jumped.
pub(super) struct RevocationList {
    /// Spares requests the lock as long as nothing was revoked.
    any: AtomicBool,
    entries: RwLock<Entries>,
    capacity: usize,
}

#[derive(Default)]
struct Entries {
    by_target: HashMap<Target, Entry>,
    /// The same, in the order in which they expire.
    order: BTreeSet<(u64, Target)>,
    /// When a full list was logged last.
    warned_at: u64,
    /// Every session that was issued up to this second has ended.
    all_up_to: u64,
}

struct Entry {
    issued_up_to: u64,
    until: u64,
    /// Whether the other instances know it.
    #[cfg(feature = "redis")]
    published: bool,
}

impl Revocation {
    pub(super) fn of_session(login: LoginId, until: u64) -> Self {
        Self {
            target: Target::Session(login),
            issued_up_to: u64::MAX,
            until,
        }
    }

    pub(super) fn of_subject(subject: SubjectId, up_to: u64, until: u64) -> Self {
        Self {
            target: Target::Subject(subject),
            issued_up_to: up_to,
            until,
        }
    }
}

impl RevocationList {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            any: AtomicBool::new(false),
            entries: RwLock::default(),
            capacity,
        }
    }

    #[cfg(feature = "redis")]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn contains(&self, session: &Session) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let issued_at = session.record().issued_at;
        let entries = read(&self.entries);
        let ends = |target| {
            let entry = entries.by_target.get(&target);
            entry.is_some_and(|entry| issued_at <= entry.issued_up_to)
        };
        issued_at <= entries.all_up_to
            || ends(Target::Session(session.login_id()))
            || session
                .subject()
                .is_some_and(|subject| ends(Target::Subject(subject)))
    }

    pub(super) fn insert(&self, revocation: Revocation, now: u64) {
        write(&self.entries).insert(revocation, now, self.capacity);
        self.any.store(true, Ordering::Release);
    }

    /// Inserts what another instance has published, perhaps not for the first time: an entry that
    /// had to make room for others does not come back by that.
    #[cfg(feature = "redis")]
    pub(super) fn merge_remote(&self, revocation: Revocation, now: u64) {
        let mut entries = write(&self.entries);
        let first = entries.order.first();
        let is_first = first.is_none_or(|(first, _)| revocation.until <= *first);
        let known = entries.by_target.contains_key(&revocation.target);
        if !known && is_first && entries.by_target.len() >= self.capacity {
            entries.warn_if_live(revocation.until, now);
            return;
        }
        entries.insert(revocation, now, self.capacity);
        entries.mark_published(revocation);
        self.any.store(true, Ordering::Release);
    }

    /// Whether the other instances know this much.
    #[cfg(feature = "redis")]
    pub(super) fn is_published(&self, revocation: Revocation) -> bool {
        let entries = read(&self.entries);
        let entry = entries.by_target.get(&revocation.target);
        entry.is_some_and(|entry| entry.published && entry.covers(revocation))
    }

    #[cfg(feature = "redis")]
    pub(super) fn mark_published(&self, revocation: Revocation) {
        write(&self.entries).mark_published(revocation);
    }

    /// Ends every session that was issued up to this second.
    pub(super) fn insert_all(&self, up_to: u64) {
        let mut entries = write(&self.entries);
        entries.all_up_to = entries.all_up_to.max(up_to);
        self.any.store(true, Ordering::Release);
    }
}

impl Entry {
    fn covers(&self, revocation: Revocation) -> bool {
        self.until >= revocation.until && self.issued_up_to >= revocation.issued_up_to
    }
}

impl Entries {
    fn insert(&mut self, revocation: Revocation, now: u64, capacity: usize) {
        let Revocation {
            target,
            mut issued_up_to,
            mut until,
        } = revocation;
        if let Some(known) = self.by_target.get(&target) {
            if known.covers(revocation) {
                return;
            }
            self.order.remove(&(known.until, target));
            issued_up_to = issued_up_to.max(known.issued_up_to);
            until = until.max(known.until);
        } else if self.by_target.len() >= capacity
            && let Some((expires, first)) = self.order.pop_first()
        {
            self.by_target.remove(&first);
            self.warn_if_live(expires, now);
        }
        let entry = Entry {
            issued_up_to,
            until,
            #[cfg(feature = "redis")]
            published: false,
        };
        self.by_target.insert(target, entry);
        self.order.insert((until, target));
    }

    /// Logs, at most once a minute, that an entry was dropped that has not expired.
    fn warn_if_live(&mut self, expires: u64, now: u64) {
        if now < expires && now.abs_diff(self.warned_at) >= WARN_INTERVAL {
            self.warned_at = now;
            tracing::warn!(
                "the revocation list for cookie sessions is full: the session that expires first \
                 can be used again until then"
            );
        }
    }

    #[cfg(feature = "redis")]
    /// An entry that was widened in the meantime is not published by that.
    fn mark_published(&mut self, revocation: Revocation) {
        if let Some(entry) = self.by_target.get_mut(&revocation.target)
            && entry.until <= revocation.until
            && entry.issued_up_to <= revocation.issued_up_to
        {
            entry.published = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::key::CookieKeys;

    fn session() -> Session {
        Session::new(
            "token",
            UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX)),
        )
    }

    fn ended(session: &Session, until: u64) -> Revocation {
        Revocation::of_session(session.login_id(), until)
    }

    #[test]
    fn only_what_was_inserted_is_denied() {
        let list = RevocationList::new(10);
        let (revoked, other) = (session(), session());
        list.insert(ended(&revoked, 100), 0);
        assert!(list.contains(&revoked));
        assert!(!list.contains(&other));
    }

    #[test]
    fn full_list_drops_what_ends_first() {
        let list = RevocationList::new(2);
        let sessions = [session(), session(), session(), session()];
        let insert = |at: usize, until| list.insert(ended(&sessions[at], until), 50);
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
            "a logout now takes effect"
        );
        assert_eq!(read(&list.entries).by_target.len(), 2);
        assert_eq!(read(&list.entries).order.len(), 2);
    }

    #[test]
    fn nothing_is_dropped_because_the_clock_jumped() {
        let list = RevocationList::new(2);
        let (first, second) = (session(), session());
        list.insert(ended(&first, 60), 0);
        list.insert(ended(&second, 70), 1_000_000);
        assert!(list.contains(&first) && list.contains(&second));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn what_is_published_again_displaces_nothing_that_ends_later() {
        let list = RevocationList::new(2);
        let sessions = [session(), session(), session()];
        let learn = |at: usize, until| list.merge_remote(ended(&sessions[at], until), 50);
        let denied = || sessions.each_ref().map(|session| list.contains(session));
        learn(0, 60);
        learn(1, 40);
        assert_eq!(
            denied(),
            [true, true, false],
            "there is room, and the clock does not matter"
        );
        learn(2, 70);
        learn(1, 40);
        assert_eq!(denied(), [true, false, true]);
        learn(0, 65);
        assert!(
            list.is_published(ended(&sessions[0], 65)),
            "one that is known may end later"
        );
        assert!(!list.is_published(ended(&sessions[0], 66)));
        list.insert(ended(&sessions[1], 80), 50);
        list.merge_remote(ended(&sessions[2], 70), 50);
        list.insert(ended(&sessions[2], 75), 50);
        assert!(!list.is_published(ended(&sessions[2], 75)));
        learn(2, 75);
        assert!(list.is_published(ended(&sessions[2], 75)), "full or not");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn wider_revocation_is_not_published_by_a_narrower_one() {
        let list = RevocationList::new(10);
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        let narrow = Revocation::of_subject(subject, 50, 100);
        let wide = Revocation::of_subject(subject, 60, 100);
        list.insert(narrow, 0);
        list.insert(wide, 0);
        list.mark_published(narrow);
        assert!(!list.is_published(wide));
        list.mark_published(wide);
        assert!(list.is_published(wide) && list.is_published(narrow));
    }

    #[test]
    fn revoking_a_subject_spares_others_and_later_logins() {
        let list = RevocationList::new(10);
        let keys = CookieKeys::random();
        let subject = |name| SubjectId::new(&keys, name);
        let revoked = session().with_subject(subject("customer 17"));
        let issued_at = revoked.record().issued_at;
        list.insert(
            Revocation::of_subject(subject("customer 17"), issued_at - 1, 100),
            0,
        );
        assert!(!list.contains(&revoked), "it is of a later login");
        list.insert(
            Revocation::of_subject(subject("customer 17"), issued_at, 50),
            0,
        );
        list.insert(
            Revocation::of_subject(subject("customer 17"), issued_at - 1, 200),
            0,
        );
        assert!(list.contains(&revoked));
        assert!(!list.contains(&session()));
        assert!(!list.contains(&session().with_subject(subject("customer 18"))));
    }

    #[test]
    fn revoking_all_spares_later_logins() {
        let list = RevocationList::new(1);
        let session = session();
        let issued_at = session.record().issued_at;
        list.insert_all(issued_at - 1);
        assert!(!list.contains(&session));
        list.insert_all(issued_at);
        list.insert_all(issued_at - 1);
        assert!(list.contains(&session));
    }
}
