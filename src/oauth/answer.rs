//! An answer of the gateway, as far as it is read before its shape is known.
//!
//! What answers is not always the gateway: a firewall, a captive portal or a proxy in between may.

use std::fmt;

use http::{HeaderMap, HeaderValue, Response, header};
use serde_json::{Map, Value};

/// No media type and no coding is longer than this.
const MAX_NAME: usize = 64;

/// The object in the body of an error. It is read leniently, since one odd byte in a text must not
/// hide the code beside it: behind a byte order mark, with bytes that are no UTF-8, with control
/// characters, and with anything after the object. Returns `None` if there is no object.
pub(crate) fn error_object(response: &Response<Vec<u8>>) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(response.body());
    let text = text.trim_start_matches('\u{feff}');
    // JSON forbids control characters in strings, and ignores them as blanks elsewhere.
    let text = text.replace(|letter: char| letter.is_ascii_control(), " ");
    let mut values = serde_json::Deserializer::from_str(&text).into_iter();
    match values.next() {
        Some(Ok(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// Whether the body of this refusal came from something in between: it is there, and is no JSON
/// object. The gateway refuses with an object, or without a body.
pub(crate) fn is_foreign_refusal(response: &Response<Vec<u8>>) -> bool {
    let refused = matches!(response.status().as_u16(), 401 | 403 | 407);
    let blank = response.body().iter().all(u8::is_ascii_whitespace);
    refused && !blank && error_object(response).is_none()
}

/// The coding of a body that cannot be read for it. No coding was asked for.
pub(crate) fn coding(response: &Response<Vec<u8>>) -> Option<Coding<'_>> {
    if response.body().is_empty() {
        return None;
    }
    let of = |name, plain: &'static str| {
        let values = response.headers().get_all(name).iter();
        let codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let mut codings = codings.map(<[u8]>::trim_ascii);
        codings.find(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(plain.as_bytes()))
    };
    let coding = of(header::CONTENT_ENCODING, "identity");
    coding
        .or_else(|| of(header::TRANSFER_ENCODING, "chunked"))
        .map(Coding)
}

/// A name from the answer that is safe to log: a token, and not a long one.
#[derive(Clone, Copy)]
pub(crate) struct Coding<'a>(&'a [u8]);

impl fmt::Display for Coding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(printable(self.0).unwrap_or("an odd coding"))
    }
}

/// The media type of the answer, without its parameters.
pub(crate) struct MediaType<'a>(Option<&'a [u8]>);

impl<'a> MediaType<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        let kind = value.and_then(|value| value.split(|byte| *byte == b';').next());
        Self(kind.map(<[u8]>::trim_ascii))
    }

    /// HTML in one of its two forms.
    pub(crate) fn is_html(&self) -> bool {
        let html = ["text/html", "application/xhtml+xml"];
        let kind = self.0.unwrap_or_default();
        html.iter()
            .any(|html| kind.eq_ignore_ascii_case(html.as_bytes()))
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "no content type",
            Some(kind) => printable(kind).unwrap_or("an odd content type"),
        })
    }
}

/// A name of the characters that media types and codings have (RFC 9110 section 5.6.2).
fn printable(name: &[u8]) -> Option<&str> {
    let usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"/+.-_".contains(byte);
    if name.is_empty() || name.len() > MAX_NAME || !name.iter().all(usual) {
        return None;
    }
    std::str::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response<Vec<u8>> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(body.to_vec()).unwrap()
    }

    #[test]
    fn error_object_is_found_beside_odd_bytes() {
        for body in [
            &b"{\"error\":\"invalid_grant\",\"error_description\":\"\xe5\xff\"}"[..],
            b"\xef\xbb\xbf{\"error\":\"invalid_grant\"}",
            b"\xef\xbb\xbf\r\n {\"error\":\"invalid_grant\",\"x\":\"a\nb\0c\"}",
            b"{\"error\":\"invalid_grant\"}\r\n<!-- node 7 -->",
            b"{\"error\":\"x\",\"error\":\"invalid_grant\"}",
        ] {
            let object = error_object(&answer(400, &[], body)).unwrap();
            let shown = String::from_utf8_lossy(body);
            assert_eq!(object["error"], "invalid_grant", "{shown}");
        }
        for body in [&b""[..], b"[]", b"\"x\"", b"<html>", b"{", b"\x1f\x8b\x08"] {
            assert!(error_object(&answer(400, &[], body)).is_none());
        }
    }

    #[test]
    fn refusal_whose_body_is_no_object_is_foreign() {
        for body in [
            &b"<html>"[..],
            b"Forbidden",
            b"[]",
            b"\"x\"",
            b"{",
            b"\x1f\x8b",
        ] {
            for status in [401, 403, 407] {
                assert!(is_foreign_refusal(&answer(status, &[], body)));
            }
            for status in [200, 400, 404, 429, 500] {
                assert!(!is_foreign_refusal(&answer(status, &[], body)));
            }
        }
        for body in [&b""[..], b" \r\n", b"{}", b"\xef\xbb\xbf{\"a\":\"\xff\"}"] {
            assert!(!is_foreign_refusal(&answer(401, &[], body)));
        }
    }

    #[test]
    fn coding_that_was_not_asked_for_is_named() {
        let coding_of = |name, value: &str| {
            let answer = answer(200, &[(name, value)], b"x");
            coding(&answer).map(|coding| coding.to_string())
        };
        for plain in ["identity", "Identity", "", " identity ,"] {
            assert_eq!(coding_of("content-encoding", plain), None, "{plain}");
        }
        for (value, name) in [
            ("gzip", "gzip"),
            ("identity, br", "br"),
            ("a b", "an odd coding"),
        ] {
            assert_eq!(coding_of("content-encoding", value).as_deref(), Some(name));
        }
        let named = |len| coding_of("content-encoding", &"a".repeat(len)).unwrap();
        assert_eq!(named(MAX_NAME), "a".repeat(MAX_NAME));
        assert_eq!(named(MAX_NAME + 1), "an odd coding");
        assert_eq!(coding_of("transfer-encoding", "chunked"), None);
        let twice = coding_of("transfer-encoding", "gzip, chunked");
        assert_eq!(twice.as_deref(), Some("gzip"));
        let empty = answer(401, &[("content-encoding", "gzip")], b"");
        assert!(coding(&empty).is_none(), "nothing is encoded");
    }

    #[test]
    fn media_type_is_shown_without_anything_else() {
        let shown = |value: &str| {
            let answer = answer(200, &[("content-type", value)], b"");
            MediaType::of(answer.headers()).to_string()
        };
        assert_eq!(
            shown("application/json; charset=4791234567"),
            "application/json"
        );
        assert_eq!(shown("to:4791234567@x <b>"), "an odd content type");
        assert_eq!(shown(&"a/".repeat(40)), "an odd content type");
        assert_eq!(
            MediaType::of(&HeaderMap::new()).to_string(),
            "no content type"
        );
    }
}
