//! The cache in front of a store: callers that share a look-up and hang up, and sessions that end
//! while they are looked up.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use shuttle::future::{JoinHandle, block_on, spawn, yield_now};

use crate::{
    explore::{Model, Search},
    session::{CachedStore, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId},
    sync::{Mutex, lock},
};

models! {
    "cached":
    caller_that_joins_as_the_last_hangs_up_gets_an_answer, Search::Some(50_000);
    ended_session_is_found_by_no_later_caller, Search::Some(50_000);
}

const NOW: SystemTime = UNIX_EPOCH;
const MINUTE: Duration = Duration::from_secs(60);

/// A store behind a network, with one session.
struct Remote(Mutex<Option<Session>>);

impl SessionStore for Remote {
    async fn load(&self, _: &SessionToken, _: SystemTime) -> Result<Option<Session>, StoreError> {
        yield_now().await;
        let found = lock(&self.0).clone();
        yield_now().await;
        Ok(found)
    }

    async fn remove(&self, _: &SessionToken, _: SystemTime) -> Result<(), StoreError> {
        yield_now().await;
        *lock(&self.0) = None;
        yield_now().await;
        Ok(())
    }

    async fn save(&self, _: Session, _: SystemTime) -> Result<SessionToken, StoreError> {
        Err(unused())
    }

    async fn update(
        &self,
        _: &SessionToken,
        _: Session,
        _: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        Err(unused())
    }

    async fn revoke(&self, _: SessionId, _: SystemTime, _: SystemTime) -> Result<(), StoreError> {
        Err(unused())
    }

    async fn revoke_subject(
        &self,
        _: SubjectId,
        _: SystemTime,
        _: SystemTime,
    ) -> Result<(), StoreError> {
        Err(unused())
    }

    async fn revoke_all(&self, _: SystemTime) -> Result<(), StoreError> {
        Err(unused())
    }

    async fn find_ended(
        &self,
        _: &[(SessionId, Session)],
        _: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        Err(unused())
    }
}

fn unused() -> StoreError {
    StoreError::new("no model asks for it")
}

#[derive(Clone)]
struct Cached {
    store: Arc<CachedStore<Remote>>,
    token: SessionToken,
}

impl Cached {
    fn new() -> Self {
        let session = Session::new("token", NOW + MINUTE);
        Self {
            store: Arc::new(CachedStore::new(Remote(Mutex::new(Some(session))))),
            token: SessionToken::random(),
        }
    }

    /// Returns whether there is a session.
    async fn load(&self) -> bool {
        let loaded = self.store.load(&self.token, NOW).await;
        loaded.expect("the store answers").is_some()
    }

    fn loads(&self) -> JoinHandle<bool> {
        let cached = self.clone();
        spawn(async move { cached.load().await })
    }
}

fn caller_that_joins_as_the_last_hangs_up_gets_an_answer() {
    let cached = Cached::new();
    let [gone, stays] = [(); 2].map(|()| cached.loads());
    gone.abort();
    assert!(block_on(stays).unwrap());
}

/// S74.
fn ended_session_is_found_by_no_later_caller() {
    let cached = Cached::new();
    let during = cached.loads();
    block_on(cached.store.remove(&cached.token, NOW)).unwrap();
    assert!(!block_on(cached.load()), "it has ended");
    block_on(during).unwrap();
    assert!(
        !block_on(cached.load()),
        "the answer from before is not kept"
    );
}
