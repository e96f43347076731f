//! Explanations without secrets and personal data.

use std::fmt;

/// The first four characters, which distinguish two values. A short value shows none.
pub(crate) struct Masked<'s>(pub(crate) &'s str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.chars().count() >= MASKED_FROM {
            f.write_str(&self.0.chars().take(SHOWN).collect::<String>())?;
        }
        f.write_str("…")
    }
}

/// An authorization URL, with the values of one login masked.
pub(crate) fn authorization_url(url: &str) -> String {
    let Some((page, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name @ ("state" | "code_challenge"), value)) => format!("{name}={}", Masked(value)),
        _ => pair.to_owned(),
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    format!("{page}?{}", pairs.join("&"))
}

/// A message of the gateway for a terminal: one line, with these secrets, long keys and phone
/// numbers masked.
pub(crate) fn message(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "…");
    }
    let printable = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    let text: String = text.chars().map(printable).collect();
    phone_numbers(&keys(&text))
}

/// The same text, with each phone number cut to its last three digits.
pub(crate) fn phone_numbers(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        masked.push_str(&rest[..start]);
        rest = &rest[start..];
        let number = |character: char| character.is_ascii_digit() || " -".contains(character);
        let end = rest
            .find(|character| !number(character))
            .unwrap_or(rest.len());
        let run = rest[..end].trim_end_matches([' ', '-']);
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= MIN_PHONE_DIGITS {
            masked.push('…');
            masked.push_str(&digits[digits.len() - 3..]);
        } else {
            masked.push_str(run);
        }
        rest = &rest[run.len()..];
    }
    masked + rest
}

fn keys(text: &str) -> String {
    let part = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(part) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|character| !part(character))
            .unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        masked.push_str(before);
        // The names of APIs and faults are as long, but rarely have a digit.
        if run.len() >= MASKED_FROM && run.bytes().any(|byte| byte.is_ascii_digit()) {
            masked.push_str(&Masked(run).to_string());
        } else {
            masked.push_str(run);
        }
        rest = after;
    }
    masked + rest
}

const SHOWN: usize = 4;
/// Four characters of a shorter value would show too much of it.
const MASKED_FROM: usize = 16;
const MIN_PHONE_DIGITS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_shows_four_characters_and_a_short_one_none() {
        assert_eq!(Masked("abcdefghijklmnop").to_string(), "abcd…");
        assert_eq!(Masked("abcdefgh").to_string(), "…");
        assert_eq!(Masked("æøåæøåæøåæøåæøåæøå").to_string(), "æøåæ…");
    }

    #[test]
    fn an_authorization_url_loses_state_and_challenge_only() {
        assert_eq!(
            authorization_url(
                "https://g.example/a?client_id=id&state=0123456789abcdef\
                 &code_challenge=fedcba9876543210&code_challenge_method=S256"
            ),
            "https://g.example/a?client_id=id&state=0123…&code_challenge=fedc…\
             &code_challenge_method=S256"
        );
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (text, masked) in [
            ("/sms/tel:4791234567/x", "/sms/tel:…567/x"),
            ("+47 912 34 567 is 42", "+…567 is 42"),
            ("status 401, code 4042000.", "status 401, code 4042000."),
            ("91234567", "…567"),
            ("", ""),
        ] {
            assert_eq!(phone_numbers(text), masked);
        }
    }

    #[test]
    fn a_message_has_no_secret_and_no_control_character() {
        let text = "no \u{1b}[2J token Zm9vYmFyYmF6cXV4MTIz-x\nfor 47 91234567 and hunter2";
        let masked = message(text, &["hunter2", ""]);
        assert_eq!(masked, "no  [2J token Zm9v… for …567 and …");
        assert_eq!(message("access_token_expired", &[]), "access_token_expired");
    }
}
