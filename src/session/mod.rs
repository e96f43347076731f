//! Sessions: what is remembered of a login, and where.
//!
//! | store | for |
//! | --- | --- |
//! | [`MemoryStore`] | one process; the default |
//! | [`CookieStore`] | any number of processes, with nothing to run |
//!
//! Any other place is a [`SessionStore`] of your own; [`check_store`] tells whether it keeps the rules.

mod check;
mod cookie;
mod memory;

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

pub use self::{check::check_store, cookie::CookieStore, memory::MemoryStore};
use crate::{
    access_token::AccessToken,
    clock::{SKEW, unix_seconds},
    key::{CookieKeys, Purpose},
};

/// Keeps sessions between requests.
///
/// The layer asks with a token that it took from a cookie; the store is the only one who makes tokens, so that an id can
/// neither be chosen by a browser nor survive a login.
///
/// A failing store answers `Err`, which becomes 503: never `Ok(None)`, which would be a fresh login.
///
/// ```
/// use std::future::{Ready, ready};
/// use telenor_auth::session::{Session, SessionStore, SessionToken, StoreError};
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
///     async fn remove(&self, _token: &SessionToken<'_>) -> Result<(), StoreError> {
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
    type Load: Future<Output = Result<Option<Session>, StoreError>> + Send + Unpin;

    /// The session of this token, or `None` when the token is unknown, removed, expired or not a token at all.
    fn load(&self, token: &SessionToken<'_>) -> Self::Load;

    /// Keeps a new session, at least until it expires, and makes the token for it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session is not kept: the place cannot be reached, or is full.
    fn save(
        &self,
        session: Session,
    ) -> impl Future<Output = Result<SessionToken<'static>, StoreError>> + Send;

    /// Forgets the session of this token for good; an unknown token is no error.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the session may still be there.
    fn remove(
        &self,
        token: &SessionToken<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What is remembered of a login: the access token, its scope, its times. Nothing about the person.
///
/// Cloning costs a counter. `Debug` shows the times only.
#[derive(Clone)]
pub struct Session(Arc<Record>);

#[derive(Serialize, Deserialize)]
struct Record {
    access_token: AccessToken,
    scope: Option<String>,
    issued_at: u64,
    expires_at: u64,
    /// Derived from the `state` of the login that made this session.
    login: [u8; 16],
    /// Which app, gateway and client the session is for.
    instance: [u8; 8],
    /// Where that login led, for a callback that is loaded once more.
    return_to: String,
}

/// What a session is made of, apart from its token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub scope: Option<String>,
    pub login: [u8; 16],
    pub instance: [u8; 8],
    pub return_to: String,
}

impl Session {
    /// A session for an access token that is good until `expires_at`, issued now.
    ///
    /// The layer makes its own; this one is for testing a store. It is not accepted as anybody's login.
    #[must_use]
    pub fn new(access_token: impl Into<String>, expires_at: SystemTime) -> Self {
        let now = unix_seconds(SystemTime::now());
        let token = AccessToken::new(access_token.into());
        let origin = Origin {
            login: rand::random(),
            ..Origin::default()
        };
        Self::issue(token, now, unix_seconds(expires_at), origin)
    }

    pub(crate) fn issue(
        access_token: AccessToken,
        issued_at: u64,
        expires_at: u64,
        origin: Origin,
    ) -> Self {
        Self(Arc::new(Record {
            access_token,
            scope: origin.scope,
            issued_at,
            expires_at,
            login: origin.login,
            instance: origin.instance,
            return_to: origin.return_to,
        }))
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.0.access_token
    }

    /// The scope that was granted, if the gateway named one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    /// When the session ends, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.expires_at)
    }

    /// Whether the session has ended at this time; one from the future counts as ended.
    #[must_use]
    pub fn is_expired_at(&self, now: SystemTime) -> bool {
        !self.is_live(unix_seconds(now))
    }

    pub(crate) fn is_live(&self, now: u64) -> bool {
        now < self.0.expires_at && self.0.issued_at <= now.saturating_add(SKEW)
    }

    pub(crate) fn seconds_left(&self, now: u64) -> u64 {
        self.0.expires_at.saturating_sub(now)
    }

    pub(crate) fn is_of(&self, instance: [u8; 8]) -> bool {
        self.0.instance == instance
    }

    pub(crate) fn login(&self) -> [u8; 16] {
        self.0.login
    }

    pub(crate) fn return_to(&self) -> &str {
        &self.0.return_to
    }

    /// The session as text that only the holder of the keys can read or make: what a store outside this process keeps.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use telenor_auth::{CookieKeys, session::Session};
    ///
    /// let keys = CookieKeys::random();
    /// let session = Session::new("access token", SystemTime::now() + Duration::from_secs(60));
    /// let sealed = session.seal(&keys);
    /// assert!(!sealed.contains("access token"));
    /// assert_eq!(Session::open(&keys, &sealed).unwrap().expires_at(), session.expires_at());
    /// ```
    #[must_use]
    pub fn seal(&self, keys: &CookieKeys) -> String {
        keys.sealer(Purpose::Session, b"stored")
            .seal("session", &*self.0)
    }

    /// Opens what [`seal`](Self::seal) made; `None` when it was altered, or sealed under keys that are gone.
    #[must_use]
    pub fn open(keys: &CookieKeys, sealed: &str) -> Option<Self> {
        let record = keys
            .sealer(Purpose::Session, b"stored")
            .open("session", sealed.as_bytes());
        record.map(|record| Self(Arc::new(record)))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("issued_at", &self.0.issued_at)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

/// The value of the session cookie. Whoever holds it is signed in, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken<'t>(Cow<'t, str>);

impl<'t> SessionToken<'t> {
    /// A token with this value, which must be made of letters, digits, `-`, `_` and `.` to pass through a cookie.
    #[must_use]
    pub fn new(value: impl Into<Cow<'t, str>>) -> Self {
        Self(value.into())
    }

    /// 256 random bits, in base64url.
    #[must_use]
    pub fn random() -> SessionToken<'static> {
        let bytes: [u8; 32] = rand::random();
        SessionToken(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The value, for looking it up. Keep a hash of it, never the value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A token that does not borrow from the request.
    #[must_use]
    pub fn into_owned(self) -> SessionToken<'static> {
        SessionToken(self.0.into_owned().into())
    }

    pub(crate) fn from_cookie(value: &'t [u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        (!text.is_empty()).then_some(Self(Cow::Borrowed(text)))
    }
}

impl fmt::Debug for SessionToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(redacted)")
    }
}

/// A store could not do what it was asked.
///
/// The layer answers 503 and logs the cause.
#[derive(Debug)]
pub struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// An error with this cause, which ends in the log and must hold no token.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
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
