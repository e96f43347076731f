//! What is kept of a login.

use std::{fmt, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{SessionId, SubjectId};
use crate::{
    access_token::{AccessToken, RefreshToken},
    app_value::AppValue,
    clock::{MAX_SKEW, system_time, unix_seconds},
    inline_string::InlineString,
    instance::InstanceId,
    key::{CookieKeys, Purpose, Sealer},
    login_id::LoginId,
};

/// A session: what is kept of a login. It has the access token, its scope, its times, and what the
/// app adds, and nothing about the person.
///
/// A clone costs a counter. `Debug` shows the times only.
///
/// The layer makes it, and a hook adds to it. In a test of a store:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use telenor_auth::session::Session;
///
/// let in_a_minute = SystemTime::now() + Duration::from_secs(60);
/// let session = Session::new("access token", in_a_minute).with_data(*b"customer 17")?;
/// assert_eq!(session.data(), Some(&b"customer 17"[..]));
/// assert!(!format!("{session:?}").contains("access token"));
/// # Ok::<(), telenor_auth::session::DataTooLarge>(())
/// ```
#[derive(Clone)]
pub struct Session(Arc<Record>);

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Counts the changes, so that a caller that updates a session says which state it saw.
    pub version: u32,
    #[serde(with = "AccessToken")]
    pub access_token: AccessToken,
    /// Kept only where the app asked for it.
    pub refresh_token: Option<RefreshToken>,
    pub scope: Option<InlineString<24>>,
    pub issued_at: u64,
    /// When it was last seen in use, roughly.
    pub active_at: u64,
    /// From when on the access token may be refreshed, where there is a refresh token.
    pub refresh_at: u64,
    pub token_expires_at: u64,
    /// How often the access token was refreshed.
    pub refreshes: u32,
    pub expires_at: u64,
    /// The login that made this session.
    pub login_id: LoginId,
    pub instance: InstanceId,
    /// Where that login led, for a callback that is loaded once more.
    pub return_to: InlineString<24>,
    /// Whether the session may be updated.
    pub renewable: bool,
    /// Boxed, since most apps add nothing.
    pub app: Option<Box<AppPart>>,
}

/// What the app adds to a session.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct AppPart {
    pub subject: Option<SubjectId>,
    pub data: Option<Box<[u8]>>,
    /// What traveled with the login.
    pub note: Option<AppValue>,
}

/// What the token endpoint granted, to a login or a refresh.
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
    /// The most bytes of [data](Self::with_data) that an app can add.
    pub const MAX_DATA: usize = 1024;

    /// Returns a session for an access token that is good until `expires_at`, issued now.
    ///
    /// The layer makes its own sessions. This one is for the tests of a store, and no layer accepts
    /// it.
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
            login_id: LoginId::random(),
            instance: InstanceId::default(),
            return_to: InlineString::default(),
            renewable: true,
            app: None,
        })
    }

    #[cfg(feature = "mock")]
    pub(crate) fn for_test(
        &self,
        scope: Option<String>,
        signed_in_at: SystemTime,
        data: Option<AppValue>,
        note: Option<AppValue>,
    ) -> Self {
        let app = AppPart {
            subject: None,
            data: data.map(AppValue::into_json),
            note,
        };
        Self::of(Record {
            scope: scope.map(Into::into),
            issued_at: unix_seconds(signed_in_at),
            app: Some(Box::new(app)),
            ..(*self.0).clone()
        })
    }

    pub(crate) fn of(record: Record) -> Self {
        Self(Arc::new(record))
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.0.access_token
    }

    /// Returns the scope that was granted, if the gateway named one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_ref().map(InlineString::as_str)
    }

    /// Returns when the session ends at the latest, in whole seconds. Nothing makes it later.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.0.expires_at)
    }

    /// Returns how often the session was updated: 0 for a new one.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.0.version
    }

    /// Returns whether the session may be [updated](super::SessionStore::update). It may if its app
    /// has an idle timeout, or refreshes tokens.
    #[must_use]
    pub fn is_renewable(&self) -> bool {
        self.0.renewable
    }

    /// Returns whose session it is, where the app has named a subject.
    #[must_use]
    pub fn subject(&self) -> Option<SubjectId> {
        self.0.app.as_ref()?.subject
    }

    /// Returns what the app keeps in the session.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.0.app.as_ref()?.data.as_deref()
    }

    pub(crate) fn note(&self) -> Option<&AppValue> {
        self.0.app.as_ref()?.note.as_ref()
    }

    pub(crate) fn with_note(&self, note: AppValue) -> Self {
        self.with_app_part(|app| app.note = Some(note))
    }

    /// Returns the session with this subject, for a session that is not saved yet.
    #[must_use]
    pub fn with_subject(&self, subject: SubjectId) -> Self {
        self.with_app_part(|app| app.subject = Some(subject))
    }

    /// Returns the session with data of the app, for a session that is not saved yet.
    ///
    /// # Errors
    ///
    /// [`DataTooLarge`] when the data has more than [`MAX_DATA`](Self::MAX_DATA) bytes.
    pub fn with_data(&self, data: impl Into<Box<[u8]>>) -> Result<Self, DataTooLarge> {
        let data = data.into();
        if data.len() > Self::MAX_DATA {
            return Err(DataTooLarge { len: data.len() });
        }
        Ok(self.with_app_part(|app| app.data = Some(data)))
    }

    fn with_app_part(&self, change: impl FnOnce(&mut AppPart)) -> Self {
        let mut record = (*self.0).clone();
        change(record.app.get_or_insert_default());
        Self::of(record)
    }

    /// Returns the session after a use at this time, as a store gets it in
    /// [`update`](super::SessionStore::update).
    #[must_use]
    pub fn touched_at(&self, now: SystemTime) -> Self {
        self.with_update(|record| record.active_at = unix_seconds(now))
    }

    /// Returns whether the session has expired at this time. A session that seems to be from the
    /// future has not: the layer refuses it.
    #[must_use]
    pub fn is_expired_at(&self, now: SystemTime) -> bool {
        self.has_expired(unix_seconds(now))
    }

    pub(crate) fn refreshed(&self, tokens: Tokens) -> Self {
        self.with_update(|record| {
            record.access_token = tokens.access_token;
            record.refresh_at = tokens.refresh_at;
            record.token_expires_at = tokens.expires_at;
            record.refreshes = record.refreshes.saturating_add(1);
            // RFC 6749 section 6: what does not come along stays as it was.
            record.refresh_token = tokens.refresh_token.or(record.refresh_token.take());
            record.scope = tokens.scope.map(Into::into).or(record.scope.take());
        })
    }

    fn with_update(&self, change: impl FnOnce(&mut Record)) -> Self {
        let mut record = (*self.0).clone();
        change(&mut record);
        // At the last version a session can no longer be updated, as no store accepts it.
        record.version = record.version.saturating_add(1);
        Self::of(record)
    }

    /// Returns whether `new` may take the place of this session: its version is the next one.
    #[must_use]
    pub fn accepts_update(&self, new: &Self) -> bool {
        self.0.version.checked_add(1) == Some(new.0.version)
    }

    pub(crate) fn record(&self) -> &Record {
        &self.0
    }

    pub(crate) fn has_expired(&self, now: u64) -> bool {
        now >= self.0.expires_at
    }

    /// Whether it was issued, or used, by a clock that is ahead of this one.
    pub(crate) fn is_from_future(&self, now: u64) -> bool {
        self.0.issued_at.max(self.0.active_at) > now.saturating_add(MAX_SKEW)
    }

    pub(crate) fn has_live_token(&self, now: u64) -> bool {
        now < self.0.token_expires_at
    }

    /// Whether it was not used for this many seconds.
    pub(crate) fn is_idle(&self, now: u64, seconds: u64) -> bool {
        now.saturating_sub(self.0.active_at) >= seconds
    }

    pub(crate) fn seconds_left(&self, now: u64) -> u64 {
        self.0.expires_at.saturating_sub(now)
    }

    pub(crate) fn belongs_to(&self, instance: InstanceId) -> bool {
        self.0.instance == instance
    }

    /// In seconds: when the login made this session. A refresh leaves it as it is.
    pub(crate) fn signed_in_at(&self) -> u64 {
        self.0.issued_at
    }

    pub(crate) fn login_id(&self) -> LoginId {
        self.0.login_id
    }

    pub(crate) fn return_to(&self) -> &str {
        self.0.return_to.as_str()
    }

    /// Returns the session as text that only the holder of the keys can read or make. A store
    /// outside this process keeps this text.
    ///
    /// It opens under the same id only, so that a writer to the store cannot put one session in the
    /// place of another.
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

    /// Opens what [`seal`](Self::seal) made. Returns `None` when it was altered, is another
    /// session's, or was sealed under keys that are gone.
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

/// The data of an app is too large for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataTooLarge {
    /// How many bytes it has.
    pub len: usize,
}

impl fmt::Display for DataTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, most) = (self.len, Session::MAX_DATA);
        write!(
            f,
            "a session holds {most} bytes of data at most, and this has {len}: keep it elsewhere"
        )
    }
}

impl std::error::Error for DataTooLarge {}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("issued_at", &self.0.issued_at)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another version of the app may have sealed it. Where the record of a session changes, the
    /// format of sealed values must change too, or it would be misread.
    ///
    /// S83.
    #[test]
    fn record_of_this_format_stays_what_it_was() {
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        let app = AppPart {
            subject: Some(subject),
            data: Some(Box::new(*b"data")),
            note: Some(AppValue::of(&"note", 10).unwrap()),
        };
        let record = Record {
            version: 1,
            access_token: AccessToken::new("access".to_owned()),
            refresh_token: Some(RefreshToken::new("refresh".to_owned())),
            scope: Some("scope".to_owned().into()),
            issued_at: 2,
            active_at: 3,
            refresh_at: 4,
            token_expires_at: 5,
            refreshes: 6,
            expires_at: 7,
            login_id: LoginId::from_bytes([8; 16]),
            instance: InstanceId::default(),
            return_to: "/".to_owned().into(),
            renewable: true,
            app: Some(Box::new(app)),
        };
        let subject = [&[1][..], &subject.to_bytes()].concat();
        let parts: [&[u8]; 9] = [
            b"\x01",
            b"\x06access\x01\x07refresh\x01\x05scope",
            &[2, 3, 4, 5, 6, 7],
            &[8; 16],
            &[0; 8],
            b"\x01/\x01\x01",
            &subject,
            b"\x01\x04data",
            b"\x01\x06\"note\"",
        ];
        assert_eq!(postcard::to_allocvec(&record).unwrap(), parts.concat());
    }

    fn session_with(change: impl FnOnce(&mut Record)) -> Session {
        Session::new("token", SystemTime::now()).with_update(change)
    }

    /// S118.
    #[test]
    fn debug_shows_the_times_and_no_secret() {
        let session = session_with(|record| {
            record.refresh_token = Some(RefreshToken::new("refresh".to_owned()));
            record.scope = Some("scope".to_owned().into());
            record.return_to = "/reset/secret".to_owned().into();
            (record.issued_at, record.expires_at) = (2, 7);
            record.app = Some(Box::new(AppPart {
                subject: Some(SubjectId::new(&CookieKeys::random(), "customer 17")),
                data: Some(Box::new(*b"data")),
                note: Some(AppValue::of(&"note", 10).unwrap()),
            }));
        });
        let shown = format!("{session:?}");
        assert_eq!(shown, "Session { issued_at: 2, expires_at: 7, .. }");
        let tokens = (session.access_token(), &session.record().refresh_token);
        let redacted = "(AccessToken(redacted), Some(RefreshToken(redacted)))";
        assert_eq!(format!("{tokens:?}"), redacted);
    }

    #[test]
    fn session_is_from_the_future_when_its_clock_is_more_than_a_minute_ahead() {
        for (issued_at, active_at) in [(1_000, 900), (900, 1_000)] {
            let session = session_with(|record| {
                (record.issued_at, record.active_at) = (issued_at, active_at);
            });
            assert!(session.is_from_future(939));
            assert!(!session.is_from_future(940));
        }
    }

    #[test]
    fn only_a_session_that_was_made_for_updates_may_be_updated() {
        for renewable in [true, false] {
            let session = session_with(|record| record.renewable = renewable);
            assert_eq!(session.is_renewable(), renewable);
        }
    }

    #[test]
    fn data_of_an_app_has_a_limit_and_the_error_states_it() {
        let with = |len| session_with(|_| ()).with_data(vec![0; len]);
        assert!(with(1_024).is_ok());
        assert_eq!(
            with(1_025).unwrap_err().to_string(),
            "a session holds 1024 bytes of data at most, and this has 1025: keep it elsewhere"
        );
    }

    /// S115.
    #[test]
    fn session_holds_no_more_than_these_fields() {
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        let session = Session::new("token", SystemTime::now()).with_subject(subject);
        let stored = serde_json::to_value(session.record()).unwrap();
        let names = |object: &serde_json::Value| {
            let names = object.as_object().unwrap().keys();
            names.cloned().collect::<std::collections::BTreeSet<_>>()
        };
        let expected = [
            "access_token",
            "active_at",
            "app",
            "expires_at",
            "instance",
            "issued_at",
            "login_id",
            "refresh_at",
            "refresh_token",
            "refreshes",
            "renewable",
            "return_to",
            "scope",
            "token_expires_at",
            "version",
        ];
        assert_eq!(names(&stored), expected.map(str::to_owned).into());
        let added = ["data", "note", "subject"];
        assert_eq!(names(&stored["app"]), added.map(str::to_owned).into());
    }
}
