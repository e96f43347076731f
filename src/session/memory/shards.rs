//! The sessions by id, spread over many small tables.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use crate::{
    session::{Session, SessionId, SessionToken},
    sync::{
        RwLock,
        atomic::{AtomicUsize, Ordering},
        read, write,
    },
};

/// About as many sessions share a table and its lock in a full store. However many there are
/// altogether, no request waits for work on more than these.
const SESSIONS_PER_SHARD: usize = 128;
/// So that threads seldom meet in a small store.
const MIN_SHARDS: usize = if cfg!(model) { 2 } else { 64 };
/// As many as two bytes of an id tell apart.
const MAX_SHARDS: usize = 1 << 16;

pub(super) struct Shards {
    shards: Box<[RwLock<Shard>]>,
    count: AtomicUsize,
    capacity: usize,
}

/// By a hash of the token: a look into memory opens no session, and the time that a look-up takes
/// says nothing about a token.
type Table = HashMap<SessionId, Session, BuildHasherDefault<FirstBytes>>;

#[derive(Default)]
struct Shard {
    sessions: Table,
    /// No session of it expires before this time, in seconds.
    next_expiry: u64,
}

/// A power of two.
pub(super) fn shards_for(sessions: usize) -> usize {
    let full = sessions / SESSIONS_PER_SHARD;
    full.clamp(MIN_SHARDS, MAX_SHARDS).next_power_of_two()
}

impl Shards {
    pub(super) fn new(capacity: usize) -> Self {
        let shards = std::iter::repeat_with(RwLock::default);
        Self {
            shards: shards.take(shards_for(capacity)).collect(),
            count: AtomicUsize::new(0),
            capacity,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub(super) fn get(&self, id: SessionId) -> Option<Session> {
        read(self.shard(id)).sessions.get(&id).cloned()
    }

    /// Takes a place for one session, and returns whether there is one.
    pub(super) fn reserve(&self) -> bool {
        let take = |count: usize| (count < self.capacity).then_some(count + 1);
        let taken = self
            .count
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, take);
        taken.is_ok()
    }

    /// Keeps a session in a place that was [reserved](Self::reserve), under a token of `new_token`
    /// that no session has yet.
    pub(super) fn insert(
        &self,
        session: &Session,
        mut new_token: impl FnMut() -> SessionToken,
    ) -> SessionToken {
        loop {
            let token = new_token();
            let id = token.id();
            let mut shard = write(self.shard(id));
            if let Entry::Vacant(vacant) = shard.sessions.entry(id) {
                vacant.insert(session.clone());
                shard.expires_no_later_than(session);
                return token;
            }
        }
    }

    pub(super) fn update(&self, id: SessionId, new: Session) -> bool {
        let mut shard = write(self.shard(id));
        let known = shard.sessions.get_mut(&id);
        let Some(known) = known.filter(|known| known.accepts_update(&new)) else {
            return false;
        };
        *known = new.clone();
        shard.expires_no_later_than(&new);
        true
    }

    pub(super) fn remove(&self, id: SessionId) -> Option<Session> {
        let mut shard = write(self.shard(id));
        let removed = shard.sessions.remove(&id)?;
        // Under the lock: who sees that a session is gone finds its place free.
        self.count.fetch_sub(1, Ordering::AcqRel);
        Some(removed)
    }

    /// Removes what has expired, a part of it with each step. Returns what each step removed.
    pub(super) fn sweep(&self, now: u64) -> impl Iterator<Item = Vec<(SessionId, Session)>> {
        self.shards.iter().map(move |shard| {
            if read(shard).next_expiry > now {
                return Vec::new();
            }
            let mut shard = write(shard);
            let expired = shard.sweep(now);
            self.count.fetch_sub(expired.len(), Ordering::AcqRel);
            expired
        })
    }

    /// Removes all, a part of it with each step. Returns what each step removed.
    pub(super) fn drain(
        &self,
    ) -> impl Iterator<Item = impl ExactSizeIterator<Item = (SessionId, Session)>> {
        self.shards.iter().map(|shard| {
            let mut shard = write(shard);
            let removed = std::mem::take(&mut shard.sessions);
            self.count.fetch_sub(removed.len(), Ordering::AcqRel);
            removed.into_iter()
        })
    }

    fn shard(&self, id: SessionId) -> &RwLock<Shard> {
        let last = usize::from(u16::from_le_bytes([id.0[14], id.0[15]]));
        &self.shards[last & (self.shards.len() - 1)]
    }
}

impl Shard {
    fn expires_no_later_than(&mut self, session: &Session) {
        self.next_expiry = self.next_expiry.min(session.record().expires_at);
    }

    /// The caller frees what it returns after it has released the lock.
    fn sweep(&mut self, now: u64) -> Vec<(SessionId, Session)> {
        let has_expired = |_: &SessionId, session: &mut Session| session.has_expired(now);
        let expired = self.sessions.extract_if(has_expired).collect();
        let left = self.sessions.values();
        let next = left.map(|session| session.record().expires_at).min();
        self.next_expiry = next.unwrap_or(u64::MAX);
        expired
    }
}

/// The key is a hash already, which a client cannot choose.
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
    use std::{
        hash::BuildHasher,
        time::{Duration, SystemTime, UNIX_EPOCH},
    };

    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

    use super::*;

    fn kept(shards: &Shards, expires_at: u64) -> SessionToken {
        let expires_at = UNIX_EPOCH + Duration::from_secs(expires_at);
        assert!(shards.reserve());
        shards.insert(&Session::new("token", expires_at), SessionToken::random)
    }

    /// S62.
    #[test]
    fn dump_of_the_store_holds_no_part_of_a_token() {
        let shards = Shards::new(1);
        let token = kept(&shards, 60);
        let raw = BASE64.decode(token.secret()).unwrap();
        let mut ids = Vec::new();
        for shard in &shards.shards {
            for (id, session) in &read(shard).sessions {
                ids.push(*id);
                let session = postcard::to_allocvec(session.record()).unwrap();
                for dump in [&id.0[..], &session] {
                    for part in [token.secret().as_bytes(), &raw] {
                        let shows = |part: &[u8]| dump.windows(part.len()).any(|at| at == part);
                        assert!(!part.chunks_exact(part.len() / 4).any(shows));
                    }
                }
            }
        }
        assert_eq!(ids, [token.id()]);
    }

    /// S62.
    #[test]
    fn session_never_takes_the_place_of_another() {
        let shards = Shards::new(2);
        let first = kept(&shards, 60);
        let free = SessionToken::random();
        let mut offered = [&first, &first, &free].into_iter().cloned();
        assert!(shards.reserve());
        let later = Session::new("later", UNIX_EPOCH + Duration::from_secs(60));
        let second = shards.insert(&later, || offered.next().unwrap());
        assert_eq!(second, free);
        let access_token = |token: &SessionToken| {
            let session = shards.get(token.id()).unwrap();
            session.access_token().secret().to_owned()
        };
        assert_eq!([&first, &second].map(access_token), ["token", "later"]);
    }

    #[test]
    fn full_store_has_few_sessions_behind_each_lock() {
        for (capacity, shards) in [(0, 64), (1, 64), (100_000, 1_024), (1_000_000, 8_192)] {
            assert_eq!(Shards::new(capacity).shards.len(), shards, "{capacity}");
        }
        assert_eq!(Shards::new(usize::MAX).shards.len(), MAX_SHARDS);
        // And each of them is in use.
        let shards = Shards::new(1_000_000);
        for _ in 0..8_192 * 20 {
            kept(&shards, 60);
        }
        let lengths = shards.shards.iter().map(|shard| read(shard).sessions.len());
        let (least, most) = (lengths.clone().min(), lengths.max());
        assert!(least > Some(0) && most < Some(60), "{least:?} to {most:?}");
    }

    #[test]
    fn table_hashes_an_id_to_its_first_eight_bytes() {
        let id = SessionId(*b"\x01\0\0\0\0\0\0\x02the rest");
        let hash = BuildHasherDefault::<FirstBytes>::default().hash_one(id);
        assert_eq!(hash, 0x0200_0000_0000_0001);
    }

    #[test]
    fn sweep_looks_where_a_session_can_have_expired_and_nowhere_else() {
        let shards = Shards::new(10_000);
        let swept = |now| {
            shards
                .sweep(now)
                .map(|expired| expired.len())
                .sum::<usize>()
        };
        assert_eq!(swept(0), 0);
        let bounds = |from| {
            let of = |shard: &RwLock<Shard>| read(shard).next_expiry;
            shards
                .shards
                .iter()
                .map(of)
                .filter(|at| *at >= from)
                .count()
        };
        assert_eq!(bounds(u64::MAX), shards.shards.len(), "all are empty");
        let (early, late) = (kept(&shards, 60), kept(&shards, 120));
        assert!(bounds(u64::MAX) < shards.shards.len());
        assert_eq!((swept(59), swept(60), swept(60)), (0, 1, 0));
        assert!(shards.get(early.id()).is_none() && shards.get(late.id()).is_some());
        // One that is updated may expire earlier.
        let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(90);
        let sooner = Session::new("token", expires_at).touched_at(UNIX_EPOCH);
        assert!(shards.update(late.id(), sooner));
        assert_eq!((swept(89), swept(90)), (0, 1));
        assert_eq!(bounds(u64::MAX), shards.shards.len(), "all are empty again");
        assert_eq!(shards.len(), 0);
    }
}
