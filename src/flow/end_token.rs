//! Ends access tokens that no session holds, at the gateway.

use std::sync::Arc;

use super::Flow;
use crate::{access_token::AccessToken, detached};

impl Flow {
    /// Ends an access token in a task that nothing waits for. Where that fails, it expires by
    /// itself.
    pub(super) fn end_token(self: &Arc<Self>, token: AccessToken) {
        let flow = Arc::clone(self);
        let end = async move {
            if let Err(error) = flow.gateway.logout(&token).await {
                tracing::warn!(
                    error,
                    "an access token that no session holds is still good at the gateway"
                );
            }
        };
        detached::spawn(end);
    }
}

/// A new access token that no session holds yet. It is ended when this is dropped, after an error,
/// a timeout or a panic.
pub(super) struct UnsavedToken {
    flow: Arc<Flow>,
    token: Option<AccessToken>,
}

impl UnsavedToken {
    pub(super) fn new(flow: &Arc<Flow>, token: &AccessToken) -> Self {
        Self {
            flow: Arc::clone(flow),
            token: Some(token.clone()),
        }
    }

    /// A session holds it.
    pub(super) fn keep(mut self) {
        self.token = None;
    }
}

impl Drop for UnsavedToken {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.flow.end_token(token);
        }
    }
}
