//! One call to an API of the gateway, with the user's token.

use std::{fmt, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use serde::{Serialize, de::DeserializeOwned};
use url::form_urlencoded;

use super::{ApiError, ApiErrorKind, path};
use crate::{
    access_token::AccessToken,
    gateway::client::TransportError,
    user::{CurrentSession, RefreshOutcome, TelenorUser},
};

/// One call, all tries together.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ATTEMPTS: u32 = 3;
/// The wait before the second try is about this long, the next twice that.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);

/// A call that is being put together; [`send`](Self::send) makes it.
///
/// ```
/// use http::Method;
/// use telenor_auth::{ApiError, TelenorUser};
///
/// async fn remind(user: TelenorUser) -> Result<(), ApiError> {
///     user.request(Method::POST, "/some-product/v1/reminders")
///         .json(&[("text", "Husk brødet")])
///         .send()
///         .await?;
///     Ok(())
/// }
/// ```
#[must_use = "nothing is sent before `send`"]
pub struct ApiRequest<'u> {
    user: &'u TelenorUser,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    valid: bool,
}

impl<'u> ApiRequest<'u> {
    pub(crate) fn new(user: &'u TelenorUser, method: Method, path: &str) -> Self {
        Self {
            user,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            valid: true,
        }
    }

    /// Adds a query parameter, percent-encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let pair = form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish();
        self.path = format!("{}{mark}{pair}", self.path);
        self
    }

    /// Sets a header. `Authorization` stays the user's token.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends this as a JSON body.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body = body,
            Err(_) => self.valid = false,
        }
        let json = HeaderValue::from_static("application/json");
        self.header(header::CONTENT_TYPE, json)
    }

    /// Sends these bytes as the body; say with [`header`](Self::header) what they are.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Makes the call, within ten seconds and without following a redirect.
    ///
    /// A GET that meets a server error or cannot connect is tried up to three times, with pauses that grow and vary. Where the app
    /// [refreshes](crate::|builder| builder.refresh_tokens(true)) tokens, a call that is refused because its token is dead is made once more, with
    /// another one, for which it may take ten seconds again and the time of the refresh. Nothing else is sent twice.
    ///
    /// # Errors
    ///
    /// [`ApiError`], for every status but success too. When the token turns out to be dead, and there is no other, the user's session ends here.
    pub async fn send(self) -> Result<ApiResponse, ApiError> {
        let (user, backend, current) = (self.user, self.user.backend(), self.user.current());
        let uri = path::on_gateway(backend.base(), &self.path).filter(|_| self.valid);
        let Some(uri) = uri else {
            return Err(ApiError::new(ApiErrorKind::InvalidRequest).with_request(user));
        };
        let mut answer = self.answer(&uri, user.access_token()).await;
        if is_refused(&answer) {
            match Arc::clone(backend).refresh(current).await {
                Some(RefreshOutcome::Refreshed(session)) => {
                    answer = self.answer(&uri, session.access_token()).await;
                    // A new token is not dead: this API accepts none of this session.
                    if is_refused(&answer) {
                        let token = current.token.clone();
                        let refreshed = CurrentSession { token, session };
                        Arc::clone(backend).end_session(refreshed).await;
                    }
                }
                Some(RefreshOutcome::Ended | RefreshOutcome::Unavailable(_)) => {}
                None => Arc::clone(backend).end_session(current.clone()).await,
            }
        }
        answer.map_err(|error| error.with_request(user))
    }

    /// What comes of it with this token, all tries together.
    async fn answer(&self, uri: &Uri, token: &AccessToken) -> Result<ApiResponse, ApiError> {
        let build = || {
            let mut request = Request::new(self.body.clone());
            *request.method_mut() = self.method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = self.headers.clone();
            request
        };
        let attempts = if self.method == Method::GET {
            MAX_ATTEMPTS
        } else {
            1
        };
        let call = async {
            let mut tried = 0;
            loop {
                tried += 1;
                let answer = self.user.backend().call(build(), token).await;
                if tried == attempts || !is_transient(&answer) {
                    return answer;
                }
                tokio::time::sleep(backoff(tried)).await;
            }
        };
        match tokio::time::timeout(TOTAL_TIMEOUT, call).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(ApiResponse(response)),
            Ok(Ok(response)) => Err(ApiError::answered(&response)),
            Ok(Err(error)) => Err(ApiError::transport(&error)),
            Err(_) => Err(ApiError::timed_out()),
        }
    }
}

/// Whether the token is said to be dead.
fn is_refused(answer: &Result<ApiResponse, ApiError>) -> bool {
    matches!(answer, Err(error) if error.kind() == ApiErrorKind::Unauthorized)
}

/// Whether the same call may fare better in a moment.
fn is_transient(answer: &Result<Response<Vec<u8>>, TransportError>) -> bool {
    match answer {
        Ok(response) => {
            let dead = || ApiError::answered(response).kind() == ApiErrorKind::Unauthorized;
            response.status().is_server_error() && !dead()
        }
        Err(error) => error.unsent,
    }
}

/// Between half of it and one and a half times, so that those who failed together do not come back together.
fn backoff(tried: u32) -> Duration {
    let jitter = f64::from(rand::random::<u16>()) / f64::from(u16::MAX);
    (INITIAL_BACKOFF * 2_u32.pow(tried - 1)).mul_f64(0.5 + jitter)
}

impl fmt::Debug for ApiRequest<'_> {
    /// Path and body may hold a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// What an API answered, with a status of success. `Debug` shows the status only.
#[derive(Clone)]
pub struct ApiResponse(Response<Vec<u8>>);

impl ApiResponse {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The body, at most 64 KiB of it: a longer one is an error.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.body()
    }

    /// The body as JSON, in a shape of your own.
    ///
    /// # Errors
    ///
    /// [`ApiErrorKind::Unexpected`] when it does not fit that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(self.0.body()).map_err(|_| ApiError::new(ApiErrorKind::Unexpected))
    }

    pub(super) fn into_body(self) -> Vec<u8> {
        self.0.into_body()
    }
}

impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiResponse")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
