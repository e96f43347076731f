//! From a refresh token to a session that goes on (RFC 6749 section 6).
//!
//! One instance asks the gateway, once: in this process by a task that all requests share, between instances by a claim in the
//! store. Everybody else waits for what comes of it, and finds it in the store.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::Flow;
use crate::{
    FailureCause,
    events::{Event, chain},
    exchanges::NoAnswer,
    session::{Claim, Session, SessionStore, SessionToken, StoreError, Tokens},
    user::BoxFuture,
};

/// How long a try that came to nothing stands before the next.
pub(crate) const REFRESH_AGAIN: Duration = Duration::from_secs(5);
/// For how long a store that is away for a moment is offered a token that was rotated meanwhile, and would be lost.
const KEEP_FOR: Duration = Duration::from_secs(20);
/// Longer than the gateway has for its answer and the store for taking it, so that nobody asks beside somebody who is at it.
const CLAIM: Duration = Duration::from_secs(60);
/// A request waits no longer than this; the refresh goes on without it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long to wait for another instance.
const WAIT: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// In this many looks, an instance that was faster has written what it got.
const LOOKS: u32 = 10;

/// When an access token wants to be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Later,
    /// It is good for a little longer.
    Soon,
    Now,
}

/// What came of refreshing.
#[derive(Clone, Debug)]
pub(crate) enum Refreshed {
    Session(Session),
    /// The session has ended.
    Over,
    /// The gateway or the store is not there; the session stays as it was.
    NotNow(FailureCause),
}

impl<Store: SessionStore> Flow<Store> {
    /// Whether this session's access token can be refreshed.
    pub(super) fn refreshes(&self, session: &Session) -> bool {
        self.config.refresh_tokens && session.record().refresh_token.is_some()
    }

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
                Claim::Won => return self.ask_gateway(token, session, &name).await,
                // Another instance tried a moment ago, and it came to nothing.
                Claim::Settled(_) => return Ok(not_now),
                Claim::Lost if Instant::now() >= waited => return Ok(not_now),
                Claim::Lost => sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn ask_gateway(
        &self,
        token: &SessionToken<'_>,
        session: Session,
        claim: &str,
    ) -> Result<Refreshed, StoreError> {
        let Some(refresh_token) = &session.record().refresh_token else {
            return Ok(Refreshed::Over);
        };
        let now = self.config.clock.seconds();
        match self.gateway.refresh(refresh_token).await {
            Ok(response) => self.keep(token, &session, self.tokens(response, now)).await,
            Err(refused) if refused.cause == FailureCause::CodeRejected => {
                self.refused_for_good(token, &session).await
            }
            Err(refused) => {
                self.events.tell(Event::RefreshFailed {
                    session_id: &self.store.id(token, &session).to_string(),
                    cause: refused.cause,
                    detail: &refused.detail,
                });
                let settled = self.store.settle(claim, "failed", REFRESH_AGAIN).await;
                if let Err(error) = settled {
                    let error = chain(&error);
                    tracing::debug!(error, "other instances wait until the claim has run out");
                }
                Ok(Refreshed::NotNow(FailureCause::ProviderUnavailable))
            }
        }
    }

    /// Puts the tokens in the place of those they were traded in for.
    async fn keep(
        &self,
        token: &SessionToken<'_>,
        session: &Session,
        tokens: Tokens,
    ) -> Result<Refreshed, StoreError> {
        let until = Instant::now() + KEEP_FOR;
        let mut before = session.clone();
        loop {
            let error = match self.put(token, &mut before, &tokens).await {
                Ok(Some(Refreshed::Over)) => break,
                Ok(Some(refreshed)) => return Ok(refreshed),
                Ok(None) => StoreError::new("the session changes faster than it can be refreshed"),
                Err(error) => error,
            };
            if Instant::now() >= until {
                return Err(error);
            }
            sleep(LOOK_EVERY).await;
        }
        // Logged out meanwhile: nobody shall have the token that came for nothing.
        if let Err(error) = self.gateway.logout(&tokens.access_token).await {
            tracing::warn!(
                error,
                "a token was refreshed for a session that had ended, and is still good at the gateway"
            );
        }
        Ok(Refreshed::Over)
    }

    /// One try at that; `None` when only the session's use was noted meanwhile.
    async fn put(
        &self,
        token: &SessionToken<'_>,
        before: &mut Session,
        tokens: &Tokens,
    ) -> Result<Option<Refreshed>, StoreError> {
        let after = before.refreshed(tokens.clone());
        if self.store.replace(token, after.clone()).await?.is_some() {
            self.events.tell(Event::TokenRefreshed {
                session_id: &self.store.id(token, before).to_string(),
            });
            return Ok(Some(Refreshed::Session(after)));
        }
        Ok(match self.store.reload(token).await? {
            Some(known) if known.record().refreshes == before.record().refreshes => {
                *before = known;
                None
            }
            Some(known) => Some(Refreshed::Session(known)),
            None => Some(Refreshed::Over),
        })
    }

    /// The gateway says that the grant is over (`invalid_grant`).
    async fn refused_for_good(
        &self,
        token: &SessionToken<'_>,
        session: &Session,
    ) -> Result<Refreshed, StoreError> {
        // A store whose claims are not watertight may have let another instance be faster, which then writes what it got.
        for _ in 0..LOOKS {
            match self.store.reload(token).await? {
                Some(known) if known.record().refreshes != session.record().refreshes => {
                    return Ok(Refreshed::Session(known));
                }
                Some(_) => sleep(LOOK_EVERY).await,
                None => return Ok(Refreshed::Over),
            }
        }
        self.events.tell(Event::RefreshFailed {
            session_id: &self.store.id(token, session).to_string(),
            cause: FailureCause::CodeRejected,
            detail: "the gateway says that the grant is over",
        });
        self.forget_profile(session);
        self.store.remove(token).await?;
        Ok(Refreshed::Over)
    }
}

fn came_to_nothing(refreshed: &Refreshed) -> bool {
    matches!(refreshed, Refreshed::NotNow(_))
}
