//! The cache of user infos, if the app has turned it on.

use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::UserInfo;
use crate::{expiring_map::ExpiringMap, session::SessionId, sync::lock};

/// When the cache is full, an info is fetched and not cached.
const MAX_ENTRIES: usize = 10_000;

/// It is in this process's memory only, because it is personal data. An info is dropped
/// when its session ends, at the end of the process, or by the first call after it has expired.
pub(crate) struct UserInfoCache(Mutex<ExpiringMap<SessionId, Arc<OnceCell<UserInfo>>>>);

impl UserInfoCache {
    pub(crate) fn new(ttl: u64) -> Self {
        Self(Mutex::new(ExpiringMap::new(ttl)))
    }

    /// Returns the info of this session's user, from `fetch` if it is not cached. Concurrent calls
    /// wait for the same fetch.
    pub(crate) async fn info<F, E>(
        &self,
        session: SessionId,
        now: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserInfo, E>
    where
        F: Future<Output = Result<UserInfo, E>>,
    {
        let Some(info) = self.cell(session, now) else {
            return fetch().await;
        };
        // A failure is not cached: the next call that waits tries again.
        info.get_or_try_init(fetch).await.cloned()
    }

    pub(crate) fn forget(&self, session: SessionId) {
        lock(&self.0).remove(&session);
    }

    pub(crate) fn forget_all(&self) {
        lock(&self.0).clear();
    }

    /// Makes room for an info, as a call does.
    #[cfg(test)]
    pub(crate) fn fill(&self, session: SessionId) {
        self.cell(session, 0);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Returns `None` if the cache is full.
    fn cell(&self, session: SessionId, now: u64) -> Option<Arc<OnceCell<UserInfo>>> {
        let mut entries = lock(&self.0);
        // An info expires also when its user never comes back.
        entries.sweep(now);
        if let Some(known) = entries.get(&session, now) {
            return Some(Arc::clone(known));
        }
        if entries.len() >= MAX_ENTRIES {
            return None;
        }
        let cell = Arc::new(OnceCell::new());
        entries.insert(session, Arc::clone(&cell), now);
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn cache_is_bounded_and_a_full_one_refuses_no_call() {
        let cache = UserInfoCache::new(60);
        let info = || UserInfo::parse(b"{}").unwrap();
        for number in 0..MAX_ENTRIES + 10 {
            let login = SessionId((number as u128).to_be_bytes());
            cache
                .info(login, 0, || ready(Ok::<_, ()>(info())))
                .await
                .unwrap();
        }
        assert_eq!(lock(&cache.0).len(), MAX_ENTRIES);
        cache
            .info(SessionId([9; 16]), 60, || ready(Ok::<_, ()>(info())))
            .await
            .unwrap();
        assert_eq!(lock(&cache.0).len(), 1, "expired entries are removed");
    }

    #[tokio::test]
    async fn info_of_a_user_who_never_comes_back_expires() {
        let cache = UserInfoCache::new(50);
        let info = || ready(Ok::<_, ()>(UserInfo::parse(b"{}").unwrap()));
        // The clock is set back before the last one.
        for (login, now, kept) in [(1, 100, 1), (2, 149, 2), (3, 150, 2), (4, 20, 1)] {
            cache.info(SessionId([login; 16]), now, info).await.unwrap();
            assert_eq!(lock(&cache.0).len(), kept, "at {now}");
        }
        cache.forget(SessionId([4; 16]));
        assert_eq!(lock(&cache.0).len(), 0);
        cache.info(SessionId([5; 16]), 21, info).await.unwrap();
        cache.forget_all();
        assert_eq!(lock(&cache.0).len(), 0);
    }

    #[tokio::test]
    async fn info_is_fetched_again_when_it_has_expired() {
        let cache = UserInfoCache::new(50);
        let fetched = std::cell::Cell::new(0);
        let info = || {
            fetched.set(fetched.get() + 1);
            ready(Ok::<_, ()>(UserInfo::parse(b"{}").unwrap()))
        };
        // The clock is set back between the first two entries: when the second entry has expired,
        // the first one has not.
        for (login, now, calls) in [
            (1, 100, 1),
            (2, 60, 2),
            (2, 110, 3),
            (2, 111, 3),
            (1, 111, 3),
        ] {
            cache.info(SessionId([login; 16]), now, info).await.unwrap();
            assert_eq!(fetched.get(), calls, "at {now}");
        }
    }
}
