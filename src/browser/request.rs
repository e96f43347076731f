//! The kind of a request, and the few facts that decide the response to it without a session.

use std::borrow::Cow;

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts,
};

use url::form_urlencoded;

use super::{
    accept,
    cookie::{self, Lookup},
    language::Language,
};
use crate::session_refusal::SessionRefusal;

/// Kinds of requests that get different responses without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// The user opens a page. Only this kind may start a login directly.
    Navigation,
    /// A page that a service worker of the app asks for, or a script that does so in the same way.
    /// Only the login route starts a login for it.
    Relayed,
    /// The user sends a form.
    FormPost,
    /// HTMX asks for a part of a page.
    Htmx,
    /// HTMX opens a page in place of the browser: a boosted link, or a step back in the history.
    HtmxNavigation,
    /// Microsoft Office opens a link that the user follows in a document.
    OfficeProbe,
    /// A script, an image, a frame, a command line: a client that cannot go through a login.
    Subresource,
    /// A browser asks whether a foreign script may send a request (Fetch standard, CORS preflight).
    Preflight,
    /// A browser loads a page before the user asks for it.
    Prefetch,
}

/// What the browser states about the page that a request comes from (`Sec-Fetch-Site`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Initiator {
    SameOrigin,
    /// Another site, or another host of the same site.
    OtherOrigin,
    /// No page: the user typed the address or opened a bookmark.
    User,
    /// The browser does not say it, as on plain http.
    Unstated,
}

/// The facts of a request, without its body. A [`TelenorUser`](crate::TelenorUser) keeps them while
/// a handler runs, for the case that the session has ended.
///
/// It is made for every handler that takes the user. In the usual case of one `Cookie` line,
/// nothing in it is allocated.
#[derive(Clone)]
pub(crate) struct RequestInfo {
    pub kind: RequestKind,
    pub initiator: Initiator,
    /// Whether the response is a page and not a problem document: a person reads it, or the client
    /// prefers HTML.
    pub wants_html: bool,
    /// With the prefixes that nesting strips.
    pub uri: Uri,
    /// Why the request has no session, once that is known.
    pub refusal: Option<SessionRefusal>,
    host: Option<HeaderValue>,
    cookie: Option<HeaderValue>,
    more_cookies: Vec<HeaderValue>,
    accept_language: Option<HeaderValue>,
    /// For a form or a part of a page: the page that it was sent from, as the browser states it.
    page: Option<HeaderValue>,
    /// For a form whose initiator is not stated.
    origin: Option<HeaderValue>,
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_BOOSTED: HeaderName = HeaderName::from_static("hx-boosted");
const HX_HISTORY: HeaderName = HeaderName::from_static("hx-history-restore-request");
const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

/// What a page that is put into another page asks for. It is a navigation, but of a frame.
const FRAMES: [&str; 5] = ["frame", "iframe", "embed", "object", "fencedframe"];

impl RequestInfo {
    pub(crate) fn of(parts: &Parts) -> Self {
        let uri = original_uri(&parts.extensions, &parts.uri);
        Self::new(&parts.method, uri, &parts.headers)
    }

    pub(crate) fn of_request<B>(request: &Request<B>) -> Self {
        let uri = original_uri(request.extensions(), request.uri());
        Self::new(request.method(), uri, request.headers())
    }

    fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let kind = RequestKind::of(method, headers);
        // What a worker passes on counts as its own, also in what the browser states (Firefox).
        let initiator = match kind {
            RequestKind::Relayed => Initiator::Unstated,
            _ => Initiator::of(headers),
        };
        let mut cookies = headers.get_all(header::COOKIE).iter().cloned();
        let page = match kind {
            RequestKind::FormPost => headers.get(header::REFERER),
            RequestKind::Htmx => headers.get(HX_CURRENT_URL),
            _ => None,
        };
        let form_of_unknown = kind == RequestKind::FormPost && initiator == Initiator::Unstated;
        let origin = form_of_unknown.then(|| headers.get(header::ORIGIN));
        Self {
            kind,
            initiator,
            wants_html: kind.is_person() || opens_a_page(headers) || accept::allows_html(headers),
            uri: uri.clone(),
            refusal: None,
            host: headers.get(header::HOST).cloned(),
            cookie: cookies.next(),
            more_cookies: cookies.collect(),
            accept_language: headers.get(header::ACCEPT_LANGUAGE).cloned(),
            page: page.cloned(),
            origin: origin.flatten().cloned(),
        }
    }

    /// The same, for a request without a session.
    pub(crate) fn refused(self, refusal: SessionRefusal) -> Self {
        let refusal = Some(refusal);
        Self { refusal, ..self }
    }

    /// The language of the pages for this request.
    pub(crate) fn language(&self) -> Language {
        Language::negotiate(&self.accept_language)
    }

    /// The `Cookie` lines.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &HeaderValue> {
        self.cookie.iter().chain(&self.more_cookies)
    }

    /// The cookie of this name.
    pub(crate) fn cookie(&self, name: &str) -> Lookup<'_> {
        cookie::find(self.cookies(), name)
    }

    /// Path and query only, since the client chooses what is before them.
    pub(crate) fn path_and_query(&self) -> Option<&str> {
        Some(self.uri.path_and_query()?.as_str())
    }

    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// The first parameter of this name in the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut query = form_urlencoded::parse(self.query().as_bytes());
        let found = query.find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// The page that a form or a part of a page was sent from, as the browser states it.
    pub(crate) fn page(&self) -> Option<&str> {
        self.page.as_ref()?.to_str().ok()
    }

    /// The host that the client asked for, as it states it.
    pub(crate) fn host(&self) -> Option<&str> {
        match &self.host {
            Some(host) => host.to_str().ok(),
            None => Some(self.uri.authority()?.as_str()),
        }
    }

    /// Whether a page of another origin sent this form. A form of an unknown page counts as one of
    /// the app's own.
    pub(crate) fn is_foreign_form(&self, own_origin: &str) -> bool {
        match self.initiator {
            Initiator::SameOrigin | Initiator::User => false,
            Initiator::OtherOrigin => true,
            Initiator::Unstated => {
                let origin = self.origin.as_ref();
                origin.is_some_and(|origin| origin != "null" && origin != own_origin)
            }
        }
    }
}

/// The URI before nesting removed its prefix.
#[cfg(feature = "axum")]
pub(crate) fn original_uri<'r>(extensions: &'r Extensions, uri: &'r Uri) -> &'r Uri {
    let original = extensions.get::<axum::extract::OriginalUri>();
    original.map_or(uri, |original| &original.0)
}

/// The URI, which only axum's nesting changes.
#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri<'r>(_: &'r Extensions, uri: &'r Uri) -> &'r Uri {
    uri
}

impl RequestKind {
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if is_prefetch(headers) {
            return Self::Prefetch;
        }
        if *method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Self::Preflight;
        }
        if is(headers, &HX_REQUEST, "true") {
            let page = is(headers, &HX_BOOSTED, "true") || is(headers, &HX_HISTORY, "true");
            return match *method {
                Method::GET if page => Self::HtmxNavigation,
                _ => Self::Htmx,
            };
        }
        if *method == Method::GET && is_office(headers) {
            return Self::OfficeProbe;
        }
        let navigates = is_navigation(headers);
        if offers_websocket(headers) || !(navigates || is_relayed(headers)) {
            return Self::Subresource;
        }
        match *method {
            Method::GET if navigates => Self::Navigation,
            Method::GET => Self::Relayed,
            Method::POST => Self::FormPost,
            _ => Self::Subresource,
        }
    }

    /// Whether a person reads the response.
    fn is_person(self) -> bool {
        matches!(
            self,
            Self::Navigation | Self::Relayed | Self::FormPost | Self::OfficeProbe
        )
    }
}

impl Initiator {
    fn of(headers: &HeaderMap) -> Self {
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
        match (sites.next(), sites.next()) {
            (None, _) => Self::Unstated,
            (Some(site), None) if site == "same-origin" => Self::SameOrigin,
            (Some(site), None) if site == "none" => Self::User,
            _ => Self::OtherOrigin,
        }
    }
}

/// Whether the browser states that this request comes from a page of the same origin.
///
/// `Sec-Fetch-Site` counts first, else `Origin`. `SameSite` alone is no defense, since some engines
/// ignore the scheme. A page with `Referrer-Policy: no-referrer`, like those of the layer, sends
/// `Origin: null` to its own origin (Fetch standard).
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

fn is_prefetch(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ].iter().any(|name| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| contains(value, word))
        })
    })
}

/// A script cannot set `Sec-Fetch-*`, so these headers decide where they are sent. Without them, as
/// in other browsers and on plain http, `Accept` decides.
///
/// `navigate` alone is proof: when a service worker passes a page on, the destination is no longer
/// `document`.
fn is_navigation(headers: &HeaderMap) -> bool {
    if !headers.contains_key(SEC_FETCH_MODE) {
        return is_all(headers, SEC_FETCH_DEST, "document") && asks_for_page(headers);
    }
    let mut destinations = headers.get_all(SEC_FETCH_DEST).iter();
    is_all(headers, SEC_FETCH_MODE, "navigate") && !destinations.any(is_frame)
}

/// Whether a service worker may have passed a page on. Firefox then changes its mode, and other
/// engines do if the worker changes a setting (`docs/browsers.md`). A script can ask in the same
/// way.
fn is_relayed(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_MODE)
        && is_all(headers, SEC_FETCH_MODE, "same-origin")
        && is_all(headers, SEC_FETCH_DEST, "empty")
        && asks_for_page(headers)
}

fn asks_for_page(headers: &HeaderMap) -> bool {
    accept::prefers_html(headers) && !is(headers, &X_REQUESTED_WITH, "XMLHttpRequest")
}

fn is_all(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    headers.get_all(name).iter().all(|value| value == wanted)
}

/// Whether a browser will show the answer, in a window or in a frame.
fn opens_a_page(headers: &HeaderMap) -> bool {
    headers
        .get(SEC_FETCH_MODE)
        .is_some_and(|mode| mode == "navigate")
}

fn is_frame(destination: &HeaderValue) -> bool {
    FRAMES.iter().any(|frame| destination == frame)
}

/// Any other protocol is an offer that a server may ignore (RFC 9110 section 7.8), as `curl
/// --http2` makes one.
pub(super) fn offers_websocket(headers: &HeaderMap) -> bool {
    let mut offers = headers.get_all(header::UPGRADE).iter();
    offers.any(|offer| {
        let mut protocols = offer.as_bytes().split(|byte| *byte == b',');
        protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    })
}

/// Office opens a link by itself before it passes the link to a browser, and treats an error as a
/// broken link.
fn is_office(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    agent.is_some_and(|agent| contains(agent, "ms-office") || contains(agent, "microsoft office"))
}

/// Whether one of the lines of this name has this value.
fn is(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    values.any(|value| {
        let value = value.as_bytes().trim_ascii();
        value.eq_ignore_ascii_case(wanted.as_bytes())
    })
}

fn contains(value: &HeaderValue, word: &str) -> bool {
    let mut windows = value.as_bytes().windows(word.len());
    windows.any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: Method, lines: &[(&'static str, &'static str)]) -> RequestKind {
        let headers = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        RequestKind::of(&method, &headers.collect())
    }

    #[test]
    fn only_a_top_level_navigation_is_a_page() {
        let fetch = |mode, dest| {
            kind(
                Method::GET,
                &[
                    ("sec-fetch-mode", mode),
                    ("sec-fetch-dest", dest),
                    ("accept", "text/html"),
                ],
            )
        };
        assert_eq!(fetch("navigate", "document"), RequestKind::Navigation);
        for (mode, dest) in [
            ("no-cors", "image"),
            ("cors", "empty"),
            ("navigate", "iframe"),
            ("same-origin", "document"),
            ("websocket", "websocket"),
            ("no-cors", "serviceworker"),
        ] {
            assert_eq!(fetch(mode, dest), RequestKind::Subresource, "{mode} {dest}");
        }
    }

    #[test]
    fn page_that_a_worker_passes_on_may_be_a_script_in_firefox() {
        let passed_on = [
            ("sec-fetch-mode", "same-origin"),
            ("sec-fetch-dest", "empty"),
        ];
        let fetch = |more| kind(Method::GET, &[&passed_on[..], &[more]].concat());
        assert_eq!(
            fetch(("accept", "text/html,*/*;q=0.8")),
            RequestKind::Relayed
        );
        for script in [
            ("accept", "*/*"),
            ("accept", "application/json"),
            ("dnt", "1"),
        ] {
            assert_eq!(fetch(script), RequestKind::Subresource, "{script:?}");
        }
    }

    #[test]
    fn without_fetch_metadata_a_page_accepts_html() {
        let accept = |accept| kind(Method::GET, &[("accept", accept)]);
        assert_eq!(
            accept("text/html,application/xhtml+xml,*/*;q=0.8"),
            RequestKind::Navigation
        );
        assert_eq!(accept("*/*"), RequestKind::Subresource);
        assert_eq!(accept("application/json"), RequestKind::Subresource);
        assert_eq!(kind(Method::GET, &[]), RequestKind::Subresource);
        let ajax = &[
            ("accept", "text/html"),
            ("x-requested-with", "XMLHttpRequest"),
        ];
        assert_eq!(kind(Method::GET, ajax), RequestKind::Subresource);
    }

    #[test]
    fn prefetch_headers_decide_before_all_others() {
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
                kind(Method::GET, lines),
                RequestKind::Prefetch,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn method_decides_between_page_and_form() {
        let html = &[("accept", "text/html")];
        assert_eq!(kind(Method::POST, html), RequestKind::FormPost);
        for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(kind(method, html), RequestKind::Subresource);
        }
        let preflight = &[
            ("origin", "https://a.example"),
            ("access-control-request-method", "GET"),
        ];
        assert_eq!(kind(Method::OPTIONS, preflight), RequestKind::Preflight);
        let upgrade = &[("accept", "text/html"), ("upgrade", "websocket")];
        assert_eq!(kind(Method::GET, upgrade), RequestKind::Subresource);
    }

    #[test]
    fn same_origin_needs_a_header_of_the_browser() {
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
