//! User infos kept beside their sessions for a while, where the app asks for that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::{ApiError, UserInfo};

/// Beyond, an info is fetched and not kept.
const MAX_KEPT: usize = 10_000;

type Login = [u8; 16];

/// In this process's memory only: personal data is written nowhere, and ends with the session, the process, or the time to live.
pub(crate) struct Profiles {
    ttl: u64,
    kept: Mutex<HashMap<Login, Kept>>,
}

struct Kept {
    since: u64,
    info: Arc<OnceCell<UserInfo>>,
}

impl Profiles {
    pub(crate) fn new(ttl: u64) -> Self {
        Self {
            ttl,
            kept: Mutex::default(),
        }
    }

    /// The info of this login's user, from `fetch` if it is not there; those who ask meanwhile wait for the same answer.
    pub(crate) async fn info<F>(
        &self,
        login: Login,
        now: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserInfo, ApiError>
    where
        F: Future<Output = Result<UserInfo, ApiError>>,
    {
        let Some(info) = self.slot(login, now) else {
            return fetch().await;
        };
        // A failure is not kept: whoever waits next tries again.
        info.get_or_try_init(fetch).await.cloned()
    }

    pub(crate) fn forget(&self, login: Login) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&login);
    }

    fn slot(&self, login: Login, now: u64) -> Option<Arc<OnceCell<UserInfo>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |kept: &Kept| now.saturating_sub(kept.since) < self.ttl;
        if let Some(known) = kept.get(&login).filter(|kept| fresh(kept)) {
            return Some(Arc::clone(&known.info));
        }
        kept.remove(&login);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, kept| fresh(kept));
        }
        if kept.len() >= MAX_KEPT {
            return None;
        }
        let info = Arc::new(OnceCell::new());
        let slot = Kept {
            since: now,
            info: Arc::clone(&info),
        };
        kept.insert(login, slot);
        Some(info)
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
            profiles.info(login, 0, || ready(Ok(info()))).await.unwrap();
        }
        assert_eq!(profiles.kept.lock().unwrap().len(), MAX_KEPT);
        profiles
            .info([9; 16], 60, || ready(Ok(info())))
            .await
            .unwrap();
        assert_eq!(profiles.kept.lock().unwrap().len(), 1, "the old make room");
    }
}
