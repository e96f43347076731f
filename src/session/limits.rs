//! Which sessions of a store are good for one layer.

use super::Session;
use crate::{instance::InstanceId, session_refusal::SessionRefusal};

/// The rules of a layer. A session that one of them refuses has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionLimits {
    pub instance: InstanceId,
    /// In seconds: a session that was not used for this long has ended.
    pub idle_timeout: Option<u64>,
    pub refresh_tokens: bool,
}

impl SessionLimits {
    /// Returns why a session is no good, or `None` if it is one of this app's, and live.
    pub(crate) fn refusal(&self, session: &Session, now: u64) -> Option<SessionRefusal> {
        let idle = self.idle_timeout;
        if !session.belongs_to(self.instance) {
            Some(SessionRefusal::OtherApp)
        } else if session.has_expired(now) {
            Some(SessionRefusal::Expired)
        } else if session.is_from_future(now) {
            Some(SessionRefusal::FromFuture)
        } else if idle.is_some_and(|seconds| session.is_idle(now, seconds)) {
            Some(SessionRefusal::Idle)
        } else if !session.has_live_token(now) && !self.can_refresh(session) {
            Some(SessionRefusal::TokenExpired)
        } else {
            None
        }
    }

    /// Whether the access token of this session can be refreshed.
    pub(crate) fn can_refresh(&self, session: &Session) -> bool {
        self.refresh_tokens && session.record().refresh_token.is_some()
    }
}
