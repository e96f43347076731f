//! From a refresh token to new tokens in the session (RFC 6749 section 6), for the instance that
//! holds the lease.

use std::{sync::Arc, time::Duration};

use super::{Flow, REFRESH_COOLDOWN, REFRESH_POLL_INTERVAL, end_token::UnsavedToken};
use crate::{
    error::chain,
    events::Event,
    failure::FailureCause,
    polling::Polling,
    session::{Session, SessionToken, StoreError, Tokens},
    user::RefreshOutcome,
};

/// How long the layer retries a store that is away, with a rotated token that would be lost.
const STORE_RETRY_WINDOW: Duration = Duration::from_secs(20);
/// Within this time a faster instance has written its tokens.
const FASTER_INSTANCE_TIMEOUT: Duration = Duration::from_secs(2);

impl Flow {
    /// Exchanges the refresh token.
    pub(super) async fn rotate(
        self: &Arc<Self>,
        token: &SessionToken,
        session: Session,
        lease: &str,
    ) -> Result<RefreshOutcome, StoreError> {
        let Some(refresh_token) = &session.record().refresh_token else {
            return Ok(RefreshOutcome::Ended);
        };
        let issued_at = self.config.clock.seconds();
        let error = match self.gateway.refresh(refresh_token).await {
            Ok(response) => {
                let tokens = self.tokens(response, issued_at);
                // No client must have a token that no session holds: the session was ended, a
                // faster instance has stored another, or the store cannot keep it.
                let unsaved = UnsavedToken::new(self, &tokens.access_token);
                let ours = tokens.access_token.clone();
                let outcome = self.store_tokens(token, session, tokens).await;
                if let Ok(RefreshOutcome::Refreshed(session)) = &outcome
                    && session.access_token().secret() == ours.secret()
                {
                    unsaved.keep();
                }
                return outcome;
            }
            Err(error) if error.cause == FailureCause::CodeRejected => {
                return self.end_after_invalid_grant(token, &session).await;
            }
            Err(error) => error,
        };
        self.events.emit(Event::RefreshFailed {
            session_id: &self.store.id(token, &session).to_string(),
            cause: error.cause,
            detail: &error.detail,
        });
        let completed = self.store.complete(lease, "failed", REFRESH_COOLDOWN).await;
        if let Err(error) = completed {
            let error = chain(&error);
            tracing::debug!(error, "other instances wait until the lease has expired");
        }
        Ok(RefreshOutcome::Unavailable(
            FailureCause::ProviderUnavailable,
        ))
    }

    /// Puts the new tokens in the place of the old ones.
    async fn store_tokens(
        &self,
        token: &SessionToken,
        mut session: Session,
        tokens: Tokens,
    ) -> Result<RefreshOutcome, StoreError> {
        let polling = Polling::new(STORE_RETRY_WINDOW, REFRESH_POLL_INTERVAL);
        loop {
            let error = match self.try_store_tokens(token, &mut session, &tokens).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => StoreError::new("the session changes faster than it can be refreshed"),
                Err(error) => error,
            };
            if !polling.next().await {
                return Err(error);
            }
        }
    }

    /// One attempt at that. Returns `None` when only the session's use was written in the meantime.
    async fn try_store_tokens(
        &self,
        token: &SessionToken,
        before: &mut Session,
        tokens: &Tokens,
    ) -> Result<Option<RefreshOutcome>, StoreError> {
        let now = self.config.clock.now();
        let after = before.refreshed(tokens.clone());
        let updated = self.store.update(token, after.clone(), now).await?;
        if updated.is_some() {
            self.events.emit(Event::TokenRefreshed {
                session_id: &self.store.id(token, before).to_string(),
            });
            return Ok(Some(RefreshOutcome::Refreshed(after)));
        }
        Ok(match self.store.load_fresh(token, now).await? {
            Some(known) if known.record().refreshes == before.record().refreshes => {
                *before = known;
                None
            }
            Some(known) => Some(RefreshOutcome::Refreshed(known)),
            None => Some(RefreshOutcome::Ended),
        })
    }

    /// The gateway says that the grant has ended (`invalid_grant`).
    async fn end_after_invalid_grant(
        &self,
        token: &SessionToken,
        session: &Session,
    ) -> Result<RefreshOutcome, StoreError> {
        // A store whose leases are not exclusive may have given one to a faster instance, which
        // then writes its tokens.
        let polling = Polling::new(FASTER_INSTANCE_TIMEOUT, REFRESH_POLL_INTERVAL);
        loop {
            match self
                .store
                .load_fresh(token, self.config.clock.now())
                .await?
            {
                Some(known) if known.record().refreshes != session.record().refreshes => {
                    return Ok(RefreshOutcome::Refreshed(known));
                }
                None => return Ok(RefreshOutcome::Ended),
                Some(_) if !polling.next().await => break,
                Some(_) => {}
            }
        }
        self.events.emit(Event::RefreshFailed {
            session_id: &self.store.id(token, session).to_string(),
            cause: FailureCause::CodeRejected,
            detail: "the gateway says that the grant has ended",
        });
        self.forget_user_info(token, session);
        self.store.remove(token, self.config.clock.now()).await?;
        Ok(RefreshOutcome::Ended)
    }
}
