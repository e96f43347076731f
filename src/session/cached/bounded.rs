//! What is known for a stated time, in bounded room: the oldest makes room.

use std::time::Duration;

use tokio::time::Instant;

use crate::{expiring_map::ExpiringMap, session::SessionId};

pub(super) struct Bounded<T> {
    /// By nanoseconds since `epoch`.
    entries: ExpiringMap<SessionId, T>,
    epoch: Instant,
    ttl: Duration,
    capacity: usize,
}

impl<T> Bounded<T> {
    pub(super) fn new(capacity: usize, ttl: Duration) -> Self {
        Self {
            entries: ExpiringMap::new(nanoseconds(ttl)),
            epoch: Instant::now(),
            ttl,
            capacity,
        }
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&T> {
        self.entries.get(&id, self.since_epoch(Instant::now()))
    }

    /// Keeps what was true at `as_of`, from then on.
    pub(super) fn insert(&mut self, id: SessionId, value: T, as_of: Instant) {
        let (age, now) = (as_of.elapsed(), self.since_epoch(Instant::now()));
        self.entries.remove(&id);
        self.entries.sweep(now);
        if self.capacity == 0 || age >= self.ttl {
            return;
        }
        if self.len() >= self.capacity {
            self.entries.remove_oldest();
        }
        self.entries.insert(id, value, self.since_epoch(as_of));
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        self.entries.remove(&id);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.entries.retain(keep);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn since_epoch(&self, time: Instant) -> u64 {
        nanoseconds(time.saturating_duration_since(self.epoch))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: u8) -> SessionId {
        SessionId([number; 16])
    }

    #[test]
    fn oldest_makes_room_and_what_is_inserted_again_is_young() {
        let mut bounded = Bounded::new(2, SECOND * 60);
        for (number, value) in [(1, "one"), (2, "two"), (1, "one again"), (3, "three")] {
            bounded.insert(id(number), value, Instant::now());
        }
        assert_eq!(bounded.get(id(1)), Some(&"one again"));
        assert_eq!(bounded.get(id(2)), None);
        assert_eq!(bounded.get(id(3)), Some(&"three"));
        assert_eq!(bounded.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn entry_lasts_from_when_it_was_true() {
        let mut bounded = Bounded::new(10, SECOND);
        let then = Instant::now();
        advance(SECOND / 2).await;
        bounded.insert(id(1), (), then);
        advance(SECOND / 2 - Duration::from_nanos(1)).await;
        assert!(bounded.get(id(1)).is_some());
        advance(Duration::from_nanos(1)).await;
        assert!(bounded.get(id(1)).is_none());
        bounded.insert(id(2), (), then);
        assert_eq!(bounded.len(), 0, "the old went, and the late did not come");
    }

    #[test]
    fn nothing_is_kept_without_room_or_without_time() {
        for (capacity, ttl) in [(0, SECOND * 60), (10, Duration::ZERO)] {
            let mut bounded = Bounded::new(capacity, ttl);
            bounded.insert(id(1), (), Instant::now());
            assert_eq!((bounded.len(), bounded.get(id(1))), (0, None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn longest_time_to_live_is_no_overflow() {
        let mut bounded = Bounded::new(1, Duration::MAX);
        bounded.insert(id(1), (), Instant::now());
        advance(SECOND * 1_000_000_000).await;
        assert!(bounded.get(id(1)).is_some());
    }
}
