//! Finds the session cookie.

use axum::http::{HeaderMap, header};

/// The value of the cookie of this name, unless another one could be meant as well: a twin in
/// another case, or with another value.
pub(super) fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            if pair.get(name.len()) != Some(&b'=') {
                continue;
            }
            let (cookie, value) = (&pair[..name.len()], &pair[name.len() + 1..]);
            if !cookie.eq_ignore_ascii_case(name.as_bytes()) {
                continue;
            }
            if cookie != name.as_bytes() || found.is_some_and(|found| found != value) {
                return None;
            }
            found = Some(value);
        }
    }
    found
}
