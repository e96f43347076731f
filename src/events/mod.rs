//! What happens, told once: to the log, to metrics, and to the app.
//!
//! Nothing here holds a secret or a person. A login is known by its id from the challenge to the end: a hash of `state`, which Telenor
//! suggests as a message id.
//!
//! | event | `tracing`, level | metric, with the feature `metrics` |
//! | --- | --- | --- |
//! | [`LoginStarted`](Event::LoginStarted) | `login started`, debug | `telenor_auth_logins_started_total` |
//! | [`LoginSucceeded`](Event::LoginSucceeded) | `login succeeded`, info | `telenor_auth_logins_succeeded_total` |
//! | [`LoginFailed`](Event::LoginFailed) | `login failed`, info, or error where the operator must act | `telenor_auth_logins_failed_total`, label `cause` |
//! | [`LoggedOut`](Event::LoggedOut) | `logged out`, info | `telenor_auth_logouts_total` |
//! | [`SessionsRevoked`](Event::SessionsRevoked) | `sessions revoked`, info | `telenor_auth_revocations_total` |
//! | [`TokenRefreshed`](Event::TokenRefreshed) | `token refreshed`, debug | `telenor_auth_refreshes_total` |
//! | [`RefreshFailed`](Event::RefreshFailed) | `refresh failed`, warn | `telenor_auth_refreshes_failed_total`, label `cause` |
//! | [`SessionRefused`](Event::SessionRefused) | `session refused`, debug | `telenor_auth_sessions_refused_total` |
//! | [`StoreFailed`](Event::StoreFailed) | `session store failed`, error | `telenor_auth_store_failures_total` |
//! | [`GatewayCall`](Event::GatewayCall) | `gateway called`, debug, or warn where it did not work | `telenor_auth_gateway_call_seconds`, a histogram, labels `endpoint` and `outcome` |
//! | [`BreakerChanged`](Event::BreakerChanged) | `token endpoint left alone`, warn, or `token endpoint is back`, info | `telenor_auth_breaker_changes_total`, label `state`: `open` or `closed` |

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod metrics;
mod span;

pub use self::span::request_span;

use std::{fmt, time::Duration};

use crate::{error::chain, failure::FailureCause};

/// Something that happened in the layer.
///
/// Every one is also a `tracing` event, and with the feature `metrics` it is counted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// Somebody was sent to Telenor.
    #[non_exhaustive]
    LoginStarted {
        /// Names the login, here and on its pages.
        login_id: &'e str,
    },
    /// Somebody came back with a code, and has a session now.
    #[non_exhaustive]
    LoginSucceeded {
        /// Names the login.
        login_id: &'e str,
        /// Names the session, to whoever may have to [revoke](crate::TelenorAuthLayer::revoke) it.
        session_id: &'e str,
    },
    /// A login, or what claimed to be one, came to nothing.
    #[non_exhaustive]
    LoginFailed {
        /// Names the login, where a `state` came along.
        login_id: Option<&'e str>,
        /// The same as on the page.
        cause: FailureCause,
        /// What an operator may want to know beyond the cause; often empty.
        detail: &'e str,
    },
    /// Somebody logged out here.
    LoggedOut,
    /// The app ended one session, or all.
    #[non_exhaustive]
    SessionsRevoked {
        /// The one.
        session_id: Option<&'e str>,
    },
    /// A session has a new access token.
    #[non_exhaustive]
    TokenRefreshed {
        /// Names the session.
        session_id: &'e str,
    },
    /// A session could not get a new access token.
    #[non_exhaustive]
    RefreshFailed {
        /// Names the session.
        session_id: &'e str,
        /// `code_rejected` ends the session, any other is tried again.
        cause: FailureCause,
        /// What an operator may want to know beyond the cause.
        detail: &'e str,
    },
    /// A session cookie came whose session is over, unknown or another app's.
    SessionRefused,
    /// The session store failed.
    #[non_exhaustive]
    StoreFailed {
        /// Its own words.
        error: &'e str,
    },
    /// A request to the gateway ended.
    #[non_exhaustive]
    GatewayCall {
        /// Which one.
        endpoint: GatewayEndpoint,
        /// How.
        outcome: GatewayOutcome,
        /// How long it took.
        duration: Duration,
    },
    /// The token endpoint is left alone after too many failures, or was found to be back.
    #[non_exhaustive]
    BreakerChanged {
        /// Whether no request is sent, for some seconds at a time.
        open: bool,
        /// How many requests failed in a row before.
        failures: u32,
    },
}

/// What is called at the gateway.
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

/// How a request to the gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GatewayOutcome {
    /// A status of success.
    Ok,
    /// A status of 4xx, or one that makes no sense here.
    Refused,
    /// A status of 5xx.
    Failed,
    /// No answer in time.
    TimedOut,
    /// No answer, or none that could be read.
    Unreachable,
}

impl GatewayEndpoint {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Logout => "logout",
            Self::Api => "api",
        }
    }
}

impl GatewayOutcome {
    /// The name in logs and metrics.
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

/// Where events go.
#[derive(Default)]
pub(crate) struct Events {
    hook: Option<Hook>,
}

impl Events {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        Self { hook }
    }

    pub(crate) fn emit(&self, event: Event<'_>) {
        log(&event);
        metrics::record(&event);
        if let Some(hook) = &self.hook {
            hook(&event);
        }
    }

    pub(crate) fn store_failed(&self, error: &dyn std::error::Error) {
        let error = chain(error);
        self.emit(Event::StoreFailed { error: &error });
    }
}

/// One line for each.
fn log(event: &Event<'_>) {
    match *event {
        Event::LoginStarted { login_id } => tracing::debug!(login_id, "login started"),
        Event::LoginSucceeded {
            login_id,
            session_id,
        } => tracing::info!(login_id, session_id, "login succeeded"),
        Event::LoginFailed {
            login_id,
            cause,
            detail,
        } => {
            if cause.status().is_server_error() {
                tracing::error!(login_id, %cause, detail, "login failed");
            } else {
                tracing::info!(login_id, %cause, detail, "login failed");
            }
        }
        Event::LoggedOut => tracing::info!("logged out"),
        Event::SessionsRevoked { session_id } => {
            tracing::info!(session_id = session_id.unwrap_or("all"), "sessions revoked");
        }
        Event::TokenRefreshed { session_id } => tracing::debug!(session_id, "token refreshed"),
        Event::RefreshFailed {
            session_id,
            cause,
            detail,
        } => tracing::warn!(session_id, %cause, detail, "refresh failed"),
        Event::SessionRefused => tracing::debug!("session refused"),
        Event::StoreFailed { error } => {
            tracing::error!(cause = %FailureCause::StoreUnavailable, error, "session store failed");
        }
        Event::GatewayCall {
            endpoint,
            outcome,
            duration,
        } => {
            let (endpoint, outcome) = (endpoint.as_str(), outcome.as_str());
            let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            if outcome == GatewayOutcome::Ok.as_str() {
                tracing::debug!(endpoint, outcome, milliseconds, "gateway called");
            } else {
                tracing::warn!(endpoint, outcome, milliseconds, "gateway called");
            }
        }
        Event::BreakerChanged { open, failures } => {
            if open {
                tracing::warn!(failures, "token endpoint left alone");
            } else {
                tracing::info!(failures, "token endpoint is back");
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
