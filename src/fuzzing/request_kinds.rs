//! A request without a session, with any method and headers.

use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::{
    app::{App, assert_safe_redirect, begins_login, is_from_app},
    message::Message,
};

/// Values of `Sec-Fetch-Dest` of what a page is put together of (Fetch standard, section 2.2.5).
const PARTS: &[&str] = &[
    "audio",
    "audioworklet",
    "embed",
    "fencedframe",
    "font",
    "frame",
    "iframe",
    "image",
    "json",
    "manifest",
    "object",
    "paintworklet",
    "report",
    "script",
    "serviceworker",
    "sharedworker",
    "style",
    "text",
    "track",
    "video",
    "webidentity",
    "worker",
    "xslt",
];

/// No login begins for a part of a page, for what is loaded ahead, or for a script. A client that
/// prefers HTML gets HTML.
///
/// The first line of the input is the method. It is sent to a page of the app and to the login
/// route.
pub fn request_kinds(data: &[u8]) {
    let message = Message::parse(data);
    let Ok(method) = Method::from_bytes(message.start) else {
        return;
    };
    let mut headers = message.headers;
    headers.remove(header::COOKIE);
    for path in ["/checkout?a=1", "/telenor/login?return_to=%2Fcheckout"] {
        check(&method, Uri::from_static(path), &headers);
    }
}

fn check(method: &Method, uri: Uri, headers: &HeaderMap) {
    let case = format!("{method} {uri} {headers:?}");
    let response = App::with(|app| app.respond(method.clone(), uri, headers.clone()));
    assert!(!is_from_app(&response), "{case}");
    assert_safe_redirect(&response);
    assert!(
        !(begins_login(&response) && is_no_page(method, headers)),
        "{case}"
    );
    if prefers_html(headers) && !response.status().is_redirection() {
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.map(HeaderValue::as_bytes);
        let html = kind.is_some_and(|kind| kind.starts_with(b"text/html"));
        assert!(html, "{case}: {response:?}");
    }
    let caching = response.headers().get(header::CACHE_CONTROL);
    let caching = caching.and_then(|value| value.to_str().ok());
    assert!(
        caching.is_some_and(|value| value.contains("no-store")),
        "{case}: {caching:?}"
    );
}

/// Whether the request is certainly no page that a user opens.
fn is_no_page(method: &Method, headers: &HeaderMap) -> bool {
    let any = |name: &str, is: &dyn Fn(&[u8]) -> bool| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| is(value.as_bytes()))
    };
    let is_part = |value: &[u8]| PARTS.iter().any(|part| part.as_bytes() == value);
    let is_ahead = |value: &[u8]| {
        let value = value.to_ascii_lowercase();
        let value = String::from_utf8_lossy(&value);
        ["prefetch", "prerender", "preview"]
            .iter()
            .any(|word| value.contains(word))
    };
    let is_script = |value: &[u8]| value != b"navigate" && value != b"same-origin";
    *method != Method::GET
        || any("sec-fetch-dest", &is_part)
        || ["sec-purpose", "purpose", "x-moz", "x-purpose"]
            .iter()
            .any(|name| any(name, &is_ahead))
        || any("sec-fetch-mode", &is_script)
}

/// Whether the client names HTML without a weight, and JSON not at all.
fn prefers_html(headers: &HeaderMap) -> bool {
    let lines: Vec<_> = headers.get_all(header::ACCEPT).iter().collect();
    let json = lines.iter().any(|line| {
        let line = line.as_bytes().to_ascii_lowercase();
        line.windows(4).any(|word| word == b"json")
    });
    let mut ranges = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    !json && ranges.any(|range| range.trim_ascii() == b"text/html")
}
