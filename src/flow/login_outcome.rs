//! The outcome of a login.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::single_flight::Effect;
use crate::{failure::FailureCause, session::SessionToken};

/// The outcome of a login that reached the token endpoint.
#[derive(Clone)]
pub(crate) enum LoginOutcome {
    SignedIn {
        token: SessionToken,
        /// When the session ends, in Unix seconds. The outcome is kept longer than some sessions,
        /// so it does not hold the session with its access token.
        expires_at: u64,
        return_to: Arc<str>,
    },
    Failed {
        cause: FailureCause,
        /// The code was not used up.
        retryable: bool,
        /// What the app says of its refusal.
        words: Option<Arc<AppWords>>,
    },
}

/// The app's own words on a page.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AppWords {
    pub title: String,
    pub text: String,
}

impl LoginOutcome {
    pub(crate) fn failed(cause: FailureCause) -> Self {
        Self::Failed {
            cause,
            retryable: false,
            words: None,
        }
    }

    pub(crate) fn retryable(cause: FailureCause) -> Self {
        Self::Failed {
            cause,
            retryable: true,
            words: None,
        }
    }

    /// What the login did to its `state`.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::SignedIn { .. } => Effect::Succeeded,
            Self::Failed {
                retryable: true, ..
            } => Effect::Retryable,
            Self::Failed { .. } => Effect::Failed,
        }
    }
}
