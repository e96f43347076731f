//! User infos kept beside their sessions for a while, where the app asks for that.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

use super::UserInfo;

/// Beyond, an info is fetched and not kept.
const MAX_KEPT: usize = 10_000;

type Login = [u8; 16];

/// In this process's memory only: personal data is written nowhere, and is dropped with the logout, the process, or the first call after its
/// time is up.
pub(crate) struct Profiles {
    ttl: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    infos: HashMap<Login, Info>,
    /// Since when, in that order.
    order: VecDeque<(u64, Login)>,
}

struct Info {
    since: u64,
    cell: Arc<OnceCell<UserInfo>>,
}

impl Profiles {
    pub(crate) fn new(ttl: u64) -> Self {
        Self {
            ttl,
            kept: Mutex::default(),
        }
    }

    /// The info of this login's user, from `fetch` if it is not there; those who ask meanwhile wait for the same answer.
    pub(crate) async fn info<F, E>(
        &self,
        login: Login,
        now: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserInfo, E>
    where
        F: Future<Output = Result<UserInfo, E>>,
    {
        let Some(info) = self.slot(login, now) else {
            return fetch().await;
        };
        // A failure is not kept: whoever waits next tries again.
        info.get_or_try_init(fetch).await.cloned()
    }

    pub(crate) fn forget(&self, login: Login) {
        self.kept().infos.remove(&login);
    }

    pub(crate) fn forget_all(&self) {
        *self.kept() = Kept::default();
    }

    /// `None` when there is no room.
    fn slot(&self, login: Login, now: u64) -> Option<Arc<OnceCell<UserInfo>>> {
        let mut kept = self.kept();
        kept.forget_old(now, self.ttl);
        if let Some(known) = kept.infos.get(&login)
            && now.abs_diff(known.since) < self.ttl
        {
            return Some(Arc::clone(&known.cell));
        }
        if kept.order.len() >= MAX_KEPT {
            return None;
        }
        let cell = Arc::new(OnceCell::new());
        let info = Info {
            since: now,
            cell: Arc::clone(&cell),
        };
        kept.infos.insert(login, info);
        kept.order.push_back((now, login));
        Some(cell)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Nobody's data stays longer than it may, also when they never come back.
    fn forget_old(&mut self, now: u64, ttl: u64) {
        while let Some((since, login)) = self.order.front()
            && now.abs_diff(*since) >= ttl
        {
            // Not one that was fetched again since.
            if self
                .infos
                .get(login)
                .is_some_and(|info| info.since == *since)
            {
                self.infos.remove(login);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_nothing_is_refused() {
        let profiles = Profiles::new(60);
        let info = || UserInfo::parse(b"{}".to_vec()).unwrap();
        for number in 0..MAX_KEPT + 10 {
            let login = (number as u128).to_be_bytes();
            profiles
                .info(login, 0, || ready(Ok::<_, ()>(info())))
                .await
                .unwrap();
        }
        assert_eq!(profiles.kept().infos.len(), MAX_KEPT);
        profiles
            .info([9; 16], 60, || ready(Ok::<_, ()>(info())))
            .await
            .unwrap();
        assert_eq!(profiles.kept().infos.len(), 1, "the old make room");
    }

    #[tokio::test]
    async fn info_of_somebody_who_never_comes_back_is_forgotten_in_time() {
        let profiles = Profiles::new(50);
        let info = || ready(Ok::<_, ()>(UserInfo::parse(b"{}".to_vec()).unwrap()));
        // The last one after the clock was set back.
        for (login, now, kept) in [(1, 100, 1), (2, 149, 2), (3, 150, 2), (4, 20, 1)] {
            profiles.info([login; 16], now, info).await.unwrap();
            assert_eq!(profiles.kept().infos.len(), kept, "at {now}");
            assert_eq!(profiles.kept().order.len(), kept, "at {now}");
        }
        profiles.forget([4; 16]);
        assert!(profiles.kept().infos.is_empty());
        profiles.info([5; 16], 21, info).await.unwrap();
        profiles.forget_all();
        assert!(profiles.kept().infos.is_empty());
    }

    #[tokio::test]
    async fn info_is_fetched_again_when_its_own_time_is_up() {
        let profiles = Profiles::new(50);
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
            profiles.info([login; 16], now, info).await.unwrap();
            assert_eq!(fetched.get(), calls, "at {now}");
        }
    }
}
