//! The state that the handlers of a gateway share.

use std::sync::{Mutex, MutexGuard};

use super::{apis::Apis, settings::Settings};
use crate::{
    mock::{
        script::{Endpoint, Script},
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
    pub(super) apis: Apis,
    pub(super) script: Script,
    logins: Mutex<Logins>,
    grants: Mutex<Grants>,
    terms: Mutex<TokenTerms>,
}

impl GatewayState {
    pub(super) fn new(settings: Settings, apis: Apis) -> Self {
        let script = Script::default();
        for path in apis.paths() {
            script.name(Endpoint::Api(path));
        }
        Self {
            settings,
            apis,
            script,
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
