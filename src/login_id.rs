//! What a login is known by.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::digest;

/// Names a login where its `state` must not appear: in cookie names, sessions and logs.
///
/// As text it is the short reference that pages and log lines show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct LoginId([u8; 16]);

impl LoginId {
    pub(crate) fn of_state(state: &str) -> Self {
        Self(digest::short(&[state.as_bytes()]))
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

    /// The name of this login's cookie, which starts with this prefix.
    pub(crate) fn cookie_name(self, prefix: &str) -> String {
        let mut suffix = [0; 12];
        [prefix, base64url(&self.0[..9], &mut suffix)].concat()
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(base64url(&self.0[10..], &mut [0; 8]))
    }
}

/// Fills a buffer that has the length of the text.
fn base64url<'t>(bytes: &[u8], text: &'t mut [u8]) -> &'t str {
    let written = BASE64_URL_SAFE_NO_PAD.encode_slice(bytes, text);
    let written = written.expect("the buffer has the length of the text");
    str::from_utf8(&text[..written]).expect("base64 is ASCII")
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginId({self})")
    }
}
