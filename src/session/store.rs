//! What a store has to do.

use std::{
    fmt,
    future::{Future, ready},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{Session, SessionId, SessionToken};

/// Keeps sessions between requests.
///
/// The layer asks with a token that it took from a cookie; the store is the only one who makes tokens, so that an id can
/// neither be chosen by a browser nor survive a login.
///
/// A failing store answers `Err`, which becomes 503: never `Ok(None)`, which would be a fresh login.
///
/// ```
/// use std::{future::{Ready, ready}, time::SystemTime};
/// use telenor_auth::session::{Session, SessionId, SessionStore, SessionToken, StoreError};
///
/// /// Forgets everybody at once.
/// #[derive(Clone)]
/// struct Amnesia;
///
/// impl SessionStore for Amnesia {
///     type Load = Ready<Result<Option<Session>, StoreError>>;
///
///     fn load(&self, _token: &SessionToken<'_>) -> Self::Load {
///         ready(Ok(None))
///     }
///     async fn save(&self, _session: Session) -> Result<SessionToken<'static>, StoreError> {
///         Ok(SessionToken::random())
///     }
///     async fn replace(
///         &self,
///         _token: &SessionToken<'_>,
///         _new: Session,
///     ) -> Result<Option<SessionToken<'static>>, StoreError> {
///         Ok(None)
///     }
///     async fn remove(&self, _token: &SessionToken<'_>) -> Result<(), StoreError> {
///         Ok(())
///     }
///     async fn revoke(&self, _id: SessionId, _until: SystemTime) -> Result<(), StoreError> {
///         Ok(())
///     }
///     async fn revoke_all(&self) -> Result<(), StoreError> {
///         Ok(())
///     }
/// }
/// ```
pub trait SessionStore: Clone + Send + Sync + 'static {
    /// What [`load`](Self::load) answers with: [`Ready`](std::future::Ready) for a store in this process, a boxed future
    /// for one behind a network.
    ///
    /// `Unpin`, because the layer looks once whether the answer is there already: then the request goes straight on, with
    /// neither a box nor a clone of the inner service.
    type Load: Future<Output = Result<Option<Session>, StoreError>> + Send + Unpin + 'static;

    /// The session of this token, or `None` when the token is unknown, removed, expired or not a token at all.
    ///
    /// A request waits for this for as long as it takes, and so does everything else that is asked of a store: one behind a network needs a
    /// deadline of its own, after which it answers with an error.
    fn load(&self, token: &SessionToken<'_>) -> Self::Load;

    /// The same, as it is at this moment wherever the sessions are kept: for whoever is about to change it. A store with a cache goes past
    /// that.
    fn reload(&self, token: &SessionToken<'_>) -> Self::Load {
        self.load(token)
    }

    /// Keeps a new session, at least until it expires, and makes the token for it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session is not kept: the place cannot be reached, or is full.
    fn save(
        &self,
        session: Session,
    ) -> impl Future<Output = Result<SessionToken<'static>, StoreError>> + Send;

    /// Puts a later state of a session in place of the one before it, and answers with the token for it: the same one, unless the token
    /// itself holds the session.
    ///
    /// `None`, and nothing is changed, when the session is gone, or when its [`version`](Session::version) is any other than the one
    /// before `new`: somebody else was faster. A removed session must not come back by this.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell, or cannot be reached.
    fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> impl Future<Output = Result<Option<SessionToken<'static>>, StoreError>> + Send;

    /// Forgets the session of this token for good; an unknown token is no error.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session may still be there.
    fn remove(
        &self,
        token: &SessionToken<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets the session of this id for good; an unknown id is no error. After `until` it has certainly ended by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session may still be there.
    fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets every session that was saved before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when some may still be there; trying again does no harm.
    fn revoke_all(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What [`revoke`](Self::revoke) knows this session by; the token's own id unless the token changes while the session lasts.
    fn id(&self, token: &SessionToken<'_>, session: &Session) -> SessionId {
        let _ = session;
        token.id()
    }

    /// Whether the token stays the same when its session is replaced. Without that, tokens cannot be refreshed: the new one
    /// would be lost with the answer that carries it.
    const KEEPS_TOKEN: bool = true;

    /// Takes a piece of work that one instance of the app must do alone, for as long as `ttl`. The name holds letters, digits and
    /// dashes.
    ///
    /// Unless told otherwise every claim is won: that is right for a store within one process, which knows by itself what it is
    /// doing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be told whose the work is.
    fn claim(
        &self,
        name: &str,
        ttl: Duration,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send {
        let _ = (name, ttl);
        ready(Ok(Claim::Won))
    }

    /// Gives a claimed piece of work back, for whoever claims it next.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may still count as claimed.
    fn release(&self, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = name;
        ready(Ok(()))
    }

    /// Keeps what came of a claimed piece of work for `ttl`, for whoever claims it too. It is sealed already.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not kept.
    fn settle(
        &self,
        name: &str,
        result: &str,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (name, result, ttl);
        ready(Ok(()))
    }
}

/// Whose work it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Ours.
    Won,
    /// Another instance's, which is at it.
    Lost,
    /// Done already; with what was [settled](SessionStore::settle).
    Settled(String),
}

/// A store could not do what it was asked.
///
/// The layer answers 503 and logs the cause. Cloning costs a counter, for a store that tells several who wait for one answer.
#[derive(Clone, Debug)]
pub struct StoreError(Arc<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// An error with this cause, which ends in the log and must hold no token.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into().into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session store failed")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
