//! When sessions ended in this process, in a fixed amount of memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::session::SessionId;

/// Several sessions share a slot, so an answer may be about another session. The store then says
/// which.
const SLOTS: usize = 4096;

/// Says whether a session may have ended since it was last seen.
pub(super) struct LastEnds {
    /// By a part of the session's id, in seconds.
    slots: Box<[AtomicU64]>,
    /// When sessions ended that were not named.
    any: AtomicU64,
}

impl LastEnds {
    pub(super) fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            any: AtomicU64::new(0),
        }
    }

    /// Notes the end of this session, or of sessions that are not known.
    pub(super) fn note(&self, id: Option<SessionId>, now: u64) {
        let ended_at = id.map_or(&self.any, |id| self.slot(id));
        ended_at.fetch_max(now, Ordering::SeqCst);
    }

    /// The clock counts whole seconds. An end in the second in which a session was seen counts.
    pub(super) fn may_have_ended(&self, id: SessionId, seen_at: u64) -> bool {
        let ended_at = |at: &AtomicU64| at.load(Ordering::SeqCst) >= seen_at;
        ended_at(&self.any) || ended_at(self.slot(id))
    }

    fn slot(&self, id: SessionId) -> &AtomicU64 {
        let [first, second, ..] = id.to_bytes();
        &self.slots[usize::from(u16::from_be_bytes([first, second])) % SLOTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionToken;

    #[test]
    fn end_counts_for_what_was_seen_before_it() {
        let (ends, id) = (LastEnds::new(), SessionId([7; 16]));
        assert!(!ends.may_have_ended(id, 1));
        ends.note(Some(id), 100);
        let others = (0..8).map(|_| SessionToken::random().id());
        let others: Vec<_> = others.filter(|id| id.to_bytes()[1] != 7).collect();
        for (seen_at, ended) in [(99, true), (100, true), (101, false)] {
            assert_eq!(ends.may_have_ended(id, seen_at), ended, "seen at {seen_at}");
            assert!(!others.iter().any(|id| ends.may_have_ended(*id, seen_at)));
        }
        ends.note(None, 200);
        assert!(others.iter().all(|id| ends.may_have_ended(*id, 200)));
        assert!(!ends.may_have_ended(id, 201));
    }
}
