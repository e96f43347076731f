//! The sessions by id, spread over several locks.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    session::{Session, SessionId, SessionToken},
    sync::lock,
};

const SHARDS: usize = 64;

pub(super) struct Shards {
    shards: [Mutex<Shard>; SHARDS],
    count: AtomicUsize,
    capacity: usize,
}

/// By a hash of the token: a look into memory opens no session, and the time that a look-up takes
/// says nothing.
type Shard = HashMap<SessionId, Session, BuildHasherDefault<FirstBytes>>;

impl Shards {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
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
        self.shard(id).get(&id).cloned()
    }

    /// Takes a place for one session, and returns whether there is one.
    pub(super) fn reserve(&self) -> bool {
        let take = |count: usize| (count < self.capacity).then_some(count + 1);
        let taken = self
            .count
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, take);
        taken.is_ok()
    }

    /// Keeps a session in a place that was [reserved](Self::reserve).
    pub(super) fn insert(&self, session: &Session) -> SessionToken {
        loop {
            let token = SessionToken::random();
            let id = token.id();
            if let Entry::Vacant(vacant) = self.shard(id).entry(id) {
                vacant.insert(session.clone());
                return token;
            }
        }
    }

    pub(super) fn update(&self, id: SessionId, new: Session) -> bool {
        let mut shard = self.shard(id);
        let known = shard.get_mut(&id);
        let Some(known) = known.filter(|known| known.accepts_update(&new)) else {
            return false;
        };
        *known = new;
        true
    }

    pub(super) fn remove(&self, id: SessionId) -> Option<Session> {
        let removed = self.shard(id).remove(&id)?;
        self.count.fetch_sub(1, Ordering::AcqRel);
        Some(removed)
    }

    /// Removes the sessions for which `keep` does not hold, and returns those that have a subject.
    pub(super) fn retain(&self, keep: impl Fn(&Session) -> bool) -> Vec<(SessionId, Session)> {
        let mut removed = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|id, session| {
                let kept = keep(session);
                if !kept && session.subject().is_some() {
                    removed.push((*id, session.clone()));
                }
                kept
            });
            self.count.fetch_sub(before - shard.len(), Ordering::AcqRel);
        }
        removed
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(id.0[15]) % SHARDS])
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
    use std::time::{Duration, SystemTime};

    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

    use super::*;

    #[test]
    fn tokens_are_kept_as_hashes_only() {
        let shards = Shards::new(1);
        let session = Session::new("token", SystemTime::now() + Duration::from_secs(60));
        assert!(shards.reserve());
        let token = shards.insert(&session);
        let raw = BASE64.decode(token.secret()).unwrap();
        let ids = shards
            .shards
            .iter()
            .flat_map(|shard| lock(shard).keys().copied().collect::<Vec<_>>());
        let ids: Vec<_> = ids.collect();
        assert_eq!(ids, [token.id()]);
        assert_ne!(&ids[0].0[..], &raw[..16]);
    }
}
