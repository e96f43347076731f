//! The `Cookie` header: where the session is in it, and whether a twin is beside it.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use super::app::{App, is_from_app};
use crate::{
    browser::cookie::{self, Lookup, MAX_COOKIE},
    session::SessionToken,
};

const NAME: &str = "__Host-telenor-session";

/// Finds what is there and nothing else. Two values under one protected name are never a session.
///
/// Each line of the input is a line of the header. `{a}` and `{b}` stand for two good sessions.
pub fn cookie_header(data: &[u8]) {
    APP_SESSIONS.with(|[a, b]| {
        let data = replace(data, b"{a}", a.secret().as_bytes());
        let data = replace(&data, b"{b}", b.secret().as_bytes());
        let lines: Vec<_> = data
            .split(|byte| *byte == b'\n')
            .filter_map(|line| HeaderValue::from_bytes(line).ok())
            .collect();
        check_lookup(&lines);
        check_session(&lines, [a, b]);
    });
}

thread_local! {
    static APP_SESSIONS: [SessionToken; 2] = App::with(|app| [app.sign_in(), app.sign_in()]);
}

/// The names and values by RFC 6265 section 5.4, read in the plainest way.
fn cookies(lines: &[HeaderValue]) -> Vec<(&[u8], &[u8])> {
    let cookies = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    cookies
        .map(|cookie| {
            let mut parts = cookie.trim_ascii().splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            (name, parts.next().unwrap_or_default())
        })
        .collect()
}

fn check_lookup(lines: &[HeaderValue]) {
    let cookies = cookies(lines);
    let fits = |value: &[u8]| value.len() + NAME.len() <= MAX_COOKIE;
    let named: Vec<_> = cookies
        .iter()
        .filter(|(name, _)| *name == NAME.as_bytes())
        .map(|(_, value)| *value)
        .collect();

    let found = cookie::find(lines, NAME);
    match &found {
        Lookup::Unique(value) => {
            assert!(named.iter().all(|known| *known == value.as_bytes()));
            assert!(!named.is_empty() && fits(value.as_bytes()));
            assert!(!has_twin(&cookies));
        }
        Lookup::Ambiguous => assert!(has_twin(&cookies)),
        Lookup::Missing => {
            assert!(!has_twin(&cookies) && !named.iter().any(|value| fits(value)));
        }
    }

    let values = cookie::values(lines, NAME);
    let values: Vec<_> = values.map(|value| value.as_bytes()).collect();
    let fitting: Vec<_> = named.into_iter().filter(|value| fits(value)).collect();
    assert_eq!(values, fitting);
    let prefix = "__Host-telenor-";
    let ours: Vec<_> = cookie::starting_with(lines, prefix).collect();
    let known = cookies.into_iter();
    let known: Vec<_> = known
        .filter(|(name, _)| name.starts_with(prefix.as_bytes()))
        .collect();
    assert_eq!(ours, known);
}

/// Whether the name is there with two values, or in another case.
fn has_twin(cookies: &[(&[u8], &[u8])]) -> bool {
    let mut alike = cookies
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(NAME.as_bytes()));
    let first = alike.next();
    let differs = |(name, value): &(&[u8], &[u8])| {
        *name != NAME.as_bytes() || first.is_some_and(|(_, first)| first != value)
    };
    first.is_some_and(differs) || alike.any(differs)
}

fn check_session(lines: &[HeaderValue], sessions: [&SessionToken; 2]) {
    let mut headers = HeaderMap::new();
    for line in lines.iter().take(1_000) {
        headers.append(header::COOKIE, line.clone());
    }
    let lines: Vec<_> = headers.get_all(header::COOKIE).iter().cloned().collect();
    let cookies = cookies(&lines);
    let is_good = |value: &[u8]| {
        let mut good = sessions.iter().map(|session| session.secret().as_bytes());
        good.any(|good| good == value)
    };
    let mut named = cookies.iter().filter(|(name, _)| *name == NAME.as_bytes());
    let holds_session = named.next().is_some_and(|(_, value)| is_good(value));

    let page = Uri::from_static("/checkout");
    let response = App::with(|app| app.respond(Method::GET, page, headers.clone()));
    assert_eq!(
        is_from_app(&response),
        holds_session && !has_twin(&cookies),
        "{:?} for {lines:?}",
        response.status()
    );
    if !is_from_app(&response) {
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
}

fn replace(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::with_capacity(text.len()), text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(what) {
            replaced.extend_from_slice(by);
            rest = after;
        } else {
            replaced.push(rest[0]);
            rest = &rest[1..];
        }
    }
    replaced
}
