//! Which sessions a subject has.

use std::{collections::HashMap, sync::Mutex};

use crate::{
    session::{SessionId, SubjectId},
    sync::lock,
};

/// An index of the sessions that have a subject, the oldest first.
#[derive(Default)]
pub(super) struct Subjects(Mutex<HashMap<SubjectId, Vec<SessionId>>>);

impl Subjects {
    /// Adds a session that is kept, and returns those that its subject has too many.
    pub(super) fn add(&self, subject: SubjectId, id: SessionId, most: usize) -> Vec<SessionId> {
        let mut subjects = lock(&self.0);
        let sessions = subjects.entry(subject).or_default();
        sessions.push(id);
        let over = sessions.len().saturating_sub(most);
        sessions.drain(..over).collect()
    }

    pub(super) fn remove(&self, subject: SubjectId, id: SessionId) {
        let mut subjects = lock(&self.0);
        if let Some(sessions) = subjects.get_mut(&subject) {
            sessions.retain(|known| *known != id);
            if sessions.is_empty() {
                subjects.remove(&subject);
            }
        }
    }

    pub(super) fn sessions(&self, subject: SubjectId) -> Vec<SessionId> {
        lock(&self.0).get(&subject).cloned().unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}
