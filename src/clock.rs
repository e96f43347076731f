//! The clock. It is injected, so that tests of lifetimes do not sleep.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::sync::{Mutex, lock};

/// In seconds. The clock that wrote a value may be this far ahead of the clock that reads it. A
/// value from further ahead counts as one from the future.
pub(crate) const MAX_SKEW: u64 = 60;
/// The first second of it, since the Unix epoch. Every system counts so far.
const YEAR_9999: u64 = 253_370_764_800;

/// The clock that all lifetimes are measured against.
///
/// The default is the system's clock, but never behind the time that this process has run. When the
/// system's clock is set back, this clock goes on as before, so that nothing that has expired
/// becomes valid again. When the system's clock jumps forward, this clock follows it, and follows
/// it back when the jump was a mistake. Time that a machine was suspended for is such a jump. Tests
/// use a manual clock and move it:
///
/// ```
/// use std::time::Duration;
/// use telenor_auth::Clock;
///
/// let clock = Clock::manual();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().duration_since(before).unwrap().as_secs(), 90);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// Returns a clock that stands still until it is moved. It starts at the present time.
    ///
    /// Clones move together.
    #[must_use]
    pub fn manual() -> Self {
        let start = Self::default().seconds();
        Self {
            manual: Some(Arc::new(AtomicU64::new(start))),
        }
    }

    /// Returns the time by this clock, in whole seconds.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        system_time(self.seconds())
    }

    /// Moves a manual clock forward, by whole seconds. It does nothing to the system's clock.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_add(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Moves a manual clock back, by whole seconds. It does nothing to the system's clock.
    pub fn rewind(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_sub(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Seconds since the Unix epoch. A clock that is set before 1970 reads as zero.
    pub(crate) fn seconds(&self) -> u64 {
        static SYSTEM: LazyLock<MonotonicWallClock> =
            LazyLock::new(|| MonotonicWallClock::since(now(), Instant::now()));
        match &self.manual {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => SYSTEM.seconds(now(), Instant::now),
        }
    }
}

/// The system's clock, as long as it is not behind the time that this process has run.
struct MonotonicWallClock {
    /// What both clocks said at the same moment.
    wall: u64,
    instant: Instant,
    /// The last reading: the low bits hold the system's time, the high bits how far it was behind.
    /// The second clock is then read only once a second.
    last: AtomicU64,
}

const WALL_BITS: u32 = 40;

impl MonotonicWallClock {
    fn since(wall: u64, instant: Instant) -> Self {
        Self {
            wall,
            instant,
            last: AtomicU64::new(wall),
        }
    }

    fn seconds(&self, wall: u64, instant: impl FnOnce() -> Instant) -> u64 {
        let last = self.last.load(Ordering::Relaxed);
        if last & ((1 << WALL_BITS) - 1) == wall {
            return wall + (last >> WALL_BITS);
        }
        let passed = instant().saturating_duration_since(self.instant).as_secs();
        let behind = (self.wall + passed).saturating_sub(wall);
        // Seconds are rounded down twice, on two clocks that run at slightly different speeds.
        let behind = if behind <= 1 { 0 } else { behind };
        if behind > MAX_SKEW && last >> WALL_BITS <= MAX_SKEW {
            tracing::warn!(
                seconds = behind,
                "the system's clock was set back: \
                 this process keeps the old time until it is restarted"
            );
        }
        if behind < 1 << (64 - WALL_BITS) {
            self.last
                .store((behind << WALL_BITS) + wall, Ordering::Relaxed);
        }
        wall + behind
    }
}

/// The time by a clock that callers read: the time they stated last, plus what has passed since.
///
/// For background work, which has no caller that states the time.
#[derive(Default)]
pub(crate) struct ObservedTime {
    /// Saves callers the lock within the same second.
    last: AtomicU64,
    observed: Mutex<Option<(u64, tokio::time::Instant)>>,
}

impl ObservedTime {
    pub(crate) fn observe(&self, now: u64) {
        if self.last.load(Ordering::Relaxed) != now {
            self.last.store(now, Ordering::Relaxed);
            *lock(&self.observed) = Some((now, tokio::time::Instant::now()));
        }
    }

    /// Zero if no caller has stated the time yet.
    pub(crate) fn seconds(&self) -> u64 {
        let observed = *lock(&self.observed);
        observed.map_or(0, |(now, at)| now.saturating_add(at.elapsed().as_secs()))
    }
}

fn now() -> u64 {
    unix_seconds(SystemTime::now())
}

/// A time that the system cannot hold would panic.
pub(crate) fn system_time(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds.min(YEAR_9999))
}

pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tracing::{Event, Subscriber};
    use tracing_subscriber::{
        Layer,
        layer::{Context, SubscriberExt},
    };

    use super::*;

    /// Counts the events of a test.
    #[derive(Clone, Default)]
    struct Logged(Arc<AtomicU64>);

    impl<S: Subscriber> Layer<S> for Logged {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn manual_clock_starts_now_and_moves_with_its_clones() {
        let clock = Clock::manual();
        let start = clock.seconds();
        assert!(start.abs_diff(now()) <= 2);
        let other = clock.clone();
        other.advance(Duration::from_secs(90));
        assert_eq!(clock.seconds(), start + 90);
        clock.rewind(Duration::from_secs(100));
        assert_eq!(other.seconds(), start - 10);
        assert_eq!(other.now(), system_time(start - 10));
    }

    #[test]
    fn systems_clock_is_not_moved() {
        let clock = Clock::default();
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.seconds().abs_diff(now()) <= 2);
        assert!(unix_seconds(clock.now()).abs_diff(now()) <= 2);
    }

    #[test]
    fn clock_follows_a_jump_forward_and_not_a_jump_back() {
        let start = Instant::now();
        let clock = MonotonicWallClock::since(1_000_000, start);
        let at = |passed, wall| clock.seconds(wall, || start + Duration::from_secs(passed));
        assert_eq!(at(10, 1_000_010), 1_000_010);
        assert_eq!(at(20, 996_420), 1_000_020, "an hour back");
        assert_eq!(at(20, 996_420), 1_000_020, "within the same second");
        assert_eq!(at(30, 996_430), 1_000_030, "and on from there");
        assert_eq!(at(40, 1_086_440), 1_086_440, "a day forward");
        assert_eq!(at(50, 1_000_050), 1_000_050, "which was a mistake");
        assert_eq!(at(60, 0), 1_000_060, "as far back as it goes");
        assert_eq!(at(61, 1), 1_000_061);
    }

    #[test]
    fn one_second_behind_is_rounding_and_two_are_not() {
        let start = Instant::now();
        let clock = MonotonicWallClock::since(1_000_000, start);
        let at = |passed, wall| clock.seconds(wall, || start + Duration::from_secs(passed));
        assert_eq!(at(10, 1_000_009), 1_000_009);
        assert_eq!(at(10, 1_000_008), 1_000_010);
    }

    /// A second clock that is read more often costs every request a call of the system.
    #[test]
    fn second_clock_is_read_once_a_second() {
        let (start, reads) = (Instant::now(), Cell::new(0));
        let clock = MonotonicWallClock::since(1_000_000, start);
        let at = |passed, wall| {
            let now = || {
                reads.set(reads.get() + 1);
                start + Duration::from_secs(passed)
            };
            clock.seconds(wall, now)
        };
        for (passed, wall, expected) in [
            (0, 1_000_000, 0),
            (1, 1_000_001, 1),
            (1, 1_000_001, 1),
            (2, 900_000, 2),
            (2, 900_000, 2),
            (3, 900_001, 3),
        ] {
            assert_eq!(at(passed, wall), 1_000_000 + passed);
            assert_eq!(reads.get(), expected, "{passed}");
        }
    }

    /// It fits into the bits no longer.
    #[test]
    fn clock_that_is_half_a_year_behind_is_right_within_the_same_second() {
        let start = Instant::now();
        let wall = 1_000_000_000;
        let clock = MonotonicWallClock::since(wall, start);
        let most = 1 << (64 - WALL_BITS);
        for behind in [most - 1, most, most + 1] {
            for _ in 0..2 {
                assert_eq!(clock.seconds(wall - behind, || start), wall, "{behind}");
            }
        }
    }

    #[test]
    fn clock_that_is_set_back_is_logged_once() {
        let start = Instant::now();
        let clock = MonotonicWallClock::since(1_000_000, start);
        let warned = |passed, behind| {
            let (logged, now) = (Logged::default(), 1_000_000 + passed);
            let subscriber = tracing_subscriber::registry().with(logged.clone());
            tracing::subscriber::with_default(subscriber, || {
                let seconds = clock.seconds(now - behind, || start + Duration::from_secs(passed));
                assert_eq!(seconds, now);
            });
            logged.0.load(Ordering::Relaxed)
        };
        assert_eq!(warned(10, 0), 0);
        assert_eq!(warned(20, MAX_SKEW), 0, "as far as clocks may differ");
        assert_eq!(warned(30, MAX_SKEW + 1), 1);
        assert_eq!(warned(40, MAX_SKEW + 1), 0, "it is known");
        assert_eq!(warned(50, 3_600), 0);
        assert_eq!(warned(60, 0), 0);
        assert_eq!(warned(70, 3_600), 1, "it was set right in between");
    }

    #[tokio::test(start_paused = true)]
    async fn observed_time_goes_on_from_what_was_stated_last() {
        let time = ObservedTime::default();
        assert_eq!(time.seconds(), 0);
        time.observe(1_000);
        assert_eq!(time.seconds(), 1_000);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(time.seconds(), 1_005);
        time.observe(1_000);
        assert_eq!(time.seconds(), 1_005, "within the same second");
        time.observe(990);
        assert_eq!(time.seconds(), 990, "the caller's clock was set back");
    }
}
