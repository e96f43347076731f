//! Stores to put around others: one that gives up waiting, and one that lets a test say when it answers.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use telenor_auth::session::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError};
use tokio::{sync::watch, time::timeout};

type Load = Pin<Box<dyn Future<Output = Result<Option<Session>, StoreError>> + Send>>;

const DEADLINE: Duration = Duration::from_secs(1);

/// Gives up after a second, as a store behind a network does.
#[derive(Clone)]
pub struct Deadline<S>(pub S);

async fn within<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = timeout(DEADLINE, answer).await;
    answer.unwrap_or_else(|_| Err(StoreError::new("no answer")))
}

impl<S: SessionStore> SessionStore for Deadline<S> {
    type Load = Load;

    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn load(&self, token: &SessionToken<'_>) -> Load {
        Box::pin(within(self.0.load(token)))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        within(self.0.save(session)).await
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        within(self.0.replace(token, new)).await
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        within(self.0.remove(token)).await
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        within(self.0.revoke(id, until)).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        within(self.0.revoke_all()).await
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        within(self.0.claim(name, ttl)).await
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        within(self.0.release(name)).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        within(self.0.settle(name, result, ttl)).await
    }
}

/// Counts who comes, and holds them while it is shut.
#[derive(Default)]
pub struct Gate {
    came: watch::Sender<usize>,
    shut: watch::Sender<bool>,
    panics: AtomicBool,
}

impl Gate {
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    pub fn open(&self) {
        self.shut.send_replace(false);
    }

    /// From now on, or no more.
    pub fn panics(&self, panics: bool) {
        self.panics.store(panics, Ordering::SeqCst);
    }

    /// How many came so far.
    pub fn count(&self) -> usize {
        *self.came.borrow()
    }

    /// Waits until so many came.
    pub async fn came(&self, count: usize) {
        let mut came = self.came.subscribe();
        let came = timeout(
            Duration::from_secs(10),
            came.wait_for(|came| *came >= count),
        );
        came.await.expect("nobody comes").unwrap();
    }

    async fn pass(&self) {
        self.came.send_modify(|came| *came += 1);
        assert!(!self.panics.load(Ordering::SeqCst), "on purpose");
        let mut shut = self.shut.subscribe();
        shut.wait_for(|shut| !shut).await.unwrap();
    }
}

/// Lets a test say when it answers, at the worst moment: what was read or written is so already, and what is to be ended is still there.
#[derive(Clone)]
pub struct Gated<S> {
    pub inner: S,
    pub loads: Arc<Gate>,
    pub writes: Arc<Gate>,
    pub endings: Arc<Gate>,
}

impl<S> Gated<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            loads: Arc::default(),
            writes: Arc::default(),
            endings: Arc::default(),
        }
    }
}

impl<S: SessionStore> SessionStore for Gated<S> {
    type Load = Load;

    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn load(&self, token: &SessionToken<'_>) -> Load {
        let (gate, loaded) = (Arc::clone(&self.loads), self.inner.load(token));
        Box::pin(async move {
            let loaded = loaded.await;
            gate.pass().await;
            loaded
        })
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        let saved = self.inner.save(session).await;
        self.writes.pass().await;
        saved
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let replaced = self.inner.replace(token, new).await;
        self.writes.pass().await;
        replaced
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        self.endings.pass().await;
        self.inner.remove(token).await
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        self.endings.pass().await;
        self.inner.revoke(id, until).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        self.endings.pass().await;
        self.inner.revoke_all().await
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        self.inner.claim(name, ttl).await
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        self.inner.release(name).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        self.inner.settle(name, result, ttl).await
    }
}
