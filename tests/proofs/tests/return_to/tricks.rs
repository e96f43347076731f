//! Targets that lead naive rules to another host: a public list, and the parts of known tricks
//! combined.

use std::collections::BTreeSet;

/// See the README beside it.
const LIST: &str = include_str!("../../data/open_redirects.txt");

/// Slashes, blanks and dots that parsers disagree about, in front of a foreign host.
fn combined() -> Vec<String> {
    let starts = [
        "",
        "/",
        "//",
        "///",
        "////",
        "/\\",
        "\\",
        "\\\\",
        "\\/",
        "/./",
        "/../",
        "/.//",
        "/..//",
        "/a/..//",
        "/.;//",
        "/;//",
        "/%2e/",
        "/%2e%2e//",
        "/%2f",
        "/%2f%2f",
        "/%5c",
        "/%252f",
        "/\t/",
        "/\n/",
        "/\r/",
        "/ /",
        "/%09/",
        "/%0a/",
        "/%0d%0a/",
        "/%00/",
        "/\u{b}/",
        "/\u{c}/",
        "/\u{a0}/",
        "/\u{3000}/",
        "/\u{2215}",
        "/\u{ff0f}",
        "http:",
        "https:",
        "http:/",
        "https:///",
        "HTTPS://",
        "javascript:",
        "data:text/html,",
        "//user:pass@",
        "//@",
        "/@",
        "//[::1]@",
        ".",
        "..",
        "?",
        "#",
        "/?next=//",
        "/#//",
        "x://",
        "%2f%2f",
        "\u{feff}//",
        "\0//",
    ];
    let hosts = [
        "evil.test",
        "evil.test/",
        "evil.test/%2f..",
        "evil.test?x",
        "evil.test#x",
        "app.test@evil.test",
        "evil.test\\app.test",
        "app.test.evil.test",
        "[::1]",
        "2130706433",
        "",
    ];
    let starting = |start: &&str| hosts.map(|host| format!("{start}{host}"));
    starts.iter().flat_map(starting).collect()
}

/// All tricks raw, decoded once and decoded twice: a proxy may decode a request before the layer
/// reads it.
pub fn all_forms() -> Vec<String> {
    let mut forms = BTreeSet::new();
    for trick in combined().into_iter().chain(list()) {
        let once = decode(&trick);
        forms.insert(decode(&once));
        forms.insert(once);
        forms.insert(trick);
    }
    forms.into_iter().collect()
}

fn list() -> impl Iterator<Item = String> {
    LIST.lines().map(str::to_owned)
}

/// Percent-decodes once.
fn decode(text: &str) -> String {
    let pair = format!("x={}", text.replace('&', "%26").replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The targets of requests that carry a trick of the list with percent-encoding: as the path, below
/// a path, and in a query.
pub fn encoded() -> Vec<String> {
    let encoded: BTreeSet<_> = list().flat_map(|trick| encodings(&trick)).collect();
    encoded.into_iter().collect()
}

fn encodings(trick: &str) -> [String; 5] {
    let slash = if trick.starts_with('/') { "" } else { "/" };
    let all: String = url::form_urlencoded::byte_serialize(trick.as_bytes()).collect();
    let needed = needed(trick);
    [
        format!("{slash}{needed}"),
        format!("/private/{needed}"),
        format!("/private?{needed}"),
        format!("/{all}"),
        format!("/private?next={all}"),
    ]
}

/// Percent-encodes what a request line cannot hold, and nothing else.
fn needed(trick: &str) -> String {
    let mut encoded = String::new();
    for byte in trick.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[test]
fn list_is_whole() {
    let lines: BTreeSet<_> = list().collect();
    assert_eq!(lines.len(), 722);
    assert!(lines.contains("//localdomain.pw/") && lines.contains("/.//evil.com"));
    assert!(lines.iter().any(|line| line.contains('\u{b}')));
}
