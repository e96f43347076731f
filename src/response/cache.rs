//! What a handler's answer must say to caches.

use axum_core::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::DECIDES;

pub(crate) const PRIVATE_NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");
const COOKIE: HeaderValue = HeaderValue::from_static("Cookie");

/// What a handler answered to somebody who is signed in is theirs alone, unless the handler says otherwise.
///
/// The one place where the hot path writes a header: two static values, and no memory is taken for them in a map that
/// holds a content type already.
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    if let header::Entry::Vacant(vacant) = headers.entry(header::CACHE_CONTROL) {
        vacant.insert(PRIVATE_NO_STORE);
    }
    vary_by_cookie(headers);
}

pub(crate) fn vary_by_cookie(headers: &mut HeaderMap) {
    // An extractor's challenge says it already.
    if headers.get(header::VARY) != Some(&DECIDES) {
        headers.append(header::VARY, COOKIE);
    }
}

/// Whether a cookie may go out with this answer, which then is for nobody else.
///
/// One that a cache may keep would hand the cookie to the next visitor, and stays as the handler made it. Only where it must be asked for
/// again each time, caches are told not to keep it at all: nobody meant them to.
pub(crate) fn takes_cookie(response: &mut Response<Body>) -> bool {
    if response.status() == StatusCode::NOT_MODIFIED
        || response.headers().iter().any(lets_a_cdn_keep_it)
    {
        return false;
    }
    let (mut nobody_keeps_it, mut always_asked_for) = (false, false);
    let lines = response.headers().get_all(header::CACHE_CONTROL).iter();
    for directive in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
        match &*directive.trim_ascii().to_ascii_lowercase() {
            // The last lets a cache look away from `no-store` (RFC 9111 section 5.2.2.3).
            b"public" | b"immutable" | b"must-understand" => return false,
            b"private" | b"no-store" => nobody_keeps_it = true,
            b"no-cache" | b"max-age=0" => always_asked_for = true,
            directive if directive.starts_with(b"s-maxage") => return false,
            _ => {}
        }
    }
    if always_asked_for && !nobody_keeps_it {
        let headers = response.headers_mut();
        headers.append(header::CACHE_CONTROL, PRIVATE_NO_STORE);
    }
    nobody_keeps_it || always_asked_for
}

/// `CDN-Cache-Control` and its kin (RFC 9213) go before what is said to everybody.
fn lets_a_cdn_keep_it((name, value): (&HeaderName, &HeaderValue)) -> bool {
    let name = name.as_str();
    let targeted = name == "surrogate-control" || name.ends_with("-cache-control");
    let value = value.as_bytes().to_ascii_lowercase();
    let says = |word: &[u8]| value.windows(word.len()).any(|window| window == word);
    targeted && !says(b"no-store") && !says(b"private")
}
