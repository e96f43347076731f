//! Asks again and again, at most for a stated time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The pauses between the attempts of a loop.
pub(crate) struct Polling {
    deadline: Instant,
    interval: Duration,
}

impl Polling {
    /// Attempts for this long, with a pause of `interval` between them.
    pub(crate) fn new(timeout: Duration, interval: Duration) -> Self {
        Self {
            deadline: Instant::now() + timeout,
            interval,
        }
    }

    /// Waits for the next attempt. Returns `false` at once when the time is up.
    pub(crate) async fn next(&self) -> bool {
        if Instant::now() >= self.deadline {
            return false;
        }
        sleep(self.interval).await;
        true
    }
}
