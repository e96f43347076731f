//! Stores that break one rule each: does the suite notice, and say which?

use std::{
    collections::HashMap,
    future::{Ready, ready},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{task::yield_now, time::Instant};

use super::check_store;
use crate::session::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Nothing,
    SharesNothingWithItsClones,
    MakesTokensThatCanBeGuessed,
    LosesTheRefreshToken,
    LoadsWhatHasExpired,
    ChangesItsTokens,
    IgnoresTheVersion,
    LosesWhatItDoesNotReplace,
    ReloadsWhatItSaw,
    ReplacesInTwoSteps,
    RevivesWhatItReplaces,
    RevivesWhatIsRemovedMeanwhile,
    RemovesNothing,
    RemovesOthersToo,
    RevokesNothing,
    RevokesSomebodyElse,
    RevokesOthersToo,
    FailsToRevokeTheUnknown,
    NamesASessionByItsVersion,
    RevokesAllOfThemLater,
    RevokesNoneOfThem,
    LetsTwoWinAClaim,
    MixesUpClaims,
    ClaimsForEver,
    ForgetsWhatWasSettled,
    NeverGivesAClaimBack,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<SessionId, Session>,
    claims: HashMap<String, (Instant, Option<String>)>,
    seen: HashMap<SessionId, Session>,
    closed: bool,
}

/// Right, but for one thing.
pub(super) struct Store {
    wrong: Wrong,
    kept: Arc<Mutex<Kept>>,
    guessed: Arc<AtomicU64>,
}

impl Store {
    pub(super) fn new(wrong: Wrong) -> Self {
        Self {
            wrong,
            kept: Arc::default(),
            guessed: Arc::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }
}

impl Clone for Store {
    fn clone(&self) -> Self {
        if self.is(Wrong::SharesNothingWithItsClones) {
            return Self::new(self.wrong);
        }
        Self {
            wrong: self.wrong,
            kept: Arc::clone(&self.kept),
            guessed: Arc::clone(&self.guessed),
        }
    }
}

impl SessionStore for Store {
    type Load = Ready<Result<Option<Session>, StoreError>>;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        let mut kept = self.kept();
        let found = kept.sessions.get(&token.id()).cloned();
        let found = found.filter(|session| {
            self.is(Wrong::LoadsWhatHasExpired) || !session.is_expired_at(SystemTime::now())
        });
        if let Some(found) = &found {
            kept.seen.insert(token.id(), found.clone());
        }
        ready(Ok(found))
    }

    fn reload(&self, token: &SessionToken<'_>) -> Self::Load {
        let seen = self.kept().seen.get(&token.id()).cloned();
        if seen.is_some() && self.is(Wrong::ReloadsWhatItSaw) {
            return ready(Ok(seen));
        }
        self.load(token)
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        let mut token = SessionToken::random();
        if self.is(Wrong::MakesTokensThatCanBeGuessed) {
            let number = self.guessed.fetch_add(1, Ordering::SeqCst);
            token = SessionToken::new(number.to_string());
        }
        let mut record = session.record().clone();
        if self.is(Wrong::LosesTheRefreshToken) {
            record.refresh_token = None;
        }
        let mut kept = self.kept();
        if !kept.closed {
            kept.sessions.insert(token.id(), Session::of(record));
        }
        Ok(token)
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let id = token.id();
        let before = self.kept().sessions.get(&id).cloned();
        if self.is(Wrong::ReplacesInTwoSteps) || self.is(Wrong::RevivesWhatIsRemovedMeanwhile) {
            yield_now().await;
        }
        let mut kept = self.kept();
        let Some(before) = before else {
            if self.is(Wrong::RevivesWhatItReplaces) {
                kept.sessions.insert(id, new);
            }
            return Ok(None);
        };
        let overtaken = match kept.sessions.get(&id) {
            Some(now) => now.version() != before.version() && !self.is(Wrong::ReplacesInTwoSteps),
            None => !self.is(Wrong::RevivesWhatIsRemovedMeanwhile),
        };
        if overtaken || !(before.comes_before(&new) || self.is(Wrong::IgnoresTheVersion)) {
            if self.is(Wrong::LosesWhatItDoesNotReplace) {
                kept.sessions.remove(&id);
            }
            return Ok(None);
        }
        let mut token = token.clone().into_owned();
        if self.is(Wrong::ChangesItsTokens) {
            token = SessionToken::random();
        }
        kept.sessions.insert(token.id(), new);
        Ok(Some(token))
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if self.is(Wrong::RemovesNothing) {
            return Ok(());
        }
        let known = kept.sessions.remove(&token.id());
        if known.is_some() && self.is(Wrong::RemovesOthersToo) {
            kept.sessions.clear();
        }
        Ok(())
    }

    async fn revoke(&self, id: SessionId, _until: SystemTime) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let known = kept.sessions.contains_key(&id);
        match self.wrong {
            Wrong::RevokesNothing => {}
            Wrong::RevokesSomebodyElse if !known => kept.sessions.clear(),
            Wrong::RevokesOthersToo if known => kept.sessions.clear(),
            Wrong::FailsToRevokeTheUnknown if !known => return Err(StoreError::new("unknown")),
            _ => drop(kept.sessions.remove(&id)),
        }
        Ok(())
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if !self.is(Wrong::RevokesNoneOfThem) {
            kept.sessions.clear();
        }
        kept.closed = self.is(Wrong::RevokesAllOfThemLater);
        Ok(())
    }

    fn id(&self, token: &SessionToken<'_>, session: &Session) -> SessionId {
        let mut id = token.id();
        if self.is(Wrong::NamesASessionByItsVersion) {
            id.0[0] ^= session.version().to_le_bytes()[0];
        }
        id
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        let name = if self.is(Wrong::MixesUpClaims) {
            "all"
        } else {
            name
        };
        let now = Instant::now();
        let known = self.kept().claims.get(name).cloned();
        if self.is(Wrong::LetsTwoWinAClaim) {
            yield_now().await;
        }
        if let Some((until, settled)) = known
            && (now < until || self.is(Wrong::ClaimsForEver))
        {
            return Ok(settled.map_or(Claim::Lost, Claim::Settled));
        }
        let claimed = (now + ttl, None);
        self.kept().claims.insert(name.to_owned(), claimed);
        Ok(Claim::Won)
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        if !self.is(Wrong::NeverGivesAClaimBack) {
            self.kept().claims.remove(name);
        }
        Ok(())
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        let result = (!self.is(Wrong::ForgetsWhatWasSettled)).then(|| result.to_owned());
        let settled = (Instant::now() + ttl, result);
        self.kept().claims.insert(name.to_owned(), settled);
        Ok(())
    }
}

/// With which rule the suite ends over this store, if it does.
pub(super) async fn broken_rule(
    suite: impl Future<Output = ()> + Send + 'static,
) -> Option<String> {
    let ended = tokio::spawn(suite).await;
    let panic = ended.err()?.into_panic();
    let panic = panic
        .downcast::<String>()
        .map(|text| *text)
        .or_else(|panic| {
            panic
                .downcast::<&'static str>()
                .map(|text| (*text).to_owned())
        });
    Some(panic.expect("a rule is told as text"))
}

#[tokio::test(start_paused = true)]
async fn store_that_breaks_a_rule_is_told_which() {
    assert_eq!(
        broken_rule(check_store(Store::new(Wrong::Nothing))).await,
        None
    );
    for (wrong, rule) in [
        (
            Wrong::SharesNothingWithItsClones,
            "clones share their sessions",
        ),
        (
            Wrong::MakesTokensThatCanBeGuessed,
            "a token holds at least 128 bits",
        ),
        (Wrong::LosesTheRefreshToken, "the whole session is kept"),
        (
            Wrong::LoadsWhatHasExpired,
            "an expired session is not loaded",
        ),
        (Wrong::ChangesItsTokens, "the token stays the same"),
        (
            Wrong::IgnoresTheVersion,
            "a state of the same version, or two ahead",
        ),
        (
            Wrong::LosesWhatItDoesNotReplace,
            "what is not replaced stays as it is",
        ),
        (
            Wrong::ReloadsWhatItSaw,
            "what is reloaded is the state at this moment",
        ),
        (
            Wrong::ReplacesInTwoSteps,
            "of many who replace the same state one wins",
        ),
        (
            Wrong::RevivesWhatItReplaces,
            "does not come back by being replaced",
        ),
        (
            Wrong::RevivesWhatIsRemovedMeanwhile,
            "removed and replaced at the same time is gone",
        ),
        (Wrong::RemovesNothing, "clones share what was removed"),
        (Wrong::RemovesOthersToo, "only the removed session is gone"),
        (
            Wrong::RevokesNothing,
            "a session that was ended is not replaced",
        ),
        (
            Wrong::RevokesSomebodyElse,
            "revoking an unknown id ends nobody's session",
        ),
        (Wrong::RevokesOthersToo, "only the revoked session is gone"),
        (Wrong::FailsToRevokeTheUnknown, "an unknown id is no error"),
        (
            Wrong::NamesASessionByItsVersion,
            "the id stays the same when the session is replaced",
        ),
        (
            Wrong::RevokesAllOfThemLater,
            "a session that is saved after all were revoked lives",
        ),
        (
            Wrong::RevokesNoneOfThem,
            "every session that was saved before is gone",
        ),
        (
            Wrong::LetsTwoWinAClaim,
            "of many who claim the same work one wins",
        ),
        (Wrong::MixesUpClaims, "wins it, whoever claims another"),
        (Wrong::ClaimsForEver, "a claim runs out by itself"),
        (
            Wrong::ForgetsWhatWasSettled,
            "what was settled is told to everybody",
        ),
        (
            Wrong::NeverGivesAClaimBack,
            "what was given back is won by who claims it next",
        ),
    ] {
        let told = broken_rule(check_store(Store::new(wrong))).await;
        assert!(
            told.as_ref().is_some_and(|told| told.contains(rule)),
            "{wrong:?}: {told:?}"
        );
    }
}
