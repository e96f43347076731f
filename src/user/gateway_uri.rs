//! The URI of an API call: a path on the gateway.

use http::Uri;
use url::Url;

/// Returns the URI of a path on the gateway, or `None` if it would lead off the gateway.
///
/// The token is sent to this URI, so nothing is repaired: a path that a URL parser would change is
/// refused.
pub(crate) fn gateway_uri(base: &str, path: &str) -> Option<Uri> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#';
    if !path.starts_with('/') || path.starts_with("//") || !path.bytes().all(plain) {
        return None;
    }
    let address = format!("{base}{path}");
    let url = Url::parse(&address).ok()?;
    // The parser removes dot segments, also those written with %2e.
    (url.as_str() == address).then(|| Uri::try_from(address).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(path: &str) -> Option<String> {
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
        ] {
            assert_eq!(allowed(path), Some(format!("https://api.telenor.no{path}")));
        }
        let nested = gateway_uri("http://127.0.0.1:9000/base", "/a").unwrap();
        assert_eq!(nested, "http://127.0.0.1:9000/base/a");
    }

    #[test]
    fn paths_that_leave_the_gateway_are_refused() {
        for path in [
            "",
            "user-info",
            "//evil.example/",
            "/\\evil.example",
            "https://evil.example/",
            "@evil.example/",
            ".evil.example/",
            ":443@evil.example/",
            "/../a",
            "/a/../../b",
            "/%2e%2e/a",
            "/a/./b",
            "/a b",
            "/a\r\nHost: evil.example",
            "/a#b",
            "/å",
        ] {
            assert_eq!(allowed(path), None, "{path:?}");
        }
        assert_eq!(
            gateway_uri("https://api.telenor.no/base", "/../oauth/v2/token"),
            None
        );
    }
}
