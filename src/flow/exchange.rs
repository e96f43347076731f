//! From a code to a session (RFC 6749 sections 4.1.3 and 4.1.4), in a task that no browser can hang up on.

use std::sync::Arc;

use super::Flow;
use crate::{
    browser::{cookie::MAX_COOKIE, pending_login::PendingLogin},
    error::chain,
    events::Event,
    failure::FailureCause,
    oauth::State,
    session::{Record, Session, SessionStore, SessionToken, StoreError, Tokens},
};

/// A longer path would not fit beside a token in a cookie.
const MAX_KEPT_PATH: usize = 512;

/// What came of a login that reached the token endpoint.
#[derive(Clone)]
pub(crate) enum Answer {
    SignedIn {
        token: SessionToken<'static>,
        session: Session,
        return_to: Arc<str>,
    },
    Failed {
        cause: FailureCause,
        /// The code was not used up.
        unsent: bool,
    },
}

impl<Store: SessionStore> Flow<Store> {
    /// From code to session, or what another instance made of it; runs in a task of its own.
    pub(super) async fn exchange(
        &self,
        state: &State,
        login: &PendingLogin,
        code: &str,
        previous: Option<SessionToken<'static>>,
    ) -> Answer {
        match self.done_elsewhere(state, login).await {
            Ok(Some(answer)) => return answer,
            Ok(None) => {}
            // Nothing was sent yet, so the login can go on when the store is back.
            Err(error) => return self.store_failed_at_login(state, &error, true),
        }
        if let Err(error) = self.tell_sent(state).await {
            return self.store_failed_at_login(state, &error, true);
        }
        let answer = self.redeem(state, login, code, previous).await;
        self.tell_elsewhere(state, &answer).await;
        answer
    }

    async fn redeem(
        &self,
        state: &State,
        login: &PendingLogin,
        code: &str,
        previous: Option<SessionToken<'static>>,
    ) -> Answer {
        // The token's life is counted from before the request: it can only be shorter than that.
        let issued_at = self.config.clock.seconds();
        let token = match self.gateway.redeem(code, login.verifier()).await {
            Ok(token) => token,
            Err(refused) => {
                self.tell_failure(refused.cause, state, &refused.detail);
                return Answer::Failed {
                    cause: refused.cause,
                    unsent: refused.unsent,
                };
            }
        };
        let session = self.issue(state, login, self.tokens(token, issued_at), issued_at);
        let token = match self.store.save(session.clone()).await {
            Ok(token) => token,
            Err(error) => return self.store_failed_at_login(state, &error, false),
        };
        // A browser would drop the cookie without a word and come back for ever.
        let length = self.names.session.len() + token.expose().len();
        if length > MAX_COOKIE {
            let detail = format!("the session cookie would take {length} bytes of {MAX_COOKIE}");
            return self.not_signed_in(state, FailureCause::SessionTooLarge, &detail);
        }
        // What was known before the login must not be worth anything after it.
        if let Some(previous) = previous
            && let Err(error) = self.store.remove(&previous).await
        {
            self.events.store_failed(&error);
            let error = chain(&error);
            tracing::warn!(login_id = %state.login_id(), %error, "the session before this login could not be removed");
        }
        self.events.tell(Event::LoginSucceeded {
            login_id: &state.login_id(),
            session_id: &self.store.id(&token, &session).to_string(),
        });
        Answer::SignedIn {
            token,
            session,
            return_to: login.return_to().into(),
        }
    }

    fn issue(
        &self,
        state: &State,
        login: &PendingLogin,
        tokens: Tokens,
        issued_at: u64,
    ) -> Session {
        let kept = login.return_to();
        let kept = if kept.len() <= MAX_KEPT_PATH {
            kept
        } else {
            self.config.home.as_str()
        };
        let longest = issued_at.saturating_add(self.config.session_max);
        let refreshed = tokens.refresh_token.is_some();
        Session::of(Record {
            version: 0,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            scope: tokens.scope,
            issued_at,
            active_at: issued_at,
            refresh_at: tokens.refresh_at,
            token_expires_at: tokens.expires_at,
            refreshes: 0,
            expires_at: if refreshed {
                longest
            } else {
                longest.min(tokens.expires_at)
            },
            login: state.login(),
            instance: self.config.instance,
            return_to: kept.to_owned(),
            renewable: refreshed || self.config.idle_timeout.is_some(),
        })
    }

    pub(super) fn store_failed_at_login(
        &self,
        state: &State,
        error: &StoreError,
        unsent: bool,
    ) -> Answer {
        self.events.store_failed(error);
        let cause = FailureCause::StoreUnavailable;
        self.tell_failure(cause, state, &chain(error));
        Answer::Failed { cause, unsent }
    }

    /// A code that was used up for nothing.
    fn not_signed_in(&self, state: &State, cause: FailureCause, detail: &str) -> Answer {
        self.tell_failure(cause, state, detail);
        Answer::Failed {
            cause,
            unsent: false,
        }
    }
}
