//! Decides whether a page of another origin may have caused a request that can change something.

use http::{HeaderMap, HeaderName, Method, header};

use super::request::{RequestInfo, SEC_FETCH_SITE};

/// The origins whose pages may have a browser change something in the name of its user.
///
/// A browser states the page that a request comes from (`Sec-Fetch-Site`, `Origin`), and no script
/// can change that. A client that states neither is no current browser, so no page has made it send
/// the user's cookie.
pub(crate) struct OriginCheck {
    own: Box<str>,
    trusted: Vec<Box<str>>,
}

/// A request that a page of another origin may have caused.
#[derive(Clone)]
pub(crate) struct CrossOrigin {
    pub method: String,
    /// As the client sent it.
    pub origin: Option<String>,
}

impl CrossOrigin {
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN);
        Self {
            method: method.to_string(),
            origin: origin.map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned()),
        }
    }
}

impl OriginCheck {
    /// The origins have the form of an `Origin` header.
    pub(crate) fn new(own: &str, trusted: Vec<Box<str>>) -> Self {
        let own = own.into();
        Self { own, trusted }
    }

    /// Whether this request can change something, and may come from a page of another origin.
    ///
    /// The usual request is a GET, which changes nothing.
    #[inline]
    pub(crate) fn refuses(&self, info: &RequestInfo, headers: &HeaderMap) -> bool {
        info.can_change_something && !self.allows(headers)
    }

    fn allows(&self, headers: &HeaderMap) -> bool {
        // A proxy may repeat a line. Two lines that differ say nothing that can be trusted.
        if differ(headers, &SEC_FETCH_SITE) || differ(headers, &header::ORIGIN) {
            return false;
        }
        let site = headers.get(SEC_FETCH_SITE);
        let is_own_site = site.is_none_or(|site| site == "same-origin" || site == "none");
        let Some(origin) = headers.get(header::ORIGIN) else {
            return is_own_site;
        };
        if self.trusted.iter().any(|trusted| origin == &**trusted) {
            return true;
        }
        // A page with `Referrer-Policy: no-referrer` hides its origin even from itself (Fetch
        // standard). Only `Sec-Fetch-Site` shows that it is not a foreign one.
        let is_hidden = site.is_some() && origin == "null";
        is_own_site && (origin == &*self.own || is_hidden)
    }
}

fn differ(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.any(|value| Some(value) != first)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    const OWN: &str = "https://shop.example";
    const TRUSTED: &str = "https://pay.example";

    type Lines<'l> = &'l [(&'static str, &'static str)];

    fn headers(lines: Lines<'_>) -> HeaderMap {
        let headers = lines.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        headers.collect()
    }

    fn refuses(method: &Method, lines: Lines<'_>) -> bool {
        let mut request = Request::new(());
        *request.method_mut() = method.clone();
        *request.headers_mut() = headers(lines);
        let info = RequestInfo::of_request(&request);
        OriginCheck::new(OWN, vec![TRUSTED.into()]).refuses(&info, request.headers())
    }

    /// What a page sends, and whether it is refused.
    const TABLE: &[(Option<&str>, Option<&str>, bool)] = &[
        (None, None, false),
        (Some("same-origin"), None, false),
        (Some("none"), None, false),
        (Some("same-site"), None, true),
        (Some("cross-site"), None, true),
        (Some(""), None, true),
        (Some("Same-Origin"), None, true),
        (Some("same-origin, same-origin"), None, true),
        (None, Some(OWN), false),
        (Some("same-origin"), Some(OWN), false),
        (Some("none"), Some(OWN), false),
        (Some("same-site"), Some(OWN), true),
        (Some("cross-site"), Some(OWN), true),
        (None, Some("null"), true),
        (Some("same-origin"), Some("null"), false),
        (Some("none"), Some("null"), false),
        (Some("same-site"), Some("null"), true),
        (Some("cross-site"), Some("null"), true),
        (None, Some("https://evil.example"), true),
        (None, Some("https://evil.shop.example"), true),
        (None, Some("http://shop.example"), true),
        (None, Some("https://shop.example:8443"), true),
        (None, Some("https://shop.example:443"), true),
        (None, Some("https://shop.example/"), true),
        (None, Some("https://shop.example.evil.example"), true),
        (None, Some("HTTPS://shop.example"), true),
        (None, Some(""), true),
        // In WebKit, behind a service worker that passes on the form of a sibling host.
        (Some("same-origin"), Some("https://evil.shop.example"), true),
        (Some("none"), Some("https://evil.example"), true),
        (None, Some(TRUSTED), false),
        (Some("cross-site"), Some(TRUSTED), false),
        (Some("same-site"), Some(TRUSTED), false),
        (Some("cross-site"), Some("http://pay.example"), true),
        (Some("cross-site"), Some("https://a.pay.example"), true),
    ];

    fn lines(
        site: Option<&'static str>,
        origin: Option<&'static str>,
    ) -> Vec<(&'static str, &'static str)> {
        let site = site.map(|site| ("sec-fetch-site", site));
        let origin = origin.map(|origin| ("origin", origin));
        site.into_iter().chain(origin).collect()
    }

    #[test]
    fn unsafe_methods_and_sockets_are_for_own_and_trusted_pages() {
        let socket = ("upgrade", "websocket");
        for (site, origin, refused) in TABLE {
            let sent = lines(*site, *origin);
            for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "QUERY", "get"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                assert_eq!(refuses(&method, &sent), *refused, "{method} {sent:?}");
            }
            let handshake = [&sent[..], &[socket]].concat();
            assert_eq!(refuses(&Method::GET, &handshake), *refused, "{handshake:?}");
            for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
                assert!(!refuses(&method, &sent), "{method} {sent:?}");
            }
        }
    }

    #[test]
    fn socket_is_one_in_any_spelling() {
        let foreign = ("origin", "https://evil.example");
        for upgrade in ["websocket", "WebSocket", "h2c, websocket", "websocket\t"] {
            let lines = [foreign, ("upgrade", upgrade)];
            assert!(refuses(&Method::GET, &lines), "{upgrade}");
        }
        let two = [foreign, ("upgrade", "h2c"), ("upgrade", "websocket")];
        assert!(refuses(&Method::GET, &two));
        // What no browser opens for a page, and what a server may ignore.
        for upgrade in ["h2c", "TLS/1.3", "websockets"] {
            let lines = [foreign, ("upgrade", upgrade)];
            assert!(!refuses(&Method::GET, &lines), "{upgrade}");
        }
    }

    #[test]
    fn values_that_differ_are_refused_and_twins_count_once() {
        let (own, evil) = (("origin", OWN), ("origin", "https://evil.example"));
        let (same, cross) = (
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        );
        let trusted = ("origin", TRUSTED);
        for lines in [
            [own, evil],
            [evil, own],
            [same, cross],
            [cross, same],
            [trusted, evil],
            [evil, trusted],
            [own, trusted],
        ] {
            assert!(refuses(&Method::POST, &lines), "{lines:?}");
        }
        for lines in [[own, own], [same, same], [trusted, trusted]] {
            assert!(!refuses(&Method::POST, &lines), "{lines:?}");
        }
    }
}
