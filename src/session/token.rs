//! What a session is known by: to its browser a token, to everybody else an id.

use std::{borrow::Cow, fmt, str::FromStr};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

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

    /// The first half of the token's SHA-256: a store keeps its sessions under this, and never the token itself.
    #[must_use]
    pub fn id(&self) -> SessionId {
        let digest = digest::digest(&digest::SHA256, self.0.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_ref()[..16]);
        SessionId(id)
    }

    /// The value, for looking it up. Keep its [`id`](Self::id), never the value itself.
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

/// Names a session to an operator, who can [revoke](crate::TelenorAuthLayer::revoke) it by this; it opens nothing.
///
/// It is logged with each login, and [`TelenorUser::session_id`](crate::TelenorUser::session_id) has it. As text: 32 hexadecimal digits.
///
/// ```
/// use telenor_auth::session::SessionId;
///
/// let id: SessionId = "0123456789abcdef0123456789abcdef".parse()?;
/// assert_eq!(id.to_string(), "0123456789abcdef0123456789abcdef");
/// # Ok::<(), telenor_auth::session::InvalidSessionId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub(crate) [u8; 16]);

impl SessionId {
    /// The id as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
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

/// A text is no [`SessionId`]: those are 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidSessionId;

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id has 32 hexadecimal digits")
    }
}

impl std::error::Error for InvalidSessionId {}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn id_does_not_show_the_token() {
        let token = SessionToken::random();
        assert!(!format!("{:?}", token.id()).contains(&token.expose()[..8]));
    }
}
