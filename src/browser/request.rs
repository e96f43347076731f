//! The few facts of a request that decide the response to it without a session.

use std::borrow::Cow;

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts,
};

use url::form_urlencoded;

use super::{
    cookie::{self, Lookup},
    language::Language,
    request_kind::RequestKind,
    signals::{Initiator, Signals},
};
use crate::session_refusal::SessionRefusal;

/// The facts of a request, without its body. A [`TelenorUser`](crate::TelenorUser) keeps them while
/// a handler runs, for the case that the session has ended. A `Visitor` keeps them for a handler
/// that needs a login, or starts one.
///
/// The layer makes it for every request. In the usual case of one `Cookie` line, nothing in it is
/// allocated.
#[derive(Clone)]
pub(crate) struct RequestInfo {
    pub kind: RequestKind,
    pub initiator: Initiator,
    /// Whether the response is a page and not a problem document: a person reads it, or the client
    /// prefers HTML.
    pub wants_html: bool,
    /// Whether a page that sends the request could do something with it.
    pub can_change_something: bool,
    /// Any header claims a phone number, and must not reach the app.
    pub claims_number: bool,
    /// With the prefixes that nesting strips.
    pub uri: Uri,
    /// Why the request has no session, once that is known.
    pub refusal: Option<SessionRefusal>,
    host: Option<HeaderValue>,
    cookie: Option<HeaderValue>,
    more_cookies: Vec<HeaderValue>,
    accept_language: Option<HeaderValue>,
    /// Boxed, since few requests have it.
    sender: Option<Box<Sender>>,
}

/// Where a form or a part of a page was sent from.
#[derive(Clone)]
struct Sender {
    /// The page, as the browser states it.
    page: Option<HeaderValue>,
    /// For a form whose initiator is not stated.
    origin: Option<HeaderValue>,
}

pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

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
        let signals = Signals::of(headers);
        let kind = RequestKind::of(method, &signals);
        // What a worker passes on counts as its own, also in what the browser states (Firefox).
        let initiator = match kind {
            RequestKind::Relayed => Initiator::Unstated,
            _ => signals.initiator,
        };
        let page = match kind {
            RequestKind::FormPost => signals.referer,
            RequestKind::Htmx => signals.htmx_page,
            _ => None,
        };
        let form_of_unknown = kind == RequestKind::FormPost && initiator == Initiator::Unstated;
        let origin = signals.origin.filter(|_| form_of_unknown);
        let sender = (page.is_some() || origin.is_some()).then(|| {
            Box::new(Sender {
                page: page.cloned(),
                origin: origin.cloned(),
            })
        });
        Self {
            kind,
            initiator,
            wants_html: kind.is_person() || signals.reads_html(),
            can_change_something: can_change_something(method, &signals),
            claims_number: signals.claims_number,
            uri: uri.clone(),
            refusal: None,
            host: signals.host.cloned(),
            cookie: signals.cookie.cloned(),
            more_cookies: signals.more_cookies,
            accept_language: signals.accept_language.cloned(),
            sender,
        }
    }

    /// The same, for a request without a session.
    pub(crate) fn refused(mut self, refusal: SessionRefusal) -> Self {
        self.refusal = Some(refusal);
        self
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
        self.sender.as_ref()?.page.as_ref()?.to_str().ok()
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
                let sender = self.sender.as_ref();
                let origin = sender.and_then(|sender| sender.origin.as_ref());
                origin.is_some_and(|origin| origin != "null" && origin != own_origin)
            }
        }
    }
}

/// Whether a page could do something with the request.
///
/// A browser lets a page of any origin read and write a WebSocket, whose handshake is a GET
/// (RFC 6455 section 4.1) or a CONNECT (RFC 8441).
fn can_change_something(method: &Method, signals: &Signals<'_>) -> bool {
    match *method {
        Method::GET => signals.offers_websocket,
        Method::HEAD | Method::OPTIONS | Method::TRACE => false,
        // Also one that a later standard calls safe: a handler may not know that.
        _ => true,
    }
}

/// The URI before nesting removed its prefix. Only axum nests.
pub(crate) fn original_uri<'r>(extensions: &'r Extensions, uri: &'r Uri) -> &'r Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    let _ = extensions;
    uri
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

#[cfg(test)]
mod tests {
    use super::*;

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
