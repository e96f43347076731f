//! Requests as a browser sends them and hyper reads them.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Request, Response, Uri, header, uri::PathAndQuery},
};
use bytes::Bytes;

/// What Chromium sends when its user follows a link on a page of the app, without the cookies.
const HEADERS: &str = "\
host: app.test
connection: keep-alive
sec-ch-ua: \"Chromium\";v=\"156\", \"Not=A?Brand\";v=\"24\"
sec-ch-ua-mobile: ?1
sec-ch-ua-platform: \"Android\"
upgrade-insecure-requests: 1
user-agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
Chrome/156.0.0.0 Mobile Safari/537.36
accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
sec-fetch-site: same-origin
sec-fetch-mode: navigate
sec-fetch-user: ?1
sec-fetch-dest: document
referer: https://app.test/
accept-encoding: gzip, deflate, br, zstd
accept-language: nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.7,en-US;q=0.6,en;q=0.5
";

/// Cookies of others, as a shop has them.
const OTHERS: [&str; 3] = [
    "_ga=GA1.1.1234567890.1732600000",
    "consent=necessary",
    "basket=5f0c2f4e9d7b4a51",
];

/// A request for a page. `cookies` is the value of its `Cookie` header; empty for none.
///
/// As after hyper, the address and the values of all headers share one buffer. A bench clones it
/// for each call.
///
/// # Panics
///
/// When the path or the cookies are no valid text of a request.
#[must_use]
pub fn page(path: &str, cookies: &str) -> Request<()> {
    let mut head = format!("{path}\n{HEADERS}");
    if !cookies.is_empty() {
        head += "cookie: ";
        head += cookies;
        head += "\n";
    }
    let head = Bytes::from(head);
    let slice = |text: &str| head.slice_ref(text.as_bytes());
    let text = str::from_utf8(&head).expect("it was text");
    let mut lines = text.lines();
    let path = PathAndQuery::from_maybe_shared(slice(lines.next().expect("it has a path")));
    let mut request = Request::new(());
    *request.uri_mut() = Uri::from(path.expect("a good path"));
    for line in lines {
        let (name, value) = line.split_once(": ").expect("each line has both");
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a good name");
        let value = HeaderValue::from_maybe_shared(slice(value)).expect("a good value");
        request.headers_mut().append(name, value);
    }
    request
}

/// What a script of the page sends to get data.
///
/// # Panics
///
/// When the path or the cookies are no valid text of a request.
#[must_use]
pub fn fetch(path: &str, cookies: &str) -> Request<()> {
    let mut request = page(path, cookies);
    let headers = request.headers_mut();
    for (name, value) in [
        ("accept", "*/*"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.remove("sec-fetch-user");
    headers.remove("upgrade-insecure-requests");
    request
}

/// The request that ends a login, which began with this response.
///
/// # Panics
///
/// When it does not begin one.
#[must_use]
pub fn callback(response: &Response<Body>, others: &str) -> Request<()> {
    let text = |name| {
        let value = response.headers().get(name);
        let text = value.and_then(|value| value.to_str().ok());
        text.expect("a challenge has both")
    };
    let (_, state) = text(header::LOCATION).split_once("&state=").expect("state");
    let state = state.split('&').next().unwrap_or_default();
    let cookie = text(header::SET_COOKIE).split(';').next();
    let cookie = cookie.unwrap_or_default();
    let code = "c".repeat(32);
    let path = format!("/telenor/callback?code={code}&state={state}");
    page(&path, &format!("{others}; {cookie}"))
}

/// This number of cookies without ours.
#[must_use]
pub fn others(number: usize) -> String {
    let cookies = cookies(number + 1, "");
    cookies.trim_end_matches("; ").to_owned()
}

/// The `Cookie` header of a browser with this number of cookies, ours last.
#[must_use]
pub fn cookies(number: usize, session: &str) -> String {
    let others = OTHERS.iter().cycle().take(number.saturating_sub(1));
    let mut cookies = String::new();
    for (at, other) in others.enumerate() {
        let (name, value) = other.split_once('=').unwrap_or_default();
        match at / OTHERS.len() {
            0 => cookies += &format!("{name}={value}; "),
            round => cookies += &format!("{name}{round}={value}; "),
        }
    }
    cookies + session
}
