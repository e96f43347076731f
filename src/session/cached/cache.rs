//! What this process knows of the sessions, and what it was told to end.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{
    flight::{Answer, Flight, Waiter},
    shard::Shard,
};
use crate::session::{Session, SessionId};

const SHARDS: usize = 16;

pub(super) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    /// Counts when something began to be ended, and when that was done.
    endings: AtomicU64,
    /// How often everything is being ended at this moment.
    all: watch::Sender<usize>,
}

/// Where to find a session.
pub(super) enum Found {
    Here(Option<Session>),
    /// Somebody is looking already.
    Soon(Waiter),
    /// It is for the caller to look.
    Elsewhere(Arc<Flight>, Waiter),
}

/// That a session is about to be written.
#[derive(Clone, Copy)]
pub(super) struct Writing {
    begun: Instant,
    endings: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize, staleness: Duration) -> Self {
        let shards = capacity.clamp(1, SHARDS);
        let shard = || Mutex::new(Shard::new(capacity / shards, staleness));
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            endings: AtomicU64::new(0),
            all: watch::Sender::new(0),
        }
    }

    /// `again` is for whoever must not have what was known before.
    pub(super) fn find(&self, id: SessionId, again: bool) -> Found {
        let mut shard = self.shard(id);
        if again {
            shard.forget(id);
        }
        if let Some(told) = shard.tell(id, Instant::now()) {
            return Found::Here(told);
        }
        if let Some(flight) = shard.flight(id) {
            return Found::Soon(flight.join());
        }
        let flight = shard.begin(id);
        let waiter = flight.join();
        Found::Elsewhere(flight, waiter)
    }

    /// Waits while everything is being ended: what is asked of the inner store then is answered by chance.
    pub(super) async fn settled(&self) {
        let mut all = self.all.subscribe();
        // It fails without a sender, and that is here.
        let _ = all.wait_for(|under_way| *under_way == 0).await;
    }

    pub(super) fn land(
        &self,
        id: SessionId,
        flight: &Arc<Flight>,
        as_of: Instant,
        answer: Answer,
    ) -> bool {
        self.shard(id).land(id, flight, as_of, answer)
    }

    /// Gives a look-up up, if nobody waits for it.
    pub(super) fn abandon(&self, id: SessionId, flight: &Arc<Flight>) -> bool {
        // Under the lock, as nobody can join then.
        let mut shard = self.shard(id);
        let abandoned = !flight.is_awaited();
        if abandoned {
            shard.detach(id, flight);
        }
        abandoned
    }

    pub(super) fn detach(&self, id: SessionId, flight: &Arc<Flight>) {
        self.shard(id).detach(id, flight);
    }

    pub(super) fn refuses(&self, id: SessionId) -> bool {
        self.shard(id).refuses(id, Instant::now())
    }

    pub(super) fn writing(&self) -> Writing {
        Writing {
            begun: Instant::now(),
            endings: self.endings.load(Ordering::SeqCst),
        }
    }

    /// A session was written, and is known unless anything was ended meanwhile: it could have been this one.
    pub(super) fn written(&self, id: SessionId, session: &Session, writing: Writing) {
        let mut shard = self.shard(id);
        // In this order: when ending everything is done, that is counted first.
        let undisturbed =
            *self.all.borrow() == 0 && self.endings.load(Ordering::SeqCst) == writing.endings;
        if undisturbed {
            shard.know(id, session, writing.begun, Instant::now());
            shard.overtake(id);
        } else {
            shard.forget(id);
        }
    }

    /// Nobody here knows any more what became of a session.
    pub(super) fn forget(&self, id: SessionId) {
        self.shard(id).forget(id);
    }

    /// Refuses a session from now on, until the returned value is dropped and for the staleness after that.
    pub(super) fn end(&self, id: SessionId) -> Ending<'_> {
        self.endings.fetch_add(1, Ordering::SeqCst);
        self.shard(id).end(id);
        Ending { cache: self, id }
    }

    /// Knows no session from now on, until the returned value is dropped.
    pub(super) fn end_all(&self) -> EndingAll<'_> {
        self.all.send_modify(|under_way| *under_way += 1);
        self.endings.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            lock(shard).forget_all();
        }
        EndingAll(self)
    }

    /// How many sessions are known, and how many tokens to be none.
    pub(super) fn len(&self) -> (usize, usize) {
        let lengths = self.shards.iter().map(|shard| lock(shard).len());
        lengths.fold((0, 0), |sum, length| (sum.0 + length.0, sum.1 + length.1))
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(id.0[15]) % self.shards.len()])
    }
}

/// A shard is whole between any two statements, so a panic elsewhere is no reason to give it up.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// That a session is being ended: until it is, or failed to be, or whoever asked for it hung up.
pub(super) struct Ending<'c> {
    cache: &'c Cache,
    id: SessionId,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.cache.endings.fetch_add(1, Ordering::SeqCst);
        self.cache.shard(self.id).ended(self.id);
    }
}

/// That every session is being ended.
pub(super) struct EndingAll<'c>(&'c Cache);

impl Drop for EndingAll<'_> {
    fn drop(&mut self) {
        self.0.endings.fetch_add(1, Ordering::SeqCst);
        self.0.all.send_modify(|under_way| *under_way -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::session::SessionToken;

    fn session() -> Session {
        Session::new("token", SystemTime::now() + Duration::from_secs(60))
    }

    fn known(cache: &Arc<Cache>, id: SessionId) -> bool {
        matches!(cache.find(id, false), Found::Here(Some(_)))
    }

    fn land_none(cache: &Arc<Cache>) {
        let id = SessionToken::random().id();
        if let Found::Elsewhere(flight, _) = cache.find(id, false) {
            cache.land(id, &flight, Instant::now(), Ok(None));
        }
    }

    #[test]
    fn cache_is_bounded_whatever_it_is_flooded_with() {
        for (capacity, unknown) in [(0, 0), (1, 1), (100, 16), (10_000, 1_264)] {
            let cache = Arc::new(Cache::new(capacity, Duration::from_secs(60)));
            for _ in 0..12_000 {
                let id = SessionToken::random().id();
                cache.written(id, &session(), cache.writing());
                land_none(&cache);
                drop(cache.end(SessionToken::random().id()));
            }
            let length = cache.len();
            assert!(length.0 <= capacity && length.1 <= unknown, "{length:?}");
        }
    }

    #[test]
    fn tokens_that_are_none_push_no_session_out() {
        let cache = Arc::new(Cache::new(1_000, Duration::from_secs(60)));
        let sessions: Vec<_> = (0..300).map(|_| SessionToken::random().id()).collect();
        for id in &sessions {
            cache.written(*id, &session(), cache.writing());
        }
        for _ in 0..5_000 {
            land_none(&cache);
        }
        assert!(sessions.iter().all(|id| known(&cache, *id)));
    }

    #[test]
    fn slow_writing_brings_no_ended_session_back() {
        let cache = Arc::new(Cache::new(10, Duration::from_secs(60)));
        let id = SessionToken::random().id();
        let written = |ends: &dyn Fn(&Cache)| {
            let writing = cache.writing();
            ends(&cache);
            cache.written(id, &session(), writing);
            known(&cache, id)
        };
        assert!(!written(&|cache| drop(cache.end_all())));
        assert!(!written(&|cache| drop(
            cache.end(SessionToken::random().id())
        )));
        assert!(written(&|_| ()));
        assert!(!written(&|cache| drop(cache.end(id))));
    }

    #[test]
    fn nothing_is_known_while_everything_is_being_ended() {
        let cache = Arc::new(Cache::new(10, Duration::from_secs(60)));
        let id = SessionToken::random().id();
        let ending = [cache.end_all(), cache.end_all()];
        for ending in ending {
            cache.written(id, &session(), cache.writing());
            assert!(!known(&cache, id));
            drop(ending);
        }
        cache.written(id, &session(), cache.writing());
        assert!(known(&cache, id));
    }

    #[test]
    fn overtaken_state_does_not_take_the_place_of_a_later_one() {
        let cache = Arc::new(Cache::new(10, Duration::from_secs(60)));
        let id = SessionToken::random().id();
        let first = session();
        let later = first.touched_at(SystemTime::now());
        for state in [&later, &first] {
            cache.written(id, state, cache.writing());
        }
        let Found::Here(Some(known)) = cache.find(id, false) else {
            panic!("it was written");
        };
        assert_eq!(known.version(), 1);
    }
}
