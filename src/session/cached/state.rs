//! What is known of the sessions, and the look-ups in flight.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{bounded::Bounded, in_flight::InFlight, target::Target};
use crate::session::{Session, SessionId};

const SESSIONS_PER_UNKNOWN: usize = 8;

pub(super) struct State {
    pub sessions: Bounded<Session>,
    /// Tokens without a session. Apart, so that made-up tokens push no session out.
    pub unknown: Bounded<()>,
    /// Sessions that were ended here by their id, whether the inner store could end them or not.
    pub ended: Bounded<()>,
    pub in_flight: HashMap<SessionId, Arc<InFlight>>,
    /// Counts the beginnings and the ends of invalidations.
    pub invalidations: u64,
}

impl State {
    pub(super) fn new(capacity: usize, staleness: Duration) -> Self {
        let unknown = capacity.div_ceil(SESSIONS_PER_UNKNOWN);
        Self {
            sessions: Bounded::new(capacity, staleness),
            unknown: Bounded::new(unknown, staleness),
            ended: Bounded::new(capacity, staleness),
            in_flight: HashMap::new(),
            invalidations: 0,
        }
    }

    /// What is known: a session, or that there is none.
    pub(super) fn get(&self, id: SessionId) -> Option<Option<Session>> {
        if let Some(session) = self.sessions.get(id) {
            return Some(Some(session.clone()));
        }
        let none = self.ended.get(id).or(self.unknown.get(id));
        none.map(|()| None)
    }

    /// Keeps a session, unless a later state of it is known.
    pub(super) fn insert(&mut self, id: SessionId, session: Session, as_of: Instant) {
        self.unknown.remove(id);
        let known = self.sessions.get(id);
        if known.is_none_or(|known| known.version() <= session.version()) {
            self.sessions.insert(id, session, as_of);
        }
    }

    pub(super) fn forget(&mut self, id: SessionId) {
        self.sessions.remove(id);
        self.unknown.remove(id);
        self.invalidate(id);
    }

    pub(super) fn invalidate(&self, id: SessionId) {
        if let Some(in_flight) = self.in_flight.get(&id) {
            in_flight.invalidate(Target::Session(id));
        }
    }

    /// Forgets a session, and gives it to no caller that waits for it.
    pub(super) fn end(&mut self, id: SessionId) {
        self.sessions.remove(id);
        if let Some(in_flight) = self.in_flight.remove(&id) {
            in_flight.complete(Ok(None));
        }
    }

    pub(super) fn is_current(&self, id: SessionId, in_flight: &Arc<InFlight>) -> bool {
        let current = self.in_flight.get(&id);
        current.is_some_and(|current| Arc::ptr_eq(current, in_flight))
    }

    pub(super) fn remove_in_flight(&mut self, id: SessionId, in_flight: &Arc<InFlight>) {
        if self.is_current(id, in_flight) {
            self.in_flight.remove(&id);
        }
    }
}
