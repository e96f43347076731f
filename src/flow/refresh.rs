//! When an access token is refreshed (RFC 6749 section 6), and by whom.
//!
//! One instance asks the gateway, once: in this process by a task that all requests share, between instances by a claim in the
//! store. Everybody else waits for what comes of it, and finds it in the store. What that one does is in [`rotate`](super::rotate).

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::Flow;
use crate::{
    boxed::BoxFuture,
    failure::FailureCause,
    flow::single_flight::NoAnswer,
    session::{Claim, Session, SessionStore, SessionToken, StoreError},
    user::Refreshed,
};

/// How long a try that came to nothing stands before the next.
pub(crate) const REFRESH_AGAIN: Duration = Duration::from_secs(5);
/// Longer than the gateway has for its answer and the store for taking it, so that nobody asks beside somebody who is at it.
const CLAIM: Duration = Duration::from_secs(60);
/// A request waits no longer than this; the refresh goes on without it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long to wait for another instance.
const WAIT: Duration = Duration::from_secs(12);
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// When an access token wants to be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Later,
    /// It is good for a little longer.
    Soon,
    Now,
}

impl<Store: SessionStore> Flow<Store> {
    pub(super) fn refresh_due(&self, session: &Session, now: u64) -> Due {
        if !self.refreshes(session) || now < session.record().refresh_at {
            Due::Later
        } else if session.has_live_token(now) {
            Due::Soon
        } else {
            Due::Now
        }
    }

    /// Has a token refreshed that is still good for this request.
    pub(super) fn refresh_soon(self: &Arc<Self>, headers: &HeaderMap, session: &Session) {
        let Some(token) = self.session_token(headers) else {
            return;
        };
        if Handle::try_current().is_err() {
            return;
        }
        let key = (token.id(), session.record().refreshes);
        let now = self.config.clock.seconds();
        let refresh = || Arc::clone(self).try_refresh(token.into_owned(), session.clone());
        self.refreshes.begin(key, now, refresh, came_to_nothing);
    }

    /// The session as one of our own routes needs it.
    pub(super) async fn with_good_token(
        self: &Arc<Self>,
        headers: &HeaderMap,
        session: Session,
    ) -> Refreshed {
        let due = self.refresh_due(&session, self.config.clock.seconds());
        match (due, self.session_token(headers)) {
            (Due::Now, Some(token)) => {
                let token = token.into_owned();
                Arc::clone(self).refreshed(token, session).await
            }
            _ => Refreshed::Session(session),
        }
    }

    /// The session with a token that is good, once there is one.
    pub(crate) fn refreshed(
        self: Arc<Self>,
        token: SessionToken<'static>,
        session: Session,
    ) -> BoxFuture<'static, Refreshed> {
        Box::pin(async move {
            let key = (token.id(), session.record().refreshes);
            let now = self.config.clock.seconds();
            let refresh = || Arc::clone(&self).try_refresh(token, session);
            let answer = self.refreshes.answer(key, now, refresh, came_to_nothing);
            match timeout(PATIENCE, answer).await {
                Ok(Ok(refreshed)) => refreshed,
                Ok(Err(NoAnswer::Full)) => Refreshed::NotNow(FailureCause::TooManyLogins),
                _ => Refreshed::NotNow(FailureCause::ProviderUnavailable),
            }
        })
    }

    async fn try_refresh(
        self: Arc<Self>,
        token: SessionToken<'static>,
        seen: Session,
    ) -> Refreshed {
        let refreshed = self.refresh(&token, &seen).await;
        refreshed.unwrap_or_else(|error| {
            self.events.store_failed(&error);
            Refreshed::NotNow(FailureCause::StoreUnavailable)
        })
    }

    async fn refresh(
        &self,
        token: &SessionToken<'_>,
        seen: &Session,
    ) -> Result<Refreshed, StoreError> {
        let not_now = Refreshed::NotNow(FailureCause::ProviderUnavailable);
        let name = format!("refresh-{}-{}", token.id(), seen.record().refreshes);
        let waited = Instant::now() + WAIT;
        loop {
            let claim = self.store.claim(&name, CLAIM).await?;
            // Looked up after the claim: whoever had it before may have refreshed the token.
            let now = self.config.clock.seconds();
            let known = match self.store.reload(token).await {
                Ok(known) => known,
                Err(error) => {
                    if claim == Claim::Won {
                        let _ = self.store.release(&name).await;
                    }
                    return Err(error);
                }
            };
            let Some(session) = known.filter(|session| self.accepts(session, now)) else {
                return Ok(Refreshed::Over);
            };
            if session.record().refreshes != seen.record().refreshes {
                return Ok(Refreshed::Session(session));
            }
            match claim {
                Claim::Won => return self.rotate(token, session, &name).await,
                // Another instance tried a moment ago, and it came to nothing.
                Claim::Settled(_) => return Ok(not_now),
                Claim::Lost if Instant::now() >= waited => return Ok(not_now),
                Claim::Lost => sleep(LOOK_EVERY).await,
            }
        }
    }
}

fn came_to_nothing(refreshed: &Refreshed) -> bool {
    matches!(refreshed, Refreshed::NotNow(_))
}
