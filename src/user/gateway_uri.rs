//! Where a call goes: a path on the gateway, and nowhere else.

use http::Uri;
use url::Url;

/// The address of a path on the gateway; `None` when it would lead off it, before anything is sent.
///
/// The token goes along, so nothing is repaired here: what a URL parser would change is refused.
pub(crate) fn on_gateway(base: &str, path: &str) -> Option<Uri> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#';
    if !path.starts_with('/') || path.starts_with("//") || !path.bytes().all(plain) {
        return None;
    }
    let address = format!("{base}{path}");
    let url = Url::parse(&address).ok()?;
    // Dot segments, also as %2e, are gone from the parsed one.
    (url.as_str() == address).then(|| Uri::try_from(address).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(path: &str) -> Option<String> {
        on_gateway("https://api.telenor.no", path).map(|uri| uri.to_string())
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
        let nested = on_gateway("http://127.0.0.1:9000/base", "/a").unwrap();
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
            on_gateway("https://api.telenor.no/base", "/../oauth/v2/token"),
            None
        );
    }
}
