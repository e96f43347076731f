//! Headers that claim a phone number.
//!
//! Some operators put one into plain-http requests, and any client can send one. The layer does not
//! use them, and removes them so that no handler relies on them.

use http::{HeaderMap, HeaderName};

/// Removes them all, however they are spelled.
pub(crate) fn remove(headers: &mut HeaderMap) {
    let claims = |name: &&HeaderName| claims_number(name.as_str());
    while let Some(name) = headers.keys().find(claims).cloned() {
        headers.remove(name);
    }
}

/// Whether any gateway is known to put the number or the identity of a line into this header.
///
/// The name is in lower case.
pub(super) fn claims_number(name: &str) -> bool {
    let name = name.as_bytes();
    has_stem(name) || has_ending(name)
}

/// A part of each word, by which it is found.
const STEMS: [&[u8; STEM_LENGTH]; 5] = [b"msisdn", b"alling", b"-subno", b"_subno", b".subno"];
const STEM_LENGTH: usize = 6;

/// How far a search may go on after a byte at which no stem ends (Horspool's algorithm).
const SKIPS: [u8; 256] = {
    let mut skips = [STEM_LENGTH as u8; 256];
    let mut at = 0;
    while at < STEM_LENGTH {
        let mut stem = 0;
        while stem < STEMS.len() {
            // Later places come later in this loop, and are nearer.
            skips[STEMS[stem][at] as usize] = (STEM_LENGTH - 1 - at) as u8;
            stem += 1;
        }
        at += 1;
    }
    skips
};

/// This runs for every header of every request, so it looks at one byte in six of most names.
fn has_stem(name: &[u8]) -> bool {
    let mut end = STEM_LENGTH - 1;
    while let Some(byte) = name.get(end) {
        match SKIPS[usize::from(*byte)] {
            0 if STEMS.iter().any(|stem| name[..=end].ends_with(*stem)) => return has_word(name),
            0 => end += 1,
            skip => end += usize::from(skip),
        }
    }
    false
}

fn has_word(name: &[u8]) -> bool {
    let has = |word: &[u8]| (0..name.len()).any(|at| starts_with(&name[at..], word));
    has(b"msisdn") || has(b"calling-line") || has(b"up-subno")
}

/// Names that hold none of those words: Mulliner, "Privacy leaks in mobile phone internet access"
/// (ICIN 2010), and the 3GPP headers of WAP gateways.
fn has_ending(name: &[u8]) -> bool {
    let ends = |ending: &[u8]| {
        let start = name.len().checked_sub(ending.len());
        start.is_some_and(|at| starts_with(&name[at..], ending))
    };
    match name.last() {
        Some(b'd') => ends(b"-clid") || ends(b"jinny-cid"),
        Some(b'i') => ends(b"-imsi") || ends(b"orange-cli") || name == b"igcli",
        Some(b'n') => name == b"rapmin",
        _ => false,
    }
}

/// Servers behind CGI-like gateways treat `_` as `-`, and a few names have a dot.
fn starts_with(name: &[u8], word: &[u8]) -> bool {
    let same = |(byte, wanted): (&u8, &u8)| {
        byte == wanted || (*wanted == b'-' && matches!(byte, b'_' | b'.'))
    };
    name.len() >= word.len() && name.iter().zip(word).all(same)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// S106.
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
            "user-identity-forward-msisdn",
            "http_x_msisdn",
            "http-x_up-calling_line-id",
            "nokia-msisdn",
            "up-calling-line-id",
            "calling-line-identity",
            "calling_line",
            "tm-msisdn",
            "a-msisdn",
            "msisdn-number",
            "my-msisdns",
            "sisdn-msisdn-x",
            "x-drutt-portal-user-msisdn",
            "up_subno",
            "x-jphone-up-subno",
            "x-hts-clid",
            "http_x_nx_clid",
            "x-msp-clid",
            "x-orange-cli",
            "x-jinny-cid",
            "x-jinny.cid",
            "x-wap-3gpp-imsi",
            "x-nokia-imsi",
            "igcli",
            "rapmin",
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
        let kept = [
            "accept",
            "x-mine",
            "x-calling",
            "selling-line",
            "falling",
            "subno",
            "sisdn",
            "isdn",
            "x-request-id",
            "x-client-id",
            "x-cli",
            "x-euclid",
            "x-j_nny-cid",
            "grapmin",
            "d",
            "sec-ch-ua-platform",
        ];
        for name in kept {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static("kept"),
            );
        }
        remove(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left.len(), kept.len(), "{left:?}");
        for name in kept {
            assert!(headers.contains_key(name), "{name}");
        }
    }
}
