//! Sessions in the cookie itself.

pub(super) mod revocations;

use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use self::revocations::DenyList;
#[cfg(feature = "redis")]
use super::{RedisStore, redis::Ended};
use super::{Session, SessionId, SessionStore, SessionToken, StoreError};
use crate::{
    clock::{Clock, unix_seconds},
    key::{CookieKeys, Purpose, Sealer},
};

const DEFAULT_REVOCATIONS: usize = 10_000;
const NAME: &str = "session";

/// Seals the session into its cookie, so that any number of processes can read it and none has to keep it.
///
/// Give the very same keys to every process. That a code is redeemed once, and that a logout is for good, each process knows for itself:
/// logging out is remembered in this process only, for a bounded number of
/// sessions (10 000 unless told otherwise): a copy of the cookie still opens the session in another process until it
/// expires. Where that matters, use a store that forgets, or let the processes tell each other, with `share_revocations` and the feature
/// `redis`.
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
    #[cfg(feature = "redis")]
    ended: Option<Arc<Ended>>,
}

impl CookieStore {
    /// A store that seals with these keys.
    #[must_use]
    pub fn new(keys: &CookieKeys) -> Self {
        Self {
            sealer: Arc::new(keys.sealer(Purpose::Session, b"cookie")),
            denied: Arc::new(DenyList::new(DEFAULT_REVOCATIONS)),
            clock: Clock::default(),
            #[cfg(feature = "redis")]
            ended: None,
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

    /// Makes a logout in one process one in all of them: each tells it through this Redis before it answers, and asks once a second what is
    /// new. Of the store in Redis only its connection, [prefix](RedisStore::prefix) and [timeout](RedisStore::timeout) are used; sessions stay
    /// in their cookies, and reading one needs no Redis.
    ///
    /// When Redis cannot be asked for 30 seconds, it is not known who was logged out meanwhile, and the answer is 503; also at the start, until
    /// the list was read once. A logout that cannot be told is 503 as well, though it holds in this process.
    ///
    /// Redis keeps as many ended sessions as this process [does](Self::revocations), and has to keep them on disk: one that is
    /// restarted without persistence has forgotten who was logged out, and a process that starts then never learns it. After
    /// [`revoke_all`](crate::TelenorAuthLayer::revoke_all) every session is over whose login was in that second or before it, by the clock of
    /// the process that logged it in: where clocks disagree by a second or more, that is how far off the line is. A user in Redis needs
    /// `+@connection +get +set +eval +time +xadd +xrange +xrevrange`.
    ///
    /// ```no_run
    /// use telenor_auth::{CookieKeys, session::{CookieStore, RedisStore}};
    ///
    /// let keys = CookieKeys::parse(&std::env::var("TELENOR_COOKIE_KEYS")?)?;
    /// let redis = RedisStore::new("rediss://shop:password@redis.example", &keys)?;
    /// let store = CookieStore::new(&keys).share_revocations(&redis);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn share_revocations(mut self, redis: &RedisStore) -> Self {
        self.ended = Some(Arc::new(Ended::new(redis)));
        self
    }

    /// The session in a cookie, whatever has become of it.
    fn unseal(&self, token: &SessionToken<'_>) -> Option<Session> {
        Session::open_as(&self.sealer, NAME, token.expose().as_bytes())
    }

    /// The session in a cookie, if it is live and nobody ended it.
    fn open(&self, token: &SessionToken<'_>) -> Option<Session> {
        let session = self.unseal(token)?;
        let live = session.is_live(self.clock.seconds());
        (live && !self.denied.contains(&session)).then_some(session)
    }

    async fn deny(&self, session: SessionId, until: u64) -> Result<(), StoreError> {
        let now = self.clock.seconds();
        self.denied.insert(session.0, until, now);
        #[cfg(feature = "redis")]
        if let Some(ended) = &self.ended
            // Who logs out again and again must not push the others out of the list.
            && !self.denied.is_told(session.0, until)
        {
            let capacity = self.denied.capacity();
            ended.tell(session, until, capacity).await?;
            self.denied.tell(session.0);
        }
        Ok(())
    }

    fn seal(&self, session: &Session) -> SessionToken<'static> {
        SessionToken::new(session.seal_as(&self.sealer, NAME))
    }
}

impl SessionStore for CookieStore {
    type Load = CookieLoad;

    const KEEPS_TOKEN: bool = false;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        #[cfg(feature = "redis")]
        if let Some(ended) = &self.ended {
            ended.watch(&self.denied, &self.clock);
            if !ended.is_known(self.clock.seconds()) {
                let (store, ended) = (self.clone(), Arc::clone(ended));
                let token = token.clone().into_owned();
                return CookieLoad(Loading::CatchingUp(Box::pin(async move {
                    ended.catch_up(&store.denied, &store.clock).await?;
                    Ok(store.open(&token))
                })));
            }
        }
        CookieLoad(Loading::Ready(ready(Ok(self.open(token)))))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        Ok(self.seal(&session))
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let known = self.load(token).await?;
        let replaced = known.is_some_and(|known| known.comes_before(&new));
        Ok(replaced.then(|| self.seal(&new)))
    }

    /// One that is denied already may be one that the others could not be told of, and one that has expired may live again when the clock is
    /// put right.
    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        match self.unseal(token) {
            Some(session) => {
                let until = session.record().expires_at;
                self.deny(SessionId(session.login()), until).await
            }
            None => Ok(()),
        }
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        self.deny(id, unix_seconds(until)).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        let now = self.clock.seconds();
        #[cfg(feature = "redis")]
        if let Some(ended) = &self.ended {
            // What Redis says goes, as this process's clock may be far ahead.
            let told = ended.tell_all(now).await;
            self.denied.insert_all(*told.as_ref().unwrap_or(&now));
            return told.map(drop);
        }
        self.denied.insert_all(now);
        Ok(())
    }

    /// The cookie changes when its session is renewed, the login does not.
    fn id(&self, _token: &SessionToken<'_>, session: &Session) -> SessionId {
        SessionId(session.login())
    }
}

/// What [`CookieStore::load`](SessionStore::load) answers with: at once, unless it must first be asked who was logged out elsewhere.
pub struct CookieLoad(Loading);

enum Loading {
    Ready(Ready<Result<Option<Session>, StoreError>>),
    #[cfg(feature = "redis")]
    CatchingUp(Pin<Box<dyn Future<Output = Result<Option<Session>, StoreError>> + Send>>),
}

impl Future for CookieLoad {
    type Output = Result<Option<Session>, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Loading::Ready(answer) => Pin::new(answer).poll(cx),
            #[cfg(feature = "redis")]
            Loading::CatchingUp(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for CookieLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieLoad").finish_non_exhaustive()
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
    async fn late_answer_revives_no_ended_session() {
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

    /// It may live again when the clock is put right.
    #[tokio::test]
    async fn session_that_has_expired_can_be_ended_too() {
        let clock = Clock::manual();
        let store = CookieStore::new(&CookieKeys::random()).clock(clock.clone());
        let token = store.save(session(&clock)).await.unwrap();
        clock.advance(Duration::from_secs(1_000_000));
        store.remove(&token).await.unwrap();
        clock.rewind(Duration::from_secs(1_000_000));
        assert!(store.load(&token).await.unwrap().is_none());
    }
}
