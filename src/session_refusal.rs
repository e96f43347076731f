//! Why a request has no session.
//!
//! The list is closed: a reason has the same name on the page, in the log, in the metric and in the
//! test.

use std::fmt;

/// Why a request has no session.
///
/// It is the `reason` of [`Event::SessionRefused`](crate::events::Event::SessionRefused), and of a
/// login that failed as `login_loop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionRefusal {
    /// The request has no session cookie.
    NoCookie,
    /// The session cookie came twice with different values, or also in another case. A sibling host
    /// may have set one of them.
    CookieTwice,
    /// The cookie is no session token, or was sealed under keys that this instance does not have.
    CookieUnreadable,
    /// The store has no such session: it was ended, it has expired, or another store has it.
    UnknownSession,
    /// The session is from the future: the clock of the instance that made it is ahead.
    FromFuture,
    /// The session has expired.
    Expired,
    /// The session was not used for longer than the idle timeout.
    Idle,
    /// The session belongs to another app with the same store and the same cookie name.
    OtherApp,
    /// The access token has expired or was rejected, and there is no other.
    TokenExpired,
}

impl SessionRefusal {
    /// Every reason.
    #[cfg(any(test, feature = "metrics"))]
    pub(crate) const ALL: [Self; 9] = [
        Self::NoCookie,
        Self::CookieTwice,
        Self::CookieUnreadable,
        Self::UnknownSession,
        Self::FromFuture,
        Self::Expired,
        Self::Idle,
        Self::OtherApp,
        Self::TokenExpired,
    ];

    /// Returns the name in logs, metrics, problem documents and the small print of the page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCookie => "no_cookie",
            Self::CookieTwice => "cookie_twice",
            Self::CookieUnreadable => "cookie_unreadable",
            Self::UnknownSession => "unknown_session",
            Self::FromFuture => "from_future",
            Self::Expired => "expired",
            Self::Idle => "idle",
            Self::OtherApp => "other_app",
            Self::TokenExpired => "token_expired",
        }
    }

    /// Whether the cause is in the browser, where the user can mend it. All others are the
    /// operator's.
    pub(crate) const fn is_of_browser(self) -> bool {
        matches!(self, Self::NoCookie | Self::CookieTwice)
    }

    /// Whether a store that lags, or a clock that is a little behind, may be the cause.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::UnknownSession | Self::FromFuture)
    }

    /// What an operator looks at when this happens just after a login.
    pub(crate) const fn detail_after_login(self) -> &'static str {
        match self {
            Self::NoCookie => "the browser does not send its session cookie",
            Self::CookieTwice => {
                "the browser sends the session cookie twice with different values: another host of \
                 this site may set a cookie of the same name"
            }
            Self::CookieUnreadable => {
                "the session cookie cannot be opened: give the same keys to every instance"
            }
            Self::UnknownSession => {
                "the store does not know the session of a login that ended just now: the instances \
                 need one store, and it must not lag by more than a second"
            }
            Self::FromFuture => "the session is from the future: set the clocks of the instances",
            Self::Expired => "the session of a login that ended just now has expired",
            Self::Idle => "the idle timeout ended the session of a login that ended just now",
            Self::OtherApp => {
                "the session belongs to another app with the same store: give each app a \
                 `cookie_name` of its own"
            }
            Self::TokenExpired => "the gateway does not accept the access token of a new login",
        }
    }
}

impl fmt::Display for SessionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_name_is_the_variant_in_snake_case() {
        let names: HashSet<_> = SessionRefusal::ALL
            .iter()
            .map(|reason| reason.as_str())
            .collect();
        assert_eq!(names.len(), SessionRefusal::ALL.len());
        for reason in SessionRefusal::ALL {
            let plain = reason.as_str().replace('_', "");
            assert_eq!(plain, format!("{reason:?}").to_lowercase());
            assert!(!reason.detail_after_login().is_empty());
        }
    }
}
