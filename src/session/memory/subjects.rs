//! Which sessions a subject has.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use crate::{
    session::{SessionId, SubjectId},
    sync::lock,
};

/// An index of the sessions that have a subject, the oldest first.
///
/// It is spread over a power of two of tables, as each of them keeps its callers waiting while it
/// grows.
pub(super) struct Subjects(Box<[Mutex<Table>]>);

type Table = HashMap<SubjectId, Vec<SessionId>>;

impl Subjects {
    pub(super) fn new(tables: usize) -> Self {
        let empty = std::iter::repeat_with(Mutex::default);
        Self(empty.take(tables).collect())
    }

    /// Adds a session that is kept, and returns those that its subject has too many.
    pub(super) fn add(&self, subject: SubjectId, id: SessionId, most: usize) -> Vec<SessionId> {
        let mut subjects = self.table(subject);
        let sessions = subjects.entry(subject).or_default();
        sessions.push(id);
        let over = sessions.len().saturating_sub(most);
        sessions.drain(..over).collect()
    }

    pub(super) fn remove(&self, subject: SubjectId, id: SessionId) {
        let mut subjects = self.table(subject);
        if let Some(sessions) = subjects.get_mut(&subject) {
            sessions.retain(|known| *known != id);
            if sessions.is_empty() {
                subjects.remove(&subject);
            }
        }
    }

    pub(super) fn sessions(&self, subject: SubjectId) -> Vec<SessionId> {
        self.table(subject)
            .get(&subject)
            .cloned()
            .unwrap_or_default()
    }

    fn table(&self, subject: SubjectId) -> MutexGuard<'_, Table> {
        let [first, second, ..] = subject.to_bytes();
        let at = usize::from(u16::from_le_bytes([first, second]));
        lock(&self.0[at & (self.0.len() - 1)])
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|table| lock(table).is_empty())
    }
}
