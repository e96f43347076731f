//! The sessions that something waits for, and when the store is asked about each.

use std::collections::{HashMap, hash_map};

use tokio::{sync::watch, time::Instant};

use crate::{
    session::{Session, SessionId, SessionToken, limits::SessionLimits},
    session_refusal::SessionRefusal,
};

/// One entry for each session, which all that waits for its end shares.
#[derive(Default)]
pub(super) struct Entries {
    entries: HashMap<SessionId, Entry>,
    /// Whether the task runs that asks the store.
    pub is_watched: bool,
}

struct Entry {
    token: SessionToken,
    /// The latest state that this process has seen.
    session: Session,
    /// It is dropped when the session has ended, which its receivers notice.
    goes_on: watch::Sender<()>,
    due: Instant,
}

impl Entries {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns what is closed when this session has ended. The store is asked about it next.
    pub(super) fn subscribe(
        &mut self,
        id: SessionId,
        token: &SessionToken,
        session: &Session,
    ) -> watch::Receiver<()> {
        let now = Instant::now();
        match self.entries.entry(id) {
            hash_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.see(session);
                known.due = known.due.min(now);
                known.goes_on.subscribe()
            }
            hash_map::Entry::Vacant(vacant) => {
                let (goes_on, receiver) = watch::channel(());
                vacant.insert(Entry {
                    // One from a request would keep the buffer of its header lines.
                    token: SessionToken::new(token.secret()),
                    session: session.clone(),
                    goes_on,
                    due: now,
                });
                receiver
            }
        }
    }

    /// Forgets a session for whose end nothing waits any more.
    pub(super) fn release(&mut self, id: SessionId) {
        if let hash_map::Entry::Occupied(entry) = self.entries.entry(id)
            && entry.get().goes_on.receiver_count() == 0
        {
            entry.remove();
        }
    }

    pub(super) fn end(&mut self, id: SessionId) {
        self.entries.remove(&id);
    }

    /// Notes a state of a session that this process has seen.
    pub(super) fn see(&mut self, id: SessionId, session: &Session) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.see(session);
        }
    }

    /// Makes the store be asked about every session.
    pub(super) fn all_due(&mut self) {
        let now = Instant::now();
        for entry in self.entries.values_mut() {
            entry.due = entry.due.min(now);
        }
    }

    /// Ends the sessions that are no good by the clock. Whether one is idle, the store has to say:
    /// another instance may have seen its use.
    pub(super) fn end_refused(&mut self, limits: &SessionLimits, now: u64) {
        self.entries.retain(|_, entry| {
            let refusal = limits.refusal(&entry.session, now);
            refusal.is_none_or(|refusal| refusal == SessionRefusal::Idle)
        });
    }

    /// Sessions that are idle as far as this process has seen.
    pub(super) fn idle(
        &self,
        limits: &SessionLimits,
        now: u64,
        most: usize,
    ) -> Vec<(SessionId, SessionToken)> {
        if limits.idle_timeout.is_none() {
            return Vec::new();
        }
        let idle = self
            .entries
            .iter()
            .filter(|(_, entry)| limits.refusal(&entry.session, now) == Some(SessionRefusal::Idle));
        let idle = idle.map(|(id, entry)| (*id, entry.token.clone()));
        idle.take(most).collect()
    }

    /// The sessions about which the store is to be asked now. Each is due again at `next`.
    pub(super) fn take_due(
        &mut self,
        most: usize,
        next: impl Fn() -> Instant,
    ) -> Vec<(SessionId, Session)> {
        let now = Instant::now();
        let due = self
            .entries
            .iter_mut()
            .filter(|(_, entry)| entry.due <= now);
        let due = due.take(most).map(|(id, entry)| {
            entry.due = next();
            (*id, entry.session.clone())
        });
        due.collect()
    }

    /// Whether the store is to be asked now.
    pub(super) fn has_due(&self) -> bool {
        let now = Instant::now();
        self.entries.values().any(|entry| entry.due <= now)
    }

    /// Makes these sessions due at this time, unless they are due before.
    pub(super) fn due_by(&mut self, ids: impl IntoIterator<Item = SessionId>, time: Instant) {
        for id in ids {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.due = entry.due.min(time);
            }
        }
    }

    /// The latest state of a session that this process has seen.
    pub(super) fn session(&self, id: SessionId) -> Option<&Session> {
        self.entries.get(&id).map(|entry| &entry.session)
    }
}

impl Entry {
    fn see(&mut self, session: &Session) {
        if session.version() > self.session.version() {
            self.session = session.clone();
        }
    }
}
