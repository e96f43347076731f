//! Which sessions a subject has.

use std::collections::BTreeMap;

use crate::{
    session::{SessionId, SubjectId},
    sync::{Mutex, MutexGuard, lock},
};

/// An index of the sessions that have a subject.
///
/// One subject can have as many sessions as the store holds, so to add or remove one does not look
/// at the others, and no table is ever moved. It is spread over a power of two of tables, so that
/// callers seldom wait for each other.
pub(super) struct Subjects(Box<[Mutex<Table>]>);

#[derive(Default)]
struct Table {
    /// With the place of each session in the order in which they were added.
    sessions: BTreeMap<(SubjectId, SessionId), u64>,
    added: u64,
}

impl Subjects {
    pub(super) fn new(tables: usize) -> Self {
        let empty = std::iter::repeat_with(Mutex::default);
        Self(empty.take(tables).collect())
    }

    /// Adds a session that is kept, and returns the oldest of its subject, as far as they are more
    /// than `most`.
    pub(super) fn add(&self, subject: SubjectId, id: SessionId, most: usize) -> Vec<SessionId> {
        let mut table = self.table(subject);
        table.added += 1;
        let place = table.added;
        table.sessions.insert((subject, id), place);
        if most == usize::MAX {
            return Vec::new();
        }
        let mut over = table.of(subject);
        over.truncate(over.len().saturating_sub(most));
        for id in &over {
            table.sessions.remove(&(subject, *id));
        }
        over
    }

    pub(super) fn remove(&self, subject: SubjectId, id: SessionId) {
        self.table(subject).sessions.remove(&(subject, id));
    }

    /// The oldest first.
    pub(super) fn sessions(&self, subject: SubjectId) -> Vec<SessionId> {
        self.table(subject).of(subject)
    }

    fn table(&self, subject: SubjectId) -> MutexGuard<'_, Table> {
        let [first, second, ..] = subject.to_bytes();
        let at = usize::from(u16::from_le_bytes([first, second]));
        lock(&self.0[at & (self.0.len() - 1)])
    }

    #[cfg(any(test, model))]
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|table| lock(table).sessions.len()).sum()
    }
}

impl Table {
    fn of(&self, subject: SubjectId) -> Vec<SessionId> {
        let (least, greatest) = (SessionId([u8::MIN; 16]), SessionId([u8::MAX; 16]));
        let sessions = self.sessions.range((subject, least)..=(subject, greatest));
        let mut sessions: Vec<_> = sessions.map(|((_, id), place)| (*place, *id)).collect();
        sessions.sort_unstable();
        sessions.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::CookieKeys;

    #[test]
    fn subject_has_its_own_sessions_and_the_oldest_are_over_its_limit() {
        let keys = CookieKeys::random();
        let [one, other] = ["17", "18"].map(|name| SubjectId::new(&keys, name));
        // One table, so that both subjects are in it. By their ids, the oldest is in the middle.
        let subjects = Subjects::new(1);
        let ids = [7, 0xff, 0].map(|byte| SessionId([byte; 16]));
        for id in ids {
            assert_eq!(subjects.add(one, id, usize::MAX), []);
            assert_eq!(subjects.add(other, id, 3), []);
        }
        assert_eq!(subjects.sessions(one), ids);
        let new = SessionId([1; 16]);
        assert_eq!(subjects.add(one, new, 2), ids[..2]);
        assert_eq!(subjects.sessions(one), [ids[2], new]);
        subjects.remove(one, new);
        assert_eq!(subjects.sessions(one), ids[2..]);
        assert_eq!(subjects.sessions(other), ids);
    }
}
