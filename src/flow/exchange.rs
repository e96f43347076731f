//! From a code to a session (RFC 6749 sections 4.1.3 and 4.1.4), in a task that outlives the
//! browser's connection.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Flow, LoginOutcome,
    deadlines::{CLOSING, SAVE_ATTEMPT},
    end_token::UnsavedToken,
    on_login::NotAccepted,
};
use crate::{
    browser::{cookie::MAX_COOKIE, pending_login::PendingLogin, request::RequestInfo},
    clock::unix_seconds,
    error::chain,
    events::Event,
    failure::FailureCause,
    login_id::LoginId,
    polling::Polling,
    session::{Record, Session, SessionToken, StoreError, Tokens},
};

/// A longer path would not fit beside a token in a cookie.
const MAX_KEPT_PATH: usize = 512;
const SAVE_RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// A session in a cookie counts its changes, and needs at most so many characters more for a large
/// number of them.
const MAX_GROWTH: usize = 6;

impl Flow {
    /// From code to session, or the outcome that another instance left.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        info: &RequestInfo,
        id: LoginId,
        login: &PendingLogin,
        code: &str,
        previous: Vec<SessionToken>,
    ) -> LoginOutcome {
        let retries = Polling::new(self.deadlines.saving(), SAVE_RETRY_INTERVAL);
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
        let sent = self.send_code(info, id, login, code, previous, &retries);
        let (outcome, token) = sent.await;
        let published = timeout(CLOSING, self.publish_outcome(id, &outcome));
        if published.await.is_err() {
            tracing::debug!(login_id = %id, "the store does not take the outcome in time");
        }
        if let Some(token) = token {
            token.keep();
        }
        outcome
    }

    /// The outcome, and the access token that a session holds from now on.
    async fn send_code(
        self: &Arc<Self>,
        info: &RequestInfo,
        id: LoginId,
        login: &PendingLogin,
        code: &str,
        previous: Vec<SessionToken>,
        retries: &Polling,
    ) -> (LoginOutcome, Option<UnsavedToken>) {
        // The token's life is counted from before the request: it can only be shorter than that.
        let issued_at = self.config.clock.seconds();
        let response = match self.gateway.exchange_code(id, code, login.verifier()).await {
            Ok(response) => response,
            Err(error) => {
                self.login_failed(error.cause, id, &error.detail);
                let outcome = match error.retryable {
                    true => LoginOutcome::retryable(error.cause),
                    false => LoginOutcome::failed(error.cause),
                };
                return (outcome, None);
            }
        };
        let session = self.new_session(id, login, self.tokens(response, issued_at), issued_at);
        let unsaved = UnsavedToken::new(self, session.access_token());
        let session = match self.ask_app(info, login, session).await {
            Ok(session) => session,
            Err(NotAccepted {
                cause,
                words,
                detail,
            }) => {
                self.login_failed(cause, id, &detail);
                let outcome = LoginOutcome::Failed {
                    cause,
                    retryable: false,
                    words: words.map(Arc::new),
                };
                return (outcome, None);
            }
        };
        let token = match self.save(id, &session, retries).await {
            Ok(token) => token,
            Err(error) => {
                let cause = self.store_failed_at_login(id, &error);
                return (LoginOutcome::failed(cause), None);
            }
        };
        // A browser would drop the cookie silently, and would be sent to log in without end.
        let growth = if session.is_renewable() {
            MAX_GROWTH
        } else {
            0
        };
        let length = self.names.session.len() + token.secret().len() + growth;
        if length > MAX_COOKIE {
            let detail = format!("the session cookie would take {length} bytes of {MAX_COOKIE}");
            self.login_failed(FailureCause::SessionTooLarge, id, &detail);
            return (LoginOutcome::failed(FailureCause::SessionTooLarge), None);
        }
        self.replace(id, &previous, &session).await;
        self.events.emit(Event::LoginSucceeded {
            login_id: &id.to_string(),
            session_id: &self.store.id(&token, &session).to_string(),
        });
        let outcome = LoginOutcome::SignedIn {
            token,
            expires_at: unix_seconds(session.expires_at()),
            return_to: login.return_to().into(),
        };
        (outcome, Some(unsaved))
    }

    /// Saves the session, again and again while the store fails: the code is used up.
    async fn save(
        &self,
        id: LoginId,
        session: &Session,
        retries: &Polling,
    ) -> Result<SessionToken, StoreError> {
        let mut is_logged = false;
        loop {
            let saved = self.store.save(session.clone(), self.config.clock.now());
            let error = match timeout(SAVE_ATTEMPT, saved).await {
                Ok(Ok(token)) => return Ok(token),
                Ok(Err(error)) => error,
                Err(_) => StoreError::new("it did not save a session within five seconds"),
            };
            if error.is_permanent() || !retries.next().await {
                return Err(error);
            }
            if !is_logged {
                is_logged = true;
                let error = chain(&error);
                tracing::warn!(login_id = %id, error, "a session is not saved yet: trying again");
            }
        }
    }

    /// Ends the sessions that the browser had before the login, which must open nothing after it.
    async fn replace(self: &Arc<Self>, id: LoginId, previous: &[SessionToken], new: &Session) {
        let deadline = Instant::now() + CLOSING;
        for previous in previous {
            let removed = timeout_at(deadline, self.remove_previous(previous)).await;
            match removed.unwrap_or_else(|_| Err(StoreError::new("it did not answer in time"))) {
                // A gateway may grant a user the same token again.
                Ok(Some(old)) if old.access_token().secret() != new.access_token().secret() => {
                    self.end_token(old.access_token().clone());
                }
                Ok(_) => {}
                Err(error) => {
                    self.events.store_failed_at(Some(id), &error);
                    let error = chain(&error);
                    tracing::warn!(
                        login_id = %id,
                        error,
                        "the session before this login could not be removed"
                    );
                }
            }
        }
    }

    /// Removes a session, and returns it if the store had it. One of another app stays.
    async fn remove_previous(
        &self,
        previous: &SessionToken,
    ) -> Result<Option<Session>, StoreError> {
        let now = self.config.clock.now();
        let known = self.store.load_fresh(previous, now).await?;
        if let Some(session) = &known {
            if !session.belongs_to(self.config.instance) {
                self.notices.other_app(&self.names.session);
                return Ok(None);
            }
            self.forget_user_info(previous, session);
        }
        self.store.remove(previous, now).await?;
        Ok(known)
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
        let session = Session::of(Record {
            version: 0,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            scope: tokens.scope.map(Into::into),
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
            return_to: kept.into(),
            renewable: refreshed || self.config.idle_timeout.is_some(),
            app: None,
        });
        match login.note() {
            Some(note) => session.with_note(note.clone()),
            None => session,
        }
    }

    pub(super) fn store_failed_at_login(&self, id: LoginId, error: &StoreError) -> FailureCause {
        self.events.store_failed_at(Some(id), error);
        let cause = FailureCause::StoreUnavailable;
        self.login_failed(cause, id, &chain(error));
        cause
    }
}
