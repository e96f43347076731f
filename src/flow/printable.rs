//! Text of others, in a form that a page or a log line can hold.

use std::borrow::Cow;

const MAX_LEN: usize = 256;

/// Returns foreign text, short and in one line.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_LEN && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let shown = |character: &char| !character.is_control() && !is_invisible(*character);
    text.chars().filter(shown).take(MAX_LEN).collect()
}

/// Whether a character is invisible, or turns the direction of the text after it.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S34.
    #[test]
    fn foreign_text_is_short_and_in_one_line() {
        assert_eq!(printable("/a b?~"), "/a b?~");
        assert_eq!(printable("a\tb"), "ab");
        assert_eq!(printable("a\u{7f}b"), "ab");
        assert_eq!(printable(&"a".repeat(1_000)).len(), 256);
        assert_eq!(printable("a\nb\u{1b}[2Jc\u{202e}d"), "ab[2Jcd");
        assert_eq!(printable(&"ø".repeat(1_000)).chars().count(), 256);
    }
}
