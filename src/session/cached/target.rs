//! What is ended by a call: one session, those of a subject, or all.

use crate::session::{SessionId, SubjectId};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Session(SessionId),
    Subject(SubjectId),
    All,
}

impl Target {
    pub(super) fn covers(self, id: SessionId, subject: Option<SubjectId>) -> bool {
        match self {
            Self::Session(target) => target == id,
            Self::Subject(target) => Some(target) == subject,
            Self::All => true,
        }
    }
}
