//! Headers that claim a phone number.
//!
//! Some operators put one into plain-http requests, and any client can send one. The layer does not
//! use them, and removes them so that no handler relies on them.

use http::{HeaderMap, HeaderName};

/// Removes them all, however they are spelled.
pub(crate) fn remove(headers: &mut HeaderMap) {
    while let Some(name) = headers.keys().find(|name| claims_number(name)).cloned() {
        headers.remove(name);
    }
}

fn claims_number(name: &HeaderName) -> bool {
    // Names are lower case here. Servers behind CGI-like gateways treat `_` as `-`.
    let name = name.as_str().as_bytes();
    let has = |word: &[u8]| {
        let mut windows = name.windows(word.len());
        windows.any(|window| {
            let mut pairs = window.iter().zip(word);
            pairs.all(|(byte, wanted)| byte == wanted || (*byte == b'_' && *wanted == b'-'))
        })
    };
    // This runs for every request, so most names are decided by their first byte.
    matches!(name, [b'x' | b'm', ..])
        && (has(b"msisdn") || has(b"calling-line") || has(b"up-subno"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_spelling_is_removed_and_nothing_else() {
        let mut headers = HeaderMap::new();
        for name in [
            "msisdn",
            "x-msisdn",
            "x_msisdn",
            "x-nokia-msisdn",
            "x-up-calling-line-id",
            "x_up_calling_line_id",
            "x-up_calling-line_id",
            "x-up-subno",
            "x-wap-network-client-msisdn",
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static("4791234567"),
            );
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static("4791234568"),
            );
        }
        for name in ["accept", "x-mine", "x-calling"] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static("kept"),
            );
        }
        remove(&mut headers);
        assert_eq!(headers.len(), 3);
    }
}
