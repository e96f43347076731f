//! A store that fails on command.

use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use super::fault::{Fault, Operation};
use crate::{
    boxed::BoxFuture,
    key::CookieKeys,
    session::{
        Lease, Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId,
        erased,
    },
    session_refusal::SessionRefusal,
    sync::lock,
};

const DELAY: Duration = Duration::from_millis(10);

/// Wraps a store and fails on command, for a test of what an app does without its store.
///
/// All clones share their faults. A store that [hangs](Fault::Hang) never answers, where one behind
/// a network would return an error after a while.
///
/// ```
/// use std::time::SystemTime;
/// use telenor_auth::session::{
///     Fault, FaultyStore, MemoryStore, Operation, SessionStore, SessionToken,
/// };
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = FaultyStore::new(MemoryStore::new());
/// let (token, now) = (SessionToken::random(), SystemTime::now());
/// store.set_for(Operation::Load, Fault::Error);
/// assert!(store.load(&token, now).await.is_err());
/// assert!(store.remove(&token, now).await.is_ok());
/// store.set(Fault::None);
/// assert!(store.load(&token, now).await.is_ok());
/// # }
/// ```
pub struct FaultyStore<S> {
    inner: Arc<S>,
    faults: Arc<Mutex<[Fault; Operation::COUNT]>>,
}

impl<S> FaultyStore<S> {
    /// Wraps a store. No operation has a fault yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner: Arc::new(inner),
            faults: Arc::default(),
        }
    }

    /// Gives every operation this fault. [`Fault::None`] heals them all.
    pub fn set(&self, fault: Fault) {
        *lock(&self.faults) = [fault; Operation::COUNT];
    }

    /// Gives one operation this fault, and leaves the others as they are.
    pub fn set_for(&self, operation: Operation, fault: Fault) {
        lock(&self.faults)[operation as usize] = fault;
    }

    fn fault(&self, operation: Operation) -> Fault {
        lock(&self.faults)[operation as usize]
    }

    async fn apply<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.fault(operation) {
            Fault::None => call.await,
            Fault::Error => Err(error()),
            Fault::Hang => pending().await,
            Fault::Slow => {
                let answer = call.await;
                sleep(DELAY).await;
                answer
            }
        }
    }
}

fn error() -> StoreError {
    StoreError::new("the test has set Fault::Error")
}

impl<S: SessionStore> SessionStore for FaultyStore<S> {
    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn try_load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        match self.fault(Operation::Load) {
            Fault::None => self.inner.try_load(token, now),
            Fault::Error => Some(Err(error())),
            // That takes waiting.
            Fault::Hang | Fault::Slow => None,
        }
    }

    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let call = self.inner.load(token, now);
        self.apply(Operation::Load, call).await
    }

    async fn load_fresh(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let call = self.inner.load_fresh(token, now);
        self.apply(Operation::Load, call).await
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let call = self.inner.save(session, now);
        self.apply(Operation::Save, call).await
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let call = self.inner.update(token, new, now);
        self.apply(Operation::Update, call).await
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        let call = self.inner.remove(token, now);
        self.apply(Operation::Remove, call).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let call = self.inner.revoke(id, until, now);
        self.apply(Operation::Revoke, call).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let call = self.inner.revoke_subject(subject, until, now);
        self.apply(Operation::RevokeSubject, call).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        let call = self.inner.revoke_all(now);
        self.apply(Operation::RevokeAll, call).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let call = self.inner.find_ended(sessions, now);
        self.apply(Operation::FindEnded, call).await
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let call = self.inner.sessions_of(subject, now);
        self.apply(Operation::SessionsOf, call).await
    }

    async fn ping(&self, now: SystemTime) -> Result<(), StoreError> {
        let call = self.inner.ping(now);
        self.apply(Operation::Ping, call).await
    }

    fn id(&self, token: &SessionToken, session: &Session) -> SessionId {
        self.inner.id(token, session)
    }

    fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal {
        self.inner.refusal(token, now)
    }

    fn keys(&self) -> Option<CookieKeys> {
        self.inner.keys()
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.inner.leases().is_some().then_some(self as _)
    }
}

impl<S: SessionStore> Leases for FaultyStore<S> {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        let inner: &dyn erased::ErasedStore = &*self.inner;
        Box::pin(self.apply(Operation::AcquireLease, inner.acquire(name, ttl)))
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let inner: &dyn erased::ErasedStore = &*self.inner;
        Box::pin(self.apply(Operation::CompleteLease, inner.complete(name, result, ttl)))
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let inner: &dyn erased::ErasedStore = &*self.inner;
        Box::pin(self.apply(Operation::ReleaseLease, inner.release(name)))
    }
}

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            faults: Arc::clone(&self.faults),
        }
    }
}

impl<S> fmt::Debug for FaultyStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}
