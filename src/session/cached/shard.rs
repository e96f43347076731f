//! A part of what is known, under a lock of its own.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    bounded::Bounded,
    flight::{Answer, Flight},
};
use crate::session::{Session, SessionId};

/// For so many sessions, one token that is none.
const SESSIONS_PER_UNKNOWN: usize = 8;

pub(super) struct Shard {
    known: Bounded<Session>,
    /// Apart, so that made-up tokens push no session out.
    unknown: Bounded<()>,
    /// Being ended at this moment; counted, as two may be at it.
    ending: HashMap<SessionId, usize>,
    /// Whatever the inner store said to that.
    ended: Bounded<()>,
    flights: HashMap<SessionId, Arc<Flight>>,
}

impl Shard {
    pub(super) fn new(capacity: usize, staleness: Duration) -> Self {
        let unknown = capacity.div_ceil(SESSIONS_PER_UNKNOWN);
        Self {
            known: Bounded::new(capacity, staleness),
            unknown: Bounded::new(unknown, staleness),
            ending: HashMap::new(),
            ended: Bounded::new(capacity, staleness),
            flights: HashMap::new(),
        }
    }

    /// What can be told at once.
    pub(super) fn tell(&self, id: SessionId, now: Instant) -> Option<Option<Session>> {
        if self.refuses(id, now) {
            return Some(None);
        }
        if let Some(session) = self.known.get(id, now) {
            return Some(Some(session.clone()));
        }
        self.unknown.get(id, now).map(|()| None)
    }

    pub(super) fn refuses(&self, id: SessionId, now: Instant) -> bool {
        self.ending.contains_key(&id) || self.ended.get(id, now).is_some()
    }

    /// A later state is not overwritten by one that was under way for longer.
    pub(super) fn know(&mut self, id: SessionId, session: &Session, as_of: Instant, now: Instant) {
        self.unknown.remove(id);
        let known = self.known.get(id, now);
        if known.is_none_or(|known| known.version() <= session.version()) {
            self.known.insert(id, session.clone(), as_of, now);
        }
    }

    /// Whatever is found later must have been looked up later.
    pub(super) fn forget(&mut self, id: SessionId) {
        self.known.remove(id);
        self.unknown.remove(id);
        self.overtake(id);
    }

    pub(super) fn overtake(&self, id: SessionId) {
        if let Some(flight) = self.flights.get(&id) {
            flight.overtake();
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.known.clear();
        for flight in self.flights.values() {
            flight.overtake();
        }
    }

    pub(super) fn flight(&self, id: SessionId) -> Option<&Arc<Flight>> {
        self.flights.get(&id)
    }

    pub(super) fn begin(&mut self, id: SessionId) -> Arc<Flight> {
        let flight = Arc::new(Flight::new());
        self.flights.insert(id, Arc::clone(&flight));
        flight
    }

    /// A look-up is answered, and counts as of when it began. False when the session may have been changed since.
    pub(super) fn land(
        &mut self,
        id: SessionId,
        flight: &Arc<Flight>,
        as_of: Instant,
        answer: Answer,
    ) -> bool {
        if !self.has(id, flight) {
            // Answered before, by its end.
            return true;
        }
        if flight.is_overtaken() {
            return false;
        }
        let now = Instant::now();
        match &answer {
            Ok(Some(session)) => self.know(id, session, as_of, now),
            Ok(None) => self.unknown.insert(id, (), as_of, now),
            Err(_) => {}
        }
        self.flights.remove(&id);
        flight.answer(answer);
        true
    }

    pub(super) fn detach(&mut self, id: SessionId, flight: &Arc<Flight>) {
        if self.has(id, flight) {
            self.flights.remove(&id);
        }
    }

    fn has(&self, id: SessionId, flight: &Arc<Flight>) -> bool {
        self.flight(id)
            .is_some_and(|known| Arc::ptr_eq(known, flight))
    }

    /// Refuses a session until it [ended](Self::ended), and hands it to nobody who waits for it.
    pub(super) fn end(&mut self, id: SessionId) {
        *self.ending.entry(id).or_default() += 1;
        self.known.remove(id);
        if let Some(flight) = self.flights.remove(&id) {
            flight.answer(Ok(None));
        }
    }

    /// However that went, it is refused for a while.
    pub(super) fn ended(&mut self, id: SessionId) {
        let now = Instant::now();
        self.ended.insert(id, (), now, now);
        if let Some(under_way) = self.ending.get_mut(&id) {
            *under_way -= 1;
            if *under_way == 0 {
                self.ending.remove(&id);
            }
        }
    }

    /// How many sessions are known, and how many tokens to be none.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.known.len(), self.unknown.len())
    }
}
