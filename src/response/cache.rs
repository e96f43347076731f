//! The caching headers of a handler's response.

use axum_core::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::VARY;

pub(crate) const PRIVATE_NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");
const COOKIE: HeaderValue = HeaderValue::from_static("Cookie");

/// Marks the response of a handler as private to its user, unless the handler has set a policy.
///
/// No other place writes headers in the hot path. It writes two static values, which take no
/// allocation in a map that already holds a content type.
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    if let header::Entry::Vacant(vacant) = headers.entry(header::CACHE_CONTROL) {
        vacant.insert(PRIVATE_NO_STORE);
    }
    vary_by_cookie(headers);
}

pub(crate) fn vary_by_cookie(headers: &mut HeaderMap) {
    match headers.entry(header::VARY) {
        header::Entry::Vacant(vacant) => {
            vacant.insert(COOKIE);
        }
        // An extractor's challenge has it already.
        header::Entry::Occupied(known) if known.get() == VARY => {}
        header::Entry::Occupied(mut known) => known.append(COOKIE),
    }
}

/// Whether this response may set a cookie. It is then for one browser only.
///
/// A response that a cache may store would give the cookie to the next visitor. It is left
/// unchanged.
pub(crate) fn is_cookie_safe(response: &Response<Body>) -> bool {
    if response.status() == StatusCode::NOT_MODIFIED
        || response.headers().iter().any(is_cdn_cacheable)
    {
        return false;
    }
    let mut safe = false;
    for directive in cache_directives(response.headers()) {
        match &*directive {
            // `must-understand` lets a cache ignore `no-store` (RFC 9111 section 5.2.2.3).
            b"public" | b"immutable" | b"must-understand" => return false,
            b"private" | b"no-store" | b"no-cache" | b"max-age=0" => safe = true,
            directive if directive.starts_with(b"s-maxage") => return false,
            _ => {}
        }
    }
    safe
}

/// Forbids all caches to store the response. With `no-cache` a cache may store it and revalidate it
/// each time, and a handler does not mean that for a cookie.
pub(crate) fn forbid_caching(headers: &mut HeaderMap) {
    let forbids = |directive: Vec<u8>| matches!(&*directive, b"private" | b"no-store");
    if !cache_directives(headers).any(forbids) {
        headers.append(header::CACHE_CONTROL, PRIVATE_NO_STORE);
    }
}

fn cache_directives(headers: &HeaderMap) -> impl Iterator<Item = Vec<u8>> {
    let lines = headers.get_all(header::CACHE_CONTROL).iter();
    let directives = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    directives.map(|directive| directive.trim_ascii().to_ascii_lowercase())
}

/// `CDN-Cache-Control` and similar headers (RFC 9213) take precedence over `Cache-Control`.
fn is_cdn_cacheable((name, value): (&HeaderName, &HeaderValue)) -> bool {
    let name = name.as_str();
    let targeted = name == "surrogate-control" || name.ends_with("-cache-control");
    let value = value.as_bytes().to_ascii_lowercase();
    let contains = |word: &[u8]| value.windows(word.len()).any(|window| window == word);
    targeted && !contains(b"no-store") && !contains(b"private")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_the_layer_varies_by_its_own_headers_only() {
        let mut headers = HeaderMap::from_iter([(header::VARY, VARY)]);
        vary_by_cookie(&mut headers);
        assert_eq!(headers, HeaderMap::from_iter([(header::VARY, VARY)]));
    }
}
