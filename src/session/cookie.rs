//! Sessions in the cookie itself.

use std::{
    collections::HashMap,
    fmt,
    future::{Ready, ready},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Record, Session, SessionStore, SessionToken, StoreError};
use crate::{
    Clock, CookieKeys,
    key::{Purpose, Sealer},
};

const DEFAULT_REVOCATIONS: usize = 10_000;

/// Seals the session into its cookie, so that any number of processes can read it and none has to keep it.
///
/// Give the very same keys to every process. That a code is redeemed once, and that a logout is for good, each process knows for itself:
/// logging out is remembered in this process only, for a bounded number of
/// sessions (10 000 unless told otherwise): a copy of the cookie still opens the session in another process until it
/// expires. Where that matters, use a store that forgets.
///
/// The whole cookie must fit into 4096 bytes; a token that makes it longer is refused at login, with a page that says so.
///
/// ```
/// use telenor_auth::{CookieKeys, TelenorAuthLayer, session::CookieStore};
///
/// let keys = CookieKeys::random(); // from your secret store, in earnest
/// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
///     .cookie_keys(keys.clone())
///     .session_store(CookieStore::new(&keys))
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CookieStore {
    sealer: Arc<Sealer>,
    revoked: Arc<Revoked>,
    clock: Clock,
}

/// Logins that were ended, until they would have expired anyway.
struct Revoked {
    any: AtomicBool,
    until: RwLock<HashMap<[u8; 16], u64>>,
    capacity: usize,
}

impl CookieStore {
    /// A store that seals with these keys.
    #[must_use]
    pub fn new(keys: &CookieKeys) -> Self {
        Self {
            sealer: Arc::new(keys.sealer(Purpose::Session, b"cookie")),
            revoked: Arc::new(Revoked::new(DEFAULT_REVOCATIONS)),
            clock: Clock::default(),
        }
    }

    /// How many ended sessions are remembered at most; beyond, the one that expires first is forgotten, which is logged.
    #[must_use]
    pub fn revocations(mut self, sessions: usize) -> Self {
        self.revoked = Arc::new(Revoked::new(sessions));
        self
    }

    /// The clock that expiry is measured against.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    fn open(&self, token: &SessionToken<'_>) -> Option<Session> {
        let record: Record = self.sealer.open("session", token.expose().as_bytes())?;
        let session = Session(Arc::new(record));
        session.is_live(self.clock.seconds()).then_some(session)
    }
}

impl Revoked {
    fn new(capacity: usize) -> Self {
        Self {
            any: AtomicBool::new(false),
            until: RwLock::default(),
            capacity,
        }
    }

    fn contains(&self, login: &[u8; 16]) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .until
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains_key(login)
    }

    fn insert(&self, login: [u8; 16], expires_at: u64, now: u64) {
        let mut until = self.until.write().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= self.capacity {
            until.retain(|_, expires_at| now < *expires_at);
        }
        if until.len() >= self.capacity
            && let Some(first) = until
                .iter()
                .min_by_key(|(_, until)| **until)
                .map(|(login, _)| *login)
        {
            until.remove(&first);
            tracing::warn!(
                "the list of ended cookie sessions is full: the oldest can be used again until it expires"
            );
        }
        until.insert(login, expires_at);
        self.any.store(true, Ordering::Release);
    }
}

impl SessionStore for CookieStore {
    type Load = Ready<Result<Option<Session>, StoreError>>;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        let session = self.open(token);
        ready(Ok(
            session.filter(|session| !self.revoked.contains(&session.login()))
        ))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        Ok(SessionToken::new(self.sealer.seal("session", &*session.0)))
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        if let Some(session) = self.open(token) {
            let now = self.clock.seconds();
            self.revoked
                .insert(session.login(), session.0.expires_at, now);
        }
        Ok(())
    }
}

impl fmt::Debug for CookieStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{access_token::AccessToken, session::Origin};

    fn session(clock: &Clock, login: u8) -> Session {
        let origin = Origin {
            login: [login; 16],
            ..Origin::default()
        };
        let now = clock.seconds();
        Session::issue(
            AccessToken::new("token".into()),
            now,
            now + 60 + u64::from(login),
            origin,
        )
    }

    #[tokio::test]
    async fn ended_session_stays_ended_for_every_clone() {
        let clock = Clock::manual();
        let store = CookieStore::new(&CookieKeys::random()).clock(clock.clone());
        let token = store.save(session(&clock, 1)).await.unwrap();
        let other = store.save(session(&clock, 2)).await.unwrap();
        store.clone().remove(&token).await.unwrap();
        assert!(store.load(&token).await.unwrap().is_none());
        assert!(store.load(&other).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn list_of_ended_sessions_is_bounded_and_drops_the_expired_first() {
        let clock = Clock::manual();
        let store = CookieStore::new(&CookieKeys::random())
            .clock(clock.clone())
            .revocations(2);
        let mut tokens = Vec::new();
        for login in [1, 2] {
            let token = store.save(session(&clock, login)).await.unwrap();
            store.remove(&token).await.unwrap();
            tokens.push(token);
        }
        clock.advance(Duration::from_secs(61));
        let third = store.save(session(&clock, 3)).await.unwrap();
        store.remove(&third).await.unwrap();
        assert!(store.load(&tokens[1]).await.unwrap().is_none());
        assert!(store.load(&third).await.unwrap().is_none());
        assert_eq!(store.revoked.until.read().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn session_sealed_with_a_removed_key_is_gone() {
        let clock = Clock::manual();
        let store = |keys: &CookieKeys| CookieStore::new(keys).clock(clock.clone());
        let token = store(&CookieKeys::random())
            .save(session(&clock, 1))
            .await
            .unwrap();
        assert!(
            store(&CookieKeys::random())
                .load(&token)
                .await
                .unwrap()
                .is_none()
        );
    }
}
