//! What a login is known by.

use std::fmt;

use arrayvec::ArrayString;
use base64_simd::{Out, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Not a secret. It only makes the hash of a `state` another one than that of a session's token.
const KEY: &[u8; 32] = b"telenor-auth: the id of a login.";

/// Names a login where its `state` must not appear: in cookie names, sessions and logs.
///
/// As text it is the short reference that pages and log lines show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct LoginId([u8; 16]);

impl LoginId {
    /// The first half of a BLAKE3 hash: what the log shows does not lead back to `state`.
    pub(crate) fn of_state(state: &str) -> Self {
        let hash = blake3::keyed_hash(KEY, state.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        Self(id)
    }

    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The short reference, without an allocation.
    pub(crate) fn to_array_string(self) -> ArrayString<8> {
        let mut text = [0; 8];
        let text = base64url(&self.0[10..], &mut text);
        ArrayString::from(text).expect("6 bytes have 8 characters")
    }

    /// The name of this login's cookie, which starts with this prefix.
    pub(crate) fn cookie_name(self, prefix: &str) -> String {
        let mut suffix = [0; 12];
        [prefix, base64url(&self.0[..9], &mut suffix)].concat()
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_array_string())
    }
}

/// Fills a buffer that has the length of the text.
fn base64url<'t>(bytes: &[u8], text: &'t mut [u8]) -> &'t str {
    URL_SAFE_NO_PAD.encode_as_str(bytes, Out::from_slice(text))
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionToken;

    /// Instances of two versions share logins while an app is updated.
    #[test]
    fn id_stays_what_it_was() {
        let id = LoginId::of_state("state");
        assert_eq!(id.cookie_name("login-"), "login-qRx6u-jf3RGV");
        assert_eq!(id.to_string(), "Vr6HGUAB");
    }

    #[test]
    fn id_of_a_login_is_not_that_of_a_session() {
        let session = SessionToken::new("value").id();
        assert_ne!(LoginId::of_state("value").to_bytes(), session.to_bytes());
    }
}
