//! Who is asking, and for what: the little of a request that decides how it is answered without a session.

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts,
};

/// Kinds of requests that are treated differently when nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A person opened a page: the only one that a login may be started for.
    Page,
    /// A person sent a form.
    Form,
    /// HTMX wants a piece of a page.
    Htmx,
    /// A program of Microsoft Office looks at a link that somebody pressed in a document.
    Office,
    /// A script, an image, a frame, a command line: whoever cannot follow a login.
    Script,
    /// A browser asks whether a foreign script may ask (Fetch standard, CORS preflight).
    Preflight,
    /// A browser loads ahead what nobody has asked for yet.
    Speculative,
}

/// A request without its body, kept while a handler runs in case its session turns out to be dead.
///
/// Made for every handler that takes the user, so nothing in it is allocated in the usual case of one `Cookie` line.
#[derive(Clone)]
pub(crate) struct Visit {
    pub caller: Caller,
    /// With the prefixes that nesting strips.
    pub uri: Uri,
    cookie: Option<HeaderValue>,
    more_cookies: Vec<HeaderValue>,
    accept_language: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    htmx_page: Option<HeaderValue>,
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

impl Visit {
    pub(crate) fn of(parts: &Parts) -> Self {
        let uri = original_uri(&parts.extensions, &parts.uri);
        Self::new(&parts.method, uri, &parts.headers)
    }

    pub(crate) fn of_request<B>(request: &Request<B>) -> Self {
        let uri = original_uri(request.extensions(), request.uri());
        Self::new(request.method(), uri, request.headers())
    }

    fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let mut cookies = headers.get_all(header::COOKIE).iter().cloned();
        Self {
            caller: Caller::of(method, headers),
            uri: uri.clone(),
            cookie: cookies.next(),
            more_cookies: cookies.collect(),
            accept_language: headers.get(header::ACCEPT_LANGUAGE).cloned(),
            referer: headers.get(header::REFERER).cloned(),
            htmx_page: headers.get(HX_CURRENT_URL).cloned(),
        }
    }

    /// The headers that an answer may depend on.
    pub(crate) fn headers(&self) -> HeaderMap {
        let cookies = self.cookie.iter().chain(&self.more_cookies);
        let cookies = cookies.map(|line| (header::COOKIE, line));
        let language = self
            .accept_language
            .iter()
            .map(|line| (header::ACCEPT_LANGUAGE, line));
        let lines = cookies.chain(language);
        lines.map(|(name, line)| (name, line.clone())).collect()
    }

    /// The page that a form was sent from, as the browser tells it.
    pub(crate) fn referer(&self) -> Option<&str> {
        self.referer.as_ref()?.to_str().ok()
    }

    /// The page that HTMX runs on, as it tells it.
    pub(crate) fn htmx_page(&self) -> Option<&str> {
        self.htmx_page.as_ref()?.to_str().ok()
    }
}

/// The URI before any nesting took its prefix.
#[cfg(feature = "axum")]
pub(crate) fn original_uri<'r>(extensions: &'r Extensions, uri: &'r Uri) -> &'r Uri {
    let original = extensions.get::<axum::extract::OriginalUri>();
    original.map_or(uri, |original| &original.0)
}

/// Nothing but axum's nesting changes it.
#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri<'r>(_: &'r Extensions, uri: &'r Uri) -> &'r Uri {
    uri
}

impl Caller {
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if is_speculative(headers) {
            return Self::Speculative;
        }
        if *method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Self::Preflight;
        }
        if headers.contains_key(HX_REQUEST) {
            return Self::Htmx;
        }
        if *method == Method::GET && is_office(headers) {
            return Self::Office;
        }
        if !is_navigation(headers) || headers.contains_key(header::UPGRADE) {
            return Self::Script;
        }
        match *method {
            Method::GET => Self::Page,
            Method::POST => Self::Form,
            _ => Self::Script,
        }
    }

    /// Whether the answer is read by a person.
    pub(crate) fn is_person(self) -> bool {
        matches!(self, Self::Page | Self::Form | Self::Office)
    }
}

/// Whether the browser itself says that this request comes from a page of the same origin.
///
/// `Sec-Fetch-Site` first, else `Origin`: `SameSite` alone is no defence, since some engines ignore the scheme. A page with
/// `Referrer-Policy: no-referrer`, like the layer's own, sends `Origin: null` to its own origin (Fetch standard).
pub(crate) fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    match (sites.next(), origins.next()) {
        (None, None) => false,
        (site, claimed) => {
            let ours = claimed.is_none_or(|claimed| claimed.as_bytes() == origin.as_bytes());
            let hidden = site.is_some() && claimed.is_some_and(|claimed| claimed == "null");
            sites.next().is_none()
                && origins.next().is_none()
                && site.is_none_or(|site| site == "same-origin")
                && (ours || hidden)
        }
    }
}

/// Whether the browser says that a navigation was not begun on a page of the same origin: by another site, a mail, a code on a
/// poster.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    sites.any(|site| site != "same-origin")
}

fn is_speculative(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ].iter().any(|name| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| contains(value, word))
        })
    })
}

/// `Sec-Fetch-*` cannot be set by a script, so they decide where they are sent; other browsers, and all of them on plain
/// http, are judged by what they accept.
fn is_navigation(headers: &HeaderMap) -> bool {
    if headers.contains_key(SEC_FETCH_MODE) || headers.contains_key(SEC_FETCH_DEST) {
        let all = |name, wanted| headers.get_all(name).iter().all(|value| value == wanted);
        return all(SEC_FETCH_MODE, "navigate") && all(SEC_FETCH_DEST, "document");
    }
    let mut accepts = headers.get_all(header::ACCEPT).iter();
    accepts.any(|value| contains(value, "text/html")) && !headers.contains_key(X_REQUESTED_WITH)
}

/// Office opens a link by itself before it hands it to a browser, and takes an error for a broken link.
fn is_office(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    agent.is_some_and(|agent| contains(agent, "ms-office") || contains(agent, "microsoft office"))
}

fn contains(value: &HeaderValue, word: &str) -> bool {
    let mut windows = value.as_bytes().windows(word.len());
    windows.any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(method: Method, lines: &[(&'static str, &'static str)]) -> Caller {
        let headers = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        Caller::of(&method, &headers.collect())
    }

    #[test]
    fn only_a_top_level_navigation_is_a_page() {
        let fetch = |mode, dest| {
            caller(
                Method::GET,
                &[
                    ("sec-fetch-mode", mode),
                    ("sec-fetch-dest", dest),
                    ("accept", "text/html"),
                ],
            )
        };
        assert_eq!(fetch("navigate", "document"), Caller::Page);
        for (mode, dest) in [
            ("no-cors", "image"),
            ("cors", "empty"),
            ("navigate", "iframe"),
            ("same-origin", "document"),
            ("websocket", "websocket"),
            ("no-cors", "serviceworker"),
        ] {
            assert_eq!(fetch(mode, dest), Caller::Script, "{mode} {dest}");
        }
    }

    #[test]
    fn without_fetch_metadata_a_page_accepts_html() {
        let accept = |accept| caller(Method::GET, &[("accept", accept)]);
        assert_eq!(
            accept("text/html,application/xhtml+xml,*/*;q=0.8"),
            Caller::Page
        );
        assert_eq!(accept("*/*"), Caller::Script);
        assert_eq!(accept("application/json"), Caller::Script);
        assert_eq!(caller(Method::GET, &[]), Caller::Script);
        let ajax = &[
            ("accept", "text/html"),
            ("x-requested-with", "XMLHttpRequest"),
        ];
        assert_eq!(caller(Method::GET, ajax), Caller::Script);
    }

    #[test]
    fn loading_ahead_is_speculative_whatever_else_is_said() {
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "Prefetch"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            let lines = &[
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
                (name, value),
            ];
            assert_eq!(
                caller(Method::GET, lines),
                Caller::Speculative,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn methods_decide_what_a_person_did() {
        let html = &[("accept", "text/html")];
        assert_eq!(caller(Method::POST, html), Caller::Form);
        for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(caller(method, html), Caller::Script);
        }
        let preflight = &[
            ("origin", "https://a.example"),
            ("access-control-request-method", "GET"),
        ];
        assert_eq!(caller(Method::OPTIONS, preflight), Caller::Preflight);
        let upgrade = &[("accept", "text/html"), ("upgrade", "websocket")];
        assert_eq!(caller(Method::GET, upgrade), Caller::Script);
    }

    #[test]
    fn same_origin_needs_the_browsers_word() {
        let same = |lines: &[(&'static str, &'static str)]| {
            let headers = lines.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            is_same_origin(&headers.collect(), "https://app.example")
        };
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(same(&[("origin", "https://app.example")]));
        assert!(same(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://app.example")
        ]));
        assert!(same(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        for lines in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://app.example")],
            &[("origin", "null")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[
                ("origin", "https://app.example"),
                ("origin", "https://evil.example"),
            ],
        ] {
            assert!(!same(lines), "{lines:?}");
        }
    }
}
