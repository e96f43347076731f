//! The target of a login, as a request or a query parameter names it.

use std::sync::LazyLock;

use http::HeaderValue;
use url::{Url, form_urlencoded};

use crate::browser::return_to::ReturnTo;

/// The pages from which a browser may resolve it.
static BASES: LazyLock<[Url; 4]> = LazyLock::new(|| {
    [
        "https://shop.example",
        "https://shop.example/telenor/callback?code=a#b",
        "https://shop.example/a/b/../c//",
        "http://localhost:3000/telenor/login",
    ]
    .map(|base| Url::parse(base).expect("an address"))
});

/// What is written to `Location` leads to the app's own origin, by the parser of the `url`
/// crate, which follows the URL Standard as browsers do.
pub fn return_url(data: &[u8]) {
    let Ok(raw) = str::from_utf8(data) else {
        return;
    };
    for base in &*BASES {
        match ReturnTo::parse(raw, base) {
            Some(target) => check(&target, base),
            None => assert!(!is_deep_link(raw), "a deep link is refused: {raw:?}"),
        }
    }
}

fn check(target: &ReturnTo, base: &Url) {
    let text = target.as_str();
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\'),
        "{text:?}"
    );
    assert!(HeaderValue::from_str(text).is_ok(), "{text:?}");
    assert!(text.starts_with('/') && !text.starts_with("//"), "{text}");

    let absolute = format!("{}{text}", base.origin().ascii_serialization());
    let absolute = Url::parse(&absolute).expect("an address on the origin");
    for resolved in [base.join(text).expect("a relative address"), absolute] {
        assert_eq!(resolved.origin(), base.origin(), "{text}");
        assert_eq!(resolved.username(), "", "{text}");
        assert_eq!(resolved.password(), None, "{text}");
        assert_eq!(resolved.path(), target.path(), "{text}");
        // Software on the way may resolve it once more, as a browser does.
        assert!(!resolved.path().starts_with("//"), "{text}");
    }

    let again = ReturnTo::parse(text, base).map(|target| target.as_str().to_owned());
    assert_eq!(again.as_deref(), Some(text), "it stays what it is");
    let query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let read = form_urlencoded::parse(format!("return_to={query}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned());
    assert_eq!(read.as_deref(), Some(text), "a login link carries it");
}

/// Whether it is certainly an address of the app.
fn is_deep_link(raw: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_?&=".contains(&byte);
    raw.len() <= 2048 && raw.starts_with('/') && !raw.starts_with("//") && raw.bytes().all(usual)
}
