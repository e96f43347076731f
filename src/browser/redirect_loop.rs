//! Notices a browser that is sent to log in again and again.
//!
//! A browser that takes part in a login and then loses the session cookie would be redirected without
//! end, since recognition of a line takes no person. So each completed login is counted for a
//! minute. Abandoned logins are not counted: a visitor may change their mind.

use std::sync::Arc;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::{
    browser::{
        cookie::{CookieNames, Lookup},
        request::RequestInfo,
    },
    key::Sealer,
};

/// In seconds.
const WINDOW: u64 = 60;

#[derive(Serialize, Deserialize)]
struct Count {
    logins: u8,
    since: u64,
}

pub(crate) struct LoopDetector {
    names: Arc<CookieNames>,
    sealer: Sealer,
}

impl LoopDetector {
    /// This many logins that no person has asked for are a loop.
    pub(crate) const MAX_AUTOMATIC: u8 = 3;
    /// And this many that a person may have asked for.
    pub(crate) const MAX_MANUAL: u8 = 6;

    pub(crate) fn new(names: Arc<CookieNames>, sealer: Sealer) -> Self {
        Self { names, sealer }
    }

    /// Counts a login that was completed just now.
    pub(crate) fn record_login(&self, info: &RequestInfo, now: u64) -> HeaderValue {
        let count = match self.open(info, now) {
            Some(count) => Count {
                logins: count.logins.saturating_add(1),
                ..count
            },
            None => Count {
                logins: 1,
                since: now,
            },
        };
        let name = &self.names.loop_detector;
        let sealed = self.sealer.seal(name, &count);
        self.names.set(name, &sealed, WINDOW)
    }

    /// How many logins were completed within the last minute.
    pub(crate) fn count(&self, info: &RequestInfo, now: u64) -> u8 {
        self.open(info, now).map_or(0, |count| count.logins)
    }

    fn open(&self, info: &RequestInfo, now: u64) -> Option<Count> {
        let name = &self.names.loop_detector;
        let Lookup::Unique(value) = info.cookie(name) else {
            return None;
        };
        let count: Count = self.sealer.open(name, value.as_bytes())?;
        // One that a clock ahead of ours wrote counts as well: clocks that differ are one way into
        // a loop.
        (now.saturating_sub(count.since) < WINDOW).then_some(count)
    }
}
