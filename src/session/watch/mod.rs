//! A store that says when a session has ended, for answers that outlast their request.
//!
//! What ends a session through [`WatchedStore`] is noticed at once. What ends it elsewhere is
//! noticed by the [`watcher`], which asks the store.

mod entries;
mod last_ends;
mod watcher;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use self::watcher::{Waiter, Watcher};
use super::{
    Lease, Session, SessionId, SessionToken, StoreError, SubjectId,
    erased::{ErasedStore, Loaded},
    limits::SessionLimits,
};
use crate::{boxed::BoxFuture, clock::Clock, session_refusal::SessionRefusal};

/// The store of a layer. Each method that has a name of
/// [`SessionStore`](super::SessionStore) or [`Leases`](super::Leases) is the method of that name.
pub(crate) struct WatchedStore {
    inner: Arc<dyn ErasedStore>,
    watcher: Arc<Watcher>,
}

impl WatchedStore {
    pub(crate) fn new(inner: Arc<dyn ErasedStore>, clock: Clock, limits: SessionLimits) -> Self {
        let watcher = Arc::new(Watcher::new(Arc::clone(&inner), clock, limits));
        Self { inner, watcher }
    }

    /// Returns what waits for the end of this session.
    pub(crate) fn watch(&self, token: &SessionToken, session: &Session) -> Waiter {
        let id = self.inner.id(token, session);
        self.watcher.watch(id, token, session)
    }

    /// Whether this process knows of an end, at `seen_at` in seconds or later, that may be this
    /// session's.
    pub(crate) fn may_have_ended(&self, id: SessionId, seen_at: u64) -> bool {
        self.watcher.may_have_ended(id, seen_at)
    }

    /// Returns the state of this session that this process has seen last, where something waits for
    /// its end. Where the token holds the session, an earlier one does not know of a later use.
    pub(crate) fn latest(&self, token: &SessionToken, session: Session) -> Session {
        let id = self.inner.id(token, &session);
        self.watcher.latest(id, session)
    }

    pub(crate) fn has_stable_token(&self) -> bool {
        self.inner.has_stable_token()
    }

    pub(crate) fn try_load(&self, token: &SessionToken, now: SystemTime) -> Option<Loaded> {
        self.inner.try_load(token, now)
    }

    pub(crate) async fn load(&self, token: &SessionToken, now: SystemTime) -> Loaded {
        self.inner.load(token, now).await
    }

    /// `load` for a future that outlives its caller.
    pub(crate) fn load_owned(
        &self,
        token: SessionToken,
        now: SystemTime,
    ) -> BoxFuture<'static, Loaded> {
        Arc::clone(&self.inner).load_owned(token, now)
    }

    pub(crate) async fn load_fresh(&self, token: &SessionToken, now: SystemTime) -> Loaded {
        self.inner.load_fresh(token, now).await
    }

    pub(crate) async fn save(
        &self,
        session: Session,
        now: SystemTime,
    ) -> Result<SessionToken, StoreError> {
        self.inner.save(session, now).await
    }

    pub(crate) async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let updated = self.inner.update(token, new.clone(), now).await?;
        if updated.is_some() {
            self.watcher.see(self.inner.id(token, &new), &new);
        }
        Ok(updated)
    }

    pub(crate) async fn remove(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let id = self.has_stable_token().then(|| token.id());
        self.note_end(id, self.inner.remove(token, now).await)
    }

    pub(crate) async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.note_end(Some(id), self.inner.revoke(id, until, now).await)
    }

    pub(crate) async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.note_end(None, self.inner.revoke_subject(subject, until, now).await)
    }

    pub(crate) async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        self.note_end(None, self.inner.revoke_all(now).await)
    }

    pub(crate) async fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.inner.sessions_of(subject, now).await
    }

    pub(crate) async fn ping(&self, now: SystemTime) -> Result<(), StoreError> {
        self.inner.ping(now).await
    }

    /// After an error the session may have ended or not: the store is asked.
    fn note_end(
        &self,
        id: Option<SessionId>,
        outcome: Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match id.filter(|_| outcome.is_ok()) {
            Some(id) => self.watcher.end(id),
            None => self.watcher.look_at_all(),
        }
        outcome
    }

    pub(crate) fn id(&self, token: &SessionToken, session: &Session) -> SessionId {
        self.inner.id(token, session)
    }

    pub(crate) fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal {
        self.inner.refusal(token, now)
    }

    pub(crate) fn has_leases(&self) -> bool {
        self.inner.has_leases()
    }

    pub(crate) async fn acquire(&self, name: &str, ttl: Duration) -> Result<Lease, StoreError> {
        self.inner.acquire(name, ttl).await
    }

    pub(crate) async fn complete(
        &self,
        name: &str,
        result: &str,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.inner.complete(name, result, ttl).await
    }

    pub(crate) async fn release(&self, name: &str) -> Result<(), StoreError> {
        self.inner.release(name).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{MemoryStore, SessionStore};

    #[tokio::test(start_paused = true)]
    async fn more_sessions_than_fit_one_look_end_together() {
        let clock = Clock::manual();
        let memory = MemoryStore::new();
        let limits = SessionLimits {
            instance: Default::default(),
            idle_timeout: None,
            refresh_tokens: false,
        };
        let store = WatchedStore::new(Arc::new(memory.clone()), clock.clone(), limits);
        let session = Session::new("token", clock.now() + Duration::from_secs(3_600));
        let mut waits = tokio::task::JoinSet::new();
        for _ in 0..3_500 {
            let token = store.save(session.clone(), clock.now()).await.unwrap();
            waits.spawn(store.watch(&token, &session).ended());
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(waits.try_join_next().is_none(), "all go on");
        SessionStore::revoke_all(&memory, clock.now())
            .await
            .unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(3), waits.join_all()).await;
        assert_eq!(ended.unwrap().len(), 3_500);
    }
}
