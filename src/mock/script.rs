//! What a test has asked of an endpoint, and what the endpoint has received.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    body::{self, Body},
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{
    answer::Answer,
    connection::Connection,
    gate::{Gate, Latch},
    record::RecordedRequest,
    settings::{self, Shared},
};

/// An endpoint of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET /oauth/v2/authorize`
    Authorize,
    /// `POST /oauth/v2/token`
    Token,
    /// `GET /oauth/v2/logout`
    Logout,
    /// `GET /user-info/v1/users`
    UserInfo,
    /// `GET /mobile-device-info/v1/device`
    DeviceInfo,
}

#[derive(Default)]
pub(super) struct Script(Mutex<HashMap<Endpoint, Lines>>);

#[derive(Default)]
struct Lines {
    hits: usize,
    requests: VecDeque<RecordedRequest>,
    next: VecDeque<Answer>,
    always: Option<Answer>,
    latch: Option<Arc<Latch>>,
}

/// Records the request, holds it at the gate, then answers as scripted or passes it on.
pub(super) async fn scripted(
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

impl Script {
    pub(super) fn record(&self, endpoint: Endpoint, request: RecordedRequest) {
        let mut script = self.lines();
        let lines = script.entry(endpoint).or_default();
        lines.hits += 1;
        if lines.requests.len() == MAX_REQUESTS {
            lines.requests.pop_front();
        }
        lines.requests.push_back(request);
    }

    pub(super) fn answer_next(&self, endpoint: Endpoint, answer: Answer) {
        let mut script = self.lines();
        script.entry(endpoint).or_default().next.push_back(answer);
    }

    pub(super) fn answer_always(&self, endpoint: Endpoint, answer: Answer) {
        self.lines().entry(endpoint).or_default().always = Some(answer);
    }

    pub(super) fn answer_normally(&self, endpoint: Endpoint) {
        let mut script = self.lines();
        let lines = script.entry(endpoint).or_default();
        lines.next.clear();
        lines.always = None;
    }

    pub(super) fn hold(&self, endpoint: Endpoint) -> Gate {
        let (gate, latch) = Gate::new();
        self.lines().entry(endpoint).or_default().latch = Some(latch);
        gate
    }

    pub(super) fn hits(&self, endpoint: Endpoint) -> usize {
        self.lines().get(&endpoint).map_or(0, |lines| lines.hits)
    }

    pub(super) fn requests(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        let script = self.lines();
        let lines = script.get(&endpoint);
        lines.map_or_else(Vec::new, |lines| lines.requests.iter().cloned().collect())
    }

    fn answer(&self, endpoint: Endpoint) -> Option<Answer> {
        let mut script = self.lines();
        let lines = script.get_mut(&endpoint)?;
        lines.next.pop_front().or_else(|| lines.always.clone())
    }

    fn latch(&self, endpoint: Endpoint) -> Option<Arc<Latch>> {
        self.lines().get(&endpoint)?.latch.clone()
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Endpoint, Lines>> {
        settings::lock(&self.0)
    }
}

const MAX_BODY: usize = 1 << 20;
const MAX_REQUESTS: usize = 1000;
