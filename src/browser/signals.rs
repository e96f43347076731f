//! The headers that say what a request is and where it comes from.

use http::{HeaderMap, HeaderValue};

use super::{accept, msisdn_headers};

/// What a request states in its headers, collected in one walk over them.
///
/// One walk costs as much as a few look-ups by name, and about twenty names count here.
#[derive(Debug)]
pub(super) struct Signals<'h> {
    headers: &'h HeaderMap,
    pub is_prefetch: bool,
    pub is_htmx: bool,
    /// HTMX opens a page in place of the browser.
    pub is_htmx_page: bool,
    pub is_xml_http_request: bool,
    pub offers_websocket: bool,
    /// `Access-Control-Request-Method` is there.
    pub asks_for_method: bool,
    /// Any header claims a phone number.
    pub claims_number: bool,
    pub mode: Mode,
    pub destination: Destination,
    pub initiator: Initiator,
    /// Every line after the first.
    pub more_cookies: Vec<HeaderValue>,
    // The first line of each of these.
    pub accept_language: Option<&'h HeaderValue>,
    pub cookie: Option<&'h HeaderValue>,
    pub host: Option<&'h HeaderValue>,
    pub htmx_page: Option<&'h HeaderValue>,
    pub origin: Option<&'h HeaderValue>,
    pub referer: Option<&'h HeaderValue>,
    pub user_agent: Option<&'h HeaderValue>,
}

/// `Sec-Fetch-Mode`, as far as it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The browser does not say it, as on plain http.
    Unstated,
    Navigate,
    SameOrigin,
    /// Any other, or two lines that differ.
    Other,
}

/// `Sec-Fetch-Dest`, as far as it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Unstated,
    Document,
    Empty,
    /// What a page is put together of: an image, a script, or a frame, which navigates as a page
    /// does.
    Part,
    /// Any other, or two lines that differ.
    Other,
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

impl<'h> Signals<'h> {
    #[inline]
    pub(super) fn of(headers: &'h HeaderMap) -> Self {
        let mut signals = Self::none(headers);
        for (name, value) in headers {
            signals.add(name.as_str(), value);
        }
        signals
    }

    fn none(headers: &'h HeaderMap) -> Self {
        Self {
            headers,
            is_prefetch: false,
            is_htmx: false,
            is_htmx_page: false,
            is_xml_http_request: false,
            offers_websocket: false,
            asks_for_method: false,
            claims_number: false,
            mode: Mode::Unstated,
            destination: Destination::Unstated,
            initiator: Initiator::Unstated,
            more_cookies: Vec::new(),
            accept_language: None,
            cookie: None,
            host: None,
            htmx_page: None,
            origin: None,
            referer: None,
            user_agent: None,
        }
    }

    /// Inlined: a call for each header costs a request 4 % more instructions.
    #[inline]
    fn add(&mut self, name: &str, value: &'h HeaderValue) {
        // The length first: for most headers one jump takes the place of all comparisons. Of names
        // of the same length, those that browsers send with most requests come first.
        match (name.len(), name) {
            (15, "accept-language") => keep_first(&mut self.accept_language, value),
            (6, "cookie") if self.cookie.is_some() => self.more_cookies.push(value.clone()),
            (6, "cookie") => self.cookie = Some(value),
            (4, "host") => keep_first(&mut self.host, value),
            (7, "referer") => keep_first(&mut self.referer, value),
            (14, "sec-fetch-dest") => {
                self.destination = self.destination.and(Destination::of(value))
            }
            (14, "sec-fetch-mode") => self.mode = self.mode.and(Mode::of(value)),
            (14, "sec-fetch-site") => self.initiator = self.initiator.and(Initiator::of(value)),
            (10, "user-agent") => keep_first(&mut self.user_agent, value),
            // Browsers send these too. They say nothing here, and are not searched for a number.
            (6, "accept" | "pragma")
            | (8, "priority")
            | (9, "sec-ch-ua")
            | (10, "connection")
            | (12, "content-type")
            | (13, "cache-control")
            | (14, "sec-fetch-user" | "content-length")
            | (15, "accept-encoding")
            | (16, "sec-ch-ua-mobile")
            | (18, "sec-ch-ua-platform")
            | (25, "upgrade-insecure-requests") => {}
            (29, "access-control-request-method") => self.asks_for_method = true,
            (10, "hx-boosted") | (26, "hx-history-restore-request") => {
                self.is_htmx_page |= is(value, "true")
            }
            (14, "hx-current-url") => keep_first(&mut self.htmx_page, value),
            (10, "hx-request") => self.is_htmx |= is(value, "true"),
            (6, "origin") => keep_first(&mut self.origin, value),
            (7, "purpose") | (11, "sec-purpose") | (5, "x-moz") | (9, "x-purpose") => {
                let words = ["prefetch", "prerender", "preview"];
                self.is_prefetch |= words.iter().any(|word| contains(value, word));
            }
            (7, "upgrade") => self.offers_websocket |= is_websocket(value),
            (16, "x-requested-with") => self.is_xml_http_request |= is(value, "XMLHttpRequest"),
            _ => self.claims_number |= msisdn_headers::claims_number(name),
        }
    }

    pub(super) fn asks_for_page(&self) -> bool {
        accept::prefers_html(self.headers) && !self.is_xml_http_request
    }

    /// Whether the browser shows the answer, or the client can read HTML.
    pub(super) fn reads_html(&self) -> bool {
        self.mode == Mode::Navigate || accept::allows_html(self.headers)
    }
}

fn keep_first<'h>(first: &mut Option<&'h HeaderValue>, value: &'h HeaderValue) {
    first.get_or_insert(value);
}

impl Mode {
    fn of(value: &HeaderValue) -> Self {
        if value == "navigate" {
            Self::Navigate
        } else if value == "same-origin" {
            Self::SameOrigin
        } else {
            Self::Other
        }
    }

    /// The meaning of one more line.
    fn and(self, line: Self) -> Self {
        match self {
            Self::Unstated => line,
            known if known == line => line,
            _ => Self::Other,
        }
    }
}

impl Destination {
    fn of(value: &HeaderValue) -> Self {
        match value.as_bytes() {
            b"document" => Self::Document,
            b"empty" => Self::Empty,
            // All others that the standards name: Fetch (2.2.5), and those that build on it.
            b"audio" | b"audioworklet" | b"embed" | b"fencedframe" | b"font" | b"frame"
            | b"iframe" | b"image" | b"json" | b"manifest" | b"object" | b"paintworklet"
            | b"report" | b"script" | b"serviceworker" | b"sharedworker" | b"style" | b"text"
            | b"track" | b"video" | b"webidentity" | b"worker" | b"xslt" => Self::Part,
            _ => Self::Other,
        }
    }

    /// The meaning of one more line. A part of a page on any line is one.
    fn and(self, line: Self) -> Self {
        match (self, line) {
            (Self::Unstated, line) => line,
            (Self::Part, _) | (_, Self::Part) => Self::Part,
            (known, line) if known == line => line,
            _ => Self::Other,
        }
    }
}

impl Initiator {
    fn of(value: &HeaderValue) -> Self {
        if value == "same-origin" {
            Self::SameOrigin
        } else if value == "none" {
            Self::User
        } else {
            Self::OtherOrigin
        }
    }

    /// The meaning of one more line: a browser sends one.
    fn and(self, line: Self) -> Self {
        match self {
            Self::Unstated => line,
            _ => Self::OtherOrigin,
        }
    }
}

/// Any other protocol is an offer that a server may ignore (RFC 9110 section 7.8), as `curl
/// --http2` makes one.
fn is_websocket(offer: &HeaderValue) -> bool {
    let mut protocols = offer.as_bytes().split(|byte| *byte == b',');
    protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

fn is(value: &HeaderValue, wanted: &str) -> bool {
    let value = value.as_bytes().trim_ascii();
    value.eq_ignore_ascii_case(wanted.as_bytes())
}

pub(super) fn contains(value: &HeaderValue, word: &str) -> bool {
    let mut windows = value.as_bytes().windows(word.len());
    windows.any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, lines: &[&'static str]) -> HeaderMap {
        let name = http::HeaderName::from_static(name);
        let lines = lines.iter().map(|line| HeaderValue::from_static(line));
        lines.map(|line| (name.clone(), line)).collect()
    }

    #[test]
    fn line_that_is_repeated_counts_once_and_others_count_for_nothing() {
        for (lines, mode) in [
            (&["navigate", "navigate"][..], Mode::Navigate),
            (&["navigate", "cors"], Mode::Other),
            (&["cors", "navigate"], Mode::Other),
        ] {
            let headers = headers("sec-fetch-mode", lines);
            assert_eq!(Signals::of(&headers).mode, mode, "{lines:?}");
        }
        for (lines, destination) in [
            (&["document", "document"][..], Destination::Document),
            (&["document", "empty"], Destination::Other),
            (&["document", "iframe"], Destination::Part),
            (&["iframe", "document"], Destination::Part),
        ] {
            let headers = headers("sec-fetch-dest", lines);
            assert_eq!(Signals::of(&headers).destination, destination, "{lines:?}");
        }
    }

    #[test]
    fn two_lines_about_the_page_are_those_of_another_origin() {
        let twice = headers("sec-fetch-site", &["same-origin", "same-origin"]);
        assert_eq!(Signals::of(&twice).initiator, Initiator::OtherOrigin);
    }
}
