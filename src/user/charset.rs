//! The text of a response, in any encoding.
//!
//! JSON is UTF-8 (RFC 8259 section 8.1), but not every proxy and old system between the app and the
//! data keeps to that.

use std::{borrow::Cow, char};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns the text of a body. Bytes that are no UTF-8 are read as Windows-1252, which has all
/// letters of ISO-8859-1.
pub(super) fn decode(body: &[u8]) -> Cow<'_, str> {
    if let Some(text) = decode_utf16(body) {
        return text.into();
    }
    let body = body.strip_prefix(BOM).unwrap_or(body);
    match str::from_utf8(body) {
        Ok(text) => text.into(),
        Err(_) => decode_mixed(body).into(),
    }
}

/// A text of which a part is UTF-8 keeps that part.
fn decode_mixed(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len() + body.len() / 8);
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| windows_1252(*byte)));
    }
    text
}

/// The first character of a JSON text is ASCII, so one of its two bytes is zero.
fn decode_utf16(body: &[u8]) -> Option<String> {
    let (is_little_endian, body) = match body {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        [1..=0xff, 0, ..] => (true, body),
        [0, 1..=0xff, ..] => (false, body),
        _ => return None,
    };
    let units = body.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if is_little_endian {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| body.len() % 2 == 0)
}

/// The WHATWG encoding standard's index, by which a byte without a letter is a control character.
fn windows_1252(byte: u8) -> char {
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_0X80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"town":"Tromsø","name":"Ærlig Ås"}"#;

    #[test]
    fn text_is_the_same_in_each_encoding() {
        let latin1 = TEXT
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).unwrap());
        let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            TEXT.encode_utf16().flat_map(order).collect()
        };
        for body in [
            TEXT.as_bytes().to_vec(),
            [BOM, TEXT.as_bytes()].concat(),
            latin1.collect(),
            [&[0xff, 0xfe], &utf16(u16::to_le_bytes)[..]].concat(),
            [&[0xfe, 0xff], &utf16(u16::to_be_bytes)[..]].concat(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            assert_eq!(decode(&body), TEXT, "{body:x?}");
        }
    }

    #[test]
    fn one_odd_byte_does_not_alter_the_text_around_it() {
        assert_eq!(decode(b"Troms\xc3\xb8 \xe6 \x80 \x96"), "Tromsø æ € –");
        assert_eq!(decode("Ås €".as_bytes()), "Ås €");
        for body in [
            &b"\xff\xfe{"[..],
            b"\xff\xfe\x00\xd8",
            b"",
            b"\xff",
            b"\x00",
        ] {
            let _ = decode(body);
        }
    }
}
