//! Stores to put around others: one that has a deadline, and one that lets a test say when it
//! returns.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use telenor_auth::{
    CookieKeys,
    events::SessionRefusal,
    session::{
        BoxFuture, Lease, Leases, Session, SessionId, SessionStore, SessionToken, StoreError,
        SubjectId,
    },
};
use tokio::{sync::watch, time::timeout};

const DEADLINE: Duration = Duration::from_secs(1);

/// Gives up after a second, as a store behind a network does.
#[derive(Clone)]
pub struct Deadline<S>(pub S);

async fn within<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = timeout(DEADLINE, answer).await;
    answer.unwrap_or_else(|_| Err(StoreError::new("no answer")))
}

impl<S: SessionStore> SessionStore for Deadline<S> {
    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        within(self.0.load(token, now)).await
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        within(self.0.save(session, now)).await
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        within(self.0.update(token, new, now)).await
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        within(self.0.remove(token, now)).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        within(self.0.revoke(id, until, now)).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        within(self.0.revoke_subject(subject, until, now)).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        within(self.0.revoke_all(now)).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        within(self.0.find_ended(sessions, now)).await
    }

    fn keys(&self) -> Option<CookieKeys> {
        self.0.keys()
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.0.leases().is_some().then_some(self)
    }
}

impl<S: SessionStore> Leases for Deadline<S> {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(within(self.0.leases().unwrap().acquire(name, ttl)))
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(within(self.0.leases().unwrap().complete(name, result, ttl)))
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(within(self.0.leases().unwrap().release(name)))
    }
}

/// Counts the calls that come, and holds them while it is shut.
#[derive(Default)]
pub struct Gate {
    came: watch::Sender<usize>,
    shut: watch::Sender<bool>,
    panics: AtomicBool,
    misses: AtomicUsize,
}

impl Gate {
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    pub fn open(&self) {
        self.shut.send_replace(false);
    }

    /// Makes calls panic, or no longer.
    pub fn panics(&self, panics: bool) {
        self.panics.store(panics, Ordering::SeqCst);
    }

    /// Makes this many look-ups find nothing, as in a replica that lags.
    pub fn misses(&self, look_ups: usize) {
        self.misses.store(look_ups, Ordering::SeqCst);
    }

    fn is_missed(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        let ordering = Ordering::SeqCst;
        self.misses
            .fetch_update(ordering, ordering, one_less)
            .is_ok()
    }

    /// How many came so far.
    pub fn count(&self) -> usize {
        *self.came.borrow()
    }

    /// Waits until this many came.
    pub async fn came(&self, count: usize) {
        let mut came = self.came.subscribe();
        let came = timeout(
            Duration::from_secs(10),
            came.wait_for(|came| *came >= count),
        );
        came.await.expect("no call comes").unwrap();
    }

    /// How many it holds now.
    pub fn waiting(&self) -> usize {
        self.shut.receiver_count()
    }

    fn come(&self) {
        self.came.send_modify(|came| *came += 1);
        assert!(!self.panics.load(Ordering::SeqCst), "on purpose");
    }

    async fn pass(&self) {
        self.come();
        let mut shut = self.shut.subscribe();
        shut.wait_for(|shut| !shut).await.unwrap();
    }
}

/// Returns when a test allows it, at the worst moment: a read or a write has already taken effect,
/// and an end has not.
#[derive(Clone)]
pub struct Blocking<S> {
    pub inner: S,
    /// Whether it says at once what the inner store has at hand.
    pub at_hand: bool,
    pub loads: Arc<Gate>,
    pub writes: Arc<Gate>,
    pub endings: Arc<Gate>,
    /// How long the last revocation is to be kept.
    pub until: Arc<Mutex<Option<SystemTime>>>,
    pub refusals: Arc<Gate>,
    /// Where the layer asks for the leases.
    pub leases: Arc<Gate>,
}

impl<S> Blocking<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            at_hand: false,
            loads: Arc::default(),
            writes: Arc::default(),
            endings: Arc::default(),
            until: Arc::default(),
            refusals: Arc::default(),
            leases: Arc::default(),
        }
    }

    /// How often it was asked for anything.
    pub fn calls(&self) -> usize {
        let gates = [&self.loads, &self.writes, &self.endings];
        gates.iter().map(|gate| gate.count()).sum()
    }
}

impl<S: SessionStore> SessionStore for Blocking<S> {
    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn try_load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        if !self.at_hand {
            return None;
        }
        self.loads.come();
        self.inner.try_load(token, now)
    }

    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let loaded = self.inner.load(token, now).await;
        self.loads.pass().await;
        if self.loads.is_missed() {
            return Ok(None);
        }
        loaded
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let saved = self.inner.save(session, now).await;
        self.writes.pass().await;
        saved
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let updated = self.inner.update(token, new, now).await;
        self.writes.pass().await;
        updated
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        self.endings.pass().await;
        self.inner.remove(token, now).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        *self.until.lock().unwrap() = Some(until);
        self.endings.pass().await;
        self.inner.revoke(id, until, now).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        *self.until.lock().unwrap() = Some(until);
        self.endings.pass().await;
        self.inner.revoke_subject(subject, until, now).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        self.endings.pass().await;
        self.inner.revoke_all(now).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.inner.find_ended(sessions, now).await
    }

    fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal {
        self.refusals.come();
        self.inner.refusal(token, now)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.leases.come();
        self.inner.leases()
    }
}
