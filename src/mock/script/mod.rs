//! What a test has asked of an endpoint, and what the endpoint has received.

pub(in crate::mock) mod answer;
pub(in crate::mock) mod connection;
pub(in crate::mock) mod gate;
pub(in crate::mock) mod record;
pub(in crate::mock) mod switch;
mod wire;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use self::gate::Latch;
pub use self::{answer::Answer, gate::Gate, record::RecordedRequest};
use crate::mock::lock::lock;

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
pub(in crate::mock) struct Script(Mutex<HashMap<Endpoint, Lines>>);

#[derive(Default)]
struct Lines {
    hits: usize,
    requests: VecDeque<RecordedRequest>,
    next: VecDeque<Answer>,
    always: Option<Answer>,
    latch: Option<Arc<Latch>>,
}

impl Script {
    pub(in crate::mock) fn record(&self, endpoint: Endpoint, request: RecordedRequest) {
        let mut script = self.lines();
        let lines = script.entry(endpoint).or_default();
        lines.hits += 1;
        if lines.requests.len() == MAX_REQUESTS {
            lines.requests.pop_front();
        }
        lines.requests.push_back(request);
    }

    pub(in crate::mock) fn answer_next(&self, endpoint: Endpoint, answer: Answer) {
        let mut script = self.lines();
        script.entry(endpoint).or_default().next.push_back(answer);
    }

    pub(in crate::mock) fn answer_always(&self, endpoint: Endpoint, answer: Answer) {
        self.lines().entry(endpoint).or_default().always = Some(answer);
    }

    pub(in crate::mock) fn answer_normally(&self, endpoint: Endpoint) {
        let mut script = self.lines();
        let lines = script.entry(endpoint).or_default();
        lines.next.clear();
        lines.always = None;
    }

    pub(in crate::mock) fn hold(&self, endpoint: Endpoint) -> Gate {
        let (gate, latch) = Gate::new();
        self.lines().entry(endpoint).or_default().latch = Some(latch);
        gate
    }

    pub(in crate::mock) fn hits(&self, endpoint: Endpoint) -> usize {
        self.lines().get(&endpoint).map_or(0, |lines| lines.hits)
    }

    pub(in crate::mock) fn requests(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        let script = self.lines();
        let lines = script.get(&endpoint);
        lines.map_or_else(Vec::new, |lines| lines.requests.iter().cloned().collect())
    }

    pub(in crate::mock) fn answer(&self, endpoint: Endpoint) -> Option<Answer> {
        let mut script = self.lines();
        let lines = script.get_mut(&endpoint)?;
        lines.next.pop_front().or_else(|| lines.always.clone())
    }

    pub(in crate::mock) fn latch(&self, endpoint: Endpoint) -> Option<Arc<Latch>> {
        self.lines().get(&endpoint)?.latch.clone()
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Endpoint, Lines>> {
        lock(&self.0)
    }
}

const MAX_REQUESTS: usize = 1000;
