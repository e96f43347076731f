//! The logins in progress.

use std::{cell::OnceCell, collections::HashMap, time::Duration};

use rand::distr::{Alphanumeric, SampleString as _};
use tokio::time::Instant;

use super::authorization_request::AuthorizationRequest;

const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The logins by the random id in the paths of their pages.
#[derive(Default)]
pub(in crate::mock) struct Logins(HashMap<String, LoginProgress>);

/// One login and its progress.
pub(in crate::mock) struct LoginProgress {
    pub(in crate::mock) request: AuthorizationRequest,
    /// The subscriber whom the network recognized, once the browser has passed the plain-http hop.
    pub(in crate::mock) network: OnceCell<Option<usize>>,
    /// The subscriber whose phone got the USSD question.
    pub(in crate::mock) asked: Option<usize>,
    /// The subscriber whose number is confirmed.
    pub(in crate::mock) confirmed: Option<usize>,
    started_at: Instant,
}

impl Logins {
    pub(in crate::mock) fn start(&mut self, request: AuthorizationRequest) -> String {
        let now = Instant::now();
        self.0.retain(|_, login| now < login.started_at + LIFETIME);
        let id = Alphanumeric.sample_string(&mut rand::rng(), 22);
        let login = LoginProgress {
            request,
            network: OnceCell::new(),
            asked: None,
            confirmed: None,
            started_at: now,
        };
        self.0.insert(id.clone(), login);
        id
    }

    pub(in crate::mock) fn find(&mut self, id: &str) -> Option<&mut LoginProgress> {
        self.0.get_mut(id)
    }

    pub(in crate::mock) fn end(&mut self, id: &str) -> Option<LoginProgress> {
        self.0.remove(id)
    }
}

impl LoginProgress {
    /// Returns the subscriber whom the network recognized.
    pub(in crate::mock) fn recognized(&self) -> Option<usize> {
        self.network.get().copied().flatten()
    }
}
