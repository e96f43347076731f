//! A span for each request, without the query, which can hold secrets.

use http::{HeaderName, Request};
use tracing::{Span, field};

use crate::login_id::LoginId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A client can send this header too, so the log takes no longer value.
const MAX_REQUEST_ID: usize = 128;

/// Returns the span of a request for `tower_http::trace::TraceLayer`, without the query.
///
/// The query of the layer's callback holds a code and `state`. A default `TraceLayer` logs the
/// whole URI.
///
/// The span has the level INFO and the fields `method`, `path`, `request_id` and `login_id`. The
/// last one is set where a login begins, and on its callback. The request id is the value of the
/// header `x-request-id`, if it is 1 to 128 visible ASCII characters. All that the layer logs for a
/// request is in its span, also what it does in a task of its own: the exchange of the code, a
/// refresh, a logout.
///
/// `SetRequestIdLayer` of tower-http sets the header where a proxy has not. Add it last, so that it
/// runs first:
///
/// ```
/// use axum::Router;
/// use tower_http::{
///     request_id::{MakeRequestUuid, SetRequestIdLayer},
///     trace::TraceLayer,
/// };
///
/// # let app: Router = Router::new();
/// let trace = TraceLayer::new_for_http().make_span_with(telenor_auth::request_span);
/// let app: Router = app
///     .layer(trace)
///     .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid));
/// ```
pub fn request_span<B>(request: &Request<B>) -> Span {
    let (method, path) = (request.method().as_str(), request.uri().path());
    tracing::info_span!(
        "request",
        method,
        path,
        request_id = request_id(request),
        login_id = field::Empty,
    )
}

/// Writes the id of a login into the span of its request, if that has the field.
pub(crate) fn record_login(login_id: &str) {
    Span::current().record("login_id", login_id);
}

/// The span of what is done for one login.
pub(crate) fn login_span(login: LoginId) -> Span {
    tracing::info_span!("login", login_id = %login)
}

fn request_id<B>(request: &Request<B>) -> Option<&str> {
    let id = request.headers().get(X_REQUEST_ID)?.to_str().ok()?;
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && id.len() <= MAX_REQUEST_ID).then_some(id)
}
