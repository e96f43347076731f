//! The endpoints that take an access token: the two identity APIs, and the logout.

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, Uri, header};

use super::{error_body, grants::TokenError, response};
use crate::mock::{script::connection::Connection, state::GatewayState, subscriber::Subscriber};

/// An API that the gateway has.
#[derive(Clone, Copy)]
pub(in crate::mock) enum Api {
    UserInfo,
    DeviceInfo,
}

pub(in crate::mock) async fn user_info(
    State(shared): State<Arc<GatewayState>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    resource(&shared, &method, Api::UserInfo, &uri, &headers)
}

pub(in crate::mock) async fn device_info(
    State(shared): State<Arc<GatewayState>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    resource(&shared, &method, Api::DeviceInfo, &uri, &headers)
}

fn resource(
    shared: &GatewayState,
    method: &Method,
    api: Api,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    match subscriber(shared, headers) {
        Ok(subscriber) => respond(subscriber, method, Some(api), uri),
        Err(error_code) => refuse(error_code, uri),
    }
}

/// Returns the response to a request with a valid token of this subscriber.
pub(in crate::mock) fn respond<B: From<String>>(
    subscriber: &Subscriber,
    method: &Method,
    api: Option<Api>,
    uri: &Uri,
) -> Response<B> {
    match (method, api) {
        (&Method::GET | &Method::HEAD, Some(Api::UserInfo)) => {
            response::json(200, &subscriber.user_info())
        }
        (&Method::GET | &Method::HEAD, Some(Api::DeviceInfo)) => {
            response::json(200, &subscriber.device_info())
        }
        _ => refuse(40401, uri),
    }
}

pub(in crate::mock) async fn logout(
    State(shared): State<Arc<GatewayState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let ended = bearer(&headers).and_then(|token| {
        shared
            .grants()
            .log_out(token)
            .map_err(|error| error_code(&error))
    });
    match ended {
        Ok(()) => "OK!".into_response(),
        Err(error_code) => refuse(error_code, &uri),
    }
}

/// The APIs that the builder of the gateway added, by path.
pub(in crate::mock) async fn other(
    State(shared): State<Arc<GatewayState>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(answer) = shared.apis.answer(uri.path()) else {
        return refuse(40401, &uri);
    };
    match subscriber(&shared, &headers) {
        Ok(_) => (answer.clone()).perform(&connection, not_found(uri)).await,
        Err(error_code) => refuse(error_code, &uri),
    }
}

pub(in crate::mock) async fn not_found(uri: Uri) -> Response {
    refuse(40401, &uri)
}

fn subscriber<'s>(shared: &'s GatewayState, headers: &HeaderMap) -> Result<&'s Subscriber, u32> {
    let token = bearer(headers)?;
    let index = shared.grants().subscriber(token);
    index
        .map(|index| &shared.settings.subscribers[index])
        .map_err(|error| error_code(&error))
}

/// Returns the access token (RFC 6750 section 2.1), or the gateway's error code.
fn bearer(headers: &HeaderMap) -> Result<&str, u32> {
    let value = headers.get(header::AUTHORIZATION).ok_or(40102_u32)?;
    match value.to_str().unwrap_or_default().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => Ok(token),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("Basic") => Err(40107),
        _ => Err(40105),
    }
}

fn error_code(error: &TokenError) -> u32 {
    match error {
        TokenError::Unknown => 40105,
        TokenError::Expired => 40106,
    }
}

pub(in crate::mock) fn refuse<B: From<String>>(error_code: u32, uri: &Uri) -> Response<B> {
    let (status, body) = error_body::gateway_error(error_code, uri.path());
    response::json(status, &body)
}
