//! From a code to a session (RFC 6749 sections 4.1.3 and 4.1.4), in a task that outlives the
//! browser's connection.

use super::{Flow, LoginOutcome};
use crate::{
    browser::{cookie::MAX_COOKIE, pending_login::PendingLogin},
    error::chain,
    events::Event,
    failure::FailureCause,
    login_id::LoginId,
    session::{Record, Session, SessionToken, StoreError, Tokens},
};

/// A longer path would not fit beside a token in a cookie.
const MAX_KEPT_PATH: usize = 512;

impl Flow {
    /// From code to session, or the outcome that another instance left.
    pub(super) async fn exchange(
        &self,
        id: LoginId,
        login: &PendingLogin,
        code: &str,
        previous: Option<SessionToken>,
    ) -> LoginOutcome {
        match self.await_other_instance(id, login).await {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => {}
            // Nothing was sent yet, so the login can go on when the store is back.
            Err(error) => {
                return LoginOutcome::retryable(self.store_failed_at_login(id, &error));
            }
        }
        if let Err(error) = self.mark_sent(id).await {
            return LoginOutcome::retryable(self.store_failed_at_login(id, &error));
        }
        let outcome = self.send_code(id, login, code, previous).await;
        self.publish_outcome(id, &outcome).await;
        outcome
    }

    async fn send_code(
        &self,
        id: LoginId,
        login: &PendingLogin,
        code: &str,
        previous: Option<SessionToken>,
    ) -> LoginOutcome {
        // The token's life is counted from before the request: it can only be shorter than that.
        let issued_at = self.config.clock.seconds();
        let response = match self.gateway.exchange_code(code, login.verifier()).await {
            Ok(response) => response,
            Err(error) => {
                self.login_failed(error.cause, id, &error.detail);
                return LoginOutcome::Failed {
                    cause: error.cause,
                    retryable: error.retryable,
                };
            }
        };
        let session = self.new_session(id, login, self.tokens(response, issued_at), issued_at);
        let saved = self.store.save(session.clone(), self.config.clock.now());
        let token = match saved.await {
            Ok(token) => token,
            Err(error) => return LoginOutcome::failed(self.store_failed_at_login(id, &error)),
        };
        // A browser would drop the cookie silently, and would be sent to log in without end.
        let length = self.names.session.len() + token.secret().len();
        if length > MAX_COOKIE {
            let detail = format!("the session cookie would take {length} bytes of {MAX_COOKIE}");
            self.login_failed(FailureCause::SessionTooLarge, id, &detail);
            return LoginOutcome::failed(FailureCause::SessionTooLarge);
        }
        if let Some(previous) = previous {
            self.remove_previous(id, &previous).await;
        }
        self.events.emit(Event::LoginSucceeded {
            login_id: &id.to_string(),
            session_id: &self.store.id(&token, &session).to_string(),
        });
        LoginOutcome::SignedIn {
            token,
            session,
            return_to: login.return_to().into(),
        }
    }

    /// A token from before the login must open nothing after it.
    async fn remove_previous(&self, id: LoginId, previous: &SessionToken) {
        let removed = self.store.remove(previous, self.config.clock.now()).await;
        if let Err(error) = removed {
            self.events.store_failed(&error);
            let error = chain(&error);
            tracing::warn!(
                login_id = %id,
                error,
                "the session before this login could not be removed"
            );
        }
    }

    fn new_session(
        &self,
        id: LoginId,
        login: &PendingLogin,
        tokens: Tokens,
        issued_at: u64,
    ) -> Session {
        let kept = Some(login.return_to()).filter(|path| path.len() <= MAX_KEPT_PATH);
        let kept = kept.unwrap_or(self.config.home.as_str());
        let longest = issued_at.saturating_add(self.config.max_session_age);
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
            login_id: id,
            instance: self.config.instance,
            return_to: kept.to_owned(),
            renewable: refreshed || self.config.idle_timeout.is_some(),
            app: None,
        })
    }

    pub(super) fn store_failed_at_login(&self, id: LoginId, error: &StoreError) -> FailureCause {
        self.events.store_failed(error);
        let cause = FailureCause::StoreUnavailable;
        self.login_failed(cause, id, &chain(error));
        cause
    }
}
