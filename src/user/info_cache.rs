//! User infos kept beside their sessions for a while, where the app asks for that.

use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::UserInfo;
use crate::{expiring_map::ExpiringMap, login_id::LoginId, sync::lock};

/// Beyond, an info is fetched and not kept.
const MAX_KEPT: usize = 10_000;

/// In this process's memory only: personal data is written nowhere. It is dropped with the logout,
/// the process, or the first call after its time is up.
pub(crate) struct UserInfoCache(Mutex<ExpiringMap<LoginId, Arc<OnceCell<UserInfo>>>>);

impl UserInfoCache {
    pub(crate) fn new(ttl: u64) -> Self {
        Self(Mutex::new(ExpiringMap::new(ttl)))
    }

    /// The info of this login's user, from `fetch` if it is not there. Calls in the meantime wait
    /// for the same answer.
    pub(crate) async fn info<F, E>(
        &self,
        login: LoginId,
        now: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserInfo, E>
    where
        F: Future<Output = Result<UserInfo, E>>,
    {
        let Some(info) = self.cell(login, now) else {
            return fetch().await;
        };
        // A failure is not kept: the next call that waits tries again.
        info.get_or_try_init(fetch).await.cloned()
    }

    pub(crate) fn forget(&self, login: LoginId) {
        lock(&self.0).remove(&login);
    }

    pub(crate) fn forget_all(&self) {
        lock(&self.0).clear();
    }

    /// `None` when there is no room.
    fn cell(&self, login: LoginId, now: u64) -> Option<Arc<OnceCell<UserInfo>>> {
        let mut kept = lock(&self.0);
        // No data stays longer than it may, also when its user never comes back.
        kept.sweep(now);
        if let Some(known) = kept.get(&login, now) {
            return Some(Arc::clone(known));
        }
        if kept.len() >= MAX_KEPT {
            return None;
        }
        let cell = Arc::new(OnceCell::new());
        kept.insert(login, Arc::clone(&cell), now);
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_nothing_is_refused() {
        let profiles = UserInfoCache::new(60);
        let info = || UserInfo::parse(b"{}".to_vec()).unwrap();
        for number in 0..MAX_KEPT + 10 {
            let login = LoginId::from_bytes((number as u128).to_be_bytes());
            profiles
                .info(login, 0, || ready(Ok::<_, ()>(info())))
                .await
                .unwrap();
        }
        assert_eq!(lock(&profiles.0).len(), MAX_KEPT);
        profiles
            .info(LoginId::from_bytes([9; 16]), 60, || {
                ready(Ok::<_, ()>(info()))
            })
            .await
            .unwrap();
        assert_eq!(lock(&profiles.0).len(), 1, "the old make room");
    }

    #[tokio::test]
    async fn info_of_a_user_who_never_comes_back_is_forgotten_in_time() {
        let profiles = UserInfoCache::new(50);
        let info = || ready(Ok::<_, ()>(UserInfo::parse(b"{}".to_vec()).unwrap()));
        // The last one after the clock was set back.
        for (login, now, kept) in [(1, 100, 1), (2, 149, 2), (3, 150, 2), (4, 20, 1)] {
            profiles
                .info(LoginId::from_bytes([login; 16]), now, info)
                .await
                .unwrap();
            assert_eq!(lock(&profiles.0).len(), kept, "at {now}");
        }
        profiles.forget(LoginId::from_bytes([4; 16]));
        assert_eq!(lock(&profiles.0).len(), 0);
        profiles
            .info(LoginId::from_bytes([5; 16]), 21, info)
            .await
            .unwrap();
        profiles.forget_all();
        assert_eq!(lock(&profiles.0).len(), 0);
    }

    #[tokio::test]
    async fn info_is_fetched_again_when_its_own_time_is_up() {
        let profiles = UserInfoCache::new(50);
        let fetched = std::cell::Cell::new(0);
        let info = || {
            fetched.set(fetched.get() + 1);
            ready(Ok::<_, ()>(UserInfo::parse(b"{}".to_vec()).unwrap()))
        };
        // By a clock that was set back in between, whose first entry is not old yet when the second one is.
        for (login, now, calls) in [
            (1, 100, 1),
            (2, 60, 2),
            (2, 110, 3),
            (2, 111, 3),
            (1, 111, 3),
        ] {
            profiles
                .info(LoginId::from_bytes([login; 16]), now, info)
                .await
                .unwrap();
            assert_eq!(fetched.get(), calls, "at {now}");
        }
    }
}
