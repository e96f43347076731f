//! The page: what stands between `<!-- figures: NAME -->` and `<!-- end -->` is made anew.

use std::io;

/// Replaces a block.
///
/// # Errors
///
/// When the page has no such block.
pub fn replace(page: &str, name: &str, content: &str) -> io::Result<String> {
    let begin = format!("<!-- figures: {name} -->");
    let block = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once("<!-- end -->")?;
        Some((before, after))
    });
    let Some((before, after)) = block else {
        return Err(io::Error::other(format!("the page has no block {name}")));
    };
    let content = content.trim_end();
    Ok(format!("{before}{begin}\n{content}\n<!-- end -->{after}"))
}

/// Breaks text into lines that end at column 100.
#[must_use]
pub fn wrap(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > 100 {
            lines.push('\n');
            column = 0;
        }
        if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines += word;
        column += length;
    }
    lines.push('\n');
    lines
}
