//! The kinds of requests that get different responses without a session.

use http::Method;

use super::signals::{Destination, Mode, Signals, contains};

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

impl RequestKind {
    #[inline]
    pub(super) fn of(method: &Method, signals: &Signals<'_>) -> Self {
        if signals.is_prefetch {
            return Self::Prefetch;
        }
        if *method == Method::OPTIONS && signals.origin.is_some() && signals.asks_for_method {
            return Self::Preflight;
        }
        if signals.is_htmx {
            return match *method {
                Method::GET if signals.is_htmx_page => Self::HtmxNavigation,
                _ => Self::Htmx,
            };
        }
        if *method == Method::GET && is_office(signals) {
            return Self::OfficeProbe;
        }
        let navigates = is_navigation(signals);
        if signals.offers_websocket || !(navigates || is_relayed(signals)) {
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
    pub(super) fn is_person(self) -> bool {
        matches!(
            self,
            Self::Navigation | Self::Relayed | Self::FormPost | Self::OfficeProbe
        )
    }
}

/// A script cannot set `Sec-Fetch-*`, so these headers decide where they are sent. Without them, as
/// in other browsers and on plain http, `Accept` decides.
///
/// `navigate` is proof, except for a part of a page: when a service worker passes a page on, the
/// destination is no longer `document`.
fn is_navigation(signals: &Signals<'_>) -> bool {
    match signals.mode {
        Mode::Unstated => match signals.destination {
            Destination::Unstated | Destination::Document => signals.asks_for_page(),
            _ => false,
        },
        Mode::Navigate => signals.destination != Destination::Part,
        _ => false,
    }
}

/// Whether a service worker may have passed a page on. Firefox then changes its mode, and other
/// engines do if the worker changes a setting (`docs/browsers.md`). A script can ask in the same
/// way.
fn is_relayed(signals: &Signals<'_>) -> bool {
    signals.mode == Mode::SameOrigin
        && matches!(
            signals.destination,
            Destination::Unstated | Destination::Empty
        )
        && signals.asks_for_page()
}

/// Office opens a link by itself before it passes the link to a browser, and treats an error as a
/// broken link. A client that sends `Sec-Fetch-Mode` is the browser.
fn is_office(signals: &Signals<'_>) -> bool {
    let agent = signals.user_agent;
    signals.mode == Mode::Unstated
        && agent.is_some_and(|agent| {
            contains(agent, "ms-office") || contains(agent, "microsoft office")
        })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn kind(method: Method, lines: &[(&'static str, &'static str)]) -> RequestKind {
        let headers = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let headers: HeaderMap = headers.collect();
        RequestKind::of(&method, &Signals::of(&headers))
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
            ("navigate", "image"),
            ("navigate", "script"),
            ("same-origin", "document"),
            ("websocket", "websocket"),
            ("no-cors", "serviceworker"),
        ] {
            assert_eq!(fetch(mode, dest), RequestKind::Subresource, "{mode} {dest}");
        }
    }

    #[test]
    fn htmx_opens_a_page_or_a_part_of_one() {
        let htmx = ("hx-request", "true");
        assert_eq!(kind(Method::GET, &[htmx]), RequestKind::Htmx);
        for page in ["hx-boosted", "hx-history-restore-request"] {
            let lines = [htmx, (page, "true")];
            assert_eq!(
                kind(Method::GET, &lines),
                RequestKind::HtmxNavigation,
                "{page}"
            );
            assert_eq!(kind(Method::POST, &lines), RequestKind::Htmx, "{page}");
        }
    }

    #[test]
    fn browser_that_an_office_program_holds_is_a_browser() {
        let agent = (
            "user-agent",
            "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        );
        assert_eq!(kind(Method::GET, &[agent]), RequestKind::OfficeProbe);
        let page = [agent, ("sec-fetch-mode", "navigate")];
        assert_eq!(kind(Method::GET, &page), RequestKind::Navigation);
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
        let user = &[("accept", "text/html"), ("sec-purpose", "a-user-asked")];
        assert_eq!(kind(Method::GET, user), RequestKind::Navigation);
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
        assert_eq!(kind(Method::GET, preflight), RequestKind::Subresource);
        for half in [&preflight[..1], &preflight[1..]] {
            assert_eq!(kind(Method::OPTIONS, half), RequestKind::Subresource);
        }
        let upgrade = &[("accept", "text/html"), ("upgrade", "websocket")];
        assert_eq!(kind(Method::GET, upgrade), RequestKind::Subresource);
    }
}
