//! Stores that break one rule each: the suite names the method and the rule.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{task::yield_now, time::Instant};

use super::check_store;
use crate::{
    boxed::BoxFuture,
    session::{
        Lease, Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId,
    },
    sync::lock,
};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    MakesTokensThatCanBeGuessed,
    MakesTokensThatACookieCannotCarry,
    MakesTheSameTokenTwice,
    FailsToSave,
    LosesTheRefreshToken,
    LosesTheSubject,
    LosesTheData,
    MixesUpConcurrentSessions,
    FailsToLoadTheUnknown,
    LoadsWhatHasExpired,
    ExpiresByItsOwnClock,
    ExpiresByItsOwnClockAsWell,
    TriesToLoadWhatItSaw,
    LoadsFreshWhatItSaw,
    ChangesItsTokens,
    UpdatesNothing,
    IgnoresTheVersion,
    LosesWhatItDoesNotUpdate,
    UpdatesInTwoSteps,
    RevivesWhatItUpdates,
    RevivesWhatIsRemovedMeanwhile,
    RemovesNothing,
    RemovesOthersToo,
    RevokesNothing,
    RevokesAnotherSession,
    RevokesOthersToo,
    FailsToRevokeTheUnknown,
    NamesASessionByItsVersion,
    RevokesNoSubject,
    RevokesOneSessionOfASubject,
    RevokesEverySubject,
    RevokesAllWithASubject,
    RevokesLaterSessionsOfASubject,
    FailsToRevokeAnUnknownSubject,
    ListsNothing,
    ListsEverySubject,
    ListsWhatHasEnded,
    RevokesAllOfThemLater,
    RevokesNoneOfThem,
    FindsNothingEnded,
    FindsEverythingEnded,
    FindsTheUpdatedEnded,
    FindsTheEndedTwice,
    FindsNothingExpired,
    FindsNothingRemoved,
    FindsNothingRevoked,
    FindsNoRevokedSubject,
    FindsNothingAfterAllWereRevoked,
    FailsToFindAmongNone,
    LetsEveryoneAcquireALease,
    LetsTwoAcquireALease,
    MixesUpLeases,
    HoldsLeasesForever,
    ProlongsLeases,
    LosesTheResult,
    CutsTheResult,
    KeepsTheResultForever,
    NeverReleasesALease,
    ReleasesEveryLease,
    FailsToReleaseTheUnknown,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<SessionId, Session>,
    /// What was ended by which method.
    ended: HashMap<SessionId, &'static str>,
    /// The subject of every session that was ever saved.
    subjects: HashMap<SessionId, Option<SubjectId>>,
    seen: HashMap<SessionId, Session>,
    leases: HashMap<String, (Instant, Option<String>)>,
    closed: bool,
    closed_subjects: Vec<SubjectId>,
}

/// Right, but for one thing.
#[derive(Clone)]
pub(super) struct Store {
    defect: Defect,
    kept: Arc<Mutex<Kept>>,
    saved: Arc<AtomicU64>,
}

impl Store {
    pub(super) fn new(defect: Defect) -> Self {
        Self {
            defect,
            kept: Arc::default(),
            saved: Arc::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn has_expired(&self, session: &Session, now: SystemTime) -> bool {
        let own_clock = session.is_expired_at(SystemTime::now());
        match self.defect {
            Defect::LoadsWhatHasExpired => false,
            Defect::ExpiresByItsOwnClock => own_clock,
            Defect::ExpiresByItsOwnClockAsWell => own_clock || session.is_expired_at(now),
            _ => session.is_expired_at(now),
        }
    }

    fn find(&self, token: &SessionToken<'_>, now: SystemTime) -> Option<Session> {
        let mut kept = self.kept();
        let found = kept.sessions.get(&token.id()).cloned();
        let found = found.filter(|session| !self.has_expired(session, now));
        if let Some(found) = &found {
            kept.seen.insert(token.id(), found.clone());
        }
        found
    }

    fn seen(&self, token: &SessionToken<'_>) -> Option<Session> {
        self.kept().seen.get(&token.id()).cloned()
    }

    fn new_token(&self) -> SessionToken<'static> {
        let number = self.saved.fetch_add(1, Ordering::SeqCst);
        match self.defect {
            Defect::MakesTokensThatCanBeGuessed => SessionToken::new(number.to_string()),
            Defect::MakesTokensThatACookieCannotCarry => {
                SessionToken::new(format!("{};", SessionToken::random().secret()))
            }
            Defect::MakesTheSameTokenTwice => SessionToken::new(format!("{:064}", number / 2)),
            _ => SessionToken::random(),
        }
    }

    /// What is kept of a session.
    fn stored(&self, session: &Session) -> Session {
        let mut record = session.record().clone();
        if self.has(Defect::LosesTheRefreshToken) {
            record.refresh_token = None;
        }
        if let Some(app) = &mut record.app {
            match self.defect {
                Defect::LosesTheSubject => app.subject = None,
                Defect::LosesTheData => app.data = None,
                _ => {}
            }
        }
        Session::of(record)
    }

    /// How this one finds that a session was ended, or not.
    fn is_known_to_have_ended(&self, kept: &Kept, id: SessionId) -> bool {
        let unnoticed = match self.defect {
            Defect::FindsNothingRemoved => "remove",
            Defect::FindsNothingRevoked => "revoke",
            Defect::FindsNoRevokedSubject => "revoke_subject",
            Defect::FindsNothingAfterAllWereRevoked => "revoke_all",
            _ => "",
        };
        kept.ended
            .get(&id)
            .is_some_and(|method| *method != unnoticed)
    }
}

impl Kept {
    fn end(&mut self, method: &'static str, ends: impl Fn(SessionId, &Session) -> bool) {
        let ids = self
            .sessions
            .iter()
            .filter(|(id, session)| ends(**id, session));
        let ids: Vec<_> = ids.map(|(id, _)| *id).collect();
        for id in ids {
            self.sessions.remove(&id);
            self.ended.insert(id, method);
        }
    }
}

impl SessionStore for Store {
    fn try_load(
        &self,
        token: &SessionToken<'_>,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        if self.has(Defect::TriesToLoadWhatItSaw) {
            return self.seen(token).map(|session| Ok(Some(session)));
        }
        Some(Ok(self.find(token, now)))
    }

    async fn load(
        &self,
        token: &SessionToken<'_>,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let found = self.find(token, now);
        if found.is_none() && self.has(Defect::FailsToLoadTheUnknown) {
            return Err(StoreError::new("unknown"));
        }
        Ok(found)
    }

    async fn load_fresh(
        &self,
        token: &SessionToken<'_>,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let seen = self.seen(token);
        if seen.is_some() && self.has(Defect::LoadsFreshWhatItSaw) {
            return Ok(seen);
        }
        self.load(token, now).await
    }

    async fn save(
        &self,
        session: Session,
        _now: SystemTime,
    ) -> Result<SessionToken<'static>, StoreError> {
        if self.has(Defect::FailsToSave) {
            return Err(StoreError::new("full"));
        }
        let token = self.new_token();
        let mut session = self.stored(&session);
        if self.has(Defect::MixesUpConcurrentSessions) {
            self.kept().seen.insert(SessionId([0; 16]), session);
            yield_now().await;
            session = self.kept().seen[&SessionId([0; 16])].clone();
        }
        let mut kept = self.kept();
        let subject = session.subject();
        kept.subjects.insert(token.id(), subject);
        let closed = subject.is_some_and(|subject| kept.closed_subjects.contains(&subject));
        if !kept.closed && !closed {
            kept.sessions.insert(token.id(), session);
        }
        Ok(token)
    }

    async fn update(
        &self,
        token: &SessionToken<'_>,
        new: Session,
        _now: SystemTime,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let id = token.id();
        let before = self.kept().sessions.get(&id).cloned();
        if self.has(Defect::UpdatesInTwoSteps) || self.has(Defect::RevivesWhatIsRemovedMeanwhile) {
            yield_now().await;
        }
        let mut kept = self.kept();
        let Some(before) = before else {
            if self.has(Defect::RevivesWhatItUpdates) {
                kept.sessions.insert(id, new);
            }
            return Ok(None);
        };
        let overtaken = match kept.sessions.get(&id) {
            Some(now) => now.version() != before.version() && !self.has(Defect::UpdatesInTwoSteps),
            None => !self.has(Defect::RevivesWhatIsRemovedMeanwhile),
        };
        let accepted = before.accepts_update(&new) || self.has(Defect::IgnoresTheVersion);
        if overtaken || !accepted || self.has(Defect::UpdatesNothing) {
            if self.has(Defect::LosesWhatItDoesNotUpdate) {
                kept.sessions.remove(&id);
            }
            return Ok(None);
        }
        let mut token = token.clone().into_owned();
        if self.has(Defect::ChangesItsTokens) {
            token = SessionToken::random();
        }
        kept.sessions.insert(token.id(), new);
        Ok(Some(token))
    }

    async fn remove(&self, token: &SessionToken<'_>, _now: SystemTime) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let known = kept.sessions.contains_key(&token.id());
        match self.defect {
            Defect::RemovesNothing => {}
            Defect::RemovesOthersToo if known => kept.end("remove", |_, _| true),
            _ => kept.end("remove", |id, _| id == token.id()),
        }
        Ok(())
    }

    async fn revoke(
        &self,
        id: SessionId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let known = kept.sessions.contains_key(&id);
        match self.defect {
            Defect::RevokesNothing => {}
            Defect::RevokesAnotherSession if !known => kept.end("revoke", |_, _| true),
            Defect::RevokesOthersToo if known => kept.end("revoke", |_, _| true),
            Defect::FailsToRevokeTheUnknown if !known => return Err(StoreError::new("unknown")),
            _ => kept.end("revoke", |known, _| known == id),
        }
        Ok(())
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let of_subject = |_, session: &Session| session.subject() == Some(subject);
        let first = kept
            .sessions
            .iter()
            .find(|(id, session)| of_subject(**id, session));
        let first = first.map(|(id, _)| *id);
        let method = "revoke_subject";
        match self.defect {
            Defect::RevokesNoSubject => {}
            Defect::RevokesOneSessionOfASubject => kept.end(method, |id, _| Some(id) == first),
            Defect::RevokesEverySubject if first.is_some() => {
                kept.end(method, |_, session| session.subject().is_some());
            }
            Defect::RevokesAllWithASubject if first.is_some() => kept.end(method, |_, _| true),
            Defect::FailsToRevokeAnUnknownSubject if first.is_none() => {
                return Err(StoreError::new("unknown"));
            }
            _ => kept.end(method, of_subject),
        }
        if self.has(Defect::RevokesLaterSessionsOfASubject) {
            kept.closed_subjects.push(subject);
        }
        Ok(())
    }

    async fn revoke_all(&self, _now: SystemTime) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if !self.has(Defect::RevokesNoneOfThem) {
            kept.end("revoke_all", |_, _| true);
        }
        kept.closed = self.has(Defect::RevokesAllOfThemLater);
        Ok(())
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        if sessions.is_empty() && self.has(Defect::FailsToFindAmongNone) {
            return Err(StoreError::new("syntax error near ')'"));
        }
        let kept = self.kept();
        let has_ended = |id: SessionId, session: &Session| match self.defect {
            Defect::FindsNothingEnded => false,
            Defect::FindsEverythingEnded => true,
            Defect::FindsTheUpdatedEnded => kept
                .sessions
                .get(&id)
                .is_none_or(|known| known.version() != session.version()),
            Defect::FindsNothingExpired => self.is_known_to_have_ended(&kept, id),
            _ => session.is_expired_at(now) || self.is_known_to_have_ended(&kept, id),
        };
        let ended = sessions
            .iter()
            .filter(|(id, session)| has_ended(*id, session));
        let times = if self.has(Defect::FindsTheEndedTwice) {
            2
        } else {
            1
        };
        let ended = ended.flat_map(|(id, _)| std::iter::repeat_n(*id, times));
        Ok(ended.collect())
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        _now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let kept = self.kept();
        let is_listed = |id: &SessionId, of: &Option<SubjectId>| match self.defect {
            Defect::ListsNothing => false,
            Defect::ListsEverySubject => of.is_some() && kept.sessions.contains_key(id),
            Defect::ListsWhatHasEnded => *of == Some(subject),
            _ => *of == Some(subject) && kept.sessions.contains_key(id),
        };
        let listed = kept.subjects.iter().filter(|(id, of)| is_listed(id, of));
        Ok(Some(listed.map(|(id, _)| *id).collect()))
    }

    fn id(&self, token: &SessionToken<'_>, session: &Session) -> SessionId {
        let mut id = token.id();
        if self.has(Defect::NamesASessionByItsVersion) {
            id.0[0] ^= session.version().to_le_bytes()[0];
        }
        id
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

impl Store {
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Lease, StoreError> {
        let name = if self.has(Defect::MixesUpLeases) {
            "all"
        } else {
            name
        };
        let now = Instant::now();
        let known = self.kept().leases.get(name).cloned();
        if self.has(Defect::LetsTwoAcquireALease) {
            yield_now().await;
        }
        if let Some((until, result)) = known
            && !self.has(Defect::LetsEveryoneAcquireALease)
        {
            let forever = match result {
                Some(_) => Defect::KeepsTheResultForever,
                None => Defect::HoldsLeasesForever,
            };
            if now < until || self.has(forever) {
                if self.has(Defect::ProlongsLeases) {
                    let prolonged = (now + ttl, result.clone());
                    self.kept().leases.insert(name.to_owned(), prolonged);
                }
                return Ok(result.map_or(Lease::Held, Lease::Completed));
            }
        }
        self.kept()
            .leases
            .insert(name.to_owned(), (now + ttl, None));
        Ok(Lease::Acquired)
    }
}

impl Leases for Store {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(Self::acquire(self, name, ttl))
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let result = match self.defect {
            Defect::LosesTheResult => None,
            Defect::CutsTheResult => Some(result.chars().take(255).collect()),
            _ => Some(result.to_owned()),
        };
        let completed = (Instant::now() + ttl, result);
        self.kept().leases.insert(name.to_owned(), completed);
        Box::pin(async { Ok(()) })
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut kept = self.kept();
        let known = kept.leases.contains_key(name);
        let released = match self.defect {
            Defect::FailsToReleaseTheUnknown if !known => Err(StoreError::new("unknown")),
            _ => Ok(()),
        };
        match self.defect {
            Defect::NeverReleasesALease => {}
            Defect::ReleasesEveryLease => kept.leases.clear(),
            _ => drop(kept.leases.remove(name)),
        }
        drop(kept);
        Box::pin(async { released })
    }
}

/// What the suite says about a store, where it breaks a rule.
pub(super) async fn failure(suite: impl Future<Output = ()> + Send + 'static) -> Option<String> {
    let ended = tokio::spawn(suite).await;
    let panic = ended.err()?.into_panic().downcast::<String>();
    Some(*panic.expect("the suite says as text what is broken"))
}

#[tokio::test(start_paused = true)]
async fn suite_names_the_method_and_the_rule_that_a_store_breaks() {
    use Defect::*;
    assert_eq!(
        failure(check_store(Store::new(Defect::None))).await,
        Option::None
    );
    for (defect, method, rule) in [
        (
            MakesTokensThatCanBeGuessed,
            "save",
            "a token holds at least 128 bits",
        ),
        (
            MakesTokensThatACookieCannotCarry,
            "save",
            "a token passes through a cookie unchanged",
        ),
        (
            MakesTheSameTokenTwice,
            "save",
            "no two sessions have the same token",
        ),
        (FailsToSave, "save", "a session can be saved"),
        (LosesTheRefreshToken, "save", "the whole session is kept"),
        (LosesTheSubject, "save", "the whole session is kept"),
        (LosesTheData, "save", "the whole session is kept"),
        (
            MixesUpConcurrentSessions,
            "save",
            "sessions that are saved at the same time are kept apart",
        ),
        (FailsToLoadTheUnknown, "load", "a look-up is not an error"),
        (
            LoadsWhatHasExpired,
            "load",
            "an expired session is not loaded",
        ),
        (
            ExpiresByItsOwnClock,
            "load",
            "a session expires by the time that is handed in",
        ),
        (
            ExpiresByItsOwnClockAsWell,
            "try_load",
            "a session expires by the time that is handed in",
        ),
        (
            TriesToLoadWhatItSaw,
            "try_load",
            "it returns what `load` returns",
        ),
        (
            LoadsFreshWhatItSaw,
            "load_fresh",
            "it returns the state at this moment",
        ),
        (ChangesItsTokens, "update", "the token stays the same"),
        (
            UpdatesNothing,
            "update",
            "a later state takes the place of the one before it",
        ),
        (
            IgnoresTheVersion,
            "update",
            "a state of the same version, or two ahead, is not taken",
        ),
        (
            LosesWhatItDoesNotUpdate,
            "update",
            "a session that is not updated stays as it is",
        ),
        (
            UpdatesInTwoSteps,
            "update",
            "of many who update the same state one succeeds",
        ),
        (
            RevivesWhatItUpdates,
            "update",
            "a session that was ended does not come back",
        ),
        (
            RevivesWhatIsRemovedMeanwhile,
            "update",
            "a session that is removed and updated at the same time is gone",
        ),
        (RemovesNothing, "remove", "a removed session is gone"),
        (RemovesOthersToo, "remove", "no other session is gone"),
        (RevokesNothing, "revoke", "a revoked session is gone"),
        (
            RevokesAnotherSession,
            "revoke",
            "an unknown id ends no session",
        ),
        (RevokesOthersToo, "revoke", "no other session is gone"),
        (
            FailsToRevokeTheUnknown,
            "revoke",
            "an unknown id is not an error",
        ),
        (
            NamesASessionByItsVersion,
            "id",
            "it stays the same when the session is updated",
        ),
        (
            RevokesNoSubject,
            "revoke_subject",
            "every session of the subject that was saved before is gone",
        ),
        (
            RevokesOneSessionOfASubject,
            "revoke_subject",
            "every session of the subject that was saved before is gone",
        ),
        (
            RevokesEverySubject,
            "revoke_subject",
            "no session of another subject, or of none, is gone",
        ),
        (
            RevokesAllWithASubject,
            "revoke_subject",
            "no session of another subject, or of none, is gone",
        ),
        (
            RevokesLaterSessionsOfASubject,
            "revoke_subject",
            "a session that is saved afterwards lives",
        ),
        (
            FailsToRevokeAnUnknownSubject,
            "revoke_subject",
            "an unknown subject is not an error",
        ),
        (
            ListsNothing,
            "sessions_of",
            "it lists exactly the live sessions of the subject",
        ),
        (
            ListsEverySubject,
            "sessions_of",
            "it lists exactly the live sessions of the subject",
        ),
        (
            ListsWhatHasEnded,
            "sessions_of",
            "it lists exactly the live sessions of the subject",
        ),
        (
            RevokesAllOfThemLater,
            "revoke_all",
            "a session that is saved afterwards lives",
        ),
        (
            RevokesNoneOfThem,
            "revoke_all",
            "every session that was saved before is gone",
        ),
        (
            FindsNothingEnded,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsEverythingEnded,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsTheUpdatedEnded,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsTheEndedTwice,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsNothingExpired,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsNothingRemoved,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsNothingRevoked,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsNoRevokedSubject,
            "find_ended",
            "it names exactly the sessions that have ended",
        ),
        (
            FindsNothingAfterAllWereRevoked,
            "find_ended",
            "it names every session after all were revoked",
        ),
        (
            FailsToFindAmongNone,
            "find_ended",
            "a session that has ended is not an error",
        ),
        (
            LetsEveryoneAcquireALease,
            "acquire",
            "a lease has one holder at a time",
        ),
        (
            LetsTwoAcquireALease,
            "acquire",
            "a lease has one holder at a time",
        ),
        (
            MixesUpLeases,
            "acquire",
            "a lease that no instance holds is free",
        ),
        (
            HoldsLeasesForever,
            "acquire",
            "a lease expires after its ttl",
        ),
        (ProlongsLeases, "acquire", "a lease expires after its ttl"),
        (
            LosesTheResult,
            "complete",
            "every instance gets the result, as it was",
        ),
        (
            CutsTheResult,
            "complete",
            "every instance gets the result, as it was",
        ),
        (
            KeepsTheResultForever,
            "complete",
            "the result expires after its ttl",
        ),
        (NeverReleasesALease, "release", "the lease is free again"),
        (ReleasesEveryLease, "release", "no other lease is free"),
        (
            FailsToReleaseTheUnknown,
            "release",
            "a lease that no instance holds is not an error",
        ),
    ] {
        let failure = failure(check_store(Store::new(defect))).await;
        let failure = failure.unwrap_or_default();
        let expected = format!("`{method}` broke a rule: {rule}");
        assert!(failure.starts_with(&expected), "{defect:?}: {failure}");
    }
}
