//! A store that fails when it is told to.

use std::{
    fmt,
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use crate::session::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError};

const LATE_BY: Duration = Duration::from_millis(10);

/// What is wrong with a store, or with the server that it talks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It answers with an error, or cannot be reached at all.
    Error,
    /// It takes what it is asked, and never answers.
    Timeout,
    /// It does what it is asked, and answers late.
    Slow,
}

/// What a store can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// [`SessionStore::load`] and [`SessionStore::reload`].
    Load,
    /// [`SessionStore::save`].
    Save,
    /// [`SessionStore::replace`].
    Replace,
    /// [`SessionStore::remove`].
    Remove,
    /// [`SessionStore::revoke`].
    Revoke,
    /// [`SessionStore::revoke_all`].
    RevokeAll,
    /// [`SessionStore::claim`].
    Claim,
    /// [`SessionStore::release`].
    Release,
    /// [`SessionStore::settle`].
    Settle,
}

const OPERATIONS: usize = Operation::Settle as usize + 1;

/// A store around another one that fails on command, to try what an app does when its store is gone. All clones obey.
///
/// Told to [time out](Fault::Hang), it never answers, where a store behind a network would give up after a while.
///
/// ```
/// use telenor_auth::session::{Fault, FaultyStore, MemoryStore, Operation, SessionStore, SessionToken};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = FaultyStore::new(MemoryStore::new());
/// let token = SessionToken::random();
/// store.set_for(Operation::Load, Fault::Error);
/// assert!(store.load(&token).await.is_err());
/// assert!(store.remove(&token).await.is_ok());
/// store.set(Fault::None);
/// assert!(store.load(&token).await.is_ok());
/// # }
/// ```
#[derive(Clone)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Arc<Mutex<[Fault; OPERATIONS]>>,
}

impl<S> FaultyStore<S> {
    /// A store in which nothing is wrong yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            faults: Arc::default(),
        }
    }

    /// Gives every operation this fault, or heals them all.
    pub fn set(&self, fault: Fault) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = [fault; OPERATIONS];
    }

    /// Gives one operation this fault, and leaves the others as they are.
    pub fn set_for(&self, operation: Operation, fault: Fault) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults[operation as usize] = fault;
    }

    fn fault(&self, operation: Operation) -> Fault {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults[operation as usize]
    }
}

impl Fault {
    /// What becomes of an operation.
    async fn befall<T>(
        self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self {
            Self::None => operation.await,
            Self::Error => Err(StoreError::new("the store was told to fail")),
            Self::Timeout => pending().await,
            Self::Slow => {
                let answer = operation.await;
                sleep(LATE_BY).await;
                answer
            }
        }
    }
}

impl<S: SessionStore> SessionStore for FaultyStore<S> {
    type Load = Pin<Box<dyn Future<Output = Result<Option<Session>, StoreError>> + Send>>;

    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        Box::pin(self.fault(Operation::Load).befall(self.inner.load(token)))
    }

    fn reload(&self, token: &SessionToken<'_>) -> Self::Load {
        Box::pin(self.fault(Operation::Load).befall(self.inner.reload(token)))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        let saved = self.inner.save(session);
        self.fault(Operation::Save).befall(saved).await
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let replaced = self.inner.replace(token, new);
        self.fault(Operation::Replace).befall(replaced).await
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        let removed = self.inner.remove(token);
        self.fault(Operation::Remove).befall(removed).await
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        let revoked = self.inner.revoke(id, until);
        self.fault(Operation::Revoke).befall(revoked).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        let revoked = self.inner.revoke_all();
        self.fault(Operation::RevokeAll).befall(revoked).await
    }

    fn id(&self, token: &SessionToken<'_>, session: &Session) -> SessionId {
        self.inner.id(token, session)
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        let claimed = self.inner.claim(name, ttl);
        self.fault(Operation::Claim).befall(claimed).await
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        let released = self.inner.release(name);
        self.fault(Operation::Release).befall(released).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        let settled = self.inner.settle(name, result, ttl);
        self.fault(Operation::Settle).befall(settled).await
    }
}

impl<S> fmt::Debug for FaultyStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}
