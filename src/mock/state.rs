//! What the handlers of a gateway share.

use std::sync::{Mutex, MutexGuard};

use super::{lock::lock, settings::Settings};
use crate::mock::{
    script::Script,
    server::{grants::Grants, logins::Logins, token_shape::TokenShape},
};

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
