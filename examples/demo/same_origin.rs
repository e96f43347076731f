//! Did this form come from one of our own pages?

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, StatusCode,
        header::{HOST, ORIGIN},
        request::Parts,
    },
};

use crate::pages::{Notice, Page};

/// A handler that takes this answers 403 to forms posted from other sites.
///
/// The session cookie is `SameSite=Lax` and so does not come along with such a post; this also
/// covers the routes that need no session, and neighbours on the same domain, which Lax lets in.
pub(crate) struct SameOrigin;

impl<S: Send + Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = (StatusCode, Page<Notice>);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        if is_same_origin(&parts.headers) {
            Ok(Self)
        } else {
            Err((StatusCode::FORBIDDEN, Page(Notice::foreign_form())))
        }
    }
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    // Browsers too old for Sec-Fetch-Site name the origin; what sends neither is not a browser.
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let (Ok(origin), Some(host)) = (origin.to_str(), headers.get(HOST)) else {
        return false;
    };
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.as_bytes() == host.as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_our_own_pages_may_post() {
        let cases: [(&[(&'static str, &'static str)], bool); 9] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://shop.example"),
                ],
                false,
            ),
            (&[("origin", "http://shop.example")], true),
            (&[("origin", "http://shop.example.evil.example")], false),
            (&[("origin", "null")], false),
            (&[], true),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("shop.example"));
            for (name, value) in sent {
                headers.insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            assert_eq!(is_same_origin(&headers), expected, "{sent:?}");
        }
    }
}
