//! One exchange for each login. Its callback can arrive on any instance of the app.
//!
//! Within a process the [single flight](super::single_flight) ensures that. Between instances it
//! takes a store with leases: the instance that gets the login's lease first sends the code, and
//! leaves the outcome, sealed, for the others.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Flow, LoginOutcome, deadlines::BEFORE_SENDING, login_outcome::AppWords,
    single_flight::RESULT_TTL,
};
use crate::{
    browser::pending_login::PendingLogin,
    clock::unix_seconds,
    error::chain,
    failure::FailureCause,
    login_id::LoginId,
    polling::Polling,
    session::{Lease, Session, SessionToken, StoreError},
};

/// In place of an outcome, until there is one.
const SENT: &str = "sent";
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// What one instance leaves for the others.
#[derive(Serialize, Deserialize)]
struct SharedOutcome {
    at: u64,
    /// The token of the session, or the name of the cause of the failure, with the app's words.
    outcome: Result<String, (String, Option<AppWords>)>,
}

impl Flow {
    /// The outcome that another instance left for this login, or `None` when this one is to do it.
    pub(super) async fn await_other_instance(
        self: &Arc<Self>,
        id: LoginId,
        login: &PendingLogin,
    ) -> Result<Option<LoginOutcome>, StoreError> {
        if self.is_alone() {
            return Ok(None);
        }
        let used = |detail| LoginOutcome::failed(self.code_was_used(id, detail));
        let name = lease_of(id);
        let polling = Polling::new(BEFORE_SENDING, POLL_INTERVAL);
        let sent_polling = Polling::new(self.deadlines.sent(), POLL_INTERVAL);
        loop {
            let was_sent = match self.store.acquire(&name, self.deadlines.lease()).await? {
                Lease::Acquired => return Ok(None),
                Lease::Completed(sealed) if sealed != SENT => {
                    let shared = self.open_outcome(&name, &sealed, login).await?;
                    let detail = "another instance sent the code, and its outcome is of no use here: \
                                  it is too old, its session has ended, or its keys are others";
                    return Ok(Some(shared.unwrap_or_else(|| used(detail))));
                }
                Lease::Completed(_) => true,
                Lease::Held => false,
            };
            if was_sent && !sent_polling.next().await {
                let detail = "another instance sent the code, and left no outcome";
                return Ok(Some(used(detail)));
            }
            if was_sent || polling.next().await {
                continue;
            }
            // It may have died. The login can go on when its lease has expired.
            let cause = FailureCause::ProviderUnavailable;
            self.login_failed(cause, id, "another instance holds the login for too long");
            return Ok(Some(LoginOutcome::retryable(cause)));
        }
    }

    /// From here on the code counts as used, even if this instance ends (RFC 6749 section 4.1.2:
    /// never a second time).
    pub(super) async fn mark_sent(&self, id: LoginId) -> Result<(), StoreError> {
        if self.is_alone() {
            return Ok(());
        }
        let name = lease_of(id);
        let marked = self.store.complete(&name, SENT, self.exchanges.retention());
        let marked = marked.await;
        if marked.is_err() {
            let _ = self.store.release(&name).await;
        }
        marked
    }

    /// Whether no other instance can learn of a login: there is no lease to name, and no outcome to
    /// seal.
    fn is_alone(&self) -> bool {
        !self.store.has_leases()
    }

    async fn open_outcome(
        self: &Arc<Self>,
        name: &str,
        sealed: &str,
        login: &PendingLogin,
    ) -> Result<Option<LoginOutcome>, StoreError> {
        let shared = self
            .shared_outcomes
            .open::<SharedOutcome>(name, sealed.as_bytes());
        let now = self.config.clock.now();
        let fresh = |shared: &SharedOutcome| unix_seconds(now).abs_diff(shared.at) < RESULT_TTL;
        let Some(shared) = shared.filter(fresh) else {
            return Ok(None);
        };
        let token = match shared.outcome {
            Ok(token) => SessionToken::new(token),
            Err((cause, words)) => {
                let cause = FailureCause::named(&cause);
                return Ok(cause.map(|cause| LoginOutcome::Failed {
                    cause,
                    retryable: false,
                    words: words.map(Arc::new),
                }));
            }
        };
        let accepts = |session: &Session| self.accepts(session, unix_seconds(now));
        let mut session = self.store.load_fresh(&token, now).await?.filter(accepts);
        if session.is_none() {
            // It was saved a moment ago, and this instance's part of the store may lag.
            session = Arc::clone(self)
                .look_again(token.clone())
                .await?
                .filter(accepts);
        }
        Ok(session.map(|session| LoginOutcome::SignedIn {
            token,
            expires_at: unix_seconds(session.expires_at()),
            return_to: login.return_to().into(),
        }))
    }

    /// Leaves the outcome for the others, or the login where its code was not used up.
    pub(super) async fn publish_outcome(&self, id: LoginId, outcome: &LoginOutcome) {
        if self.is_alone() {
            return;
        }
        let name = lease_of(id);
        let outcome = match outcome {
            LoginOutcome::SignedIn { token, .. } => Some(Ok(token.secret().to_owned())),
            LoginOutcome::Failed {
                retryable: true, ..
            } => None,
            LoginOutcome::Failed { cause, words, .. } => {
                let words = words.as_deref().cloned();
                Some(Err((cause.as_str().to_owned(), words)))
            }
        };
        let left = match outcome {
            Some(outcome) => {
                let at = self.config.clock.seconds();
                let shared = SharedOutcome { at, outcome };
                let sealed = self.shared_outcomes.seal(&name, &shared);
                let ttl = self.exchanges.retention();
                self.store.complete(&name, &sealed, ttl).await
            }
            None => self.store.release(&name).await,
        };
        if let Err(error) = left {
            let error = chain(&error);
            tracing::debug!(login_id = %id, error, "other instances do not learn the outcome");
        }
    }
}

fn lease_of(id: LoginId) -> String {
    format!("login-{:032x}", u128::from_be_bytes(id.to_bytes()))
}
