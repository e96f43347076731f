//! The middleware that applies the script to an endpoint.

use std::sync::Arc;

use axum::{
    body::{self, Body},
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::mock::{
    script::{Endpoint, connection::Connection, record::RecordedRequest},
    state::GatewayState,
};

const MAX_BODY: usize = 1 << 20;

/// Applies the script of an endpoint with a route of its own.
pub(in crate::mock) async fn scripted(
    State((shared, endpoint)): State<(Arc<GatewayState>, Endpoint)>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    apply(&shared, endpoint, &connection, request, next).await
}

/// Applies the script of any other path that a test has named.
pub(in crate::mock) async fn scripted_path(
    State(shared): State<Arc<GatewayState>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    match shared.script.api_at(request.uri().path()) {
        Some(endpoint) => apply(&shared, endpoint, &connection, request, next).await,
        None => next.run(request).await,
    }
}

/// Records the request, holds it at the gate, then returns the scripted answer or passes the
/// request on.
async fn apply(
    shared: &GatewayState,
    endpoint: Endpoint,
    connection: &Connection,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let script = &shared.script;
    script.record(endpoint, RecordedRequest::new(&parts, body.clone()));
    if let Some(barrier) = script.barrier(endpoint) {
        barrier.pass().await;
    }
    let request = Request::from_parts(parts, Body::from(body));
    match script.take_answer(endpoint) {
        Some(answer) => answer.perform(connection, next.run(request)).await,
        None => next.run(request).await,
    }
}
