//! The text format of keys, as a secret store, an environment variable or a file holds it.

use base64::{Engine, prelude::*};
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// Returns the keys of a list in its order. Commas or line breaks separate them. Comment lines are
/// skipped.
pub(super) fn keys(text: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, ConfigError> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(key)
        .collect()
}

fn key(text: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    // 64 hexadecimal digits are valid base64 too. A random 48-byte key in base64 never has only
    // such digits.
    if text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let digits = text.as_bytes().chunks_exact(2);
        let bytes = digits.map(|pair| {
            let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
            digit(pair[0]) << 4 | digit(pair[1])
        });
        return Ok(Zeroizing::new(bytes.collect()));
    }
    let unpadded = text.trim_end_matches('=');
    let engine = match unpadded.contains(['-', '_']) {
        true => BASE64_URL_SAFE_NO_PAD,
        false => BASE64_STANDARD_NO_PAD,
    };
    // Also what an attempt that fails has decoded is wiped.
    let mut bytes = Zeroizing::new(Vec::new());
    let decoded = engine.decode_vec(unpadded, &mut bytes);
    decoded.map_err(|_| ConfigError::UnreadableKey)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{super::root::tests::key, *};

    #[test]
    fn keys_are_read_in_every_common_spelling() {
        let raw = key(7);
        let hex: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        for text in [
            hex,
            BASE64_STANDARD.encode(&raw),
            BASE64_STANDARD_NO_PAD.encode(&raw),
            BASE64_URL_SAFE.encode(&raw),
        ] {
            let read = keys(&format!(" {text} ,")).unwrap();
            assert_eq!(read, [Zeroizing::new(raw.clone())], "{text}");
        }
    }

    #[test]
    fn commas_and_line_breaks_separate_and_comments_are_skipped() {
        let [a, b, c] = [1, 2, 3].map(|seed| BASE64_STANDARD.encode(key(seed)));
        let text = format!("# seals since May\r\n{a}\r\n\n  # {a}, not this one\n{b} , {c}\n#");
        assert_eq!(
            keys(&text).unwrap(),
            [1, 2, 3].map(|seed| Zeroizing::new(key(seed)))
        );
        assert!(keys("# nothing\n,\n").unwrap().is_empty());
        assert_eq!(keys("not a key").unwrap_err(), ConfigError::UnreadableKey);
    }
}
