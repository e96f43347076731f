//! The logins that people are in the middle of.

use std::{cell::OnceCell, collections::HashMap, time::Duration};

use rand::distr::{Alphanumeric, SampleString as _};
use tokio::time::Instant;

use super::authorization::AuthorizationRequest;

/// Logins by the random id in their pages' addresses.
#[derive(Default)]
pub(in crate::mock) struct Logins(HashMap<String, Login>);

/// One login and how far it has come.
pub(in crate::mock) struct Login {
    pub(in crate::mock) request: AuthorizationRequest,
    /// What the network told on the clear-text hop, if that has been passed.
    pub(in crate::mock) network: OnceCell<Option<usize>>,
    /// The subscriber whose phone has been asked.
    pub(in crate::mock) asked: Option<usize>,
    /// The subscriber whose number is proven.
    pub(in crate::mock) proven: Option<usize>,
    begun: Instant,
}

impl Logins {
    pub(in crate::mock) fn begin(&mut self, request: AuthorizationRequest) -> String {
        let now = Instant::now();
        self.0.retain(|_, login| now < login.begun + LIFETIME);
        let id = Alphanumeric.sample_string(&mut rand::rng(), 22);
        let login = Login {
            request,
            network: OnceCell::new(),
            asked: None,
            proven: None,
            begun: now,
        };
        self.0.insert(id.clone(), login);
        id
    }

    pub(in crate::mock) fn find(&mut self, id: &str) -> Option<&mut Login> {
        self.0.get_mut(id)
    }

    pub(in crate::mock) fn end(&mut self, id: &str) -> Option<Login> {
        self.0.remove(id)
    }
}

impl Login {
    /// The subscriber whom the network recognised.
    pub(in crate::mock) fn recognised(&self) -> Option<usize> {
        self.network.get().copied().flatten()
    }
}

const LIFETIME: Duration = Duration::from_secs(30 * 60);
