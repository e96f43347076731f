//! What a session is known by: to its browser a token, to everything else an id.

use std::{fmt, ops::Range, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::{key::CookieKeys, login_id::LoginId, session_refusal::SessionRefusal};

/// The value of the session cookie. A browser that holds it is signed in, so `Debug` does not show
/// it.
#[derive(Clone)]
pub struct SessionToken(Text);

#[derive(Clone)]
enum Text {
    Owned(String),
    /// A part of a header line, which is ASCII. A clone costs a counter.
    InHeader(HeaderValue, Range<usize>),
}

impl SessionToken {
    /// Returns a token with this value. A cookie can carry letters, digits, `-`, `_` and `.` only.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(Text::Owned(value.into()))
    }

    /// Returns a token of 256 random bits, in base64url: 43 characters.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self::new(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the first half of the token's BLAKE3 hash. A store keeps its sessions under this,
    /// and never the token itself.
    #[must_use]
    pub fn id(&self) -> SessionId {
        // BLAKE3 needs no instructions of its own. SHA-256 without them takes more than twice as
        // long.
        let hash = blake3::hash(self.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        SessionId(id)
    }

    /// Returns the value, for a look-up. Keep its [`id`](Self::id), and never the value itself.
    #[must_use]
    pub fn secret(&self) -> &str {
        match &self.0 {
            Text::Owned(value) => value,
            // It was ASCII when the token was made.
            Text::InHeader(..) => str::from_utf8(self.as_bytes()).unwrap_or_default(),
        }
    }

    /// The value without the check that it is text, for the hot path.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Owned(value) => value.as_bytes(),
            Text::InHeader(line, range) => &line.as_bytes()[range.clone()],
        }
    }

    /// Why a store whose tokens are all [random](Self::random) has no session for this one.
    pub(crate) fn refusal_if_not_random(&self) -> SessionRefusal {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(self.as_bytes());
        if decoded.is_ok_and(|bytes| bytes.len() == 32) {
            SessionRefusal::UnknownSession
        } else {
            SessionRefusal::CookieUnreadable
        }
    }

    /// The token that a header line holds at this place.
    pub(crate) fn in_header(line: &HeaderValue, range: Range<usize>) -> Option<Self> {
        let value = &line.as_bytes()[range.clone()];
        let can_be_a_token = !value.is_empty() && value.is_ascii();
        can_be_a_token.then(|| Self(Text::InHeader(line.clone(), range)))
    }
}

impl PartialEq for SessionToken {
    fn eq(&self, other: &Self) -> bool {
        self.secret() == other.secret()
    }
}

impl Eq for SessionToken {}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(redacted)")
    }
}

/// Names a session to an operator, who can [revoke](crate::TelenorAuthLayer::revoke) it by this. It
/// opens nothing.
///
/// It is logged with each login, and [`TelenorUser::session_id`](crate::TelenorUser::session_id)
/// returns it. As text it has 32 hexadecimal digits.
///
/// ```
/// use telenor_auth::session::SessionId;
///
/// let id: SessionId = "0123456789abcdef0123456789abcdef".parse()?;
/// assert_eq!(id.to_string(), "0123456789abcdef0123456789abcdef");
/// # Ok::<(), telenor_auth::session::InvalidSessionId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub(crate) [u8; 16]);

impl SessionId {
    /// Returns the id as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl From<LoginId> for SessionId {
    fn from(login: LoginId) -> Self {
        Self(login.to_bytes())
    }
}

impl From<SessionId> for LoginId {
    fn from(session: SessionId) -> Self {
        Self::from_bytes(session.0)
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() != 32 || !digits {
            return Err(InvalidSessionId);
        }
        let id = u128::from_str_radix(text, 16).map_err(|_| InvalidSessionId)?;
        Ok(Self(id.to_be_bytes()))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The text is not a [`SessionId`], which has 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidSessionId;

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id has 32 hexadecimal digits")
    }
}

impl std::error::Error for InvalidSessionId {}

/// Names the customer of a session to a store.
///
/// A keyed hash of what the app calls the customer: a look into the store does not show which
/// customer a session belongs to. Sessions of one subject can be ended together, by
/// [`revoke_subject`](super::SessionStore::revoke_subject).
///
/// ```
/// use telenor_auth::{CookieKeys, session::SubjectId};
///
/// let keys = CookieKeys::random(); // from your secret store, in production
/// let subject = SubjectId::new(&keys, "customer 17");
/// assert_eq!(subject, SubjectId::new(&keys, "customer 17"));
/// assert_ne!(subject, SubjectId::new(&CookieKeys::random(), "customer 17"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectId([u8; 16]);

impl SubjectId {
    /// Returns the id of this customer under the first of the keys, which is the one that seals.
    ///
    /// Sessions from before a change of keys have another id: look for those under
    /// [each key](Self::under_each_key).
    #[must_use]
    pub fn new(keys: &CookieKeys, name: &str) -> Self {
        Self::under_each_key(keys, name)[0]
    }

    /// Returns the ids of this customer under every key of the ring, in its order.
    ///
    /// To end or to list all sessions of a customer, do so for each of them.
    #[must_use]
    pub fn under_each_key(keys: &CookieKeys, name: &str) -> Vec<Self> {
        let hashes = keys.keyed_hashes(b"subject", name.as_bytes());
        hashes.into_iter().map(Self).collect()
    }

    #[cfg(feature = "redis")]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(|SessionId(id)| Self(id))
    }

    /// Returns the id as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_in_a_header_has_ascii_characters_only() {
        let line = HeaderValue::from_bytes("s=a1-_.; t=; u=tåke".as_bytes()).unwrap();
        let token = |range| SessionToken::in_header(&line, range);
        assert_eq!(token(2..7), Some(SessionToken::new("a1-_.")));
        assert_eq!(token(11..11), None, "empty");
        assert_eq!(token(15..line.len()), None);
    }

    #[test]
    fn id_is_read_as_it_is_written_and_nothing_else_is() {
        let id = SessionToken::random().id();
        assert_eq!(id.to_string().parse(), Ok(id));
        let upper = id.to_string().to_uppercase();
        assert_eq!(upper.parse(), Ok(id));
        for wrong in [
            "",
            "0",
            "+123456789abcdef0123456789abcdef",
            &format!("{id}0"),
            &"æ".repeat(16),
        ] {
            assert_eq!(wrong.parse::<SessionId>(), Err(InvalidSessionId), "{wrong}");
        }
    }

    #[test]
    fn subject_is_found_again_after_a_change_of_keys() {
        let [old, new] = [[7, 1], [9, 2]].map(|[step, start]: [u8; 2]| {
            let byte = |at: u8| at.wrapping_mul(step).wrapping_add(start) ^ (at << 4);
            (0..32).map(byte).collect::<Vec<_>>()
        });
        let before = CookieKeys::new([&old]).unwrap();
        let after = CookieKeys::new([&new, &old]).unwrap();
        let name = "customer 17";
        let subject = SubjectId::new(&before, name);
        assert_ne!(SubjectId::new(&after, name), subject);
        assert_eq!(SubjectId::under_each_key(&after, name)[1], subject);
        assert!(!SubjectId::under_each_key(&after, "customer 18").contains(&subject));
    }

    /// Stores keep sessions under it.
    #[test]
    fn id_stays_what_it_was() {
        let id = SessionToken::new("token").id();
        assert_eq!(id.to_string(), "aaeb2885d79de19fe2cae7cfd1e68a13");
    }

    /// S118.
    #[test]
    fn debug_shows_an_id_and_no_token() {
        let token = SessionToken::new("token");
        assert_eq!(format!("{token:?}"), "SessionToken(redacted)");
        assert_eq!(
            format!("{:?}", token.id()),
            "SessionId(aaeb2885d79de19fe2cae7cfd1e68a13)"
        );
        let subject = SubjectId(*b"0123456789abcdef");
        assert_eq!(
            format!("{subject:?}"),
            "SubjectId(30313233343536373839616263646566)"
        );
    }

    #[test]
    fn error_says_what_a_session_id_is() {
        let error = "0".parse::<SessionId>().unwrap_err();
        assert_eq!(error.to_string(), "a session id has 32 hexadecimal digits");
    }
}
