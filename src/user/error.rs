//! The error of an API call, parsed from all the shapes that the gateway's errors have.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use axum_core::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::{
    browser::{language::Language, request::RequestInfo},
    failure::FailureCause,
    gateway::error::{TransportError, TransportErrorKind},
    oauth::answer::{coding, error_object, is_foreign_refusal},
    response::{self, Problem},
    user::{TelenorUser, Unconfirmed, UserBackend, gateway_uri::RequestMistake},
};

const MAX_DESCRIPTION: usize = 256;

/// A call to one of Telenor's APIs failed.
///
/// Return it from a handler: it is a response. If the token is no longer valid, the response sends
/// a page to log in again, and is a 401 for a script. For any other error, it says what can be
/// done, and by whom.
///
/// `Display` and `Debug` show only the status and the code of the gateway's response.
///
/// # In an error type of your own
///
/// A type that answers every error with 500 would answer 500 to a user whose token has ended. Pass
/// this error on as the response that it is:
///
/// ```
/// use axum::{http::StatusCode, response::{IntoResponse, Response}};
/// use telenor_auth::{ApiError, TelenorUser};
///
/// enum ShopError {
///     Telenor(ApiError),
///     Database(std::io::Error),
/// }
///
/// impl From<ApiError> for ShopError {
///     fn from(error: ApiError) -> Self {
///         Self::Telenor(error)
///     }
/// }
///
/// impl IntoResponse for ShopError {
///     fn into_response(self) -> Response {
///         match self {
///             Self::Telenor(error) => error.into_response(),
///             Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
///         }
///     }
/// }
///
/// async fn checkout(user: TelenorUser) -> Result<String, ShopError> {
///     let info = user.info().await?;
///     Ok(info.birth_date().unwrap_or("unknown").to_owned())
/// }
/// ```
///
/// Where the type is lost, as in a `Box<dyn Error>` or an `anyhow::Error`,
/// [`response_for`](Self::response_for) finds it again.
pub struct ApiError {
    kind: ApiErrorKind,
    status: Option<StatusCode>,
    code: Option<u32>,
    description: Option<Box<str>>,
    retry_after: Option<Duration>,
    timed_out: bool,
    /// Why nothing was sent.
    mistake: Option<RequestMistake>,
    request: Option<Box<(Arc<dyn UserBackend>, RequestInfo)>>,
}

/// The kind of an [`ApiError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// The token is no longer valid: the user must log in again.
    Unauthorized,
    /// The user's session has ended, for example by a logout. Nothing was sent: the user must log
    /// in again. An app that keeps a [`TelenorUser`] beyond its request can get this.
    SessionEnded,
    /// The token is valid, but not for this call.
    Forbidden,
    /// The app is not set up for this API at Telenor.
    NotConfigured,
    /// The gateway has nothing at this path.
    NotFound,
    /// Too many calls were made: wait.
    RateLimited,
    /// The gateway does not respond, or reports an error of its own. Or something in between
    /// responds in its place: a refusal (401, 403) whose body is no JSON object, or a body in a
    /// coding that was not asked for.
    Unavailable,
    /// The session store does not say whether the user's session goes on. Nothing was sent. An app
    /// that keeps a [`TelenorUser`] beyond its request can get this.
    StoreUnavailable,
    /// The response is undocumented.
    Unexpected,
    /// Nothing was sent: the path may lead off the gateway, or the body cannot be serialized to
    /// JSON. The error's text says what to change.
    InvalidRequest,
}

impl ApiError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ApiErrorKind {
        self.kind
    }

    /// Returns the status of the gateway's response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the gateway's error code, such as 40106 for an expired token. Telenor lists the
    /// codes with each of its APIs, and all of them at [one][page].
    ///
    /// [page]: https://developer.telenor.no/api/administration/mobilesubscriptioninfoapi/docs/ref/organizations.html
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        self.code
    }

    /// Returns the gateway's own text, for a developer. It may name the client or the user: keep it
    /// out of pages and logs.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns how long the gateway asks the app to wait, an hour at most.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the response for an error that is an [`ApiError`], or was caused by one. It returns
    /// `None` for all others.
    ///
    /// ```
    /// use std::error::Error;
    /// use axum::{http::StatusCode, response::{IntoResponse, Response}};
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// /// Any error. An `anyhow::Error` in place of the box works as well.
    /// struct AnyError(Box<dyn Error + Send + Sync>);
    ///
    /// impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for AnyError {
    ///     fn from(error: E) -> Self {
    ///         Self(error.into())
    ///     }
    /// }
    ///
    /// impl IntoResponse for AnyError {
    ///     fn into_response(self) -> Response {
    ///         let other = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
    ///         ApiError::response_for(&*self.0).unwrap_or_else(other)
    ///     }
    /// }
    ///
    /// async fn checkout(user: TelenorUser) -> Result<String, AnyError> {
    ///     let info = user.info().await?;
    ///     Ok(info.birth_date().unwrap_or("unknown").to_owned())
    /// }
    /// ```
    #[must_use]
    pub fn response_for(error: &(dyn Error + 'static)) -> Option<Response> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<Self>() {
                return Some(error.response());
            }
            next = match error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
            {
                // Its source is that of the error inside it.
                Some(inside) => Some(inside),
                None => error.source(),
            };
        }
        None
    }

    pub(crate) fn from_response(response: &http::Response<Vec<u8>>) -> Self {
        let body = Value::Object(error_object(response).unwrap_or_default());
        let code = &body["errorCode"];
        let code = code.as_u64().or_else(|| code.as_str()?.parse().ok());
        let code = code.and_then(|code| u32::try_from(code).ok());
        let fault = body["fault"]["detail"]["errorcode"]
            .as_str()
            .unwrap_or_default();
        let descriptions = [
            &body["description"],
            &body["error_description"],
            &body["Error"],
            &body["fault"]["faultstring"],
        ];
        let description = descriptions.into_iter().find_map(Value::as_str);
        // The status alone says that there are too many calls. The body does not count.
        let limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let unreadable = coding(response).is_some() || is_foreign_refusal(response);
        let kind = match unreadable && !limited {
            true => ApiErrorKind::Unavailable,
            false => kind(response.status(), code, fault),
        };
        Self {
            status: Some(response.status()),
            code,
            description: description.map(|text| text.chars().take(MAX_DESCRIPTION).collect()),
            retry_after: retry_after(response.headers()),
            ..Self::new(kind)
        }
    }

    pub(super) fn from_transport(error: &TransportError) -> Self {
        match error.kind {
            TransportErrorKind::Unreadable => Self::new(ApiErrorKind::Unexpected),
            TransportErrorKind::TimedOut => Self::timed_out(),
            _ => Self::new(ApiErrorKind::Unavailable),
        }
    }

    pub(super) fn timed_out() -> Self {
        Self {
            timed_out: true,
            ..Self::new(ApiErrorKind::Unavailable)
        }
    }

    /// Nothing was sent, since the session has ended or may have.
    pub(super) fn unconfirmed(unconfirmed: Unconfirmed, user: &TelenorUser) -> Self {
        let info = user.request_info();
        let (kind, info) = match unconfirmed {
            Unconfirmed::Ended(refusal) => {
                (ApiErrorKind::SessionEnded, info.clone().refused(refusal))
            }
            Unconfirmed::StoreUnavailable => (ApiErrorKind::StoreUnavailable, info.clone()),
        };
        let request = (Arc::clone(user.backend()), info);
        Self {
            request: Some(Box::new(request)),
            ..Self::new(kind)
        }
    }

    pub(super) fn invalid(mistake: RequestMistake) -> Self {
        Self {
            mistake: Some(mistake),
            ..Self::new(ApiErrorKind::InvalidRequest)
        }
    }

    /// An error without a response.
    pub(super) fn new(kind: ApiErrorKind) -> Self {
        Self {
            kind,
            status: None,
            code: None,
            description: None,
            retry_after: None,
            timed_out: false,
            mistake: None,
            request: None,
        }
    }

    pub(super) fn with_request(mut self, user: &TelenorUser) -> Self {
        let request = (Arc::clone(user.backend()), user.request_info().clone());
        self.request = Some(Box::new(request));
        self
    }

    fn cause(&self) -> FailureCause {
        match self.kind {
            ApiErrorKind::Unauthorized | ApiErrorKind::SessionEnded => FailureCause::LoginRequired,
            ApiErrorKind::Forbidden | ApiErrorKind::NotConfigured | ApiErrorKind::NotFound => {
                FailureCause::ProviderRefused
            }
            ApiErrorKind::RateLimited => FailureCause::GatewayBusy,
            ApiErrorKind::Unavailable if self.timed_out => FailureCause::GatewayTimeout,
            ApiErrorKind::Unavailable => FailureCause::ProviderUnavailable,
            ApiErrorKind::StoreUnavailable => FailureCause::StoreUnavailable,
            ApiErrorKind::Unexpected => FailureCause::ProviderError,
            ApiErrorKind::InvalidRequest => FailureCause::Internal,
        }
    }
}

impl ApiError {
    /// The cause of a login that failed by this error.
    pub(super) fn cause_of_failed_login(&self) -> FailureCause {
        match self.cause() {
            // A token that is new is no case for another login.
            FailureCause::LoginRequired => FailureCause::ProviderError,
            cause => cause,
        }
    }
}

/// Telenor's own codes first, then Apigee's faults, then the status.
fn kind(status: StatusCode, code: Option<u32>, fault: &str) -> ApiErrorKind {
    match code {
        Some(40105 | 40106) => return ApiErrorKind::Unauthorized,
        Some(40104 | 40301) => return ApiErrorKind::Forbidden,
        Some(40101..=40103 | 40107 | 40108) => return ApiErrorKind::NotConfigured,
        Some(42901 | 42902) => return ApiErrorKind::RateLimited,
        _ => {}
    }
    // Some old proxies send the fault of an expired token with status 500.
    let fault = fault.to_ascii_lowercase();
    if fault.ends_with("access_token_expired") || fault.ends_with("invalid_access_token") {
        return ApiErrorKind::Unauthorized;
    }
    if fault.starts_with("policies.ratelimit.") {
        return ApiErrorKind::RateLimited;
    }
    match status.as_u16() {
        // Without a code it can only concern the token, because no other credential was sent.
        401 => ApiErrorKind::Unauthorized,
        403 => ApiErrorKind::Forbidden,
        404 => ApiErrorKind::NotFound,
        429 => ApiErrorKind::RateLimited,
        500..=599 => ApiErrorKind::Unavailable,
        _ => ApiErrorKind::Unexpected,
    }
}

/// The number of seconds, which is the form that the gateway sends. A date is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(3_600)))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.response()
    }
}

impl ApiError {
    fn response(&self) -> Response {
        let (cause, wait) = (self.cause(), self.retry_after);
        let mut response = self.refusal(cause);
        if let Some(wait) = wait.filter(|_| cause == FailureCause::GatewayBusy) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, wait.as_secs().into());
        }
        response
    }

    fn refusal(&self, cause: FailureCause) -> Response {
        match self.request.as_deref() {
            Some((backend, info)) if cause == FailureCause::LoginRequired => {
                backend.challenge(info)
            }
            Some((backend, info)) => backend.refuse(info, cause),
            // The error belongs to no request, as in a test.
            None => response::problem(Problem::because(cause, Language::default())),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mistake) = self.mistake {
            return f.write_str(mistake.as_str());
        }
        f.write_str(match self.kind {
            ApiErrorKind::Unauthorized => "the access token is no longer valid",
            ApiErrorKind::SessionEnded => "the user's session has ended",
            ApiErrorKind::Forbidden => "the access token is not valid for this API",
            ApiErrorKind::NotConfigured => "the app is not set up for this API",
            ApiErrorKind::NotFound => "the gateway has no API or no resource at this path",
            ApiErrorKind::RateLimited => "too many calls to the API",
            ApiErrorKind::Unavailable => "the API does not respond",
            ApiErrorKind::StoreUnavailable => "the session store does not respond",
            ApiErrorKind::Unexpected => "the API returned an unexpected response",
            ApiErrorKind::InvalidRequest => "the call cannot be sent",
        })?;
        match (self.status, self.code) {
            (Some(status), Some(code)) => write!(f, " (status {}, code {code})", status.as_u16()),
            (Some(status), None) => write!(f, " (status {})", status.as_u16()),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(status: u16, body: &str) -> ApiErrorKind {
        let response = http::Response::builder()
            .status(status)
            .body(body.as_bytes().to_vec());
        ApiError::from_response(&response.unwrap()).kind()
    }

    #[test]
    fn invalid_token_is_recognized_in_every_shape() {
        for (status, body) in [
            (401, r#"{"httpStatus":401,"errorCode":40105}"#),
            (401, r#"{"httpStatus":401,"errorCode":"40106"}"#),
            (500, r#"{"errorCode":40106}"#),
            (
                401,
                r#"{"fault":{"faultstring":"x","detail":{"errorcode":"keymanagement.service.access_token_expired"}}}"#,
            ),
            (
                500,
                r#"{"fault":{"faultstring":"x","detail":{"errorcode":"keymanagement.service.access_token_expired"}}}"#,
            ),
            (
                401,
                r#"{"fault":{"detail":{"errorcode":"keymanagement.service.invalid_access_token"}}}"#,
            ),
            (401, r#"{"error":"invalid_token"}"#),
            (401, ""),
        ] {
            assert_eq!(
                kind_of(status, body),
                ApiErrorKind::Unauthorized,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn other_errors_have_their_kinds() {
        for (status, body, kind) in [
            (403, r#"{"errorCode":40301}"#, ApiErrorKind::Forbidden),
            (401, r#"{"errorCode":40104}"#, ApiErrorKind::Forbidden),
            (401, r#"{"errorCode":40103}"#, ApiErrorKind::NotConfigured),
            (401, r#"{"errorCode":40108}"#, ApiErrorKind::NotConfigured),
            (429, r#"{"errorCode":42901}"#, ApiErrorKind::RateLimited),
            (429, "", ApiErrorKind::RateLimited),
            (
                500,
                r#"{"fault":{"detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}"#,
                ApiErrorKind::RateLimited,
            ),
            (500, r#"{"errorCode":50001}"#, ApiErrorKind::Unavailable),
            (502, "<html>", ApiErrorKind::Unavailable),
            (404, r#"{"errorCode":40401}"#, ApiErrorKind::NotFound),
            (404, "<html>", ApiErrorKind::NotFound),
            (403, "<html>robot?", ApiErrorKind::Unavailable),
            (401, "<html>robot?", ApiErrorKind::Unavailable),
            (401, "Unauthorized", ApiErrorKind::Unavailable),
            (403, "[]", ApiErrorKind::Unavailable),
            (403, "", ApiErrorKind::Forbidden),
            (429, "<html>", ApiErrorKind::RateLimited),
            (302, "", ApiErrorKind::Unexpected),
        ] {
            assert_eq!(kind_of(status, body), kind, "{status} {body}");
        }
    }

    #[test]
    fn odd_byte_in_an_error_does_not_hide_its_code() {
        for body in [
            &b"{\"errorCode\":40301,\"description\":\"utl\xf8pt\"}"[..],
            b"\xef\xbb\xbf{\"errorCode\":40301}",
        ] {
            let response = http::Response::builder().status(403).body(body.to_vec());
            let error = ApiError::from_response(&response.unwrap());
            assert_eq!(
                (error.kind(), error.code()),
                (ApiErrorKind::Forbidden, Some(40301))
            );
        }
    }

    #[test]
    fn encoded_answer_is_unavailable_and_never_a_refusal() {
        for (status, kind) in [
            (200, ApiErrorKind::Unavailable),
            (400, ApiErrorKind::Unavailable),
            (401, ApiErrorKind::Unavailable),
            (403, ApiErrorKind::Unavailable),
            (429, ApiErrorKind::RateLimited),
            (500, ApiErrorKind::Unavailable),
        ] {
            let response = http::Response::builder()
                .status(status)
                .header("content-encoding", "gzip")
                .body(b"\x1f\x8b\x08".to_vec());
            assert_eq!(
                ApiError::from_response(&response.unwrap()).kind(),
                kind,
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_is_bounded() {
        let wait = |value: &str| {
            let response = http::Response::builder()
                .status(429)
                .header("retry-after", value);
            ApiError::from_response(&response.body(Vec::new()).unwrap()).retry_after()
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("99999999999"), Some(Duration::from_secs(3_600)));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn display_and_debug_show_codes_only() {
        let body = br#"{"errorCode":40301,"description":"canary 4791234567"}"#.to_vec();
        let response = http::Response::builder().status(403).body(body).unwrap();
        let error = ApiError::from_response(&response);
        assert_eq!(
            error.to_string(),
            "the access token is not valid for this API (status 403, code 40301)"
        );
        assert!(!format!("{error:?}").contains("canary"));
        assert_eq!(
            error.description(),
            Some("canary 4791234567"),
            "the getter still returns it"
        );
    }

    #[test]
    fn code_of_a_limit_counts_more_than_the_status() {
        for code in [42901, 42902] {
            let body = format!(r#"{{"errorCode":{code}}}"#);
            assert_eq!(kind_of(403, &body), ApiErrorKind::RateLimited, "{code}");
        }
    }

    #[test]
    fn error_without_a_code_shows_the_status() {
        let response = http::Response::builder().status(502).body(Vec::new());
        let error = ApiError::from_response(&response.unwrap());
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY));
        assert_eq!(error.to_string(), "the API does not respond (status 502)");
        let error = ApiError::new(ApiErrorKind::Unavailable);
        assert_eq!(
            (error.status(), &*error.to_string()),
            (None, "the API does not respond")
        );
    }

    #[test]
    fn gateway_that_is_too_late_is_a_timeout() {
        let error = ApiError::from_transport(&TransportError::late());
        assert_eq!(error.kind(), ApiErrorKind::Unavailable);
        assert_eq!(error.cause(), FailureCause::GatewayTimeout);
        let error = ApiError::from_transport(&TransportError::unknown_host());
        assert_eq!(error.kind(), ApiErrorKind::Unavailable);
        assert_eq!(error.cause(), FailureCause::ProviderUnavailable);
    }
}
