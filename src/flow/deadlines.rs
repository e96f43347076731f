//! How long the steps of a login may take. All follow from one total.

use std::time::Duration;

/// The gateway's answer to a code.
const GATEWAY: Duration = Duration::from_secs(10);
/// A store that is away for a moment must not cost a login whose code is used up.
const STORE: Duration = Duration::from_secs(10);
/// An attempt to save a session that takes longer is given up, and made again.
pub(super) const SAVE_ATTEMPT: Duration = Duration::from_secs(5);
/// What comes after the session is saved must not lose it.
pub(super) const CLOSING: Duration = Duration::from_secs(2);
/// An instance that has not sent the code yet does so within this time, or has died.
pub(super) const BEFORE_SENDING: Duration = Duration::from_secs(12);

/// The time limits of a login's exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// What the app's hook may take.
    pub hook: Duration,
}

impl Deadlines {
    /// The whole exchange.
    pub(super) fn exchange(self) -> Duration {
        self.sent() + SAVE_ATTEMPT
    }

    /// How long another instance waits for the outcome, once the code is sent.
    pub(super) fn sent(self) -> Duration {
        self.saving() + SAVE_ATTEMPT
    }

    /// From the start of the exchange until the last attempt to save the session begins.
    pub(super) fn saving(self) -> Duration {
        GATEWAY + self.hook + STORE
    }

    /// The lease of the login, until the code is sent. An instance that dies before leaves the
    /// login to the others when it has expired.
    pub(super) fn lease(self) -> Duration {
        self.exchange() + Duration::from_secs(15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_covers_what_it_waits_for() {
        for seconds in [0, 5, 60] {
            let hook = Duration::from_secs(seconds);
            let deadlines = Deadlines { hook };
            assert!(deadlines.saving() >= GATEWAY + hook + STORE);
            assert!(deadlines.sent() >= deadlines.saving() + SAVE_ATTEMPT);
            assert!(deadlines.exchange() >= deadlines.sent() + CLOSING);
            assert!(deadlines.lease() > deadlines.exchange());
            assert!(BEFORE_SENDING < deadlines.sent());
        }
    }
}
