//! From a code to a session (RFC 6749 sections 4.1.3 and 4.1.4), in a task that no browser can hang up on.

use std::sync::Arc;

use super::Flow;
use crate::{
    FailureCause,
    cookie::MAX_COOKIE,
    events::{Event, chain},
    oauth::{State, TokenResponse},
    pending::PendingLogin,
    session::{Origin, Session, SessionStore, SessionToken},
};

/// A token that is about to end is no use to a handler.
const LEEWAY: u64 = 30;
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
    /// From code to session; runs in a task of its own.
    pub(super) async fn exchange(
        &self,
        state: &State,
        login: &PendingLogin,
        code: &str,
        previous: Option<SessionToken<'static>>,
    ) -> Answer {
        // The token's life is counted from before the request: it can only be shorter than that.
        let issued_at = self.config.clock.seconds();
        let failed = |cause, detail: &str| self.not_signed_in(state, cause, detail);
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
        let session = self.issue(state, login, token, issued_at);
        let token = match self.store.save(session.clone()).await {
            Ok(token) => token,
            Err(error) => return failed(FailureCause::StoreUnavailable, &chain(&error)),
        };
        // A browser would drop the cookie without a word and come back for ever.
        let length = self.names.session.len() + token.expose().len();
        if length > MAX_COOKIE {
            let detail = format!("the session cookie would take {length} bytes of {MAX_COOKIE}");
            return failed(FailureCause::SessionTooLarge, &detail);
        }
        // What was known before the login must not be worth anything after it.
        if let Some(previous) = previous
            && let Err(error) = self.store.remove(&previous).await
        {
            let error = chain(&error);
            tracing::warn!(login_id = %state.login_id(), %error, "the session before this login could not be removed");
        }
        let login_id = state.login_id();
        self.events.tell(Event::LoginSucceeded {
            login_id: &login_id,
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
        token: TokenResponse,
        issued_at: u64,
    ) -> Session {
        // A token that lives shorter than the leeway keeps a quarter of its life.
        let leeway = LEEWAY.min(token.expires_in - token.expires_in / 4);
        let lifetime = (token.expires_in - leeway)
            .max(1)
            .min(self.config.session_max);
        let kept = login.return_to();
        let kept = if kept.len() <= MAX_KEPT_PATH {
            kept
        } else {
            self.config.home.as_str()
        };
        let origin = Origin {
            scope: token.scope,
            login: state.login(),
            instance: self.config.instance,
            return_to: kept.to_owned(),
        };
        let expires_at = issued_at.saturating_add(lifetime);
        Session::issue(token.access_token, issued_at, expires_at, origin)
    }

    /// A code that was used up for nothing.
    pub(super) fn not_signed_in(&self, state: &State, cause: FailureCause, detail: &str) -> Answer {
        self.tell_failure(cause, state, detail);
        Answer::Failed {
            cause,
            unsent: false,
        }
    }
}
