//! What is remembered for a while, and of which the oldest goes when there is no room.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use crate::session::SessionId;

pub(super) struct Bounded<T> {
    entries: HashMap<SessionId, Entry<T>>,
    /// By the number that each came with.
    order: BTreeMap<u64, SessionId>,
    next: u64,
    capacity: usize,
    lasts: Duration,
}

struct Entry<T> {
    value: T,
    /// What is remembered was true then.
    as_of: Instant,
    number: u64,
}

impl<T> Bounded<T> {
    pub(super) fn new(capacity: usize, lasts: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            capacity,
            lasts,
        }
    }

    pub(super) fn get(&self, id: SessionId, now: Instant) -> Option<&T> {
        let entry = self.entries.get(&id)?;
        let lasts = now.saturating_duration_since(entry.as_of) < self.lasts;
        lasts.then_some(&entry.value)
    }

    pub(super) fn insert(&mut self, id: SessionId, value: T, as_of: Instant, now: Instant) {
        self.remove(id);
        self.make_room(now);
        let lasts = now.saturating_duration_since(as_of) < self.lasts;
        if self.capacity == 0 || !lasts {
            return;
        }
        let number = self.next;
        self.next += 1;
        self.order.insert(number, id);
        let entry = Entry {
            value,
            as_of,
            number,
        };
        self.entries.insert(id, entry);
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        if let Some(entry) = self.entries.remove(&id) {
            self.order.remove(&entry.number);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Lets go of what lasts no longer, and of the oldest.
    fn make_room(&mut self, now: Instant) {
        while let Some((_, &oldest)) = self.order.first_key_value()
            && (self.len() >= self.capacity || self.get(oldest, now).is_none())
        {
            self.remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: u8) -> SessionId {
        SessionId([number; 16])
    }

    #[test]
    fn oldest_makes_room_and_what_is_written_again_is_young() {
        let mut bounded = Bounded::new(2, SECOND);
        let now = Instant::now();
        for (number, value) in [(1, "one"), (2, "two"), (1, "one again"), (3, "three")] {
            bounded.insert(id(number), value, now, now);
        }
        assert_eq!(bounded.get(id(1), now), Some(&"one again"));
        assert_eq!(bounded.get(id(2), now), None);
        assert_eq!(bounded.get(id(3), now), Some(&"three"));
        assert_eq!((bounded.len(), bounded.order.len()), (2, 2));
    }

    #[test]
    fn nothing_is_remembered_longer_than_it_lasts() {
        let mut bounded = Bounded::new(10, SECOND);
        let then = Instant::now();
        bounded.insert(id(1), (), then, then);
        let last = then + SECOND - Duration::from_nanos(1);
        assert!(bounded.get(id(1), last).is_some());
        assert!(bounded.get(id(1), then + SECOND).is_none());
        bounded.insert(id(2), (), then, then + SECOND);
        assert_eq!(bounded.len(), 0, "the old went, and the late did not come");
    }

    #[test]
    fn no_room_at_all_is_no_harm() {
        let mut bounded = Bounded::new(0, SECOND);
        let now = Instant::now();
        bounded.insert(id(1), (), now, now);
        assert_eq!(bounded.len(), 0);
    }
}
