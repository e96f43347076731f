//! What the last calls have shown of the gateway.

use std::{sync::Mutex, time::SystemTime};

use crate::{clock::Clock, events::GatewayOutcome, sync::lock};

/// The state of Telenor's gateway, as the last call has shown it.
///
/// The layer makes no call to find it out. It looks at the calls that it makes for users.
///
/// ```
/// use telenor_auth::GatewayState;
///
/// fn shown(state: GatewayState) -> &'static str {
///     match state {
///         GatewayState::NotAsked => "no login yet",
///         GatewayState::Failing { .. } => "logins may fail",
///         _ => "logins work",
///     }
/// }
/// assert_eq!(shown(GatewayState::Answering), "logins work");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayState {
    /// This process has not called it yet.
    NotAsked,
    /// It has answered, with a success or with a refusal.
    Answering,
    /// It did not answer, or answered with an error of its own (5xx).
    #[non_exhaustive]
    Failing {
        /// When the first of the calls ended that have failed without a success in between.
        since: SystemTime,
    },
}

/// The state after the last call.
pub(crate) struct GatewayHealth {
    clock: Clock,
    state: Mutex<GatewayState>,
}

impl GatewayHealth {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::new(GatewayState::NotAsked),
        }
    }

    pub(crate) fn state(&self) -> GatewayState {
        *lock(&self.state)
    }

    pub(super) fn observe(&self, outcome: GatewayOutcome) {
        use GatewayOutcome::{Failed, Ok, Refused, TimedOut, Unreachable};
        let mut state = lock(&self.state);
        *state = match (outcome, *state) {
            (Ok | Refused, _) => GatewayState::Answering,
            (Failed | TimedOut | Unreachable, failing @ GatewayState::Failing { .. }) => failing,
            (Failed | TimedOut | Unreachable, _) => GatewayState::Failing {
                since: self.clock.now(),
            },
        };
    }
}

impl GatewayState {
    /// Returns the name in the response of a `/ready` route.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Answering => "answering",
            Self::Failing { .. } => "failing",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn failing_begins_with_the_first_failure_after_a_success() {
        let clock = Clock::manual();
        let health = GatewayHealth::new(clock.clone());
        assert_eq!(health.state(), GatewayState::NotAsked);
        let second = || clock.advance(Duration::from_secs(1));
        for outcome in [GatewayOutcome::Ok, GatewayOutcome::Refused] {
            let since = clock.now();
            for failure in [
                GatewayOutcome::Failed,
                GatewayOutcome::TimedOut,
                GatewayOutcome::Unreachable,
            ] {
                health.observe(failure);
                assert_eq!(health.state(), GatewayState::Failing { since });
                second();
            }
            health.observe(outcome);
            assert_eq!(health.state(), GatewayState::Answering);
            second();
        }
    }
}
