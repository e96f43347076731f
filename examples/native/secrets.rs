//! One-time codes and tokens: random, known by their hash, bounded in number, for a limited time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use rand::distr::{Alphanumeric, SampleString as _};
use telenor_auth::session::SessionId;

/// 256 bits of chance.
const LENGTH: usize = 43;

/// Far more than the logins of a minute.
pub(crate) const MAX_SECRETS: usize = 10_000;

/// Random secrets and what they stand for.
pub(crate) struct Secrets<T> {
    lifetime: Duration,
    /// By SHA-256, so that the time of a look-up says nothing about a secret, and a dump of the
    /// memory holds none.
    entries: Mutex<HashMap<[u8; 32], Entry<T>>>,
}

struct Entry<T> {
    value: T,
    login: Option<SessionId>,
    expires_at: SystemTime,
}

impl<T: Clone> Secrets<T> {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            entries: Mutex::default(),
        }
    }

    /// Returns a new secret, which takes the place of an earlier one of the same login. So a
    /// user who reloads a page does not fill the table. `None` when it is full.
    pub(crate) fn issue(
        &self,
        login: Option<SessionId>,
        value: T,
        now: SystemTime,
    ) -> Option<String> {
        let mut entries = self.entries();
        entries
            .retain(|_, entry| now < entry.expires_at && (login.is_none() || entry.login != login));
        if entries.len() >= MAX_SECRETS {
            return None;
        }
        let secret = Alphanumeric.sample_string(&mut rand::rng(), LENGTH);
        let expires_at = now + self.lifetime;
        let entry = Entry {
            value,
            login,
            expires_at,
        };
        entries.insert(hash(&secret), entry);
        Some(secret)
    }

    /// Returns what a secret stands for, and forgets it.
    pub(crate) fn take(&self, secret: &str, now: SystemTime) -> Option<(Option<SessionId>, T)> {
        let entry = self.entries().remove(&hash(secret))?;
        (now < entry.expires_at).then_some((entry.login, entry.value))
    }

    pub(crate) fn get(&self, secret: &str, now: SystemTime) -> Option<T> {
        let entries = self.entries();
        let entry = entries.get(&hash(secret))?;
        (now < entry.expires_at).then(|| entry.value.clone())
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}
