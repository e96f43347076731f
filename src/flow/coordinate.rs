//! One exchange for each login, whichever instance of the app its callback reaches.
//!
//! Within a process [`Exchanges`](crate::flow::single_flight) sees to that. Between instances it takes a store that they share: whoever claims the
//! login first redeems its code, and leaves what came of it, sealed, for the others.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{Flow, exchange::Answer};
use crate::{
    browser::pending_login::PendingLogin,
    error::chain,
    failure::FailureCause,
    flow::single_flight::ANSWER_FOR,
    oauth::State,
    session::{Claim, SessionStore, SessionToken, StoreError},
};

/// Until the code is on its way: short for whoever waits for an instance that died before.
const CLAIM: Duration = Duration::from_secs(45);
/// In place of an answer, as long as there is none.
const SENT: &str = "sent";
/// How long to wait for another instance: the gateway's ten seconds, and a little for the store.
const WAIT: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What one instance tells the others.
#[derive(Serialize, Deserialize)]
struct Told {
    at: u64,
    /// The token of the session, or the name of the cause why there is none.
    outcome: Result<String, String>,
}

impl<Store: SessionStore> Flow<Store> {
    /// What another instance made of this login; `None` when it is for this one to do.
    pub(super) async fn done_elsewhere(
        &self,
        state: &State,
        login: &PendingLogin,
    ) -> Result<Option<Answer>, StoreError> {
        let used = Answer::Failed {
            cause: FailureCause::CodeRejected,
            unsent: false,
        };
        let name = name(state);
        let waited = Instant::now() + WAIT;
        loop {
            match self.store.claim(&name, CLAIM).await? {
                Claim::Won => return Ok(None),
                Claim::Settled(sealed) if sealed != SENT => {
                    let told = self.told(&name, &sealed, login).await?;
                    return Ok(Some(told.unwrap_or(used)));
                }
                Claim::Settled(_) if Instant::now() >= waited => return Ok(Some(used)),
                // It may have died: the login can go on when its claim has run out.
                Claim::Lost if Instant::now() >= waited => {
                    let cause = FailureCause::ProviderUnavailable;
                    self.tell_failure(cause, state, "another instance does not get done with it");
                    let unsent = true;
                    return Ok(Some(Answer::Failed { cause, unsent }));
                }
                Claim::Settled(_) | Claim::Lost => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// From here on the code counts as used, whatever becomes of this instance (RFC 6749 section 4.1.2: never a second time).
    pub(super) async fn tell_sent(&self, state: &State) -> Result<(), StoreError> {
        let name = name(state);
        let sent = self.store.settle(&name, SENT, self.exchanges.remembers());
        let sent = sent.await;
        if sent.is_err() {
            let _ = self.store.release(&name).await;
        }
        sent
    }

    async fn told(
        &self,
        name: &str,
        sealed: &str,
        login: &PendingLogin,
    ) -> Result<Option<Answer>, StoreError> {
        let told = self.answers.open::<Told>(name, sealed.as_bytes());
        let now = self.config.clock.seconds();
        let Some(told) = told.filter(|told| now.abs_diff(told.at) < ANSWER_FOR) else {
            return Ok(None);
        };
        let token = match told.outcome {
            Ok(token) => SessionToken::new(token),
            Err(cause) => {
                let cause = FailureCause::named(&cause);
                let unsent = false;
                return Ok(cause.map(|cause| Answer::Failed { cause, unsent }));
            }
        };
        let session = self.store.load(&token).await?;
        let session = session.filter(|session| self.accepts(session, now));
        Ok(session.map(|session| Answer::SignedIn {
            token,
            session,
            return_to: login.return_to().into(),
        }))
    }

    /// Leaves the answer for the others, or the login when its code is as good as before.
    pub(super) async fn tell_elsewhere(&self, state: &State, answer: &Answer) {
        let name = name(state);
        let at = self.config.clock.seconds();
        let told = match answer {
            Answer::SignedIn { token, .. } => Some(Told {
                at,
                outcome: Ok(token.expose().to_owned()),
            }),
            Answer::Failed { unsent: true, .. } => None,
            Answer::Failed { cause, .. } => Some(Told {
                at,
                outcome: Err(cause.as_str().to_owned()),
            }),
        };
        let left = match told {
            Some(told) => {
                let sealed = self.answers.seal(&name, &told);
                let ttl = self.exchanges.remembers();
                self.store.settle(&name, &sealed, ttl).await
            }
            None => self.store.release(&name).await,
        };
        if let Err(error) = left {
            let error = chain(&error);
            tracing::debug!(login_id = %state.login_id(), error, "other instances do not learn what came of this login");
        }
    }
}

fn name(state: &State) -> String {
    format!("login-{:032x}", u128::from_be_bytes(state.login()))
}
