//! Whether the layer can serve requests, as a value and as a response.

use std::{fmt, time::SystemTime};

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::{clock::unix_seconds, events::GrantType, gateway::health::GatewayState};

/// Whether a layer can serve requests, from
/// [`TelenorAuthLayer::ready`](crate::TelenorAuthLayer::ready).
///
/// As a response it is 200 or 503, with JSON that no cache keeps:
///
/// ```json
/// {
///   "ready": true,
///   "store": "ok",
///   "keys": "ok",
///   "gateway": "failing",
///   "gateway_failing_since": 1781481600,
///   "breakers": { "authorization_code": "closed", "refresh_token": "closed" }
/// }
/// ```
///
/// `store` is `ok` or `unreachable`, `keys` is `ok` or `not_read_again`, `gateway` is `not_asked`,
/// `answering` or `failing`, and a breaker is `open` or `closed`. The time is in seconds since the
/// Unix epoch.
///
/// It holds no secret, and no text of a store's error, which is in the log.
///
/// ```
/// use http::StatusCode;
/// use telenor_auth::{GatewayState, TelenorAuthLayer, events::GrantType};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), telenor_auth::ConfigError> {
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
/// let readiness = auth.ready().await;
/// assert!(readiness.is_ready() && readiness.is_store_reachable() && readiness.are_keys_current());
/// assert_eq!(readiness.gateway(), GatewayState::NotAsked);
/// assert!(!readiness.is_breaker_open(GrantType::AuthorizationCode));
/// assert_eq!(readiness.to_string(), "ready");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    store_reachable: bool,
    keys_current: bool,
    gateway: GatewayState,
    code_breaker_open: bool,
    refresh_breaker_open: bool,
}

impl Readiness {
    pub(crate) fn new(
        store_reachable: bool,
        keys_current: bool,
        gateway: GatewayState,
        is_breaker_open: impl Fn(GrantType) -> bool,
    ) -> Self {
        Self {
            store_reachable,
            keys_current,
            gateway,
            code_breaker_open: is_breaker_open(GrantType::AuthorizationCode),
            refresh_breaker_open: is_breaker_open(GrantType::RefreshToken),
        }
    }

    /// Returns whether the layer can serve requests: it has its keys, and its store can be reached.
    ///
    /// There is no layer without keys, since [`build`](crate::TelenorAuthBuilder::build) checks
    /// them. So the store decides. The gateway does not: users who are signed in need no gateway,
    /// and all others get a page that says what is wrong.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.store_reachable
    }

    /// Returns whether the session store has answered within two seconds. A store in memory always
    /// does.
    #[must_use]
    pub fn is_store_reachable(&self) -> bool {
        self.store_reachable
    }

    /// Returns whether the keys are those of their source, as far as it was read.
    ///
    /// It is `false` when [`CookieKeys::reload`](crate::CookieKeys::reload) or
    /// [`follow`](crate::CookieKeys::follow) could not read the source the last time. The previous
    /// keys stay in use, so this does not make the layer unready. But do not go on with a change of
    /// keys.
    #[must_use]
    pub fn are_keys_current(&self) -> bool {
        self.keys_current
    }

    /// Returns what the last call has shown of the gateway.
    #[must_use]
    pub fn gateway(&self) -> GatewayState {
        self.gateway
    }

    /// Returns whether the circuit breaker for this grant is open, so that the layer sends no such
    /// token request, or tries whether one succeeds.
    #[must_use]
    pub fn is_breaker_open(&self, grant: GrantType) -> bool {
        match grant {
            GrantType::AuthorizationCode => self.code_breaker_open,
            GrantType::RefreshToken => self.refresh_breaker_open,
        }
    }

    fn to_json(self) -> String {
        let breaker = |grant| match self.is_breaker_open(grant) {
            true => "open",
            false => "closed",
        };
        let mut json = json!({
            "ready": self.is_ready(),
            "store": if self.store_reachable { "ok" } else { "unreachable" },
            "keys": if self.keys_current { "ok" } else { "not_read_again" },
            "gateway": self.gateway.as_str(),
            "breakers": {
                GrantType::AuthorizationCode.as_str(): breaker(GrantType::AuthorizationCode),
                GrantType::RefreshToken.as_str(): breaker(GrantType::RefreshToken),
            },
        });
        if let Some(since) = self.failing_since() {
            json["gateway_failing_since"] = unix_seconds(since).into();
        }
        json.to_string()
    }

    fn failing_since(self) -> Option<SystemTime> {
        match self.gateway {
            GatewayState::Failing { since } => Some(since),
            _ => None,
        }
    }
}

impl IntoResponse for Readiness {
    fn into_response(self) -> Response<Body> {
        let mut response = super::json(self.to_json());
        if !self.is_ready() {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_ready() {
            true => "ready",
            false => "not ready: the session store cannot be reached",
        })
    }
}
