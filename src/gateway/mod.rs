//! Telenor's gateway as this app's client sees it: its addresses, the client's credentials, one method for each exchange.

pub(crate) mod breaker;
pub(crate) mod client;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, Uri, header};

use crate::{
    access_token::{AccessToken, RefreshToken},
    events::{Endpoint, Event, Events, Outcome},
    failure::FailureCause,
    gateway::{
        breaker::{Breaker, BreakerOpen},
        client::{HttpClient, TransportError, TransportErrorKind},
    },
    oauth::{
        Authorization, ClientAuthentication, Grant, State, TokenRequest, TokenResponse, Verifier,
        token_response,
    },
};

/// Logging out does not keep the user waiting for longer than this.
const LOGOUT: Duration = Duration::from_secs(2);

pub(crate) struct Gateway {
    pub authorization: Authorization,
    pub token_endpoint: Uri,
    pub logout_endpoint: Uri,
    /// What the paths of the Mobile User API are appended to.
    pub base: Box<str>,
    pub client: ClientAuthentication,
    pub client_id: Box<str>,
    /// Sent on both legs or on neither.
    pub redirect_uri: Option<Box<str>>,
    pub pkce: bool,
    pub http: HttpClient,
    /// In front of the token endpoint.
    pub breaker: Breaker,
    pub events: Arc<Events>,
}

/// Why a code, or a refresh token, was not redeemed.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub cause: FailureCause,
    /// For the log; holds nothing that came from the gateway's body.
    pub detail: String,
    /// Nothing reached the gateway, so the very same code may be tried again.
    pub unsent: bool,
}

impl Gateway {
    pub(crate) fn authorization_url(&self, state: &State, challenge: Option<&str>) -> String {
        self.authorization.url(state, challenge)
    }

    /// The token request (RFC 6749 section 4.1.3).
    pub(crate) async fn redeem(
        &self,
        code: &str,
        verifier: Option<&Verifier>,
    ) -> Result<TokenResponse, Refused> {
        let grant = Grant::Code {
            code,
            redirect_uri: self.redirect_uri.as_deref(),
            verifier,
        };
        self.token(grant).await
    }

    /// The same for a refresh token (RFC 6749 section 6).
    pub(crate) async fn refresh(&self, token: &RefreshToken) -> Result<TokenResponse, Refused> {
        let client_id = &self.client_id;
        self.token(Grant::Refresh { token, client_id }).await
    }

    /// Sends nothing while the token endpoint is left alone.
    async fn token(&self, grant: Grant<'_>) -> Result<TokenResponse, Refused> {
        let request = TokenRequest {
            endpoint: &self.token_endpoint,
            client: &self.client,
            grant,
        };
        let permit = self.breaker.admit()?;
        let sent = self.http.send_once(request.build());
        let answer = self.told(Endpoint::Token, sent).await;
        permit.done(match &answer {
            Ok(response) => response.status().is_server_error(),
            Err(error) => error.kind != TransportErrorKind::Unreadable,
        });
        let response = answer?;
        token_response(&response).map_err(|cause| Refused {
            cause,
            detail: format!("the token endpoint answered {}", response.status()),
            unsent: false,
        })
    }

    /// Ends the token at the gateway; whether that worked, which the caller may log.
    pub(crate) async fn logout(&self, token: &AccessToken) -> Result<(), String> {
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = self.logout_endpoint.clone();
        let request = with_token(request, token);
        let sent = self.told(Endpoint::Logout, self.http.send(request));
        match tokio::time::timeout(LOGOUT, sent).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(format!(
                "the logout endpoint answered {}",
                response.status()
            )),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the logout endpoint did not answer in time".to_owned()),
        }
    }

    /// A request for a protected resource, with the token as RFC 6750 section 2.1 has it.
    pub(crate) async fn call(
        &self,
        mut request: Request<Vec<u8>>,
        token: &AccessToken,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().entry(header::ACCEPT).or_insert(json);
        let sent = self.http.send(with_token(request, token));
        self.told(Endpoint::Api, sent).await
    }

    /// The same answer, after its time and outcome were told.
    async fn told(
        &self,
        endpoint: Endpoint,
        sent: impl Future<Output = Result<Response<Vec<u8>>, TransportError>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let started = Instant::now();
        let answer = sent.await;
        let outcome = match &answer {
            Ok(response) if response.status().is_success() => Outcome::Ok,
            Ok(response) if response.status().is_server_error() => Outcome::Failed,
            Ok(_) => Outcome::Refused,
            Err(error) if error.kind == TransportErrorKind::TimedOut => Outcome::TimedOut,
            Err(_) => Outcome::Unreachable,
        };
        self.events.tell(Event::GatewayCall {
            endpoint,
            outcome,
            duration: started.elapsed(),
        });
        answer
    }
}

fn with_token(mut request: Request<Vec<u8>>, token: &AccessToken) -> Request<Vec<u8>> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret()))
        .expect("a token of visible ASCII can stand in a header");
    bearer.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    request
}

impl From<TransportError> for Refused {
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
            unsent: error.unsent,
        }
    }
}

impl From<BreakerOpen> for Refused {
    fn from(_: BreakerOpen) -> Self {
        Self {
            cause: FailureCause::ProviderUnavailable,
            detail: "the token endpoint failed again and again, and is left alone for some seconds"
                .to_owned(),
            unsent: true,
        }
    }
}
