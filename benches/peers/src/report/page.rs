//! The page: what stands between `<!-- figures: NAME -->` and `<!-- end -->` is made anew.

/// Replaces a block. A page without this block stays as it is.
#[must_use]
pub fn replace(page: &str, name: &str, content: &str) -> String {
    let begin = format!("<!-- figures: {name} -->");
    let Some((before, rest)) = page.split_once(&begin) else {
        return page.to_owned();
    };
    let Some((_, after)) = rest.split_once("<!-- end -->") else {
        return page.to_owned();
    };
    let content = content.trim_end();
    format!("{before}{begin}\n{content}\n<!-- end -->{after}")
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
