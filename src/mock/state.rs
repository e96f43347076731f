//! The state that the handlers of a gateway share.

use std::sync::{Mutex, MutexGuard};

use super::settings::Settings;
use crate::{
    mock::{
        script::Script,
        server::{grants::Grants, logins::Logins, token_shape::TokenShape},
    },
    sync::lock,
};

/// The form and the lifetime of the next access tokens.
#[derive(Clone, Copy)]
pub(super) struct TokenTerms {
    pub(super) shape: TokenShape,
    pub(super) expires_in: u64,
}

/// The state of one gateway.
pub(super) struct GatewayState {
    pub(super) settings: Settings,
    pub(super) script: Script,
    logins: Mutex<Logins>,
    grants: Mutex<Grants>,
    terms: Mutex<TokenTerms>,
}

impl GatewayState {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            script: Script::default(),
            logins: Mutex::default(),
            grants: Mutex::default(),
            // One hour less one second, as in Telenor's own example.
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
