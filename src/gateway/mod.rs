//! Telenor's gateway: its endpoints, the client's credentials, and one method for each request.

pub(crate) mod breaker;
pub(crate) mod client;
mod connection;
pub(crate) mod endpoints;
pub(crate) mod error;
pub(crate) mod health;
pub(crate) mod hosts;
mod pool;
pub(crate) mod proxy;
mod tls;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, Uri, header};
use zeroize::Zeroize;

use crate::{
    access_token::{AccessToken, RefreshToken},
    events::{Event, Events, GatewayEndpoint, GatewayOutcome},
    failure::FailureCause,
    gateway::{
        breaker::{Breaker, BreakerOpen},
        error::{TransportError, TransportErrorKind},
        health::GatewayHealth,
        hosts::Hosts,
    },
    login_id::LoginId,
    oauth::{
        Authorization, ClientAuthentication, Grant, State, TokenRequest, TokenResponse,
        TokenResponseError, Verifier,
        answer::{MediaType, coding, is_foreign_refusal},
        token_response,
    },
    secret_bytes::authorization,
};

/// The user waits for a logout at the gateway no longer than this.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct Gateway {
    pub authorization: Authorization,
    pub token_endpoint: Uri,
    pub logout_endpoint: Uri,
    pub user_info_endpoint: Uri,
    pub device_info_endpoint: Uri,
    /// The base URL of the gateway's other APIs.
    pub base: Box<str>,
    pub client: ClientAuthentication,
    pub client_id: Box<str>,
    /// Sent in both requests or in neither.
    pub redirect_uri: Option<Box<str>>,
    pub pkce: bool,
    pub hosts: Hosts,
    /// Guards the token endpoint from codes.
    pub code_breaker: Breaker,
    /// Guards it from refresh tokens.
    pub refresh_breaker: Breaker,
    pub health: GatewayHealth,
    pub events: Arc<Events>,
}

/// Why a token request failed.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequestError {
    pub cause: FailureCause,
    /// For the log. It holds nothing from the response's body.
    pub detail: String,
    /// Whether the same code may be sent again, because no byte of it was sent.
    pub retryable: bool,
}

impl Gateway {
    /// `parameters` are those of this login alone.
    pub(crate) fn authorization_url(
        &self,
        state: &State,
        challenge: Option<&str>,
        parameters: &[(String, String)],
    ) -> String {
        self.authorization.url(state, challenge, parameters)
    }

    /// Adds parameters to an authorization URL.
    pub(crate) fn with_parameters<N: AsRef<str>, V: AsRef<str>>(
        &self,
        url: String,
        parameters: impl Iterator<Item = (N, V)>,
    ) -> String {
        self.authorization.with_parameters(url, parameters)
    }

    /// Sends the token request (RFC 6749 section 4.1.3).
    pub(crate) async fn exchange_code(
        &self,
        login: LoginId,
        code: &str,
        verifier: Option<&Verifier>,
    ) -> Result<TokenResponse, TokenRequestError> {
        let grant = Grant::Code {
            code,
            redirect_uri: self.redirect_uri.as_deref(),
            verifier,
        };
        self.token(grant, Some(login)).await
    }

    /// Sends the token request for a refresh token (RFC 6749 section 6).
    pub(crate) async fn refresh(
        &self,
        token: &RefreshToken,
    ) -> Result<TokenResponse, TokenRequestError> {
        let client_id = &self.client_id;
        self.token(Grant::Refresh { token, client_id }, None).await
    }

    /// Sends nothing while the breaker is open.
    async fn token(
        &self,
        grant: Grant<'_>,
        login: Option<LoginId>,
    ) -> Result<TokenResponse, TokenRequestError> {
        let breaker = match grant {
            Grant::Code { .. } => &self.code_breaker,
            Grant::Refresh { .. } => &self.refresh_breaker,
        };
        let request = TokenRequest {
            endpoint: &self.token_endpoint,
            client: &self.client,
            grant,
        };
        let permit = breaker.try_acquire()?;
        let sent = self.hosts.send(request.build());
        let result = self.observe(GatewayEndpoint::Token, login, sent).await;
        permit.record(match &result {
            Ok(response) => response.status().is_server_error(),
            Err(error) => error.kind != TransportErrorKind::Unreadable,
        });
        let mut response = result?;
        let token = token_response(&response);
        response.body_mut().zeroize();
        token.map_err(|TokenResponseError { cause, detail }| TokenRequestError {
            cause,
            detail,
            retryable: false,
        })
    }

    /// Ends the token at the gateway. An error is a text for the log.
    pub(crate) async fn logout(&self, token: &AccessToken) -> Result<(), String> {
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = self.logout_endpoint.clone();
        let request = with_token(request, token);
        let sent = self.observe(GatewayEndpoint::Logout, None, self.hosts.send(request));
        match tokio::time::timeout(LOGOUT_TIMEOUT, sent).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(format!(
                "the logout endpoint answered {}",
                response.status()
            )),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the logout endpoint did not answer in time".to_owned()),
        }
    }

    /// Requests a protected resource, with the token in the header (RFC 6750 section 2.1).
    pub(crate) async fn call(
        &self,
        mut request: Request<Vec<u8>>,
        token: &AccessToken,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().entry(header::ACCEPT).or_insert(json);
        let request = with_token(request, token);
        let sent = async {
            match request.method().is_safe() {
                true => self.hosts.send(request).await,
                false => self.hosts.send_once(request).await,
            }
        };
        self.observe(GatewayEndpoint::Api, None, sent).await
    }

    /// Emits the event of a call, and returns its result.
    async fn observe(
        &self,
        endpoint: GatewayEndpoint,
        login: Option<LoginId>,
        sent: impl Future<Output = Result<Response<Vec<u8>>, TransportError>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let started = Instant::now();
        let result = sent.await;
        let outcome = match &result {
            Ok(response) if response.status().is_success() => GatewayOutcome::Ok,
            Ok(response) if response.status().is_server_error() => GatewayOutcome::Failed,
            Ok(_) => GatewayOutcome::Refused,
            Err(error) if error.kind == TransportErrorKind::TimedOut => GatewayOutcome::TimedOut,
            Err(_) => GatewayOutcome::Unreachable,
        };
        self.health.observe(outcome);
        let login = login.map(|login| login.to_string());
        self.events.emit(Event::GatewayCall {
            login_id: login.as_deref(),
            endpoint,
            outcome,
            duration: started.elapsed(),
        });
        if let Ok(response) = &result {
            warn_of_odd_answer(endpoint, response);
        }
        result
    }
}

/// Logs an answer that something in between has made or changed.
fn warn_of_odd_answer(endpoint: GatewayEndpoint, response: &Response<Vec<u8>>) {
    let coding = coding(response);
    if coding.is_some() || is_foreign_refusal(response) {
        tracing::warn!(
            endpoint = endpoint.as_str(),
            status = response.status().as_u16(),
            content_type = %MediaType::of(response.headers()),
            coding = coding.map(tracing::field::display),
            "the answer cannot be read as the gateway's: look for a firewall or a proxy in between"
        );
    }
}

fn with_token(mut request: Request<Vec<u8>>, token: &AccessToken) -> Request<Vec<u8>> {
    let bearer = authorization("Bearer", token.secret());
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    request
}

impl From<TransportError> for TokenRequestError {
    fn from(error: TransportError) -> Self {
        let cause = match error.kind {
            TransportErrorKind::TimedOut => FailureCause::GatewayTimeout,
            TransportErrorKind::NotConnected | TransportErrorKind::Broken => {
                FailureCause::GatewayUnreachable
            }
            TransportErrorKind::Unreadable => FailureCause::TokenResponseInvalid,
        };
        Self {
            cause,
            detail: error.to_string(),
            retryable: error.unsent,
        }
    }
}

impl From<BreakerOpen> for TokenRequestError {
    fn from(_: BreakerOpen) -> Self {
        Self {
            cause: FailureCause::ProviderUnavailable,
            detail: "the token endpoint has failed for some time: no request is sent for ten \
                     seconds"
                .to_owned(),
            retryable: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S57.
    #[test]
    fn token_is_shown_in_no_debug_output() {
        let token = AccessToken::new("secret".to_owned());
        let request = with_token(Request::new(Vec::new()), &token);
        assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer secret");
        assert!(!format!("{request:?}").contains("secret"));
    }
}
