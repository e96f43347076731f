//! The script of each endpoint, and the requests that it has received.

pub(in crate::mock) mod answer;
pub(in crate::mock) mod connection;
mod fault_switch;
mod faulty_stream;
pub(in crate::mock) mod gate;
pub(in crate::mock) mod record;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use self::gate::Barrier;
pub use self::{answer::Answer, gate::Gate, record::RecordedRequest};
use crate::sync::lock;

const MAX_REQUESTS: usize = 1000;

/// An endpoint of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET /oauth/v2/authorize`.
    Authorize,
    /// `POST /oauth/v2/token`.
    Token,
    /// `GET /oauth/v2/logout`.
    Logout,
    /// `GET /user-info/v1/users`.
    UserInfo,
    /// `GET /mobile-device-info/v1/device`.
    DeviceInfo,
    /// Any other API, for every method: its path, without a query. It responds 404 unless it is
    /// scripted, or has an answer by [`api`](crate::mock::MockGatewayBuilder::api). Requests are
    /// recorded from the first time that the test or the builder names the path.
    Api(&'static str),
}

#[derive(Default)]
pub(in crate::mock) struct Script(Mutex<HashMap<Endpoint, EndpointState>>);

#[derive(Default)]
struct EndpointState {
    hits: usize,
    requests: VecDeque<RecordedRequest>,
    next: VecDeque<Answer>,
    always: Option<Answer>,
    barrier: Option<Arc<Barrier>>,
}

impl Script {
    pub(in crate::mock) fn record(&self, endpoint: Endpoint, request: RecordedRequest) {
        let mut endpoints = self.endpoints();
        let state = endpoints.entry(endpoint).or_default();
        state.hits += 1;
        if state.requests.len() == MAX_REQUESTS {
            state.requests.pop_front();
        }
        state.requests.push_back(request);
    }

    /// Records the requests on `endpoint` from now on.
    pub(in crate::mock) fn name(&self, endpoint: Endpoint) {
        self.endpoints().entry(endpoint).or_default();
    }

    /// Returns the endpoint at a path that a test has named.
    pub(in crate::mock) fn api_at(&self, path: &str) -> Option<Endpoint> {
        let endpoints = self.endpoints();
        let mut named = endpoints.keys().copied();
        named.find(|endpoint| matches!(endpoint, Endpoint::Api(named) if *named == path))
    }

    pub(in crate::mock) fn answer_next(&self, endpoint: Endpoint, answer: Answer) {
        let mut endpoints = self.endpoints();
        endpoints
            .entry(endpoint)
            .or_default()
            .next
            .push_back(answer);
    }

    pub(in crate::mock) fn answer_always(&self, endpoint: Endpoint, answer: Answer) {
        self.endpoints().entry(endpoint).or_default().always = Some(answer);
    }

    pub(in crate::mock) fn answer_normally(&self, endpoint: Endpoint) {
        let mut endpoints = self.endpoints();
        let state = endpoints.entry(endpoint).or_default();
        state.next.clear();
        state.always = None;
    }

    pub(in crate::mock) fn hold(&self, endpoint: Endpoint) -> Gate {
        let (gate, barrier) = Gate::new();
        self.endpoints().entry(endpoint).or_default().barrier = Some(barrier);
        gate
    }

    pub(in crate::mock) fn hits(&self, endpoint: Endpoint) -> usize {
        self.endpoints().entry(endpoint).or_default().hits
    }

    pub(in crate::mock) fn requests(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        let mut endpoints = self.endpoints();
        let state = endpoints.entry(endpoint).or_default();
        state.requests.iter().cloned().collect()
    }

    pub(in crate::mock) fn take_answer(&self, endpoint: Endpoint) -> Option<Answer> {
        let mut endpoints = self.endpoints();
        let state = endpoints.get_mut(&endpoint)?;
        state.next.pop_front().or_else(|| state.always.clone())
    }

    pub(in crate::mock) fn barrier(&self, endpoint: Endpoint) -> Option<Arc<Barrier>> {
        self.endpoints().get(&endpoint)?.barrier.clone()
    }

    fn endpoints(&self) -> MutexGuard<'_, HashMap<Endpoint, EndpointState>> {
        lock(&self.0)
    }
}
