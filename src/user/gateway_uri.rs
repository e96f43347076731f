//! The URI of an API call: a path on the gateway.
//!
//! The token is sent to this URI, so nothing is repaired. A path is refused if a URL parser would
//! change it, and if a server could read it as another path: servers and the proxies before them
//! decode and normalize paths in different ways, some of them twice. Then a part of the path that
//! the app took from a user could lead from one API to another.

use http::Uri;
use percent_encoding::percent_decode;
use url::Url;

/// What is wrong with a call, for the developer who can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestMistake {
    NoSlash,
    TwoSlashes,
    Character,
    Backslash,
    Control,
    DotSegment,
    Fragment,
    NoUri,
    Method,
    NoJson,
}

impl RequestMistake {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoSlash => {
                "the path does not begin with a slash: write one slash first, as in \
                 get(\"/user-info/v1/users\")"
            }
            Self::TwoSlashes => {
                "the path begins with two slashes, which would lead to another \
                 host: write one slash first"
            }
            Self::Character => {
                "the path has a blank or a letter that is not ASCII: \
                 percent-encode it, or pass the value to query"
            }
            Self::Backslash => {
                "the path has a backslash, raw or encoded, which some servers read \
                 as a slash: leave it out"
            }
            Self::Control => "the path has a control character, raw or encoded: leave it out",
            Self::DotSegment => {
                "the path has a part that means this or the parent directory (`.` \
                 or `..`, raw or encoded): write the path without it"
            }
            Self::Fragment => "the path has a fragment: encode `#` as %23",
            Self::NoUri => "the path is not one that a URL can have: percent-encode it",
            Self::Method => "CONNECT is no method for an API",
            Self::NoJson => "the body cannot be serialized to JSON",
        }
    }
}

/// Returns the URI of a path on the gateway, or what is wrong with the path.
pub(super) fn gateway_uri(base: &str, path: &str) -> Result<Uri, RequestMistake> {
    if !path.starts_with('/') {
        return Err(RequestMistake::NoSlash);
    }
    if path.starts_with("//") {
        return Err(RequestMistake::TwoSlashes);
    }
    check_characters(path)?;
    let resource = path.split('?').next().unwrap_or_default();
    check_segments(resource)?;
    let address = format!("{base}{path}");
    let url = Url::parse(&address).map_err(|_| RequestMistake::NoUri)?;
    if url.as_str() != address {
        return Err(RequestMistake::NoUri);
    }
    Uri::try_from(address).map_err(|_| RequestMistake::NoUri)
}

fn check_characters(path: &str) -> Result<(), RequestMistake> {
    for byte in path.bytes() {
        match byte {
            b'\\' => return Err(RequestMistake::Backslash),
            b'#' => return Err(RequestMistake::Fragment),
            _ if byte.is_ascii_control() => return Err(RequestMistake::Control),
            _ if !byte.is_ascii_graphic() => return Err(RequestMistake::Character),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the path as it is, and as often decoded as something is left to decode.
fn check_segments(resource: &str) -> Result<(), RequestMistake> {
    let mut path = resource.as_bytes().to_vec();
    loop {
        if path.contains(&b'\\') {
            return Err(RequestMistake::Backslash);
        }
        if path.iter().any(u8::is_ascii_control) {
            return Err(RequestMistake::Control);
        }
        if path.split(|byte| *byte == b'/').any(is_dot_segment) {
            return Err(RequestMistake::DotSegment);
        }
        let decoded: Vec<u8> = percent_decode(&path).collect();
        if decoded == path {
            return Ok(());
        }
        path = decoded;
    }
}

/// Whether a segment is `.` or `..`, also beside blanks and before matrix parameters (`..;a=b`),
/// which some servers remove first.
fn is_dot_segment(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next();
    matches!(name.map(<[u8]>::trim_ascii), Some(b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::{RequestMistake::*, *};

    fn allowed(path: &str) -> Result<String, RequestMistake> {
        gateway_uri("https://api.telenor.no", path).map(|uri| uri.to_string())
    }

    #[test]
    fn paths_of_the_gateway_are_kept_as_they_are() {
        for path in [
            "/user-info/v1/users",
            "/",
            "/a?b=c%20d&e",
            "/mobile-messaging/v2/tel:4791234567/sms",
            "/a%2Fb",
            "/a;v=1/b",
            "/a/b..c/.d/e.",
            "/a/...",
            "/100%25/b",
            "/r%C3%B8d%20sko",
            "/a?next=..%2f..%2fb&line=%0A",
            "/a?b=../c",
            "/a//b/",
        ] {
            assert_eq!(allowed(path), Ok(format!("https://api.telenor.no{path}")));
        }
        let nested = gateway_uri("http://127.0.0.1:9000/base", "/a").unwrap();
        assert_eq!(nested, "http://127.0.0.1:9000/base/a");
    }

    #[test]
    fn paths_that_leave_the_gateway_are_refused() {
        for (path, mistake) in [
            ("", NoSlash),
            ("user-info", NoSlash),
            ("nix", NoSlash),
            ("//evil.example/", TwoSlashes),
            ("/\\evil.example", Backslash),
            ("/a?b=\\c", Backslash),
            ("https://evil.example/", NoSlash),
            ("@evil.example/", NoSlash),
            (".evil.example/", NoSlash),
            (":443@evil.example/", NoSlash),
            ("/../a", DotSegment),
            ("/a/../../b", DotSegment),
            ("/%2e%2e/a", DotSegment),
            ("/a/./b", DotSegment),
            ("/a b", Character),
            ("/a\r\nHost: evil.example", Control),
            ("/a#b", Fragment),
            ("/å", Character),
        ] {
            assert_eq!(allowed(path), Err(mistake), "{path:?}");
        }
        let nested = gateway_uri("https://api.telenor.no/base", "/../oauth/v2/token");
        assert_eq!(nested, Err(DotSegment));
    }

    #[test]
    fn paths_that_a_server_could_read_as_others_are_refused() {
        for (path, mistake) in [
            ("/a/..%2fb", DotSegment),
            ("/a/..%2Fb", DotSegment),
            ("/a%2f..%2fb", DotSegment),
            ("/a/.%2e/b", DotSegment),
            ("/a/%2e./b", DotSegment),
            ("/a/%2e", DotSegment),
            ("/a/.%2Fb", DotSegment),
            ("/a/%252e%252e/b", DotSegment),
            ("/a/..%252fb", DotSegment),
            ("/a/%25252e%25252e/b", DotSegment),
            ("/a/..;/b", DotSegment),
            ("/a/..;x=1/b", DotSegment),
            ("/a/..%3b/b", DotSegment),
            ("/a/.;/b", DotSegment),
            ("/a/..%20/b", DotSegment),
            ("/a/..", DotSegment),
            ("/a/..?b", DotSegment),
            ("/a%5cb", Backslash),
            ("/a%5C..%5Cb", Backslash),
            ("/a%255cb", Backslash),
            ("/a%00", Control),
            ("/a%0d%0ab", Control),
            ("/a%2500", Control),
            ("/a%7f", Control),
            ("/a\0", Control),
            ("/a\tb", Control),
        ] {
            assert_eq!(allowed(path), Err(mistake), "{path:?}");
        }
    }
}
