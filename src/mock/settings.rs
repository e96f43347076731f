//! The settings that a gateway was built with.

use std::{io, time::Duration};

use super::subscriber::{Subscriber, msisdn};
use crate::gateway::endpoints::Endpoints;

/// The settings of a gateway, which never change.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) redirect_uri: Option<String>,
    pub(super) endpoints: Endpoints,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) wifi: bool,
    pub(super) ussd_timeout_error: String,
    pub(super) strict: bool,
    pub(super) rfc_errors: bool,
    pub(super) refresh_tokens: bool,
    pub(super) code_lifetime: Duration,
    pub(super) app_name: String,
    /// As browsers send them in `Origin`.
    pub(super) cors_origins: Vec<String>,
}

impl Settings {
    /// Checks that each endpoint can have a route of its own.
    pub(super) fn check_endpoints(&self) -> io::Result<()> {
        let endpoints = self.endpoints.all();
        for (at, (name, path)) in endpoints.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-".contains(&byte);
            let is_plain = path.starts_with('/') && path.bytes().all(plain);
            let is_taken = endpoints[..at].iter().any(|(_, known)| known == path);
            if !is_plain || is_taken || path.starts_with("/mock/") {
                let error = format!(
                    "the mock cannot serve the {name} endpoint at {path:?}: set a path of letters, \
                     digits and slashes, another one for each endpoint, and none below /mock/"
                );
                return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
            }
        }
        Ok(())
    }

    /// Returns the index of the subscriber with `number`, in any usual spelling.
    pub(super) fn subscriber(&self, number: &str) -> Option<usize> {
        let number = msisdn(number);
        (self.subscribers.iter()).position(|subscriber| subscriber.mobile_number() == number)
    }
}
