//! The outcome of a login.

use std::sync::Arc;

use super::single_flight::Effect;
use crate::{
    failure::FailureCause,
    session::{Session, SessionToken},
};

/// The outcome of a login that reached the token endpoint.
#[derive(Clone)]
pub(crate) enum LoginOutcome {
    SignedIn {
        token: SessionToken,
        session: Session,
        return_to: Arc<str>,
    },
    Failed {
        cause: FailureCause,
        /// The code was not used up.
        retryable: bool,
    },
}

impl LoginOutcome {
    pub(crate) fn failed(cause: FailureCause) -> Self {
        let retryable = false;
        Self::Failed { cause, retryable }
    }

    pub(crate) fn retryable(cause: FailureCause) -> Self {
        let retryable = true;
        Self::Failed { cause, retryable }
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
