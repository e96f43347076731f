//! A span for each request that says nothing it should not.

use http::Request;
use tracing::Span;

/// Makes the span of a request for `tower_http::trace::TraceLayer`, without the query.
///
/// The layer's callback carries a code and `state` in its query, and a default `TraceLayer` writes the whole URI into every line.
///
/// ```
/// use axum::Router;
/// use tower_http::trace::TraceLayer;
///
/// # let app: Router = Router::new();
/// let app: Router = app.layer(TraceLayer::new_for_http().make_span_with(telenor_auth::request_span));
/// ```
pub fn request_span<B>(request: &Request<B>) -> Span {
    let (method, path) = (request.method().as_str(), request.uri().path());
    tracing::debug_span!("request", method, path)
}
