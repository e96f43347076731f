//! Which scripts of other origins may call the APIs: CORS, section 3.3 of the Fetch standard.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use url::Url;

use super::api;
use crate::mock::state::GatewayState;

/// A browser does not take `*` for `authorization`, so it must be named.
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// Answers preflights, and lets scripts of registered origins read the other responses.
///
/// A preflight is not a call of the API, so it does not reach the script of the endpoint. There is
/// no `Access-Control-Allow-Credentials`: a token is the only credential of the APIs.
pub(in crate::mock) async fn cors(
    State(shared): State<Arc<GatewayState>>,
    request: Request,
    next: Next,
) -> Response {
    let origins = &shared.settings.cors_origins;
    let origin = registered(origins, request.headers()).cloned();
    let mut response = match (is_preflight(&request), &origin) {
        (false, _) => next.run(request).await,
        (true, Some(_)) => permission(),
        (true, None) => api::refuse(40401, request.uri()),
    };
    let headers = response.headers_mut();
    if !origins.is_empty() {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = origin {
        // A test may script another value.
        headers.entry(ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(origin);
    }
    response
}

/// Returns what is wrong with an origin that a test registers, if anything.
pub(in crate::mock) fn mistake(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let serialized = url.map(|url| url.origin().ascii_serialization());
    match serialized {
        Some(serialized) if serialized == origin => None,
        Some(serialized) => Some(format!(
            "the CORS origin {origin:?} is not written as browsers send it: use {serialized:?}"
        )),
        None => Some(format!(
            "the CORS origin {origin:?} has to be a scheme and a host, and a port if it is not \
             the scheme's own, such as \"https://shop.example\""
        )),
    }
}

fn registered<'h>(origins: &[String], headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let is_registered = origins.iter().any(|registered| origin == registered);
    is_registered.then_some(origin)
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn permission() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
