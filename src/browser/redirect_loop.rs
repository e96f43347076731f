//! Detects a browser that is redirected to log in again and again.
//!
//! A browser that completes a login and then loses the session cookie would be redirected without
//! end, since the recognition of a line needs no action of the user. So each completed login is
//! counted for a minute. Abandoned logins are not counted: a visitor may change their mind.
//!
//! After the first login without a session the cause may have been a restart, so there is a second.

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
/// In seconds: after a login that ended this recently, a store may not know its session yet.
const RECENT: u64 = 10;

#[derive(Serialize, Deserialize)]
struct Count {
    logins: u8,
    since: u64,
    /// When the last of them ended.
    last: u64,
}

/// Another app has set the cookie, or this one under keys that are gone.
pub(crate) struct ForeignCookie;

pub(crate) struct LoopDetector {
    names: Arc<CookieNames>,
    sealer: Sealer,
}

impl LoopDetector {
    /// So many logins without an action of the user are a loop.
    pub(crate) const MAX_AUTOMATIC: u8 = 2;
    /// So many logins that the user may have asked for are a loop.
    pub(crate) const MAX_MANUAL: u8 = 6;

    pub(crate) fn new(names: Arc<CookieNames>, sealer: Sealer) -> Self {
        Self { names, sealer }
    }

    /// Counts a login that has just completed.
    pub(crate) fn record_login(&self, info: &RequestInfo, now: u64) -> HeaderValue {
        let count = match self.open(info, now) {
            Ok(Some(count)) => Count {
                logins: count.logins.saturating_add(1),
                last: now,
                ..count
            },
            Ok(None) | Err(ForeignCookie) => Count {
                logins: 1,
                since: now,
                last: now,
            },
        };
        let name = &self.names.loop_detector;
        let sealed = self.sealer.seal(name, &count);
        self.names.set(name, &sealed, WINDOW)
    }

    /// How many logins were completed within the last minute.
    pub(crate) fn count(&self, info: &RequestInfo, now: u64) -> Result<u8, ForeignCookie> {
        let count = self.open(info, now)?;
        Ok(count.map_or(0, |count| count.logins))
    }

    /// Whether a login ended seconds ago, by this clock or one that is ahead.
    pub(crate) fn is_recent(&self, info: &RequestInfo, now: u64) -> bool {
        let count = self.open(info, now).ok().flatten();
        count.is_some_and(|count| now.saturating_sub(count.last) < RECENT)
    }

    fn open(&self, info: &RequestInfo, now: u64) -> Result<Option<Count>, ForeignCookie> {
        let name = &self.names.loop_detector;
        let Lookup::Unique(value) = info.cookie(name) else {
            return Ok(None);
        };
        let count: Option<Count> = self.sealer.open(name, value.as_bytes());
        let count = count.ok_or(ForeignCookie)?;
        // A count from an instance whose clock is ahead is valid too: clocks that differ are one
        // cause of a loop.
        Ok((now.saturating_sub(count.since) < WINDOW).then_some(count))
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, header};

    use super::*;
    use crate::{
        browser::cookie::CookiePrefix,
        key::{CookieKeys, Purpose},
    };

    #[test]
    fn last_login_is_recent_for_ten_seconds_and_the_first_counts_for_a_minute() {
        let names = CookieNames::new("shop", true, CookiePrefix::Host).unwrap();
        let sealer = CookieKeys::random().sealer(Purpose::LoopDetector, b"");
        let detector = LoopDetector::new(Arc::new(names), sealer);
        let with = |cookie: &str| {
            let request = Request::builder().header(header::COOKIE, cookie);
            RequestInfo::of_request(&request.body(()).unwrap())
        };
        let next = |cookie: &str, now| {
            let line = detector.record_login(&with(cookie), now);
            line.to_str().unwrap().split_once(';').unwrap().0.to_owned()
        };
        let first = next("", 100);
        let second = next(&first, 150);
        let seen = |now| {
            let info = with(&second);
            let count = detector.count(&info, now).ok();
            (count, detector.is_recent(&info, now))
        };
        assert_eq!(seen(150), (Some(2), true));
        assert_eq!(seen(159), (Some(2), true));
        assert_eq!(seen(160), (Some(0), false), "a minute after the first");
        let info = with(&first);
        assert!(detector.is_recent(&info, 109) && !detector.is_recent(&info, 110));
        assert_eq!(detector.count(&info, 110).ok(), Some(1));
    }
}
