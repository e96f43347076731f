//! A call to an API of the gateway, with the user's token.

use std::{fmt, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use serde::{Serialize, de::DeserializeOwned};
use url::form_urlencoded;

use super::{
    ApiError, ApiErrorKind, charset,
    gateway_uri::{RequestMistake, gateway_uri},
};
use crate::{
    access_token::AccessToken,
    gateway::error::TransportError,
    oauth::answer::coding,
    user::{RefreshOutcome, TelenorUser},
};

/// For one call with all its attempts.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ATTEMPTS: u32 = 3;
/// The wait before the second attempt is about this long, and the next one twice that.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);

/// A builder of an API call. [`send`](Self::send) sends it.
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
#[must_use = "a request does nothing until it is sent"]
pub struct ApiRequest<'u> {
    user: &'u TelenorUser,
    method: Method,
    path: String,
    /// An endpoint of the settings, in place of a path.
    endpoint: Option<Uri>,
    headers: HeaderMap,
    body: Vec<u8>,
    mistake: Option<RequestMistake>,
}

impl<'u> ApiRequest<'u> {
    pub(crate) fn new(user: &'u TelenorUser, method: Method, path: &str) -> Self {
        Self {
            user,
            method,
            path: path.to_owned(),
            endpoint: None,
            headers: HeaderMap::new(),
            body: Vec::new(),
            mistake: None,
        }
    }

    /// A GET of an endpoint of the settings, which need not be on the gateway's host.
    pub(super) fn to_endpoint(user: &'u TelenorUser, endpoint: Uri) -> Self {
        Self {
            endpoint: Some(endpoint),
            ..Self::new(user, Method::GET, "")
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

    /// Sets the body to this value as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body = body,
            Err(_) => self.mistake = Some(RequestMistake::NoJson),
        }
        let json = HeaderValue::from_static("application/json");
        self.header(header::CONTENT_TYPE, json)
    }

    /// Sets the body to these bytes. Set their content type with [`header`](Self::header).
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the call. It takes ten seconds at most, and follows no redirect.
    ///
    /// A GET is sent up to three times if the gateway cannot be reached or is
    /// [unavailable](ApiErrorKind::Unavailable), with exponential backoff and jitter. A GET, HEAD
    /// or OPTIONS is sent again at once if the server closes a connection that was kept open from
    /// an earlier call. If the app [refreshes
    /// tokens](crate::TelenorAuthBuilder::refresh_tokens), a call whose token is no longer valid is
    /// sent once more with a new token, after the refresh and within another ten seconds. No other
    /// call is sent twice.
    ///
    /// # Errors
    ///
    /// [`ApiError`], also for every status other than success. If the token is no longer valid and
    /// cannot be refreshed, the user's session ends. If the session has ended, nothing is sent, and
    /// the kind is [`SessionEnded`](ApiErrorKind::SessionEnded).
    pub async fn send(self) -> Result<ApiResponse, ApiError> {
        let (user, backend) = (self.user, self.user.backend());
        let uri = match self.uri() {
            Ok(uri) => uri,
            Err(mistake) => return Err(ApiError::invalid(mistake).with_request(user)),
        };
        let current = user.confirmed().await?;
        let mut result = self.call(&uri, current.session.access_token()).await;
        if is_unauthorized(&result) {
            match Arc::clone(backend).refresh(&current).await {
                Some(RefreshOutcome::Refreshed(session)) => {
                    result = self.call(&uri, session.access_token()).await;
                    // A new token is valid: this API accepts no token of this session.
                    if is_unauthorized(&result) {
                        Arc::clone(backend).end_session(current).await;
                    }
                }
                Some(RefreshOutcome::Ended | RefreshOutcome::Unavailable(_)) => {}
                None => Arc::clone(backend).end_session(current).await,
            }
        }
        result.map_err(|error| error.with_request(user))
    }

    fn uri(&self) -> Result<Uri, RequestMistake> {
        match (self.mistake, &self.endpoint) {
            (Some(mistake), _) => Err(mistake),
            (None, Some(endpoint)) => Ok(endpoint.clone()),
            (None, None) if self.method == Method::CONNECT => Err(RequestMistake::Method),
            (None, None) => gateway_uri(self.user.backend().base(), &self.path),
        }
    }

    /// Calls with this token, with all attempts.
    async fn call(&self, uri: &Uri, token: &AccessToken) -> Result<ApiResponse, ApiError> {
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
            let mut attempt = 0;
            loop {
                attempt += 1;
                let result = self.user.backend().call(build(), token).await;
                if attempt == attempts || !is_transient(&result) {
                    return result;
                }
                tokio::time::sleep(backoff(attempt)).await;
            }
        };
        match tokio::time::timeout(TOTAL_TIMEOUT, call).await {
            Ok(Ok(response)) if is_success(&response) => Ok(ApiResponse(response)),
            Ok(Ok(response)) => Err(ApiError::from_response(&response)),
            Ok(Err(error)) => Err(ApiError::from_transport(&error)),
            Err(_) => Err(ApiError::timed_out()),
        }
    }
}

/// Whether the gateway says that the token is no longer valid.
fn is_unauthorized(result: &Result<ApiResponse, ApiError>) -> bool {
    matches!(result, Err(error) if error.kind() == ApiErrorKind::Unauthorized)
}

/// Whether the call succeeded, with a body that can be read.
fn is_success(response: &Response<Vec<u8>>) -> bool {
    response.status().is_success() && coding(response).is_none()
}

/// Whether the same call may succeed in a moment.
fn is_transient(result: &Result<Response<Vec<u8>>, TransportError>) -> bool {
    match result {
        Ok(response) if is_success(response) => false,
        Ok(response) => match ApiError::from_response(response).kind() {
            ApiErrorKind::Unavailable => true,
            ApiErrorKind::Unauthorized => false,
            _ => response.status().is_server_error(),
        },
        Err(error) => error.unsent,
    }
}

/// The backoff with a jitter of half of it up or down, against a thundering herd.
fn backoff(attempt: u32) -> Duration {
    let jitter = f64::from(rand::random::<u16>()) / f64::from(u16::MAX);
    (INITIAL_BACKOFF * 2_u32.pow(attempt - 1)).mul_f64(0.5 + jitter)
}

impl fmt::Debug for ApiRequest<'_> {
    /// Path and body may hold a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A successful response of an API. `Debug` shows the status only.
#[derive(Clone)]
pub struct ApiResponse(Response<Vec<u8>>);

impl ApiResponse {
    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// Returns the body. It has 64 KiB at most: a longer one is an error.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.body()
    }

    /// Deserializes the body from JSON into your own type. It may be in UTF-8, UTF-16, ISO-8859-1
    /// or Windows-1252.
    ///
    /// # Errors
    ///
    /// [`ApiErrorKind::Unexpected`] if the body does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = charset::decode(self.0.body());
        serde_json::from_str(&text).map_err(|_| ApiError::new(ApiErrorKind::Unexpected))
    }
}

impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiResponse")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_and_differs_by_half_at_most() {
        for (attempt, usual) in [(1, 100), (2, 200)] {
            let bounds = Duration::from_millis(usual / 2)..=Duration::from_millis(usual * 3 / 2);
            for _ in 0..100 {
                let wait = backoff(attempt);
                assert!(bounds.contains(&wait), "{attempt}: {wait:?}");
            }
        }
    }

    #[test]
    fn response_has_the_status_of_the_gateway() {
        let response = Response::builder().status(201).body(Vec::new()).unwrap();
        assert_eq!(ApiResponse(response).status(), StatusCode::CREATED);
    }
}
