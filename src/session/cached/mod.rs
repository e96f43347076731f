//! A short memory in front of a slow store.

mod bounded;
mod cache;
mod flight;
mod leader;
mod shard;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use tokio::runtime::Handle;

use self::{
    cache::{Cache, Found},
    flight::Answer,
    leader::Landing,
};
use super::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError};
use crate::clock::Clock;

const DEFAULT_CAPACITY: usize = 10_000;
const DEFAULT_STALENESS: Duration = Duration::from_secs(2);

/// Remembers for a moment what a store behind a network answered, so that the twenty requests of one page ask it once.
///
/// What this process does to a session it knows at once. What another instance of the app does, it may learn late, by the
/// [staleness](Self::staleness) at most: a session that was ended there can be used here for that long. That there is no session for a
/// token is remembered too, and errors never. However many ask for the same session at the same time, the store is asked once.
///
/// It holds a bounded number of sessions, 10 000 unless told otherwise, and lets the oldest go when it is full.
///
/// ```
/// use std::time::Duration;
/// use telenor_auth::{TelenorAuthLayer, session::{CachedStore, MemoryStore}};
///
/// // In front of a store behind a network, in earnest.
/// let store = CachedStore::new(MemoryStore::new()).staleness(Duration::from_secs(1));
/// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
///     .session_store(store)
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
///
/// A store whose token holds the session, as [`CookieStore`](super::CookieStore) makes them, needs no cache, and is refused by the
/// compiler.
#[derive(Clone)]
pub struct CachedStore<S> {
    inner: S,
    cache: Arc<Cache>,
    capacity: usize,
    staleness: Duration,
    clock: Clock,
}

impl<S: SessionStore> CachedStore<S> {
    /// An empty cache in front of this store.
    #[must_use]
    pub fn new(inner: S) -> Self {
        const {
            assert!(
                S::STABLE_TOKEN,
                "a store whose token holds the session needs no cache"
            );
        }
        Self {
            inner,
            cache: Arc::new(Cache::new(DEFAULT_CAPACITY, DEFAULT_STALENESS)),
            capacity: DEFAULT_CAPACITY,
            staleness: DEFAULT_STALENESS,
            clock: Clock::default(),
        }
    }

    /// How old an answer may be that is given again, counted from when the store was asked; 2 seconds unless told otherwise.
    ///
    /// For that long a session can be used in this process after another instance ended it, and is seen as it was after another instance
    /// replaced it. A session that could not be removed, because the store failed, is refused here for that long all the same. Say seconds,
    /// not minutes. With [`Duration::ZERO`] nothing is remembered, and only those who ask at the same time share an answer.
    ///
    /// This and the capacity begin a new cache: say them before the store is cloned.
    #[must_use]
    pub fn staleness(mut self, staleness: Duration) -> Self {
        self.staleness = staleness;
        self.cache = Arc::new(Cache::new(self.capacity, staleness));
        self
    }

    /// How many sessions are remembered at most, and besides them an eighth as many tokens for which there is none.
    #[must_use]
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions;
        self.cache = Arc::new(Cache::new(sessions, self.staleness));
        self
    }

    /// The clock that expiry is measured against. The staleness goes by time that has passed, whatever the clocks say.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    fn find(&self, token: &SessionToken<'_>, again: bool) -> CachedLoad {
        let waiter = match self.cache.find(token.id(), again) {
            Found::Here(session) => {
                let now = self.clock.seconds();
                let session = session.filter(|session| session.is_live(now));
                return CachedLoad(Load::Here(Some(Ok(session))));
            }
            Found::Soon(waiter) => waiter,
            Found::Elsewhere(flight, waiter) => {
                let landing = Landing {
                    cache: Arc::clone(&self.cache),
                    id: token.id(),
                    flight,
                };
                // In a task of its own, so that whoever asked first may hang up. Without a runtime it is given up at once.
                if let Ok(runtime) = Handle::try_current() {
                    let token = token.clone().into_owned();
                    runtime.spawn(landing.fly(self.inner.clone(), token));
                }
                waiter
            }
        };
        CachedLoad(Load::Soon(Box::pin(waiter.answer())))
    }
}

impl<S: SessionStore> SessionStore for CachedStore<S> {
    type Load = CachedLoad;

    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn load(&self, token: &SessionToken<'_>) -> CachedLoad {
        self.find(token, false)
    }

    fn reload(&self, token: &SessionToken<'_>) -> CachedLoad {
        self.find(token, true)
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        let writing = self.cache.writing();
        let token = self.inner.save(session.clone()).await?;
        self.cache.written(token.id(), &session, writing);
        Ok(token)
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let id = token.id();
        self.cache.settled().await;
        let writing = self.cache.writing();
        if self.cache.refuses(id) {
            return Ok(None);
        }
        let replaced = self.inner.replace(token, new.clone()).await;
        match &replaced {
            Ok(Some(_)) => self.cache.written(id, &new, writing),
            Ok(None) | Err(_) => self.cache.forget(id),
        }
        replaced
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        let _ending = self.cache.end(token.id());
        self.inner.remove(token).await
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        let _ending = self.cache.end(id);
        self.inner.revoke(id, until).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        let _ending = self.cache.end_all();
        self.inner.revoke_all().await
    }

    fn id(&self, token: &SessionToken<'_>, session: &Session) -> SessionId {
        self.inner.id(token, session)
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

impl<S> fmt::Debug for CachedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, unknown) = self.cache.len();
        f.debug_struct("CachedStore")
            .field("sessions", &sessions)
            .field("unknown", &unknown)
            .field("capacity", &self.capacity)
            .field("staleness", &self.staleness)
            .finish_non_exhaustive()
    }
}

/// What [`CachedStore`] answers a look-up with: at once and without a box where it knows.
pub struct CachedLoad(Load);

enum Load {
    Here(Option<Answer>),
    Soon(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

impl Future for CachedLoad {
    type Output = Result<Option<Session>, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Load::Here(answer) => Poll::Ready(answer.take().expect("polled after it was done")),
            Load::Soon(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for CachedLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedLoad").finish_non_exhaustive()
    }
}
