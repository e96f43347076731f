//! When an access token is refreshed (RFC 6749 section 6), and by which instance.
//!
//! One instance asks the gateway, once: in this process by a task that all requests share, between
//! instances by a lease. All others wait for the outcome, and find it in the store. What the one
//! does is in [`rotate`](super::rotate).

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, time::timeout};

use super::{
    Flow, REFRESH_POLL_INTERVAL,
    single_flight::{Effect, FlightError},
};
use crate::{
    boxed::BoxFuture,
    clock::unix_seconds,
    failure::FailureCause,
    polling::Polling,
    session::{Lease, Session, SessionId, SessionToken, StoreError},
    user::{CurrentSession, RefreshOutcome},
};

/// Longer than the gateway has for its answer and the store to keep it, so that no instance asks
/// while another does.
const LEASE_TTL: Duration = Duration::from_secs(60);
/// A request waits no longer than this. The refresh goes on without it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait for another instance.
const WAIT_TIMEOUT: Duration = Duration::from_secs(12);

/// How much is left of an access token that can be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// It is good for a little longer.
    Expiring,
    Expired,
}

impl Flow {
    pub(super) fn freshness(&self, session: &Session, now: u64) -> Freshness {
        if !self.can_refresh(session) || now < session.record().refresh_at {
            Freshness::Fresh
        } else if session.has_live_token(now) {
            Freshness::Expiring
        } else {
            Freshness::Expired
        }
    }

    /// Starts the refresh of a token that is still good for this request.
    pub(super) fn start_refresh(self: &Arc<Self>, current: &CurrentSession) {
        if Handle::try_current().is_err() {
            return;
        }
        let now = self.config.clock.seconds();
        let refresh = || Arc::clone(self).try_refresh(current.clone());
        self.refreshes.start(key(current), now, refresh, effect);
    }

    /// The session with a live token, for one of the layer's own routes.
    pub(super) async fn with_live_token(
        self: &Arc<Self>,
        current: &CurrentSession,
    ) -> RefreshOutcome {
        match self.freshness(&current.session, self.config.clock.seconds()) {
            Freshness::Expired => Arc::clone(self).refreshed(current.clone()).await,
            _ => RefreshOutcome::Refreshed(current.session.clone()),
        }
    }

    /// The session with a new token, once there is one.
    pub(crate) fn refreshed(
        self: Arc<Self>,
        current: CurrentSession,
    ) -> BoxFuture<'static, RefreshOutcome> {
        Box::pin(async move {
            let now = self.config.clock.seconds();
            let key = key(&current);
            let refresh = || Arc::clone(&self).try_refresh(current);
            let outcome = self.refreshes.run(key, now, refresh, effect);
            match timeout(REQUEST_TIMEOUT, outcome).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(FlightError::AtCapacity)) => {
                    RefreshOutcome::Unavailable(FailureCause::TooManyLogins)
                }
                _ => RefreshOutcome::Unavailable(FailureCause::ProviderUnavailable),
            }
        })
    }

    async fn try_refresh(self: Arc<Self>, seen: CurrentSession) -> RefreshOutcome {
        let outcome = self.refresh(&seen.token, &seen.session).await;
        outcome.unwrap_or_else(|error| {
            self.events.store_failed(&error);
            RefreshOutcome::Unavailable(FailureCause::StoreUnavailable)
        })
    }

    async fn refresh(
        self: &Arc<Self>,
        token: &SessionToken,
        seen: &Session,
    ) -> Result<RefreshOutcome, StoreError> {
        let unavailable = RefreshOutcome::Unavailable(FailureCause::ProviderUnavailable);
        let name = format!("refresh-{}-{}", token.id(), seen.record().refreshes);
        let polling = Polling::new(WAIT_TIMEOUT, REFRESH_POLL_INTERVAL);
        loop {
            let lease = self.store.acquire(&name, LEASE_TTL).await?;
            // Loaded after the lease was acquired: the instance that had it before may have
            // refreshed the token.
            let now = self.config.clock.now();
            let known = match self.store.load_fresh(token, now).await {
                Ok(known) => known,
                Err(error) => {
                    if lease == Lease::Acquired {
                        let _ = self.store.release(&name).await;
                    }
                    return Err(error);
                }
            };
            let known = known.filter(|session| self.accepts(session, unix_seconds(now)));
            let Some(session) = known else {
                return Ok(RefreshOutcome::Ended);
            };
            if session.record().refreshes != seen.record().refreshes {
                return Ok(RefreshOutcome::Refreshed(session));
            }
            match lease {
                Lease::Acquired => return self.rotate(token, session, &name).await,
                // Another instance failed a moment ago.
                Lease::Completed(_) => return Ok(unavailable),
                Lease::Held if !polling.next().await => return Ok(unavailable),
                Lease::Held => {}
            }
        }
    }
}

/// By session, and by how often it was refreshed before.
fn key(current: &CurrentSession) -> (SessionId, u32) {
    (current.token.id(), current.session.record().refreshes)
}

fn effect(outcome: &RefreshOutcome) -> Effect {
    match outcome {
        RefreshOutcome::Unavailable(_) => Effect::Retryable,
        RefreshOutcome::Refreshed(_) | RefreshOutcome::Ended => Effect::Succeeded,
    }
}
