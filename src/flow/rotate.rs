//! From a refresh token to new tokens in the session (RFC 6749 section 6), for the one who does it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    Flow,
    refresh::{LOOK_EVERY, REFRESH_AGAIN},
};
use crate::{
    error::chain,
    events::Event,
    failure::FailureCause,
    session::{Session, SessionStore, SessionToken, StoreError, Tokens},
    user::Refreshed,
};

/// For how long a store that is away for a moment is offered a token that was rotated meanwhile, and would be lost.
const KEEP_FOR: Duration = Duration::from_secs(20);
/// In this many looks, an instance that was faster has written what it got.
const LOOKS: u32 = 10;

impl<Store: SessionStore> Flow<Store> {
    /// Trades the refresh token in, for whoever has the claim.
    pub(super) async fn rotate(
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
