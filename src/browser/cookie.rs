//! Cookies: names, lookup in a request, and `Set-Cookie` lines.

use std::{iter, ops::Range};

use cookie::{Cookie, SameSite};
use http::HeaderValue;
use memchr::memchr;

use crate::error::ConfigError;

/// Browsers drop a cookie whose name and value together are longer than this (RFC 6265bis section
/// 5.7).
pub(crate) const MAX_COOKIE: usize = 4096;

/// The prefix of the cookie names, whose rules browsers enforce (RFC 6265bis section 4.1.3).
///
/// See [`TelenorAuthBuilder::cookie_prefix`](crate::TelenorAuthBuilder::cookie_prefix).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookiePrefix {
    /// `__Host-`: set over https by this host, and sent to no other. Every browser enforces it.
    #[default]
    Host,
    /// `__Host-Http-`: in addition never set by a script. Only the newest browsers enforce it.
    HostHttp,
}

/// The names of the layer's cookies, and the attributes they share.
#[derive(Debug)]
pub(crate) struct CookieNames {
    pub session: Box<str>,
    pub loop_detector: Box<str>,
    /// Set with a login page, for browsers that do not state who asks.
    pub login_button: Box<str>,
    /// Set for a moment at each logout, so that a browser drops the pages that it keeps for its
    /// Back button.
    pub logged_out: Box<str>,
    /// Followed by a hash of `state`.
    pub pending: Box<str>,
    /// What follows the value in each `Set-Cookie` line, up to the seconds of `Max-Age`.
    attributes: Box<str>,
}

impl CookieNames {
    /// Names for an origin: with a prefix and `Secure` on https, another name without either on a
    /// loopback address.
    pub(crate) fn new(base: &str, secure: bool, prefix: CookiePrefix) -> Result<Self, ConfigError> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if base.is_empty() || base.len() > 32 || !base.bytes().all(token) {
            return Err(ConfigError::InvalidCookieName(base.to_owned()));
        }
        let prefix = match (secure, prefix) {
            (true, CookiePrefix::Host) => "__Host-",
            (true, CookiePrefix::HostHttp) => "__Host-Http-",
            (false, _) => "dev-",
        };
        Ok(Self {
            session: format!("{prefix}{base}-session").into(),
            loop_detector: format!("{prefix}{base}-loop").into(),
            login_button: format!("{prefix}{base}-button").into(),
            logged_out: format!("{prefix}{base}-out").into(),
            pending: format!("{prefix}{base}-login-").into(),
            attributes: attributes(secure).into(),
        })
    }

    pub(crate) fn set(&self, name: &str, value: &str, seconds: u64) -> HeaderValue {
        set_line(name, value, &self.attributes(seconds))
    }

    /// What follows the value in the line of a cookie that lives for so many seconds.
    pub(crate) fn attributes(&self, seconds: u64) -> String {
        format!("{}{seconds}", self.attributes)
    }

    /// Deletion repeats every attribute: browsers ignore it for a `__Host-` cookie otherwise.
    pub(crate) fn clear(&self, name: &str) -> HeaderValue {
        self.set(name, "", 0)
    }
}

/// A `Set-Cookie` line of these parts.
pub(crate) fn set_line(name: &str, value: &str, attributes: &str) -> HeaderValue {
    let line = HeaderValue::try_from([name, "=", value, attributes].concat());
    let mut line = line.expect("names are checked when built and values are base64url");
    line.set_sensitive(true);
    line
}

/// The attributes that all cookies of the layer share, as the `cookie` crate writes them. It takes
/// ten times as long to write a whole line.
fn attributes(secure: bool) -> String {
    let cookie = Cookie::build(("", ""))
        .path("/")
        .secure(secure)
        .http_only(true)
        .same_site(SameSite::Lax)
        .to_string();
    let attributes = cookie.trim_start_matches('=');
    format!("{attributes}; Max-Age=")
}

/// What a request holds under one name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup<'h> {
    Missing,
    Unique(CookieValue<'h>),
    /// Sent with different values, or also in another case. Some browsers let a sibling host set
    /// such a twin, and the layer cannot know which of the two is its own.
    Ambiguous,
}

/// The value of a cookie, as a part of its header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieValue<'h> {
    pub line: &'h HeaderValue,
    pub range: Range<usize>,
}

impl<'h> CookieValue<'h> {
    pub(crate) fn as_bytes(&self) -> &'h [u8] {
        &self.line.as_bytes()[self.range.clone()]
    }

    fn fits(&self, name: &str) -> bool {
        self.range.len() + name.len() <= MAX_COOKIE
    }
}

/// Finds a cookie by its name, on any `Cookie` line. Some proxies send every cookie twice, so the
/// same name and value count once.
pub(crate) fn find<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>, name: &str) -> Lookup<'h> {
    let mut found: Option<CookieValue<'h>> = None;
    for line in lines {
        for place in places(line) {
            let cookie = &line.as_bytes()[place.clone()];
            let Some((known, rest)) = cookie.split_at_checked(name.len()) else {
                continue;
            };
            let is_exact = known == name.as_bytes();
            // Most names have another length, so this alone decides on most cookies.
            let ends = rest.first().is_none_or(|next| *next == b'=');
            if !ends || !(is_exact || known.eq_ignore_ascii_case(name.as_bytes())) {
                continue;
            }
            let range = (place.start + name.len() + 1).min(place.end)..place.end;
            let value = CookieValue { line, range };
            let differs = |found: &CookieValue<'h>| found.as_bytes() != value.as_bytes();
            if !is_exact || found.as_ref().is_some_and(differs) {
                return Lookup::Ambiguous;
            }
            found = Some(value);
        }
    }
    match found {
        Some(value) if value.fits(name) => Lookup::Unique(value),
        _ => Lookup::Missing,
    }
}

/// Every value that a request holds under exactly this name.
pub(crate) fn values<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
    name: &'h str,
) -> impl Iterator<Item = CookieValue<'h>> {
    pairs(lines)
        .filter(move |(cookie, value)| *cookie == name.as_bytes() && value.fits(name))
        .map(|(_, value)| value)
}

/// The names and values of the cookies whose name starts with `prefix`.
pub(crate) fn starting_with<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
    prefix: &'h str,
) -> impl Iterator<Item = (&'h [u8], &'h [u8])> {
    pairs(lines)
        .filter(move |(name, _)| name.starts_with(prefix.as_bytes()))
        .map(|(name, value)| (name, value.as_bytes()))
}

fn pairs<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
) -> impl Iterator<Item = (&'h [u8], CookieValue<'h>)> {
    lines.into_iter().flat_map(|line| {
        places(line).map(move |Range { start, end }| {
            let cookie = &line.as_bytes()[start..end];
            let name = memchr(b'=', cookie).unwrap_or(cookie.len());
            let range = (start + name + 1).min(end)..end;
            (&cookie[..name], CookieValue { line, range })
        })
    })
}

/// Where the cookies of a line are, each without the spaces around it.
fn places(line: &HeaderValue) -> impl Iterator<Item = Range<usize>> {
    let line = line.as_bytes();
    let mut next = 0;
    iter::from_fn(move || {
        let rest = line.get(next..)?;
        let cookie = &rest[..memchr(b';', rest).unwrap_or(rest.len())];
        let start = next + (cookie.len() - cookie.trim_ascii_start().len());
        let end = next + cookie.trim_ascii_end().len();
        next += cookie.len() + 1;
        Some(start.min(end)..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_lines(lines: &[&[u8]]) -> Vec<HeaderValue> {
        let line = |line: &&[u8]| HeaderValue::from_bytes(line).unwrap();
        lines.iter().map(line).collect()
    }

    fn value(lines: &[&[u8]]) -> Option<Vec<u8>> {
        match find(&header_lines(lines), "__Host-s") {
            Lookup::Unique(value) => Some(value.as_bytes().to_vec()),
            _ => None,
        }
    }

    /// S39.
    #[test]
    fn cookie_is_found_in_every_legal_encoding() {
        assert_eq!(value(&[b"__Host-s=v"]), Some(b"v".to_vec()));
        assert_eq!(value(&[b"a=b; __Host-s=v; c=d"]), Some(b"v".to_vec()));
        assert_eq!(value(&[b"a=b;__Host-s=v"]), Some(b"v".to_vec()));
        assert_eq!(value(&[b"a=b", b"__Host-s=v"]), Some(b"v".to_vec()));
        assert_eq!(
            value(&[b"J=\xf8rgen\xff; ;;=;", b"__Host-s=v"]),
            Some(b"v".to_vec())
        );
        assert_eq!(
            value(&[b"J=\xf8rgen\xff; __Host-s=v; x=\x80"]),
            Some(b"v".to_vec())
        );
        assert_eq!(value(&[b"x__Host-s=v; __Host-s2=v"]), None);
        assert_eq!(value(&[]), None);
    }

    /// S78.
    #[test]
    fn twins_are_ambiguous_in_either_order_and_any_case() {
        for lines in [
            &[&b"__Host-s=good; __Host-s=evil"[..]][..],
            &[b"__Host-s=good", b"__Host-s=evil"],
            &[b"__host-s=evil; __Host-s=good"],
            &[b"__Host-s=good; __HOST-S=evil"],
            &[b"__Host-s=same; __host-s=same"],
            &[b"__Host-s=same; __Host-s=same", b"__Host-s=evil"],
            &[b"__Host-s=good; __Host-s="],
        ] {
            assert_eq!(
                find(&header_lines(lines), "__Host-s"),
                Lookup::Ambiguous,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn equal_twins_are_one_cookie() {
        for lines in [
            &[&b"__Host-s=v; a=b; __Host-s=v"[..]][..],
            &[b"__Host-s=v", b"__Host-s=v ;__Host-s=v"],
        ] {
            assert_eq!(value(lines), Some(b"v".to_vec()), "{lines:?}");
        }
    }

    #[test]
    fn every_value_of_exactly_this_name_is_listed() {
        let lines = header_lines(&[
            b"__Host-s=a; __host-s=b; __Host-s=c",
            b"x__Host-s=d; __Host-s=a",
        ]);
        let values: Vec<_> = values(&lines, "__Host-s")
            .map(|value| value.as_bytes())
            .collect();
        assert_eq!(values, [b"a", b"c", b"a"]);
    }

    /// S112.
    #[test]
    fn value_longer_than_a_cookie_is_ignored() {
        let longest = [b"__Host-s=".to_vec(), vec![b'a'; MAX_COOKIE - 8]].concat();
        assert!(value(&[&longest]).is_some());
        let longer = [longest, vec![b'a']].concat();
        assert!(value(&[&longer]).is_none());
    }

    #[test]
    fn set_and_clear_share_their_attributes() {
        let names = CookieNames::new("telenor", true, CookiePrefix::Host).unwrap();
        let set = names.set(&names.session, "value", 60);
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-telenor-session=value; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        let clear = names.clear(&names.session);
        assert_eq!(
            clear.to_str().unwrap(),
            "__Host-telenor-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn lines_are_those_of_the_cookie_crate() {
        for secure in [true, false] {
            let names = CookieNames::new("telenor", secure, CookiePrefix::Host).unwrap();
            for (name, value, seconds) in [
                (&*names.session, "a-_9", 60),
                (&*names.loop_detector, "", 0),
                ("n", "v", 34_560_000),
            ] {
                let line = names.set(name, value, seconds);
                let line = line.to_str().unwrap();
                let max_age = cookie::time::Duration::seconds(seconds.try_into().unwrap());
                let whole = Cookie::build((name, value))
                    .path("/")
                    .secure(secure)
                    .http_only(true)
                    .same_site(SameSite::Lax)
                    .max_age(max_age);
                assert_eq!(line, whole.to_string());
                let read = Cookie::parse(line).unwrap();
                assert_eq!(read.name_value(), (name, value));
                assert_eq!(read.path(), Some("/"));
                assert_eq!(read.secure(), secure.then_some(true));
                assert_eq!(read.http_only(), Some(true));
                assert_eq!(read.same_site(), Some(SameSite::Lax));
                assert_eq!(read.max_age(), Some(max_age));
                assert_eq!((read.domain(), read.expires()), (None, None));
            }
        }
    }

    /// S57.
    #[test]
    fn lines_are_shown_in_no_debug_output() {
        let names = CookieNames::new("telenor", true, CookiePrefix::Host).unwrap();
        let line = names.set(&names.session, "secret", 60);
        assert!(!format!("{line:?}").contains("secret"));
    }

    #[test]
    fn plain_http_development_uses_another_name_without_secure() {
        let names = CookieNames::new("telenor", false, CookiePrefix::HostHttp).unwrap();
        let set = names.set(&names.session, "value", 60);
        assert_eq!(
            set.to_str().unwrap(),
            "dev-telenor-session=value; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
    }

    #[test]
    fn host_http_prefix_is_used() {
        let names = CookieNames::new("telenor", true, CookiePrefix::HostHttp).unwrap();
        assert_eq!(&*names.session, "__Host-Http-telenor-session");
    }

    #[test]
    fn invalid_names_are_refused() {
        for name in ["", "a b", "a;b", "a=b", "æ", &"a".repeat(33)] {
            let refused = CookieNames::new(name, true, CookiePrefix::Host);
            assert_eq!(
                refused.unwrap_err(),
                ConfigError::InvalidCookieName(name.to_owned())
            );
        }
    }
}
