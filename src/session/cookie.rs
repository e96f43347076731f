//! Sessions in the cookie itself.

use std::{fmt, sync::Arc, time::SystemTime};

#[cfg(feature = "redis")]
use super::{RedisStore, redis::RevocationFeed};
use super::{
    Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId,
    revocations::{Revocation, RevocationList},
};
use crate::{
    clock::unix_seconds,
    key::{CookieKeys, Purpose, Sealer},
    login_id::LoginId,
    session_refusal::SessionRefusal,
};

const DEFAULT_REVOCATIONS: usize = 10_000;
const NAME: &str = "session";

/// Seals the session into its cookie: any number of processes can read it, and none has to keep it.
///
/// Give the same keys to every process. Each process remembers for itself which codes it exchanged
/// and which sessions ended. A logout is remembered in this process only, until it restarts, and
/// for a bounded number of sessions, which defaults to 10 000: a copy of the cookie still opens the
/// session in another process until it expires, and after a restart in this one too. Where that
/// matters, use a store on a server, or let the processes share their revocations, with
/// `share_revocations` and the feature `redis`.
///
/// [`revoke_all`](crate::TelenorAuthLayer::revoke_all) and
/// [`revoke_subject`](SessionStore::revoke_subject) end every session of a login in that second or
/// before it.
///
/// The whole cookie must fit into 4096 bytes. A token that makes it longer is refused at login,
/// with a page that says so.
///
/// ```
/// use telenor_auth::{CookieKeys, TelenorAuthLayer, session::CookieStore};
///
/// let keys = CookieKeys::random(); // from your secret store, in production
/// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
///     .session_store(CookieStore::new(&keys)) // these keys seal the layer's cookies too
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CookieStore {
    sealer: Arc<Sealer>,
    revocations: Arc<RevocationList>,
    #[cfg(feature = "redis")]
    feed: Option<Arc<RevocationFeed>>,
}

impl CookieStore {
    /// Returns a store that seals with these keys.
    #[must_use]
    pub fn new(keys: &CookieKeys) -> Self {
        Self {
            sealer: Arc::new(keys.sealer(Purpose::Session, b"cookie")),
            revocations: Arc::new(RevocationList::new(DEFAULT_REVOCATIONS)),
            #[cfg(feature = "redis")]
            feed: None,
        }
    }

    /// Remembers this number of revocations at most. Beyond it, the one of the session that expires
    /// first is dropped, which is logged.
    #[must_use]
    pub fn with_max_revocations(mut self, revocations: usize) -> Self {
        self.revocations = Arc::new(RevocationList::new(revocations));
        self
    }

    /// Makes a logout take effect on every instance. Each process publishes its revocations through
    /// this Redis before it answers, and reads those of the others once a second. Of the store in
    /// Redis only its connection, [prefix](RedisStore::with_prefix) and
    /// [timeout](RedisStore::with_timeout) are used. Sessions stay in their cookies, and a request
    /// with one needs no Redis.
    ///
    /// When Redis does not answer for 30 seconds, the process does not know which sessions have
    /// ended, and answers 503. So it does at the start, until it has read the list once. A logout
    /// that cannot be published is a 503 as well, though it takes effect in this process.
    ///
    /// Redis keeps as many revocations as this process [does](Self::with_max_revocations), and has
    /// to keep them on disk. A Redis that restarts without persistence has lost them, and a process
    /// that starts then never learns them. [`revoke_all`](crate::TelenorAuthLayer::revoke_all) and
    /// [`revoke_subject`](SessionStore::revoke_subject) end every session of a login in that second
    /// or before it, by the clock of the process that made the login. Where clocks differ, that
    /// second differs as well. A user in Redis needs
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
        self.feed = Some(Arc::new(RevocationFeed::new(redis)));
        self
    }

    /// The session in a cookie, live or not.
    fn unseal(&self, token: &SessionToken) -> Option<Session> {
        Session::open_as(&self.sealer, NAME, token.as_bytes())
    }

    /// The session in a cookie, if it is live and was not revoked.
    fn open(&self, token: &SessionToken, now: SystemTime) -> Option<Session> {
        let session = self.unseal(token)?;
        (!self.has_ended(&session, now)).then_some(session)
    }

    fn has_ended(&self, session: &Session, now: SystemTime) -> bool {
        session.is_expired_at(now) || self.revocations.contains(session)
    }

    /// Whether this process knows the revocations of the others.
    fn is_synced(&self, now: SystemTime) -> bool {
        #[cfg(feature = "redis")]
        if let Some(feed) = &self.feed {
            feed.watch(&self.revocations, unix_seconds(now));
            return feed.is_fresh(unix_seconds(now));
        }
        let _ = now;
        true
    }

    async fn sync(&self, now: SystemTime) -> Result<(), StoreError> {
        #[cfg(feature = "redis")]
        if let Some(feed) = &self.feed
            && !self.is_synced(now)
        {
            return feed.catch_up(&self.revocations, unix_seconds(now)).await;
        }
        let _ = now;
        Ok(())
    }

    async fn end(&self, revocation: Revocation, now: SystemTime) -> Result<(), StoreError> {
        self.revocations.insert(revocation, unix_seconds(now));
        #[cfg(feature = "redis")]
        if let Some(feed) = &self.feed
            // A browser that logs out again and again must not push the others out of the list.
            && !self.revocations.is_published(revocation)
        {
            let capacity = self.revocations.capacity();
            feed.publish(revocation, capacity).await?;
            self.revocations.mark_published(revocation);
        }
        Ok(())
    }

    fn seal(&self, session: &Session) -> SessionToken {
        SessionToken::new(session.seal_as(&self.sealer, NAME))
    }
}

impl SessionStore for CookieStore {
    const STABLE_TOKEN: bool = false;

    fn keys(&self) -> Option<CookieKeys> {
        Some(CookieKeys::of(&self.sealer))
    }

    fn try_load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        self.is_synced(now).then(|| Ok(self.open(token, now)))
    }

    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        self.sync(now).await?;
        Ok(self.open(token, now))
    }

    fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal {
        match self.unseal(token) {
            None => SessionRefusal::CookieUnreadable,
            Some(session) if session.is_expired_at(now) => SessionRefusal::Expired,
            // It was revoked.
            Some(_) => SessionRefusal::UnknownSession,
        }
    }

    async fn save(&self, session: Session, _now: SystemTime) -> Result<SessionToken, StoreError> {
        Ok(self.seal(&session))
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let known = self.load(token, now).await?;
        let updated = known.is_some_and(|known| known.accepts_update(&new));
        Ok(updated.then(|| self.seal(&new)))
    }

    /// A session that was revoked already may be one whose revocation was not published. One that
    /// has expired may be live again when the clock is put right.
    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        let Some(session) = self.unseal(token) else {
            return Ok(());
        };
        let until = session.record().expires_at;
        self.end(Revocation::of_session(session.login_id(), until), now)
            .await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let login = LoginId::from(id);
        self.end(Revocation::of_session(login, unix_seconds(until)), now)
            .await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let (up_to, until) = (unix_seconds(now), unix_seconds(until));
        self.end(Revocation::of_subject(subject, up_to, until), now)
            .await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        let now = unix_seconds(now);
        #[cfg(feature = "redis")]
        if let Some(feed) = &self.feed {
            // The line that Redis draws counts, as the clock of this process may be far ahead.
            let published = feed.publish_all(now).await;
            self.revocations
                .insert_all(*published.as_ref().unwrap_or(&now));
            return published.map(drop);
        }
        self.revocations.insert_all(now);
        Ok(())
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.sync(now).await?;
        let ended = sessions
            .iter()
            .filter(|(_, session)| self.has_ended(session, now));
        Ok(ended.map(|(id, _)| *id).collect())
    }

    /// Where instances share their revocations, it needs the list of them.
    async fn ping(&self, now: SystemTime) -> Result<(), StoreError> {
        self.sync(now).await
    }

    /// The cookie changes when its session is updated, the login does not.
    fn id(&self, _token: &SessionToken, session: &Session) -> SessionId {
        session.login_id().into()
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
    use crate::clock::Clock;

    fn session(clock: &Clock) -> Session {
        Session::new("token", clock.now() + Duration::from_secs(60))
    }

    #[tokio::test]
    async fn session_sealed_with_a_removed_key_is_gone() {
        let clock = Clock::manual();
        let store = || CookieStore::new(&CookieKeys::random());
        let token = store().save(session(&clock), clock.now()).await.unwrap();
        let loaded = store().load(&token, clock.now()).await;
        assert!(loaded.unwrap().is_none());
    }

    #[tokio::test]
    async fn late_answer_revives_no_ended_session() {
        let clock = Clock::manual();
        let now = clock.now();
        let store = CookieStore::new(&CookieKeys::random());
        let session = session(&clock);
        let token = store.save(session.clone(), now).await.unwrap();
        let renewed = store.update(&token, session.touched_at(now), now).await;
        let renewed = renewed.unwrap().unwrap();
        store.remove(&token, now).await.unwrap();
        assert!(store.load(&renewed, now).await.unwrap().is_none());
        let again = store.update(&token, session.touched_at(now), now).await;
        assert!(again.unwrap().is_none());
    }

    #[tokio::test]
    async fn refusal_tells_a_revoked_session_from_one_that_has_expired() {
        let clock = Clock::manual();
        let store = CookieStore::new(&CookieKeys::random());
        let token = store.save(session(&clock), clock.now()).await.unwrap();
        store.remove(&token, clock.now()).await.unwrap();
        let refusal = || store.refusal(&token, clock.now());
        assert_eq!(refusal(), SessionRefusal::UnknownSession);
        clock.advance(Duration::from_secs(60));
        assert_eq!(refusal(), SessionRefusal::Expired);
    }

    #[test]
    fn debug_shows_no_key() {
        let store = CookieStore::new(&CookieKeys::random());
        assert_eq!(format!("{store:?}"), "CookieStore { .. }");
    }

    /// It may be live again when the clock is put right.
    #[tokio::test]
    async fn session_that_has_expired_can_be_ended_too() {
        let clock = Clock::manual();
        let store = CookieStore::new(&CookieKeys::random());
        let token = store.save(session(&clock), clock.now()).await.unwrap();
        clock.advance(Duration::from_secs(1_000_000));
        store.remove(&token, clock.now()).await.unwrap();
        clock.rewind(Duration::from_secs(1_000_000));
        assert!(store.load(&token, clock.now()).await.unwrap().is_none());
    }
}
