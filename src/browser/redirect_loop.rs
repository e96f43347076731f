//! Detects a browser that is redirected to log in again and again.
//!
//! A browser that completes a login and then loses the session cookie would be redirected without
//! end, since the recognition of a line needs no action of the user. So each completed login is
//! counted for a minute. Abandoned logins are not counted: a visitor may change their mind.

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
    /// So many logins without an action of the user are a loop.
    pub(crate) const MAX_AUTOMATIC: u8 = 3;
    /// So many logins that the user may have asked for are a loop.
    pub(crate) const MAX_MANUAL: u8 = 6;

    pub(crate) fn new(names: Arc<CookieNames>, sealer: Sealer) -> Self {
        Self { names, sealer }
    }

    /// Counts a login that has just completed.
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
        // A count from an instance whose clock is ahead is valid too: clocks that differ are one
        // cause of a loop.
        (now.saturating_sub(count.since) < WINDOW).then_some(count)
    }
}
