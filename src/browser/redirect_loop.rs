//! Does this browser go round in circles?
//!
//! A browser that takes part in a login and then loses the session cookie would be sent to log in for ever, since recognising a line
//! needs nobody's help. So each finished login is counted for a minute. Abandoned ones are not: nobody is locked out for
//! changing their mind.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{
    browser::cookie::{self, CookieNames, Found},
    key::Sealer,
};

const WITHIN: u64 = 60;

#[derive(Serialize, Deserialize)]
struct Count {
    rounds: u8,
    since: u64,
}

pub(crate) struct Rounds(Sealer);

impl Rounds {
    /// As many logins without a click in between are one too many.
    pub(crate) const BY_ITSELF: u8 = 3;
    /// And as many with one, or with what may be one.
    pub(crate) const BY_BUTTON: u8 = 6;

    pub(crate) fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// Counts a login that was finished just now.
    pub(crate) fn finished(
        &self,
        names: &CookieNames,
        headers: &HeaderMap,
        now: u64,
    ) -> HeaderValue {
        let count = match self.open(names, headers, now) {
            Some(count) => Count {
                rounds: count.rounds.saturating_add(1),
                ..count
            },
            None => Count {
                rounds: 1,
                since: now,
            },
        };
        let sealed = self.0.seal(&names.rounds, &count);
        names.set(&names.rounds, &sealed, WITHIN)
    }

    /// How many logins were finished within the last minute.
    pub(crate) fn count(&self, names: &CookieNames, headers: &HeaderMap, now: u64) -> u8 {
        let count = self.open(names, headers, now);
        count.map_or(0, |count| count.rounds)
    }

    fn open(&self, names: &CookieNames, headers: &HeaderMap, now: u64) -> Option<Count> {
        let Found::One(value, _) = cookie::find(headers, &names.rounds) else {
            return None;
        };
        let count: Count = self.0.open(&names.rounds, value)?;
        // Written by a clock that is ahead of ours it counts as well: clocks that disagree are one way into a circle.
        (now.saturating_sub(count.since) < WITHIN).then_some(count)
    }
}
