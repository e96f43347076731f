//! The builders of responses.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

pub(in crate::mock) fn json<B: From<String>>(status: u16, value: &Value) -> Response<B> {
    let status = StatusCode::from_u16(status).expect("the mock's own statuses are valid");
    let mut response = Response::new(B::from(value.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Returns a 302, as Telenor's and most other authorization servers do.
pub(in crate::mock) fn found(location: &str) -> Response {
    redirect(StatusCode::FOUND, location)
}

pub(in crate::mock) fn see_other(location: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, location)
}

fn redirect(status: StatusCode, location: &str) -> Response {
    let location = HeaderValue::try_from(location)
        .expect("a parsed URL and a path of the mock are visible ASCII");
    (status, [(header::LOCATION, location)]).into_response()
}

/// Forbids caching: pages hold personal data, and responses hold codes and tokens.
pub(in crate::mock) async fn no_store(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
