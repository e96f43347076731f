//! What is remembered of a login.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::{
    access_token::{AccessToken, RefreshToken},
    clock::{SKEW, unix_seconds},
    key::{CookieKeys, Purpose, Sealer},
};

/// What is remembered of a login: the access token, its scope, its times. Nothing about the person.
///
/// Cloning costs a counter. `Debug` shows the times only.
#[derive(Clone)]
pub struct Session(Arc<Record>);

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Counts the changes: whoever replaces a session says which one it saw.
    pub version: u32,
    pub access_token: AccessToken,
    /// Kept only where the app asked for it.
    pub refresh_token: Option<RefreshToken>,
    pub scope: Option<String>,
    pub issued_at: u64,
    /// When it was last seen in use, roughly.
    pub active_at: u64,
    /// From when on the access token may be refreshed, where there is a refresh token.
    pub refresh_at: u64,
    pub token_expires_at: u64,
    /// How often it was.
    pub refreshes: u32,
    pub expires_at: u64,
    /// Derived from the `state` of the login that made this session.
    pub login: [u8; 16],
    /// Which app, gateway and client the session is for.
    pub instance: [u8; 8],
    /// Where that login led, for a callback that is loaded once more.
    pub return_to: String,
    /// Whether the session may be replaced by a later state of itself.
    pub renewable: bool,
}

/// What a login brought, or a refresh.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub access_token: AccessToken,
    pub refresh_token: Option<RefreshToken>,
    pub scope: Option<String>,
    pub refresh_at: u64,
    /// By our clock, and a little before it really does.
    pub expires_at: u64,
}

impl Session {
    /// A session for an access token that is good until `expires_at`, issued now.
    ///
    /// The layer makes its own; this one is for testing a store. It is not accepted as anybody's login.
    #[must_use]
    pub fn new(access_token: impl Into<String>, expires_at: SystemTime) -> Self {
        let now = unix_seconds(SystemTime::now());
        let expires_at = unix_seconds(expires_at);
        Self::of(Record {
            version: 0,
            access_token: AccessToken::new(access_token.into()),
            refresh_token: None,
            scope: None,
            issued_at: now,
            active_at: now,
            refresh_at: expires_at,
            token_expires_at: expires_at,
            refreshes: 0,
            expires_at,
            login: rand::random(),
            instance: [0; 8],
            return_to: String::new(),
            renewable: true,
        })
    }

    #[cfg(feature = "mock")]
    pub(crate) fn with_scope(&self, scope: Option<String>) -> Self {
        let record = (*self.0).clone();
        Self::of(Record { scope, ..record })
    }

    pub(crate) fn of(record: Record) -> Self {
        Self(Arc::new(record))
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

    /// When the session ends at the latest, in whole seconds. Nothing makes it later.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.expires_at)
    }

    /// How often the session was replaced by a later state of itself: 0 for a new one.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.0.version
    }

    /// Whether the session may be [replaced](super::SessionStore::replace): its app has an idle time, or refreshes tokens.
    #[must_use]
    pub fn is_renewable(&self) -> bool {
        self.0.renewable
    }

    /// The session as it is after somebody used it at this time: what a store is given to [replace](super::SessionStore::replace) it with.
    #[must_use]
    pub fn used_at(&self, now: SystemTime) -> Self {
        self.changed(|record| record.active_at = unix_seconds(now))
    }

    /// Whether the session has ended at this time; one from the future counts as ended.
    #[must_use]
    pub fn is_expired_at(&self, now: SystemTime) -> bool {
        !self.is_live(unix_seconds(now))
    }

    pub(crate) fn refreshed(&self, tokens: Tokens) -> Self {
        self.changed(|record| {
            record.access_token = tokens.access_token;
            record.refresh_at = tokens.refresh_at;
            record.token_expires_at = tokens.expires_at;
            record.refreshes = record.refreshes.saturating_add(1);
            // RFC 6749 section 6: what does not come along stays as it was.
            record.refresh_token = tokens.refresh_token.or(record.refresh_token.take());
            record.scope = tokens.scope.or(record.scope.take());
        })
    }

    fn changed(&self, change: impl FnOnce(&mut Record)) -> Self {
        let mut record = (*self.0).clone();
        change(&mut record);
        // A session that was changed this often is changed no more, as no store takes it.
        record.version = record.version.saturating_add(1);
        Self::of(record)
    }

    /// Whether `new` may take the place of this session.
    pub(crate) fn comes_before(&self, new: &Self) -> bool {
        self.0.version.checked_add(1) == Some(new.0.version)
    }

    pub(crate) fn record(&self) -> &Record {
        &self.0
    }

    pub(crate) fn is_live(&self, now: u64) -> bool {
        now < self.0.expires_at && self.0.issued_at <= now.saturating_add(SKEW)
    }

    pub(crate) fn has_live_token(&self, now: u64) -> bool {
        now < self.0.token_expires_at
    }

    /// Whether nobody used it for this many seconds, or it seems to be used in the future only.
    pub(crate) fn is_idle(&self, now: u64, seconds: u64) -> bool {
        let future = self.0.active_at > now.saturating_add(SKEW);
        future || now.saturating_sub(self.0.active_at) >= seconds
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
    /// It opens under the same id only, so that nobody who can write to the store can put one session in place of another.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use telenor_auth::{CookieKeys, session::{Session, SessionToken}};
    ///
    /// let keys = CookieKeys::random();
    /// let session = Session::new("access token", SystemTime::now() + Duration::from_secs(60));
    /// let id = SessionToken::random().id();
    /// let sealed = session.seal(&keys, id);
    /// assert!(!sealed.contains("access token"));
    /// assert_eq!(Session::open(&keys, id, &sealed).unwrap().expires_at(), session.expires_at());
    /// assert!(Session::open(&keys, SessionToken::random().id(), &sealed).is_none());
    /// ```
    #[must_use]
    pub fn seal(&self, keys: &CookieKeys, id: SessionId) -> String {
        self.seal_as(&stored(keys), &id.to_string())
    }

    /// Opens what [`seal`](Self::seal) made; `None` when it was altered, is another session's, or was sealed under keys that are gone.
    #[must_use]
    pub fn open(keys: &CookieKeys, id: SessionId, sealed: &str) -> Option<Self> {
        Self::open_as(&stored(keys), &id.to_string(), sealed.as_bytes())
    }

    pub(crate) fn seal_as(&self, sealer: &Sealer, name: &str) -> String {
        sealer.seal(name, &*self.0)
    }

    pub(crate) fn open_as(sealer: &Sealer, name: &str, sealed: &[u8]) -> Option<Self> {
        sealer.open(name, sealed).map(Self::of)
    }
}

/// What seals sessions that are kept outside the process.
pub(crate) fn stored(keys: &CookieKeys) -> Sealer {
    keys.sealer(Purpose::Session, b"stored")
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("issued_at", &self.0.issued_at)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}
