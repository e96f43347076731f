//! A read-through cache in front of a session store.

mod bounded;
mod cache;
mod in_flight;
mod leader;
mod state;
mod target;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use self::{
    cache::{Cache, Lookup},
    in_flight::Answer,
    leader::Leader,
    target::Target,
};
use super::{Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId};
use crate::{detached, key::CookieKeys, session_refusal::SessionRefusal};

const DEFAULT_CAPACITY: usize = 10_000;
const DEFAULT_STALENESS: Duration = Duration::from_secs(2);

/// Keeps the answers of another store for a moment, so that the twenty requests of one page ask it
/// once.
///
/// It is for a store behind a network. Callers that ask for the same session at the same time share
/// one look-up.
///
/// **Staleness.** An answer is kept for 2 seconds by default, counted from when the store was
/// asked. That there is no session for a token is kept too, and an error never. What this process
/// does to a session takes effect here at once. What another instance does takes effect here within
/// the [staleness](Self::with_staleness): a session that was ended there can be used here until
/// then.
///
/// **Ends.** A session that is removed or revoked here is refused from that moment on. If the store
/// fails to end it, it is refused here for the staleness all the same. Where a subject or all
/// sessions are revoked, a request waits until the store has done it or has failed. An answer that
/// the store gave before a session was updated or ended is not kept.
///
/// **Bounds.** It keeps 10 000 sessions by default, and for every eight of them one token without a
/// session. The oldest makes room for the next.
///
/// **Errors.** A look-up fails with the error of the store, for all callers that wait for it. It
/// also fails when the store panics, and outside a Tokio runtime.
///
/// ```
/// use std::time::Duration;
/// use telenor_auth::{TelenorAuthLayer, session::{CachedStore, MemoryStore}};
///
/// // In production: in front of a store behind a network.
/// let store = CachedStore::new(MemoryStore::new()).with_staleness(Duration::from_secs(1));
/// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
///     .session_store(store)
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
///
/// A [`CookieStore`](super::CookieStore) needs no cache, since its tokens hold the sessions. The
/// compiler refuses it:
///
/// ```compile_fail,E0080
/// use telenor_auth::{CookieKeys, session::{CachedStore, CookieStore}};
///
/// let store = CachedStore::new(CookieStore::new(&CookieKeys::random()));
/// ```
pub struct CachedStore<S> {
    inner: Arc<S>,
    cache: Arc<Cache>,
    capacity: usize,
    staleness: Duration,
}

impl<S: SessionStore> CachedStore<S> {
    /// Returns an empty cache in front of this store.
    #[must_use]
    pub fn new(inner: S) -> Self {
        const {
            assert!(
                S::STABLE_TOKEN,
                "a store whose token holds the session needs no cache"
            );
        }
        Self {
            inner: Arc::new(inner),
            cache: Arc::new(Cache::new(DEFAULT_CAPACITY, DEFAULT_STALENESS)),
            capacity: DEFAULT_CAPACITY,
            staleness: DEFAULT_STALENESS,
        }
    }

    /// Sets for how long an answer is kept. It defaults to 2 seconds, and should be seconds, not
    /// minutes: another instance can end or update a session, and this one does not see it until
    /// then.
    ///
    /// With [`Duration::ZERO`] nothing is kept. Callers then share an answer only while they wait
    /// for it. The cache is empty after this call.
    #[must_use]
    pub fn with_staleness(self, staleness: Duration) -> Self {
        Self {
            cache: Arc::new(Cache::new(self.capacity, staleness)),
            staleness,
            ..self
        }
    }

    /// Sets how many sessions are kept at most. It defaults to 10 000. The cache is empty after
    /// this call.
    #[must_use]
    pub fn with_capacity(self, sessions: usize) -> Self {
        Self {
            cache: Arc::new(Cache::new(sessions, self.staleness)),
            capacity: sessions,
            ..self
        }
    }

    async fn find(&self, token: &SessionToken, now: SystemTime, fresh: bool) -> Answer {
        let id = token.id();
        let follower = match self.cache.lookup(id, fresh) {
            Lookup::Hit(session) => return Ok(live(session, now)),
            Lookup::InFlight(follower) => follower,
            Lookup::Miss(in_flight) => {
                let follower = in_flight.follow();
                let leader = Leader {
                    store: Arc::clone(&self.inner),
                    cache: Arc::clone(&self.cache),
                    id,
                    in_flight,
                };
                // In a task of its own, so that the caller that asked first may hang up.
                detached::spawn(leader.drive(token.clone(), now));
                follower
            }
        };
        Ok(live(follower.answer().await?, now))
    }
}

/// The store may have been asked for an earlier request, with the time of that one.
fn live(session: Option<Session>, now: SystemTime) -> Option<Session> {
    session.filter(|session| !session.is_expired_at(now))
}

impl<S: SessionStore> SessionStore for CachedStore<S> {
    const STABLE_TOKEN: bool = S::STABLE_TOKEN;

    fn try_load(&self, token: &SessionToken, now: SystemTime) -> Option<Answer> {
        let known = self.cache.get(token.id())?;
        Some(Ok(live(known, now)))
    }

    async fn load(&self, token: &SessionToken, now: SystemTime) -> Answer {
        self.find(token, now, false).await
    }

    async fn load_fresh(&self, token: &SessionToken, now: SystemTime) -> Answer {
        self.find(token, now, true).await
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let stamp = self.cache.write_stamp();
        let token = self.inner.save(session.clone(), now).await?;
        self.cache.insert(token.id(), session, stamp);
        Ok(token)
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let id = token.id();
        self.cache.settled(new.subject()).await;
        let stamp = self.cache.write_stamp();
        if self.cache.has_ended(id) {
            return Ok(None);
        }
        let updated = self.inner.update(token, new.clone(), now).await;
        match updated {
            Ok(Some(_)) => self.cache.insert(id, new, stamp),
            Ok(None) | Err(_) => self.cache.forget(id),
        }
        updated
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        let _invalidation = self.cache.invalidate(Target::Session(token.id()));
        self.inner.remove(token, now).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let _invalidation = self.cache.invalidate(Target::Session(id));
        self.inner.revoke(id, until, now).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let _invalidation = self.cache.invalidate(Target::Subject(subject));
        self.inner.revoke_subject(subject, until, now).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        let _invalidation = self.cache.invalidate(Target::All);
        self.inner.revoke_all(now).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.inner.find_ended(sessions, now).await
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.inner.sessions_of(subject, now).await
    }

    /// Past the cache.
    async fn ping(&self, now: SystemTime) -> Result<(), StoreError> {
        self.inner.ping(now).await
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
        self.inner.leases()
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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::{clock::Clock, session::MemoryStore};

    const STALENESS: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn each_setting_takes_effect_whatever_is_set_after_it() {
        let now = Clock::manual().now();
        let session = Session::new("token", now + Duration::from_secs(60));
        let new = || CachedStore::new(MemoryStore::new());
        for store in [
            new().with_staleness(STALENESS).with_capacity(2),
            new().with_capacity(2).with_staleness(STALENESS),
        ] {
            for _ in 0..2 {
                store.save(session.clone(), now).await.unwrap();
            }
            let token = store.save(session.clone(), now).await.unwrap();
            let unknown = store.load(&SessionToken::random(), now).await;
            assert!(unknown.unwrap().is_none());
            assert_eq!(
                format!("{store:?}"),
                "CachedStore { sessions: 2, unknown: 1, capacity: 2, staleness: 5s, .. }"
            );
            advance(STALENESS - Duration::from_nanos(1)).await;
            assert!(store.try_load(&token, now).is_some());
            advance(Duration::from_nanos(1)).await;
            assert!(store.try_load(&token, now).is_none());
        }
    }

    /// Without a runtime the store behind fails at once.
    #[cfg(feature = "redis")]
    #[test]
    fn keys_leases_and_failures_are_those_of_the_store_behind() {
        let keys = CookieKeys::random();
        let inner = crate::session::RedisStore::new("redis://localhost", &keys).unwrap();
        let store = CachedStore::new(inner);
        assert!(store.keys().unwrap().has_keys_of(&keys));
        assert!(store.leases().is_some());
        let mut ping: crate::boxed::BoxFuture<'_, _> = Box::pin(store.ping(SystemTime::now()));
        assert!(detached::now(&mut ping).unwrap().is_err());
    }
}
