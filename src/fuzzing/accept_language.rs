//! `Accept-Language`, with any number of lines.

use http::HeaderValue;

use crate::browser::language::Language;

/// Any header leads to one of the languages, and a plain wish before it is granted.
pub fn accept_language(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n');
    let lines: Vec<_> = lines
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let language = Language::negotiate(&lines);
    assert!(Language::ALL.contains(&language));

    // RFC 9110 section 5.3: several lines are one list.
    let list: Vec<_> = lines.iter().map(HeaderValue::as_bytes).collect();
    let list = list.join(&b","[..]);
    let one = HeaderValue::from_bytes(&list).expect("commas between header values");
    if !lines.is_empty() {
        assert_eq!(Language::negotiate([&one]), language, "{one:?}");
    }
    let upper = HeaderValue::from_bytes(&list.to_ascii_uppercase()).expect("a header value");
    assert_eq!(Language::negotiate([&upper]), Language::negotiate([&one]));

    for (tag, wanted) in [
        ("nb", Language::Bokmal),
        ("nn", Language::Nynorsk),
        ("en", Language::English),
    ] {
        let first = HeaderValue::from_static(tag);
        let lines = [&first].into_iter().chain(&lines);
        assert_eq!(Language::negotiate(lines), wanted, "before {one:?}");
    }
}
