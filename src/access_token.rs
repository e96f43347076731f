//! The access token, which the app gets, and the refresh token, which it does not get.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::inline_string::InlineString;

/// An access token (RFC 6749 section 1.4). A party that has it can read the user's data, so `Debug`
/// does not show it. It cannot be serialized, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct AccessToken(Zeroizing<InlineString<40>>);

impl AccessToken {
    pub(crate) fn new(token: String) -> Self {
        Self(Zeroizing::new(token.into()))
    }

    /// The token itself. Keep it out of logs, pages and URLs.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.0.as_str()
    }

    /// For the record of a session, which is sealed.
    pub(crate) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        Zeroizing::deserialize(deserializer).map(Self)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

/// A refresh token (RFC 6749 section 1.5). Only this crate, the store and the gateway see it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RefreshToken(Zeroizing<Box<str>>);

impl RefreshToken {
    pub(crate) fn new(token: String) -> Self {
        Self(Zeroizing::new(Zeroizing::new(token).as_str().into()))
    }

    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// Compiles only for what is wiped when it is dropped.
    fn assert_wiped(_: &impl ZeroizeOnDrop) {}

    /// S122.
    #[test]
    fn tokens_are_wiped_when_dropped() {
        assert_wiped(&AccessToken::new("short".to_owned()).0);
        assert_wiped(&RefreshToken::new("short".to_owned()).0);
    }
}
