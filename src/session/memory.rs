//! Sessions in this process's memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    future::{Ready, ready},
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::runtime::Handle;

use super::{Session, SessionId, SessionStore, SessionToken, StoreError};
use crate::clock::Clock;

const DEFAULT_CAPACITY: usize = 100_000;
const SHARDS: usize = 64;
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Keeps sessions in memory, for an app that runs as one process.
///
/// It holds a bounded number of sessions, 100 000 unless told otherwise, and refuses a new one rather than forget a live
/// one when it is full. The expired are refused at once and forgotten within a minute. Tokens are kept as hashes only.
///
/// ```
/// use telenor_auth::session::MemoryStore;
///
/// let store = MemoryStore::new().capacity(20_000);
/// assert!(store.is_empty());
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    capacity: usize,
    clock: Clock,
}

struct Shared {
    shards: [Mutex<Shard>; SHARDS],
    count: AtomicUsize,
    sweeping: AtomicBool,
}

/// By a hash of the token: a look into memory opens nobody's session, and the time a look-up takes says nothing.
type Shard = HashMap<SessionId, Session, BuildHasherDefault<FirstBytes>>;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                shards: std::array::from_fn(|_| Mutex::default()),
                count: AtomicUsize::new(0),
                sweeping: AtomicBool::new(false),
            }),
            capacity: DEFAULT_CAPACITY,
            clock: Clock::default(),
        }
    }

    /// How many sessions are kept at most. Say it before the store is cloned, as the clones share their sessions and not this.
    #[must_use]
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions;
        self
    }

    /// The clock that expiry is measured against.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many sessions are kept now, counting those that have expired and are not swept yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Whether no session is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets every session that has expired.
    pub fn sweep(&self) {
        self.shared.sweep(self.clock.seconds());
    }

    /// Takes a place, after clearing out the expired if there seems to be none.
    fn reserve(&self) -> Result<(), StoreError> {
        let take = |count: usize| (count < self.capacity).then_some(count + 1);
        let count = &self.shared.count;
        let taken = count.fetch_update(Ordering::SeqCst, Ordering::Relaxed, take);
        if taken.is_err() {
            self.sweep();
            count
                .fetch_update(Ordering::SeqCst, Ordering::Relaxed, take)
                .map_err(|_| StoreError::new("the memory store is full of live sessions"))?;
        }
        Ok(())
    }

    /// Sweeps in the background for as long as there is something to sweep and somebody who holds the store.
    fn keep_sweeping(&self) {
        // Without a runtime there is nobody to sweep; reading and a full store still do.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.shared.sweeping.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut sweeper = Sweeper {
            shared: Arc::downgrade(&self.shared),
            stopped: false,
        };
        let clock = self.clock.clone();
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                if !sweeper.sweep(clock.seconds()) {
                    return;
                }
            }
        });
    }
}

/// Makes room for the next sweeper when this one goes with its runtime.
struct Sweeper {
    shared: Weak<Shared>,
    /// There was nothing left to sweep: the next one may be at work already.
    stopped: bool,
}

impl Sweeper {
    /// Whether there will be something to sweep again.
    fn sweep(&mut self, now: u64) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return false;
        };
        shared.sweep(now);
        self.stopped = !shared.has_work();
        !self.stopped
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        if !self.stopped
            && let Some(shared) = self.shared.upgrade()
        {
            shared.sweeping.store(false, Ordering::SeqCst);
        }
    }
}

impl Shared {
    /// Whether the sweeper goes on; one that stops makes room for the next.
    fn has_work(&self) -> bool {
        if self.count.load(Ordering::SeqCst) > 0 {
            return true;
        }
        self.sweeping.store(false, Ordering::SeqCst);
        // Saved in this very moment, by somebody who saw a sweeper at work?
        self.count.load(Ordering::SeqCst) > 0 && !self.sweeping.swap(true, Ordering::SeqCst)
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(id.0[15]) % SHARDS])
    }

    fn remove(&self, id: SessionId) {
        if self.shard(id).remove(&id).is_some() {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn sweep(&self, now: u64) {
        self.keep(|session| session.is_live(now));
    }

    fn keep(&self, kept: impl Fn(&Session) -> bool) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|_, session| kept(session));
            self.count.fetch_sub(before - shard.len(), Ordering::AcqRel);
        }
    }
}

/// A shard is whole between any two statements, so a panic elsewhere is no reason to give it up.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionStore for MemoryStore {
    type Load = Ready<Result<Option<Session>, StoreError>>;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        let id = token.id();
        let session = self.shared.shard(id).get(&id).cloned();
        ready(Ok(
            session.filter(|session| session.is_live(self.clock.seconds()))
        ))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        self.reserve()?;
        self.keep_sweeping();
        loop {
            let token = SessionToken::random();
            let id = token.id();
            if let Entry::Vacant(vacant) = self.shared.shard(id).entry(id) {
                vacant.insert(session);
                return Ok(token);
            }
        }
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let id = token.id();
        let mut shard = self.shared.shard(id);
        let known = shard.get_mut(&id);
        let Some(known) = known.filter(|known| known.comes_before(&new)) else {
            return Ok(None);
        };
        *known = new;
        Ok(Some(token.clone().into_owned()))
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        self.shared.remove(token.id());
        Ok(())
    }

    async fn revoke(&self, id: SessionId, _until: SystemTime) -> Result<(), StoreError> {
        self.shared.remove(id);
        Ok(())
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        self.shared.keep(|_| false);
        Ok(())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// The key is a hash already, and no one outside can choose it.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length of an array of bytes is hashed as well, and says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(clock: &Clock, seconds: u64) -> Session {
        Session::new("token", clock.now() + Duration::from_secs(seconds))
    }

    #[tokio::test]
    async fn full_store_refuses_the_new_and_keeps_the_live() {
        let clock = Clock::manual();
        let store = MemoryStore::new().capacity(2).clock(clock.clone());
        let first = store.save(session(&clock, 60)).await.unwrap();
        let second = store.save(session(&clock, 120)).await.unwrap();
        assert!(store.save(session(&clock, 60)).await.is_err());
        assert!(store.load(&first).await.unwrap().is_some());
        assert!(store.load(&second).await.unwrap().is_some());

        clock.advance(Duration::from_secs(60));
        store.save(session(&clock, 60)).await.unwrap();
        assert!(store.load(&second).await.unwrap().is_some());
        assert_eq!(store.len(), 2);
    }

    #[tokio::test]
    async fn expired_session_is_refused_before_it_is_swept() {
        let clock = Clock::manual();
        let store = MemoryStore::new().clock(clock.clone());
        let token = store.save(session(&clock, 60)).await.unwrap();
        clock.advance(Duration::from_secs(60));
        assert!(store.load(&token).await.unwrap().is_none());
        assert_eq!(store.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn expired_sessions_are_forgotten_without_traffic() {
        let clock = Clock::manual();
        let store = MemoryStore::new().clock(clock.clone());
        for _ in 0..100 {
            store.save(session(&clock, 60)).await.unwrap();
        }
        clock.advance(Duration::from_secs(60));
        // The clock of the runtime is paused: this moves it and takes no time.
        tokio::time::sleep(SWEEP_EVERY * 2).await;
        assert!(store.is_empty());
        // And the sweeper comes back for the next one.
        store.save(session(&clock, 60)).await.unwrap();
        clock.advance(Duration::from_secs(60));
        tokio::time::sleep(SWEEP_EVERY * 2).await;
        assert!(store.is_empty());
    }

    #[tokio::test]
    async fn sweeper_that_has_stopped_does_not_announce_the_end_of_the_next() {
        let store = MemoryStore::new();
        let sweeping = &store.shared.sweeping;
        for stopped in [true, false] {
            let shared = Arc::downgrade(&store.shared);
            let mut sweeper = Sweeper {
                shared,
                stopped: false,
            };
            sweeping.store(true, Ordering::SeqCst);
            if stopped {
                assert!(!sweeper.sweep(0), "there is nothing to sweep");
                assert!(!sweeping.swap(true, Ordering::SeqCst), "the next may come");
            }
            drop(sweeper);
            assert_eq!(sweeping.load(Ordering::SeqCst), stopped);
        }
    }

    #[tokio::test]
    async fn tokens_are_kept_as_hashes_only() {
        let store = MemoryStore::new();
        let token = store.save(session(&Clock::default(), 60)).await.unwrap();
        let raw = BASE64.decode(token.expose()).unwrap();
        for shard in &store.shared.shards {
            for id in lock(shard).keys() {
                assert_ne!(&id.0[..], &raw[..16]);
            }
        }
    }

    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
}
