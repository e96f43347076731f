//! Bytes of a request to the gateway that are wiped when the last reference to them is gone.

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// Returns the bytes without a copy. All clones share them.
pub(crate) fn wiped(bytes: Vec<u8>) -> Bytes {
    Bytes::from_owner(Zeroizing::new(bytes))
}

/// Returns an `Authorization` header of this scheme. All its clones share the bytes.
pub(crate) fn authorization(scheme: &str, credentials: &str) -> HeaderValue {
    // Exactly as long as it has to be: text that grows leaves copies behind.
    let text = [scheme, " ", credentials].concat().into_bytes();
    let mut value = HeaderValue::from_maybe_shared(wiped(text))
        .expect("base64 and tokens of visible ASCII can stand in a header");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S122.
    #[test]
    fn bytes_are_not_copied() {
        let text = b"grant_type=authorization_code".to_vec();
        let at = text.as_ptr();
        let bytes = wiped(text);
        assert_eq!(bytes.as_ptr(), at);
        assert_eq!(bytes.clone().as_ptr(), at);
    }

    /// S122.
    #[test]
    fn header_is_sensitive_and_its_clones_share_the_bytes() {
        let header = authorization("Bearer", "token");
        assert_eq!(header, "Bearer token");
        assert!(header.is_sensitive());
        assert_eq!(
            header.clone().as_bytes().as_ptr(),
            header.as_bytes().as_ptr()
        );
    }
}
