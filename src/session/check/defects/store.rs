//! A store with one defect.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tokio::{task::yield_now, time::Instant};

use super::defect::Defect;
use crate::{
    session::{Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId},
    sync::lock,
};

#[derive(Default)]
pub(super) struct Kept {
    sessions: HashMap<SessionId, Session>,
    /// What was ended by which method.
    ended: HashMap<SessionId, &'static str>,
    /// The subject of every session that was ever saved.
    subjects: HashMap<SessionId, Option<SubjectId>>,
    seen: HashMap<SessionId, Session>,
    pub leases: HashMap<String, (Instant, Option<String>)>,
    closed: bool,
    closed_subjects: Vec<SubjectId>,
}

/// Right, but for one thing.
#[derive(Clone)]
pub(in crate::session::check) struct Store {
    pub(super) defect: Defect,
    kept: Arc<Mutex<Kept>>,
    saved: Arc<AtomicU64>,
}

impl Store {
    pub(in crate::session::check) fn new(defect: Defect) -> Self {
        Self {
            defect,
            kept: Arc::default(),
            saved: Arc::default(),
        }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
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

    fn find(&self, token: &SessionToken, now: SystemTime) -> Option<Session> {
        let mut kept = self.kept();
        let found = kept.sessions.get(&token.id()).cloned();
        let found = found.filter(|session| !self.has_expired(session, now));
        if let Some(found) = &found {
            kept.seen.insert(token.id(), found.clone());
        }
        found
    }

    fn seen(&self, token: &SessionToken) -> Option<Session> {
        self.kept().seen.get(&token.id()).cloned()
    }

    fn new_token(&self) -> SessionToken {
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
                Defect::LosesTheNote => app.note = None,
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
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        if self.has(Defect::TriesToLoadWhatItSaw) {
            return self.seen(token).map(|session| Ok(Some(session)));
        }
        Some(Ok(self.find(token, now)))
    }

    async fn load(
        &self,
        token: &SessionToken,
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
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let seen = self.seen(token);
        let seen = seen.filter(|session| !session.is_expired_at(now));
        if seen.is_some() && self.has(Defect::LoadsFreshWhatItSaw) {
            return Ok(seen);
        }
        self.load(token, now).await
    }

    async fn save(&self, session: Session, _now: SystemTime) -> Result<SessionToken, StoreError> {
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
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        if new.is_expired_at(now) && !self.has(Defect::UpdatesWhatHasExpired) {
            return Ok(None);
        }
        let id = token.id();
        let before = self.kept().sessions.get(&id).cloned();
        if self.has(Defect::UpdatesInTwoSteps) || self.has(Defect::RevivesWhatIsRemovedInBetween) {
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
            None => !self.has(Defect::RevivesWhatIsRemovedInBetween),
        };
        let accepted = before.accepts_update(&new) || self.has(Defect::IgnoresTheVersion);
        if overtaken || !accepted || self.has(Defect::UpdatesNothing) {
            if self.has(Defect::LosesWhatItDoesNotUpdate) {
                kept.sessions.remove(&id);
            }
            return Ok(None);
        }
        let mut token = token.clone();
        if self.has(Defect::ChangesItsTokens) {
            token = SessionToken::random();
        }
        kept.sessions.insert(token.id(), new);
        Ok(Some(token))
    }

    async fn remove(&self, token: &SessionToken, _now: SystemTime) -> Result<(), StoreError> {
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

    async fn ping(&self, _now: SystemTime) -> Result<(), StoreError> {
        match self.defect {
            Defect::CannotBeReached => Err(StoreError::new("unknown command")),
            _ => Ok(()),
        }
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

    fn id(&self, token: &SessionToken, session: &Session) -> SessionId {
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
