//! Sessions in the cookie itself.

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
    time::SystemTime,
};

use super::{Session, SessionId, SessionStore, SessionToken, StoreError, deny_list::DenyList};
use crate::{
    Clock, CookieKeys,
    clock::unix_seconds,
    key::{Purpose, Sealer},
};

const DEFAULT_REVOCATIONS: usize = 10_000;
const NAME: &str = "session";

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
    denied: Arc<DenyList>,
    clock: Clock,
}

impl CookieStore {
    /// A store that seals with these keys.
    #[must_use]
    pub fn new(keys: &CookieKeys) -> Self {
        Self {
            sealer: Arc::new(keys.sealer(Purpose::Session, b"cookie")),
            denied: Arc::new(DenyList::new(DEFAULT_REVOCATIONS)),
            clock: Clock::default(),
        }
    }

    /// How many ended sessions are remembered at most; beyond, the one that expires first is forgotten, which is logged.
    #[must_use]
    pub fn revocations(mut self, sessions: usize) -> Self {
        self.denied = Arc::new(DenyList::new(sessions));
        self
    }

    /// The clock that expiry is measured against.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The session in a cookie, if nobody ended it.
    fn open(&self, token: &SessionToken<'_>) -> Option<Session> {
        let session = Session::open_as(&self.sealer, NAME, token.expose().as_bytes())?;
        let live = session.is_live(self.clock.seconds());
        (live && !self.denied.contains(&session)).then_some(session)
    }

    fn seal(&self, session: &Session) -> SessionToken<'static> {
        SessionToken::new(session.seal_as(&self.sealer, NAME))
    }
}

impl SessionStore for CookieStore {
    type Load = Ready<Result<Option<Session>, StoreError>>;

    const KEEPS_TOKEN: bool = false;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        ready(Ok(self.open(token)))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        Ok(self.seal(&session))
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let known = self.open(token);
        let replaced = known.is_some_and(|known| known.comes_before(&new));
        Ok(replaced.then(|| self.seal(&new)))
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        if let Some(session) = self.open(token) {
            let now = self.clock.seconds();
            let until = session.record().expires_at;
            self.denied.insert(session.login(), until, now);
        }
        Ok(())
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        let now = self.clock.seconds();
        self.denied.insert(id.0, unix_seconds(until), now);
        Ok(())
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        self.denied.insert_all(self.clock.seconds());
        Ok(())
    }

    /// The cookie changes when its session is renewed, the login does not.
    fn id(&self, _token: &SessionToken<'_>, session: &Session) -> SessionId {
        SessionId(session.login())
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

    fn session(clock: &Clock) -> Session {
        Session::new("token", clock.now() + Duration::from_secs(60))
    }

    #[tokio::test]
    async fn session_sealed_with_a_removed_key_is_gone() {
        let clock = Clock::manual();
        let store = |keys: &CookieKeys| CookieStore::new(keys).clock(clock.clone());
        let token = store(&CookieKeys::random()).save(session(&clock)).await;
        let loaded = store(&CookieKeys::random()).load(&token.unwrap()).await;
        assert!(loaded.unwrap().is_none());
    }

    #[tokio::test]
    async fn ended_session_does_not_come_back_by_the_answer_to_a_slow_request() {
        let clock = Clock::manual();
        let store = CookieStore::new(&CookieKeys::random()).clock(clock.clone());
        let session = session(&clock);
        let token = store.save(session.clone()).await.unwrap();
        let renewed = store.replace(&token, session.used_at(clock.now())).await;
        let renewed = renewed.unwrap().unwrap();
        store.remove(&token).await.unwrap();
        assert!(store.load(&renewed).await.unwrap().is_none());
        let again = store.replace(&token, session.used_at(clock.now())).await;
        assert!(again.unwrap().is_none());
    }
}
