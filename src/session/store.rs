//! What a store of sessions does.

use std::{
    future::{Future, ready},
    time::SystemTime,
};

use super::{Leases, Session, SessionId, SessionToken, StoreError, SubjectId};
use crate::{key::CookieKeys, session_refusal::SessionRefusal};

/// Keeps sessions between requests.
///
/// The layer takes a token from a cookie and asks the store for its session. The store alone makes
/// tokens: so a browser cannot choose one, and none from before a login is good after it.
///
/// A store that fails returns `Err`, which becomes a 503. It never returns `Ok(None)` then, which
/// would be a new login.
///
/// A method that panics counts as one that failed:
///
/// | panics | outcome |
/// | --- | --- |
/// | `try_load`, `load`, `load_fresh` | 503, and no handler runs |
/// | `update` | the handler's response arrives, and the use of the session may be lost; a refresh of the token is 503 |
/// | `remove` | the logout is 503 |
/// | `leases`, and the methods of [`Leases`] | a login is 503, as long as its code is not sent |
/// | `save` | the login is 500, and its token is ended |
/// | `refusal` | it counts as [`UnknownSession`](SessionRefusal::UnknownSession) |
/// | `revoke`, `revoke_subject`, `revoke_all`, `sessions_of` | the caller gets an error |
/// | `find_ended` | the layer asks again |
/// | `ping` | the app is not ready |
///
/// `id` and `keys` must not panic: they have no error to return.
///
/// `now` is the time by the layer's clock. A store judges by it, and not by a clock of its own,
/// whether a session has expired.
///
/// An app that uses a store waits for it as long as it takes. A store behind a network needs a
/// deadline of its own, after which it returns an error.
///
/// ```
/// use std::{
///     collections::HashMap,
///     sync::Mutex,
///     time::SystemTime,
/// };
/// use telenor_auth::session::{
///     Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId,
/// };
///
/// #[derive(Default)]
/// struct Sessions(Mutex<HashMap<SessionId, Session>>);
///
/// impl SessionStore for Sessions {
///     async fn load(
///         &self,
///         token: &SessionToken,
///         now: SystemTime,
///     ) -> Result<Option<Session>, StoreError> {
///         let session = self.0.lock().unwrap().get(&token.id()).cloned();
///         Ok(session.filter(|session| !session.is_expired_at(now)))
///     }
///     async fn save(
///         &self,
///         session: Session,
///         _now: SystemTime,
///     ) -> Result<SessionToken, StoreError> {
///         let token = SessionToken::random();
///         self.0.lock().unwrap().insert(token.id(), session);
///         Ok(token)
///     }
///     async fn update(
///         &self,
///         token: &SessionToken,
///         new: Session,
///         now: SystemTime,
///     ) -> Result<Option<SessionToken>, StoreError> {
///         let mut sessions = self.0.lock().unwrap();
///         let known = sessions.get_mut(&token.id());
///         let accepts = |known: &&mut Session| known.accepts_update(&new);
///         let Some(known) = known.filter(accepts).filter(|_| !new.is_expired_at(now)) else {
///             return Ok(None);
///         };
///         *known = new;
///         Ok(Some(token.clone()))
///     }
///     async fn remove(
///         &self,
///         token: &SessionToken,
///         _now: SystemTime,
///     ) -> Result<(), StoreError> {
///         self.0.lock().unwrap().remove(&token.id());
///         Ok(())
///     }
///     async fn revoke(
///         &self,
///         id: SessionId,
///         _until: SystemTime,
///         _now: SystemTime,
///     ) -> Result<(), StoreError> {
///         self.0.lock().unwrap().remove(&id);
///         Ok(())
///     }
///     async fn revoke_subject(
///         &self,
///         subject: SubjectId,
///         _until: SystemTime,
///         _now: SystemTime,
///     ) -> Result<(), StoreError> {
///         let mut sessions = self.0.lock().unwrap();
///         sessions.retain(|_, session| session.subject() != Some(subject));
///         Ok(())
///     }
///     async fn revoke_all(&self, _now: SystemTime) -> Result<(), StoreError> {
///         self.0.lock().unwrap().clear();
///         Ok(())
///     }
///     async fn find_ended(
///         &self,
///         sessions: &[(SessionId, Session)],
///         now: SystemTime,
///     ) -> Result<Vec<SessionId>, StoreError> {
///         let known = self.0.lock().unwrap();
///         let ended = |(id, session): &&(SessionId, Session)| {
///             session.is_expired_at(now) || !known.contains_key(id)
///         };
///         Ok(sessions.iter().filter(ended).map(|(id, _)| *id).collect())
///     }
/// }
/// ```
pub trait SessionStore: Send + Sync + 'static {
    /// Whether the token stays the same when its session is updated. It defaults to `true`.
    ///
    /// With `false`, access tokens cannot be refreshed: the new one would be lost with the response
    /// that carries it.
    const STABLE_TOKEN: bool = true;

    /// Returns what [`load`](Self::load) returns, where the store has it at hand, and `None` where
    /// that takes waiting. It defaults to `None`.
    ///
    /// A store in memory implements this. The request then goes on at once, without an allocation.
    fn try_load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        let _ = (token, now);
        None
    }

    /// Returns the session of this token, or `None` when the token is unknown, removed, expired or
    /// not a token at all.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot say.
    fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<Session>, StoreError>> + Send;

    /// Returns what [`load`](Self::load) returns, without any cache, for a caller that is about to
    /// change the session. It defaults to `load`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot say.
    fn load_fresh(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<Session>, StoreError>> + Send {
        self.load(token, now)
    }

    /// Returns why [`load`](Self::load) has no session for this token, as far as the store can say
    /// at once. It defaults to [`UnknownSession`](SessionRefusal::UnknownSession).
    ///
    /// This is for logs and pages. The layer asks it after a look-up that returned `None`.
    fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal {
        let _ = (token, now);
        SessionRefusal::UnknownSession
    }

    /// Keeps a new session, at least until it expires, and returns a new token for it.
    ///
    /// After an error, or after five seconds without an answer, the layer saves the session of a
    /// login again for some seconds. A save that succeeds after all leaves a session whose token no
    /// browser has, and which expires.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session is not kept: the place cannot be reached, or is full.
    fn save(
        &self,
        session: Session,
        now: SystemTime,
    ) -> impl Future<Output = Result<SessionToken, StoreError>> + Send;

    /// Puts a later state of a session in the place of the one before it, and returns the token for
    /// it: the same one, unless the token itself holds the session.
    ///
    /// Returns `None` and changes nothing when the session has ended, or when it does not
    /// [accept](Session::accepts_update) `new`: another caller was faster. A session that was
    /// removed must not come back by this.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot say, or cannot be reached.
    fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<SessionToken>, StoreError>> + Send;

    /// Ends the session of this token. An unknown token is not an error.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session may still be there.
    fn remove(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends the session of this id, which expires at `until` at the latest. An unknown id is not an
    /// error.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session may still be there.
    fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends every session of this [subject](Session::subject) that was saved before. Each of them
    /// expires at `until` at the latest. A store may count by the second, and end a session that
    /// was saved in the same second.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when some may still be there. It is safe to try again.
    fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends every session that was saved before. A store may count by the second, as for
    /// [`revoke_subject`](Self::revoke_subject).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when some may still be there. It is safe to try again.
    fn revoke_all(&self, now: SystemTime) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns which of these sessions have ended: expired, removed or revoked.
    ///
    /// The layer asks this for answers that outlast their request, such as event streams. What the
    /// store knows may be 30 seconds old, and no older.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot say.
    fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// Returns the sessions of this [subject](Session::subject), or `None` where the store cannot
    /// list them, which is the default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot say.
    fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<Vec<SessionId>>, StoreError>> + Send {
        let _ = (subject, now);
        ready(Ok(None))
    }

    /// Returns whether the store can be reached, for
    /// [`TelenorAuthLayer::ready`](crate::TelenorAuthLayer::ready). It defaults to `Ok`, which is
    /// right for a store in memory.
    ///
    /// A store behind a network asks its server something that costs it little. It returns `Ok` if
    /// a request with a session would get an answer now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached.
    fn ping(&self, now: SystemTime) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = now;
        ready(Ok(()))
    }

    /// Returns the id by which [`revoke`](Self::revoke) knows this session. It defaults to the
    /// token's own id. A store whose token changes during the session needs another one.
    fn id(&self, token: &SessionToken, session: &Session) -> SessionId {
        let _ = session;
        token.id()
    }

    /// Returns the keys that the store seals with, if it seals what it keeps.
    ///
    /// The layer takes them where [`cookie_keys`] are not set, and refuses to build where those
    /// differ. A store around another one returns the other one's.
    ///
    /// [`cookie_keys`]: crate::TelenorAuthBuilder::cookie_keys
    fn keys(&self) -> Option<CookieKeys> {
        None
    }

    /// Returns the leases by which the instances that share the store agree on which of them does a
    /// task. It defaults to `None`, which is right for a store within one process.
    fn leases(&self) -> Option<&dyn Leases> {
        None
    }
}
