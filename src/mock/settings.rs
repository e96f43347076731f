//! The settings that a gateway was built with.

use std::time::Duration;

use super::subscriber::{Subscriber, msisdn};

/// The settings of a gateway, which never change.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) redirect_uri: Option<String>,
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
    /// Returns the index of the subscriber with `number`, in any usual spelling.
    pub(super) fn subscriber(&self, number: &str) -> Option<usize> {
        let number = msisdn(number);
        (self.subscribers.iter()).position(|subscriber| subscriber.mobile_number() == number)
    }
}
