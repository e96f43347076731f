//! The events of the layer. Each is logged, counted, and passed to the app.
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
//! use telenor_auth::{TelenorAuthLayer, events::Event};
//!
//! # fn main() -> Result<(), telenor_auth::ConfigError> {
//! let signed_in = Arc::new(AtomicU64::new(0));
//! let counter = signed_in.clone();
//! let redirect_uri = "https://shop.example/telenor/callback";
//! let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
//!     .on_event(move |event| match event {
//!         Event::LoginSucceeded { .. } => {
//!             counter.fetch_add(1, Ordering::Relaxed);
//!         }
//!         Event::LoginFailed { login_id, cause, .. } => {
//!             eprintln!("the login {login_id:?} failed: {cause}");
//!         }
//!         _ => {} // more events come with later versions
//!     })
//!     .build()?;
//! # let _ = (auth, signed_in);
//! # Ok(()) }
//! ```
//!
//! No event holds a secret or personal data of the layer or of Telenor. The field `path` of
//! [`LoginStarted`](Event::LoginStarted) and [`CrossOriginRefused`](Event::CrossOriginRefused) is a
//! path of the app. An app that puts secrets or names into its paths, as in `/reset/<secret>`,
//! finds them there, and in the log.
//!
//! A login has one id from the challenge to the end: a hash of `state`, which Telenor suggests as a
//! message id.
//!
//! | event | `tracing`, level | metric, with the feature `metrics` |
//! | --- | --- | --- |
//! | [`LoginStarted`](Event::LoginStarted) | `login started`, debug | `telenor_auth_logins_started_total`, label `trigger` |
//! | [`StartPage`](Event::StartPage) | `start page`, debug | `telenor_auth_start_pages_total`, label `step` |
//! | [`LoginSucceeded`](Event::LoginSucceeded) | `login succeeded`, info | `telenor_auth_logins_succeeded_total` |
//! | [`LoginFailed`](Event::LoginFailed) | `login failed`, info, or error where the operator must act | `telenor_auth_logins_failed_total`, label `cause` |
//! | [`LoggedOut`](Event::LoggedOut) | `logged out`, info | `telenor_auth_logouts_total` |
//! | [`SessionsRevoked`](Event::SessionsRevoked) | `sessions revoked`, info | `telenor_auth_revocations_total` |
//! | [`TokenRefreshed`](Event::TokenRefreshed) | `token refreshed`, debug | `telenor_auth_refreshes_total` |
//! | [`RefreshFailed`](Event::RefreshFailed) | `refresh failed`, warn | `telenor_auth_refreshes_failed_total`, label `cause` |
//! | [`SessionRefused`](Event::SessionRefused) | `session refused`, debug | `telenor_auth_sessions_refused_total`, label `reason` |
//! | [`CrossOriginRefused`](Event::CrossOriginRefused) | `cross-origin request refused`, info | `telenor_auth_cross_origin_refused_total` |
//! | [`StoreFailed`](Event::StoreFailed) | `session store failed`, error | `telenor_auth_store_failures_total` |
//! | [`GatewayCall`](Event::GatewayCall) | `gateway called`, debug, or warn if the call failed | `telenor_auth_gateway_call_seconds`, a histogram, labels `endpoint` and `outcome` |
//! | [`BreakerChanged`](Event::BreakerChanged) | `token endpoint breaker opened`, warn, or `token endpoint breaker closed`, info | `telenor_auth_breaker_changes_total`, labels `grant` and `state`: `open` or `closed` |
//!
//! `build` describes every metric, and makes each series exist with the value zero, so that an
//! alert sees the first failure. Install your recorder before you build the layer. The chapter
//! [Monitoring](crate::manual::monitoring) has the labels, a set-up for Prometheus with buckets,
//! alert rules, a board for Grafana, and every other line of the log.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod metrics;
mod span;

pub use self::span::request_span;
pub(crate) use self::span::{login_span, record_login};
pub use crate::session_refusal::SessionRefusal;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use crate::{error::chain, failure::FailureCause, login_id::LoginId};

/// An event of the layer, for the hook [`on_event`](crate::TelenorAuthBuilder::on_event).
///
/// Each is also a `tracing` event. With the feature `metrics` it is counted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// A browser was sent to Telenor.
    #[non_exhaustive]
    LoginStarted {
        /// The id of the login, in events and on its pages.
        login_id: &'e str,
        /// The path that the login leads to, without its query. It is a path of the app, with
        /// every secret or name that the app puts into its paths.
        path: &'e str,
        /// What began it.
        trigger: LoginTrigger,
    },
    /// A login took a step on its way over the [start page](crate::manual::start_page). Each step
    /// of a login counts once on each instance.
    #[non_exhaustive]
    StartPage {
        /// The id of the login.
        login_id: &'e str,
        /// The step.
        step: StartPageStep,
    },
    /// A browser came back with a code, and has a session now.
    #[non_exhaustive]
    LoginSucceeded {
        /// The id of the login.
        login_id: &'e str,
        /// The id of the session, by which the app can [revoke](crate::TelenorAuthLayer::revoke)
        /// it.
        session_id: &'e str,
    },
    /// A login failed, or a callback came that belongs to no login of its browser.
    #[non_exhaustive]
    LoginFailed {
        /// The id of the login, if the request had a `state`.
        login_id: Option<&'e str>,
        /// The cause, the same as on the page.
        cause: FailureCause,
        /// Why the browser has no session although it has just logged in. It is there for the
        /// cause `login_loop`, and where clocks differ.
        reason: Option<SessionRefusal>,
        /// Details for an operator. Often empty.
        detail: &'e str,
    },
    /// A user logged out.
    LoggedOut,
    /// The app ended one session, those of one subject, or all sessions.
    #[non_exhaustive]
    SessionsRevoked {
        /// The session. `None` for more than one.
        session_id: Option<&'e str>,
        /// The subject. `None` for one session, and for all.
        subject: Option<&'e str>,
    },
    /// A session has a new access token.
    #[non_exhaustive]
    TokenRefreshed {
        /// The id of the session.
        session_id: &'e str,
    },
    /// A session could not get a new access token.
    #[non_exhaustive]
    RefreshFailed {
        /// The id of the session.
        session_id: &'e str,
        /// `code_rejected` ends the session. After any other cause the layer tries again.
        cause: FailureCause,
        /// Details for an operator.
        detail: &'e str,
    },
    /// A request had a session cookie, and has no session.
    #[non_exhaustive]
    SessionRefused {
        /// The reason. It is never [`NoCookie`](SessionRefusal::NoCookie).
        reason: SessionRefusal,
    },
    /// A page of another origin had the browser of a signed-in user send a request that can change
    /// something, or open a WebSocket. The layer refused it.
    #[non_exhaustive]
    CrossOriginRefused {
        /// The method of the request.
        method: &'e str,
        /// The path of the request, without the query. It is a path of the app, with every secret
        /// or name that the app puts into its paths.
        path: &'e str,
        /// The origin of the page, as the browser states it, if it does.
        origin: Option<&'e str>,
    },
    /// The session store failed.
    #[non_exhaustive]
    StoreFailed {
        /// The id of the login, if it failed during one.
        login_id: Option<&'e str>,
        /// The store's error text.
        error: &'e str,
    },
    /// A request to the gateway ended.
    #[non_exhaustive]
    GatewayCall {
        /// The id of the login whose code was sent. `None` for every other call.
        login_id: Option<&'e str>,
        /// The endpoint.
        endpoint: GatewayEndpoint,
        /// The outcome.
        outcome: GatewayOutcome,
        /// How long it took.
        duration: Duration,
    },
    /// A circuit breaker of the token endpoint has opened after too many failures, or has closed
    /// again. Codes and refresh tokens have a breaker each.
    #[non_exhaustive]
    BreakerChanged {
        /// The grant whose requests it stops.
        grant: GrantType,
        /// Whether the breaker is open. The layer then sends no such request for ten seconds at a
        /// time.
        open: bool,
        /// How many requests had failed in a row.
        failures: u32,
    },
}

/// What began a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginTrigger {
    /// A request that needed a session and had none.
    Challenge,
    /// The login route: a button or a link.
    Button,
    /// A handler, with a [`TelenorLogin`](crate::TelenorLogin).
    Handler,
}

/// A step of a login on its way over the [start page](crate::manual::start_page).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartPageStep {
    /// The page was shown.
    Shown,
    /// The browser went on to Telenor, by the script, by the link, or by itself.
    Passed,
    /// Telenor sent the browser back, with a code or with an error.
    Returned,
}

/// An endpoint of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GatewayEndpoint {
    /// The token endpoint.
    Token,
    /// The logout endpoint.
    Logout,
    /// An API, with a user's token.
    Api,
}

/// A grant of the token endpoint (RFC 6749 section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrantType {
    /// The code of a login.
    AuthorizationCode,
    /// The refresh token of a session.
    RefreshToken,
}

/// How a request to the gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GatewayOutcome {
    /// A status of success.
    Ok,
    /// A status of 4xx, or an unexpected status.
    Refused,
    /// A status of 5xx.
    Failed,
    /// No response in time.
    TimedOut,
    /// No response, or an unreadable one.
    Unreachable,
}

impl LoginTrigger {
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 3] = [Self::Challenge, Self::Button, Self::Handler];

    /// Returns the name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Button => "button",
            Self::Handler => "handler",
        }
    }
}

impl StartPageStep {
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 3] = [Self::Shown, Self::Passed, Self::Returned];

    /// Returns the name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Passed => "passed",
            Self::Returned => "returned",
        }
    }
}

impl GatewayEndpoint {
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 3] = [Self::Token, Self::Logout, Self::Api];

    /// Returns the name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Logout => "logout",
            Self::Api => "api",
        }
    }
}

impl GrantType {
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 2] = [Self::AuthorizationCode, Self::RefreshToken];

    /// Returns the name in logs and metrics, which is the `grant_type` of the request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }
}

impl GatewayOutcome {
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 5] = [
        Self::Ok,
        Self::Refused,
        Self::Failed,
        Self::TimedOut,
        Self::Unreachable,
    ];

    /// Returns the name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
        }
    }
}

pub(crate) type Hook = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// The receivers of events: the log, the metrics, and the app's hook.
#[derive(Default)]
pub(crate) struct Events {
    hook: Option<Hook>,
}

impl Events {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        metrics::describe();
        Self { hook }
    }

    /// A panic of the app's hook would end the connection of a browser, which may carry other
    /// requests, and lose the response that is being made.
    pub(crate) fn emit(&self, event: Event<'_>) {
        log(&event);
        metrics::record(&event);
        if let Some(hook) = &self.hook
            && catch_unwind(AssertUnwindSafe(|| hook(&event))).is_err()
        {
            tracing::error!("on_event panicked, and the request goes on");
        }
    }

    pub(crate) fn store_failed(&self, error: &dyn std::error::Error) {
        self.store_failed_at(None, error);
    }

    /// The same, during a login.
    pub(crate) fn store_failed_at(&self, login: Option<LoginId>, error: &dyn std::error::Error) {
        let login = login.map(|login| login.to_string());
        self.emit(Event::StoreFailed {
            login_id: login.as_deref(),
            error: &chain(error),
        });
    }
}

/// Logs one line for each event.
fn log(event: &Event<'_>) {
    match *event {
        Event::LoginStarted {
            login_id,
            path,
            trigger,
        } => tracing::debug!(login_id, path, trigger = trigger.as_str(), "login started"),
        Event::StartPage { login_id, step } => {
            tracing::debug!(login_id, step = step.as_str(), "start page");
        }
        Event::LoginSucceeded {
            login_id,
            session_id,
        } => tracing::info!(login_id, session_id, "login succeeded"),
        Event::LoginFailed {
            login_id,
            cause,
            reason,
            detail,
        } => {
            let is_ours = reason.is_some_and(|reason| !reason.is_of_browser());
            let reason = reason.map(SessionRefusal::as_str);
            let is_astray = cause == FailureCause::CallbackAstray;
            if cause.status().is_server_error() || is_ours || is_astray {
                tracing::error!(login_id, %cause, reason, detail, "login failed");
            } else {
                tracing::info!(login_id, %cause, reason, detail, "login failed");
            }
        }
        Event::LoggedOut => tracing::info!("logged out"),
        Event::SessionsRevoked {
            session_id,
            subject,
        } => {
            let session_id = session_id.or_else(|| subject.is_none().then_some("all"));
            tracing::info!(session_id, subject, "sessions revoked");
        }
        Event::TokenRefreshed { session_id } => tracing::debug!(session_id, "token refreshed"),
        Event::RefreshFailed {
            session_id,
            cause,
            detail,
        } => tracing::warn!(session_id, %cause, detail, "refresh failed"),
        Event::SessionRefused { reason } => tracing::debug!(%reason, "session refused"),
        Event::CrossOriginRefused {
            method,
            path,
            origin,
        } => tracing::info!(method, path, origin, "cross-origin request refused"),
        Event::StoreFailed { login_id, error } => {
            let cause = FailureCause::StoreUnavailable;
            tracing::error!(login_id, %cause, error, "session store failed");
        }
        Event::GatewayCall {
            login_id,
            endpoint,
            outcome,
            duration,
        } => {
            let (endpoint, outcome) = (endpoint.as_str(), outcome.as_str());
            let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            if outcome == GatewayOutcome::Ok.as_str() {
                tracing::debug!(login_id, endpoint, outcome, milliseconds, "gateway called");
            } else {
                tracing::warn!(login_id, endpoint, outcome, milliseconds, "gateway called");
            }
        }
        Event::BreakerChanged {
            grant,
            open,
            failures,
        } => {
            let grant = grant.as_str();
            if open {
                tracing::warn!(grant, failures, "token endpoint breaker opened");
            } else {
                tracing::info!(grant, failures, "token endpoint breaker closed");
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("hook", &self.hook.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{Level, Subscriber};
    use tracing_subscriber::{
        Layer,
        layer::{Context, SubscriberExt},
    };

    use super::*;
    use crate::sync::lock;

    /// The levels of what a test logs.
    #[derive(Clone, Default)]
    struct Levels(Arc<Mutex<Vec<Level>>>);

    impl<S: Subscriber> Layer<S> for Levels {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            lock(&self.0).push(*event.metadata().level());
        }
    }

    #[track_caller]
    fn assert_level(event: Event<'_>, level: Level) {
        let levels = Levels::default();
        let subscriber = tracing_subscriber::registry().with(levels.clone());
        tracing::subscriber::with_default(subscriber, || Events::default().emit(event));
        assert_eq!(*lock(&levels.0), [level], "{event:?}");
    }

    #[test]
    fn failed_login_is_an_error_where_the_operator_must_act() {
        use FailureCause::{AccessDenied, CallbackAstray, ClientRejected, LoginLoop, StateExpired};
        use SessionRefusal::{CookieTwice, CookieUnreadable, FromFuture, NoCookie};
        for (cause, reason, level) in [
            (AccessDenied, None, Level::INFO),
            (StateExpired, None, Level::INFO),
            (ClientRejected, None, Level::ERROR),
            (CallbackAstray, None, Level::ERROR),
            // The browser keeps no cookies.
            (LoginLoop, Some(NoCookie), Level::INFO),
            (LoginLoop, Some(CookieTwice), Level::INFO),
            // The instances have different keys, or clocks.
            (LoginLoop, Some(CookieUnreadable), Level::ERROR),
            (StateExpired, Some(FromFuture), Level::ERROR),
        ] {
            let failed = Event::LoginFailed {
                login_id: None,
                cause,
                reason,
                detail: "",
            };
            assert_level(failed, level);
        }
    }

    #[test]
    fn call_of_the_gateway_that_failed_is_a_warning() {
        for (outcome, level) in [
            (GatewayOutcome::Ok, Level::DEBUG),
            (GatewayOutcome::Refused, Level::WARN),
            (GatewayOutcome::Failed, Level::WARN),
            (GatewayOutcome::TimedOut, Level::WARN),
            (GatewayOutcome::Unreachable, Level::WARN),
        ] {
            let call = Event::GatewayCall {
                login_id: None,
                endpoint: GatewayEndpoint::Api,
                outcome,
                duration: Duration::from_millis(20),
            };
            assert_level(call, level);
        }
    }
}
