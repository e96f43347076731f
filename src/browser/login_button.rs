//! The proof that a user pressed the button of the login page, for browsers that do not state it.
//!
//! A browser without Fetch metadata does not say which page a request comes from. So the button's
//! address has the value of a cookie that its page has set: another site can neither read nor set
//! that one.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderValue;

use super::{
    cookie::{CookieNames, Lookup},
    request::RequestInfo,
    signals::Initiator,
};

/// In the address of a button.
pub(crate) const BUTTON: &str = "button";
/// In seconds: a day. A page may be open for long before its button is pressed.
const LIFETIME: u64 = 24 * 3600;
/// 128 random bits in base64url.
const LEN: usize = 22;

pub(crate) struct LoginButton {
    names: Arc<CookieNames>,
}

/// A button that is shown.
pub(crate) struct ShownButton {
    /// For the button's address.
    pub value: String,
    pub cookie: HeaderValue,
}

impl LoginButton {
    pub(crate) fn new(names: Arc<CookieNames>) -> Self {
        Self { names }
    }

    /// A page that is open in another tab keeps its button.
    pub(crate) fn show(&self, info: &RequestInfo) -> ShownButton {
        let value = self.known(info).unwrap_or_else(|| {
            let random: [u8; 16] = rand::random();
            BASE64_URL_SAFE_NO_PAD.encode(random)
        });
        let cookie = self.names.set(&self.names.login_button, &value, LIFETIME);
        ShownButton { value, cookie }
    }

    pub(crate) fn was_pressed(&self, info: &RequestInfo) -> bool {
        let (Some(value), Some(known)) = (info.parameter(BUTTON), self.known(info)) else {
            return false;
        };
        constant_time::verify_slices_are_equal(value.as_bytes(), known.as_bytes()).is_ok()
    }

    /// Whether a button was pressed in a browser that keeps no cookie, so that no other attempt
    /// would help.
    pub(crate) fn cannot_be_proven(&self, info: &RequestInfo) -> bool {
        let cookie = info.cookie(&self.names.login_button);
        info.initiator == Initiator::Unstated
            && info.parameter(BUTTON).is_some()
            && cookie == Lookup::Missing
    }

    fn known(&self, info: &RequestInfo) -> Option<String> {
        let Lookup::Unique(value) = info.cookie(&self.names.login_button) else {
            return None;
        };
        let token = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
        let value = value.as_bytes();
        let valid = value.len() == LEN && value.iter().all(token);
        valid.then(|| String::from_utf8_lossy(value).into_owned())
    }
}
