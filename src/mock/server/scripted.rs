//! Puts the script in front of an endpoint.

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
    state::Shared,
};

/// Records the request, holds it at the gate, then answers as scripted or passes it on.
pub(in crate::mock) async fn scripted(
    State((shared, endpoint)): State<(Arc<Shared>, Endpoint)>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let script = &shared.script;
    script.record(endpoint, RecordedRequest::new(&parts, body.clone()));
    if let Some(latch) = script.latch(endpoint) {
        latch.pass().await;
    }
    let request = Request::from_parts(parts, Body::from(body));
    match script.answer(endpoint) {
        Some(answer) => answer.perform(&connection, next.run(request)).await,
        None => next.run(request).await,
    }
}

const MAX_BODY: usize = 1 << 20;
