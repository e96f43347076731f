//! What kind of answer a client can read, by its `Accept` header (RFC 9110 section 12.5.1).

use http::{HeaderMap, header};

use super::language::parse_quality;

/// How much a client wants the two kinds of answers that the layer has, in thousandths. Ranges with
/// `*` are about both, so they say nothing.
#[derive(Default)]
struct Wishes {
    html: u16,
    json: u16,
}

/// Whether the client asks for HTML before JSON, as a browser does that opens a page.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let wishes = Wishes::of(headers);
    wishes.html > wishes.json
}

/// Whether the client asks for HTML, and not for JSON before it.
pub(crate) fn allows_html(headers: &HeaderMap) -> bool {
    let wishes = Wishes::of(headers);
    wishes.html > 0 && wishes.html >= wishes.json
}

impl Wishes {
    fn of(headers: &HeaderMap) -> Self {
        let mut wishes = Self::default();
        let lines = headers.get_all(header::ACCEPT).iter();
        for range in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
            let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let kind = parts.next().unwrap_or_default();
            let wish = if is_html(kind) {
                &mut wishes.html
            } else if is_json(kind) {
                &mut wishes.json
            } else {
                continue;
            };
            // A weight that cannot be read does not take the wish away.
            let weight = parts.find(|part| matches!(part, [b'q' | b'Q', b'=', ..]));
            let quality = weight.map_or(Some(1000), parse_quality).unwrap_or(1000);
            *wish = (*wish).max(quality);
        }
        wishes
    }
}

fn is_html(kind: &[u8]) -> bool {
    kind.eq_ignore_ascii_case(b"text/html") || kind.eq_ignore_ascii_case(b"application/xhtml+xml")
}

fn is_json(kind: &[u8]) -> bool {
    let ends_with = |end: &[u8]| {
        let at = kind.len().checked_sub(end.len());
        at.is_some_and(|at| kind[at..].eq_ignore_ascii_case(end))
    };
    ends_with(b"/json") || ends_with(b"+json")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|line| (header::ACCEPT, HeaderValue::from_static(line)))
            .collect()
    }

    #[test]
    fn page_of_a_browser_prefers_html() {
        for lines in [
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"][..],
            &["text/html"],
            &["TEXT/HTML;level=1;q=0.3"],
            &["application/xhtml+xml"],
            &["*/*", "text/html"],
            &["text/html, application/json;q=0.9"],
            &["text/html;q=oops"],
        ] {
            assert!(prefers_html(&headers(lines)), "{lines:?}");
            assert!(allows_html(&headers(lines)), "{lines:?}");
        }
    }

    #[test]
    fn script_does_not_prefer_html() {
        for lines in [
            &[][..],
            &["*/*"],
            &["text/*"],
            &["application/json, text/plain, */*"],
            &["application/json, text/html;q=0.9"],
            &["application/problem+json, text/html;q=0.5"],
            &["text/html;q=0"],
            &["text/htmlx"],
            &["text/event-stream"],
        ] {
            assert!(!prefers_html(&headers(lines)), "{lines:?}");
            assert!(!allows_html(&headers(lines)), "{lines:?}");
        }
    }

    #[test]
    fn client_that_takes_both_gets_html_and_starts_nothing() {
        let both = headers(&["application/json, text/html"]);
        assert!(allows_html(&both) && !prefers_html(&both));
    }
}
