//! What time is it? Injected, so that every rule about time is tested without sleeping.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// In seconds: the clock that wrote a value may be this far ahead of the one that reads it, before the value counts as one
/// from the future.
pub(crate) const SKEW: u64 = 60;

/// The clock that all life times are measured against.
///
/// The default is the system's clock. Tests hand in one of their own and move it:
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
    /// A clock that stands still until it is moved, starting at the present time.
    ///
    /// Clones move together.
    #[must_use]
    pub fn manual() -> Self {
        let start = Self::default().seconds();
        Self {
            manual: Some(Arc::new(AtomicU64::new(start))),
        }
    }

    /// The time by this clock, in whole seconds.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds())
    }

    /// Moves a manual clock forward, by whole seconds; the system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_add(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Moves a manual clock back, by whole seconds; the system's clock is left alone.
    pub fn rewind(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_sub(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Seconds since the Unix epoch; a clock set before 1970 reads as zero.
    pub(crate) fn seconds(&self) -> u64 {
        match &self.manual {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => unix_seconds(SystemTime::now()),
        }
    }
}

pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
