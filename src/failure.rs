//! Why a login, a logout or a request failed.
//!
//! The list is closed: a cause has the same name on the page, in the log, in the metric and in the
//! test.

use std::fmt;

use http::StatusCode;

/// One row per cause, so that [`FailureCause::ALL`] cannot miss one.
macro_rules! failure_causes {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $status:ident;)+) => {
        /// Why a login, a logout or a request failed.
        ///
        /// The cause decides the status and the page. Logs and metrics show its
        /// [name](Self::as_str).
        ///
        /// ```
        /// use telenor_auth::FailureCause;
        ///
        /// assert_eq!(FailureCause::AccessDenied.as_str(), "access_denied");
        /// assert_eq!(FailureCause::AccessDenied.status(), 403);
        /// ```
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FailureCause {
            $($(#[$doc])* $variant,)+
        }

        impl FailureCause {
            /// Every cause.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the name of the cause in logs, metrics, problem documents and the small
            /// print of the page.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the status of the response that reports the cause.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }
        }
    };
}

failure_causes! {
    /// The user said no at Telenor, and nothing was shared.
    AccessDenied, "access_denied", FORBIDDEN;
    /// Telenor did not recognize the line: Wi-Fi, a VPN, a private relay, another operator's SIM,
    /// or a question on the phone (USSD) without an answer.
    LineNotRecognized, "line_not_recognized", FORBIDDEN;
    /// Telenor refused the authorization request itself: the app is not set up correctly.
    ProviderRefused, "provider_refused", BAD_GATEWAY;
    /// Telenor had an error of its own during the login (`server_error`).
    ProviderError, "provider_error", BAD_GATEWAY;
    /// Telenor cannot take logins at the moment (`temporarily_unavailable`), or failed so often
    /// that the layer pauses its requests.
    ProviderUnavailable, "provider_unavailable", SERVICE_UNAVAILABLE;
    /// The address of the callback cannot be read: parameters are missing, doubled or broken.
    CallbackMalformed, "callback_malformed", BAD_REQUEST;
    /// The callback arrived at another path than the redirect URI's: a proxy or a router changes
    /// the path. The code was not redeemed, and the operator must act.
    CallbackAstray, "callback_astray", BAD_REQUEST;
    /// An error came to the callback, and this browser has no login that it can belong to. Anyone
    /// can make such a link, so it says nothing about the gateway.
    ErrorWithoutLogin, "error_without_login", BAD_REQUEST;
    /// This browser did not start that login: another browser, an in-app browser, or cookies are
    /// off.
    StateUnknown, "state_unknown", BAD_REQUEST;
    /// The login took longer than it may.
    StateExpired, "state_expired", BAD_REQUEST;
    /// The gateway rejects the authorization code: it has been used, or has expired.
    CodeRejected, "code_rejected", BAD_REQUEST;
    /// The callback came again, and its code was sent before: the user went back along the way, a
    /// callback was copied, or another instance sent the code and left no outcome that can be used.
    /// The code was not sent again.
    CodeReplayed, "code_replayed", BAD_REQUEST;
    /// The gateway refused the client id or the client secret. The operator must act.
    ClientRejected, "client_rejected", BAD_GATEWAY;
    /// The answer of the token endpoint is not a token response.
    TokenResponseInvalid, "token_response_invalid", BAD_GATEWAY;
    /// The gateway did not answer in time.
    GatewayTimeout, "gateway_timeout", GATEWAY_TIMEOUT;
    /// No connection to the gateway could be made or kept.
    GatewayUnreachable, "gateway_unreachable", BAD_GATEWAY;
    /// The gateway asked the app to slow down (429).
    GatewayBusy, "gateway_busy", SERVICE_UNAVAILABLE;
    /// The limit on concurrent token requests is reached: `max_token_requests` of the builder.
    TooManyLogins, "too_many_logins", SERVICE_UNAVAILABLE;
    /// The session does not fit a cookie.
    SessionTooLarge, "session_too_large", INTERNAL_SERVER_ERROR;
    /// The session store does not answer.
    StoreUnavailable, "store_unavailable", SERVICE_UNAVAILABLE;
    /// Several logins within a minute, and the session cookie never came back: cookies are blocked,
    /// or a clock is wrong.
    LoginLoop, "login_loop", BAD_REQUEST;
    /// Telenor recognized the line, and the app refused the login.
    LoginRefused, "login_refused", FORBIDDEN;
    /// Telenor recognized the line, and the app's own part of the login failed: its hook returned
    /// an error, panicked, or took too long.
    LoginHookFailed, "login_hook_failed", INTERNAL_SERVER_ERROR;
    /// The request needs a session and has none.
    LoginRequired, "login_required", UNAUTHORIZED;
    /// The user logged in too long ago for what the handler does (RFC 9470).
    InsufficientUserAuthentication, "insufficient_user_authentication", UNAUTHORIZED;
    /// A form was posted without a session. It was neither stored nor passed on.
    FormNotSent, "form_not_sent", UNAUTHORIZED;
    /// Another site asked for the logout, or the browser does not say that a page of the app did.
    CrossSiteRequest, "cross_site_request", FORBIDDEN;
    /// A page of another origin had the browser of a signed-in user send a request that can change
    /// something, or open a WebSocket. It did not reach the app.
    CrossOriginRequest, "cross_origin_request", FORBIDDEN;
    /// A script of another origin, or a client that names no origin, asked for a route that is only
    /// for pages of the app. Or it sent a CORS preflight.
    ForeignOrigin, "foreign_origin", FORBIDDEN;
    /// A route of the layer was called with a method it does not have.
    MethodNotAllowed, "method_not_allowed", METHOD_NOT_ALLOWED;
    /// The browser prefetched a page. That must not start or finish a login.
    SpeculativeRequest, "speculative_request", SERVICE_UNAVAILABLE;
    /// An error in this crate or in how it is mounted.
    Internal, "internal", INTERNAL_SERVER_ERROR;
}

impl FailureCause {
    /// The cause of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let cause = Self::ALL.iter().find(|cause| cause.as_str() == name);
        cause.copied()
    }

    /// The cause for an error code of the authorization endpoint (RFC 6749 section 4.1.2.1, OpenID
    /// Connect Core section 3.1.2.6). Telenor documents only the first.
    pub(crate) fn of_authorization_error(code: &str) -> Self {
        match code {
            "access_denied" => Self::AccessDenied,
            "login_required" | "interaction_required" => Self::LineNotRecognized,
            "server_error" => Self::ProviderError,
            "temporarily_unavailable" => Self::ProviderUnavailable,
            _ => Self::ProviderRefused,
        }
    }

    /// Whether the reason for the missing session says more about this cause.
    pub(crate) const fn has_reason(self) -> bool {
        matches!(
            self,
            Self::LoginLoop | Self::LoginRequired | Self::StateExpired
        )
    }

    /// Whether a login is what the client lacks.
    pub(crate) const fn needs_login(self) -> bool {
        matches!(
            self,
            Self::LoginRequired | Self::InsufficientUserAuthentication
        )
    }

    /// Seconds for `Retry-After`, for the causes that go away by themselves.
    pub(crate) const fn retry_after(self) -> Option<u32> {
        match self {
            // A login holds its place for ten seconds at most, mostly far less.
            Self::TooManyLogins => Some(5),
            Self::StoreUnavailable => Some(10),
            // The page says half a minute.
            Self::ProviderUnavailable | Self::GatewayBusy => Some(30),
            // Prefetching proxies then send this site no requests for a while.
            Self::SpeculativeRequest => Some(60),
            _ => None,
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn unknown_error_codes_have_a_cause() {
        let cause = FailureCause::of_authorization_error;
        assert_eq!(cause("access_denied"), FailureCause::AccessDenied);
        assert_eq!(cause("<b>"), FailureCause::ProviderRefused);
        assert_eq!(cause("invalid_scope"), FailureCause::ProviderRefused);
    }

    #[test]
    fn error_of_the_provider_itself_is_no_refusal() {
        let cause = FailureCause::of_authorization_error;
        assert_eq!(cause("server_error"), FailureCause::ProviderError);
        let unavailable = cause("temporarily_unavailable");
        assert_eq!(unavailable, FailureCause::ProviderUnavailable);
    }

    #[test]
    fn each_cause_is_found_by_its_name() {
        for cause in FailureCause::ALL {
            assert_eq!(FailureCause::named(cause.as_str()), Some(*cause));
        }
        assert_eq!(FailureCause::named("another"), None);
    }

    fn causes(which: impl Fn(FailureCause) -> bool) -> Vec<FailureCause> {
        let all = FailureCause::ALL.iter().copied();
        all.filter(|cause| which(*cause)).collect()
    }

    #[test]
    fn login_is_what_is_missing_where_no_form_was_lost() {
        let unauthorized = causes(|cause| cause.status() == 401);
        let mut needs_login = causes(FailureCause::needs_login);
        needs_login.push(FailureCause::FormNotSent);
        assert_eq!(needs_login, unauthorized);
    }

    #[test]
    fn reason_for_the_missing_session_is_shown_where_it_is_the_cause() {
        let expected = [
            FailureCause::StateExpired,
            FailureCause::LoginLoop,
            FailureCause::LoginRequired,
        ];
        assert_eq!(causes(FailureCause::has_reason), expected);
    }

    #[test]
    fn line_that_could_not_be_identified_is_not_recognized() {
        for error in ["login_required", "interaction_required"] {
            let cause = FailureCause::of_authorization_error(error);
            assert_eq!(cause, FailureCause::LineNotRecognized);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = FailureCause::ALL
            .iter()
            .map(|cause| cause.as_str())
            .collect();
        assert_eq!(names.len(), FailureCause::ALL.len());
    }

    #[test]
    fn the_name_is_the_variant_in_snake_case() {
        for cause in FailureCause::ALL {
            let mut snake = String::new();
            for letter in format!("{cause:?}").chars() {
                if letter.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            assert_eq!(cause.as_str(), snake);
            assert_eq!(cause.to_string(), snake);
        }
    }

    #[test]
    fn every_status_is_an_error() {
        for cause in FailureCause::ALL {
            let status = cause.status();
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{cause}: {status}"
            );
        }
    }

    #[test]
    fn exactly_the_503s_have_retry_after() {
        for cause in FailureCause::ALL {
            assert_eq!(
                cause.retry_after().is_some(),
                cause.status() == 503,
                "{cause}"
            );
        }
    }
}
