//! The target of a login: always a path on the app's own origin.

use std::{borrow::Cow, fmt};

use url::Url;

/// A longer one would not fit into the cookie.
const MAX_LEN: usize = 2048;

/// A path and query that a browser opens on the app's own origin after a login.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ReturnTo {
    text: Box<str>,
    path: ResolvedPath,
}

/// The path that a browser makes of a target, without dot segments.
#[derive(Clone, PartialEq, Eq)]
enum ResolvedPath {
    /// The start of the text, of this length.
    AsWritten(usize),
    Other(Box<str>),
}

impl ReturnTo {
    /// Checks the target in a request line or a query parameter.
    ///
    /// `tests/proofs` tests the rule on every string of a public list of redirect tricks. It
    /// applies to the same bytes that are later written to `Location`.
    pub(crate) fn parse(raw: &str, origin: &Url) -> Option<Self> {
        if !starts_with_one_slash(raw) {
            return None;
        }
        if raw
            .bytes()
            .any(|byte| byte < b' ' || byte == 0x7f || byte == b'\\')
        {
            return None;
        }
        let text = escape(raw);
        if text.len() > MAX_LEN {
            return None;
        }
        let path = match plain_path_len(&text) {
            Some(len) => ResolvedPath::AsWritten(len),
            None => ResolvedPath::Other(resolve(&text, origin)?),
        };
        let text = text.into();
        Some(Self { text, path })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The path that a browser will request.
    pub(crate) fn path(&self) -> &str {
        match &self.path {
            ResolvedPath::AsWritten(len) => &self.text[..*len],
            ResolvedPath::Other(path) => path,
        }
    }
}

impl fmt::Debug for ReturnTo {
    /// The query may hold anything, so only the path is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReturnTo").field(&self.path()).finish()
    }
}

fn starts_with_one_slash(path: &str) -> bool {
    path.starts_with('/') && !path[1..].starts_with(['/', '\\'])
}

/// The path that a browser makes of a target, if it stays on this origin.
fn resolve(text: &str, origin: &Url) -> Option<Box<str>> {
    // The `url` crate fails where a browser does not. A failure must never count as relative.
    let resolved = origin.join(text).ok()?;
    let stays = resolved.origin() == origin.origin()
        && resolved.username().is_empty()
        && resolved.password().is_none();
    // `/.//host` is a path of this origin until software normalizes it to `//host`.
    (stays && starts_with_one_slash(resolved.path())).then(|| resolved.path().into())
}

/// The length of a path that no browser alters: it has no dot segment and nothing to encode. After
/// one slash at the start, it stays on its origin. Most targets have such a path.
fn plain_path_len(text: &str) -> Option<usize> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    let len = text.bytes().position(|byte| !plain(byte));
    let len = len.unwrap_or(text.len());
    matches!(text.as_bytes().get(len), None | Some(b'?' | b'#')).then_some(len)
}

/// Percent-encodes what an address cannot hold: blanks, which a form-encoded path has, and all that
/// is not ASCII. Everything else stays, byte for byte.
fn escape(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|byte| byte.is_ascii() && byte != b' ') {
        return Cow::Borrowed(raw);
    }
    let mut path = String::with_capacity(raw.len());
    for character in raw.chars() {
        if character == ' ' {
            path.push_str("%20");
        } else if character.is_ascii() {
            path.push(character);
        } else {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).bytes();
            bytes.for_each(|byte| path.push_str(&format!("%{byte:02X}")));
        }
    }
    Cow::Owned(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Option<String> {
        let origin = Url::parse("https://app.example/").unwrap();
        ReturnTo::parse(raw, &origin).map(|path| path.as_str().to_owned())
    }

    /// The checks before it refuse such targets already.
    #[test]
    fn address_with_a_user_or_of_another_origin_resolves_to_nothing() {
        let origin = Url::parse("https://app.example/").unwrap();
        let resolve = |target| resolve(target, &origin).map(String::from);
        assert_eq!(resolve("//app.example/a").as_deref(), Some("/a"));
        for target in [
            "//user@app.example/a",
            "//:password@app.example/a",
            "//other.example/a",
            "http://app.example/a",
            "//[/a",
        ] {
            assert_eq!(resolve(target), None, "{target}");
        }
    }

    #[test]
    fn own_paths_are_kept_byte_for_byte() {
        for path in [
            "/",
            "/a%2Fb?x=%C3%A5&y=+",
            "/private?next=https://evil.example",
            "/redirect?url=//evil.example",
            "/http://example.com",
            "/a/../b",
            "/a#part",
            "/a'b\"c<d>",
        ] {
            assert_eq!(parse(path).as_deref(), Some(path));
        }
    }

    #[test]
    fn letters_outside_ascii_are_percent_encoded() {
        assert_eq!(
            parse("/blåbær?ø").as_deref(),
            Some("/bl%C3%A5b%C3%A6r?%C3%B8")
        );
        assert_eq!(parse("/rød sko ").as_deref(), Some("/r%C3%B8d%20sko%20"));
        assert_eq!(
            parse("/ /evil.example").as_deref(),
            Some("/%20/evil.example")
        );
    }

    #[test]
    fn foreign_and_odd_targets_are_refused() {
        for path in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/a\\b",
            "https://evil.example/",
            "/\t/evil.example",
            "/ \t/evil.example",
            " //evil.example",
            "/\r\nSet-Cookie:x=1",
            "/\u{7f}",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/%2e%2e//evil.example",
        ] {
            assert_eq!(parse(path), None, "{path:?}");
        }
    }

    #[test]
    fn long_targets_are_refused() {
        let path = |len: usize| format!("/{}", "a".repeat(len - 1));
        assert!(parse(&path(MAX_LEN)).is_some());
        assert!(parse(&path(MAX_LEN + 1)).is_none());
        let grows = format!("/{}", "å".repeat(MAX_LEN / 3));
        assert!(parse(&grows).is_none(), "counted as it is written");
    }

    /// All short texts of these characters, and those that are continued by them.
    #[test]
    fn path_is_that_of_the_url_crate() {
        let parts = ["/", "a", ".", "-", "?", "#", "%2e", "%", "é", " "];
        let origin = Url::parse("https://app.example/").unwrap();
        let mut texts = vec!["/".to_owned()];
        for _ in 0..4 {
            let longer = |text: &String| parts.map(|part| format!("{text}{part}"));
            texts = texts.iter().flat_map(longer).collect();
            for text in &texts {
                let Some(parsed) = ReturnTo::parse(text, &origin) else {
                    continue;
                };
                let resolved = resolve(parsed.as_str(), &origin);
                assert_eq!(resolved.as_deref(), Some(parsed.path()), "{text}");
            }
        }
    }

    #[test]
    fn debug_leaves_the_query_out() {
        let origin = Url::parse("https://app.example/").unwrap();
        let path = ReturnTo::parse("/a?phone=4791234567", &origin).unwrap();
        assert_eq!(format!("{path:?}"), "ReturnTo(\"/a\")");
    }
}
