//! A span for each request, without the query, which can hold secrets.

use http::Request;
use tracing::Span;

/// Returns the span of a request for `tower_http::trace::TraceLayer`, without the query.
///
/// The query of the layer's callback holds a code and `state`. A default `TraceLayer` logs the
/// whole URI.
///
/// ```
/// use axum::Router;
/// use tower_http::trace::TraceLayer;
///
/// # let app: Router = Router::new();
/// let trace = TraceLayer::new_for_http().make_span_with(telenor_auth::request_span);
/// let app: Router = app.layer(trace);
/// ```
pub fn request_span<B>(request: &Request<B>) -> Span {
    let (method, path) = (request.method().as_str(), request.uri().path());
    tracing::debug_span!("request", method, path)
}
