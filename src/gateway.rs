//! Telenor's gateway as this app's client sees it: its addresses, the client's credentials, one method for each exchange.

use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, Uri, header};

use crate::{
    FailureCause,
    access_token::AccessToken,
    http_client::{HttpClient, TransportError, TransportErrorKind},
    oauth::{
        Authorization, ClientAuthentication, State, TokenRequest, TokenResponse, Verifier,
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
    /// Sent on both legs or on neither.
    pub redirect_uri: Option<Box<str>>,
    pub pkce: bool,
    pub http: HttpClient,
}

/// Why a code was not redeemed.
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
        let request = TokenRequest {
            endpoint: &self.token_endpoint,
            client: &self.client,
            code,
            redirect_uri: self.redirect_uri.as_deref(),
            verifier,
        };
        let response = self.http.send_once(request.build()).await?;
        token_response(&response).map_err(|cause| Refused {
            cause,
            detail: format!("the token endpoint answered {}", response.status()),
            unsent: false,
        })
    }

    /// Ends the token at the gateway; whether that worked, which the caller may log.
    pub(crate) async fn logout(&self, token: &AccessToken) -> Result<(), String> {
        let request = bearer(Method::GET, self.logout_endpoint.clone(), token, "*/*");
        match tokio::time::timeout(LOGOUT, self.http.send(request)).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(format!(
                "the logout endpoint answered {}",
                response.status()
            )),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the logout endpoint did not answer in time".to_owned()),
        }
    }

    /// A request for a protected resource (RFC 6750 section 2.1) at a path that starts with a slash.
    pub(crate) async fn get(
        &self,
        path: &str,
        token: &AccessToken,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let uri = Uri::try_from(format!("{}{path}", self.base))
            .expect("the base is checked when built, and the paths are our own");
        let request = bearer(Method::GET, uri, token, "application/json");
        self.http.send(request).await
    }
}

fn bearer(method: Method, uri: Uri, token: &AccessToken, accept: &'static str) -> Request<Vec<u8>> {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret()))
        .expect("a token of visible ASCII can stand in a header");
    bearer.set_sensitive(true);
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, bearer);
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
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
            unsent: error.kind == TransportErrorKind::NotConnected,
        }
    }
}
