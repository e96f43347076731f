//! What a gateway was built with, and what its handlers share.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    grants::Grants,
    logins::Logins,
    script::Script,
    subscriber::{Subscriber, msisdn},
    token_shape::TokenShape,
};

/// Fixed for the life of a gateway.
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
}

impl Settings {
    /// Which subscriber has `number`, in whatever way it is written.
    pub(super) fn subscriber(&self, number: &str) -> Option<usize> {
        let number = msisdn(number);
        (self.subscribers.iter()).position(|subscriber| subscriber.mobile_number() == number)
    }
}

/// How the next access tokens look and how long they live.
#[derive(Clone, Copy)]
pub(super) struct TokenTerms {
    pub(super) shape: TokenShape,
    pub(super) expires_in: u64,
}

/// One gateway's state, shared by its handlers.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) script: Script,
    logins: Mutex<Logins>,
    grants: Mutex<Grants>,
    terms: Mutex<TokenTerms>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            script: Script::default(),
            logins: Mutex::default(),
            grants: Mutex::default(),
            // One hour less a second: the number in Telenor's own example.
            terms: Mutex::new(TokenTerms {
                shape: TokenShape::Trimmed,
                expires_in: 3599,
            }),
        }
    }

    pub(super) fn logins(&self) -> MutexGuard<'_, Logins> {
        lock(&self.logins)
    }

    pub(super) fn grants(&self) -> MutexGuard<'_, Grants> {
        lock(&self.grants)
    }

    pub(super) fn terms(&self) -> MutexGuard<'_, TokenTerms> {
        lock(&self.terms)
    }
}

/// Locks in spite of poison: one failed test assertion must not hide behind another.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
