//! A phone number that is masked when it is displayed.

use std::fmt;

/// A mobile number. `Display` masks it, `Debug` hides it, and [`secret`](Self::secret) returns it.
///
/// It is personal data. Do not use it as the key of an account: numbers are reassigned to other
/// people after a while.
///
/// ```
/// use telenor_auth::MobileNumber;
///
/// let number = MobileNumber::parse("+47 912 34 567").unwrap();
/// assert_eq!(number.to_string(), "47 ** ** *5 67");
/// assert_eq!(number.secret(), "4791234567");
/// assert_eq!(MobileNumber::parse("91234567"), Some(number));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MobileNumber(Box<str>);

impl MobileNumber {
    /// Parses a number as Norwegians write it: eight digits, or the twelve of a machine, which
    /// begin with 58 or 59. `47`, `+47` or `0047` may be before it. Foreign numbers must start with
    /// `+` or `00`.
    ///
    /// Blanks, dashes, dots, slashes and brackets may be between the digits. A zero in brackets
    /// behind the country code, as in `+47 (0) 912 34 567`, is not a part of the number.
    ///
    /// Returns `None` if it is not a phone number, or may be read in two ways.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let written = Written::read(text)?;
        if written.is_international {
            return written
                .is_foreign_or_norwegian()
                .then(|| Self(written.digits.into()));
        }
        match (&*written.digits, written.zero_removed_at) {
            (digits, None) if is_norwegian(digits) => Some(Self(format!("47{digits}").into())),
            (digits, None | Some(2)) if digits.strip_prefix("47").is_some_and(is_norwegian) => {
                Some(Self(digits.into()))
            }
            _ => None,
        }
    }

    /// Returns the country code and the number, as digits without a plus sign: `4791234567`.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

/// The digits of a number, without what is written between them.
struct Written {
    /// Without the `00` of an international number.
    digits: String,
    is_international: bool,
    /// How many digits are before a zero in brackets, which is left out.
    zero_removed_at: Option<usize>,
}

impl Written {
    fn read(text: &str) -> Option<Self> {
        let text = text
            .trim_matches(|character: char| character.is_whitespace() || is_invisible(character));
        let scheme = text
            .get(..4)
            .filter(|start| start.eq_ignore_ascii_case("tel:"));
        let text = &text[scheme.map_or(0, str::len)..];
        // A dot or a slash beside a single digit may be a decimal point, or two numbers.
        let digits_of = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
        if text.contains(['.', '/']) && text.split(['.', '/']).any(|part| digits_of(part) == 1) {
            return None;
        }
        let (mut digits, mut plus) = (String::new(), false);
        let (mut bracket, mut zero_removed_at) = (None, None);
        for character in text.chars() {
            match character {
                '0'..='9' => digits.push(character),
                '+' if digits.is_empty() && !plus => plus = true,
                '(' if bracket.is_none() => bracket = Some(digits.len()),
                ')' => {
                    let start = bracket.take()?;
                    if &digits[start..] == "0" {
                        if start == 0 || zero_removed_at.is_some() {
                            return None;
                        }
                        digits.truncate(start);
                        zero_removed_at = Some(start);
                    }
                }
                '.' | '/' => {}
                _ if is_blank_or_dash(character) || is_invisible(character) => {}
                _ => return None,
            }
        }
        if bracket.is_some() {
            return None;
        }
        let after_zeros = digits.strip_prefix("00").map(str::to_owned);
        let skipped = digits.len() - after_zeros.as_ref().map_or(digits.len(), String::len);
        Some(Self {
            is_international: plus || after_zeros.is_some(),
            digits: after_zeros.unwrap_or(digits),
            zero_removed_at: match zero_removed_at {
                Some(at) => Some(at.checked_sub(skipped)?),
                None => None,
            },
        })
    }

    /// Whether the digits are a country code and a number of that country.
    fn is_foreign_or_norwegian(&self) -> bool {
        let code_length = match self.digits.get(..2) {
            None => return false,
            Some(code) if code.starts_with('0') => return false,
            Some(code) if code.starts_with(['1', '7']) => 1,
            Some(code) if TWO_DIGIT_CODES.contains(&code) => 2,
            Some(_) => 3,
        };
        let Some((code, national)) = self.digits.split_at_checked(code_length) else {
            return false;
        };
        let zero_is_code = self.zero_removed_at.is_none_or(|at| at == code_length);
        let zero = if KEEP_ZERO.contains(&code) {
            // Here a zero in brackets may be a part of the number.
            self.zero_removed_at.is_none()
        } else {
            zero_is_code && !national.starts_with('0')
        };
        zero && (7..=15).contains(&self.digits.len()) && (code != "47" || is_norwegian(national))
    }
}

/// The country codes of ITU-T E.164 that have two digits. Apart from 1 and 7, all others have
/// three.
const TWO_DIGIT_CODES: [&str; 43] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95",
];
/// Countries whose numbers can begin with a zero: Italy and its neighbors, Côte d'Ivoire, Gabon and
/// Congo.
const KEEP_ZERO: [&str; 6] = ["39", "378", "379", "225", "241", "242"];

/// Eight digits, or the twelve of a machine (Nkom's numbering plan).
fn is_norwegian(national: &str) -> bool {
    match national.len() {
        8 => !national.starts_with(['0', '1']),
        12 => national.starts_with("58") || national.starts_with("59"),
        _ => false,
    }
}

fn is_blank_or_dash(character: char) -> bool {
    match character {
        '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => true,
        _ => character.is_whitespace() && !character.is_control(),
    }
}

/// Marks that set the direction of a text, or join it. The mark that reverses it is none of them.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202d}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    )
}

impl fmt::Display for MobileNumber {
    /// Shows the last three digits, and the country code of a Norwegian number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, last) = self.0.split_at(self.0.len() - 3);
        let (first, rest) = last.split_at(1);
        let country = if self.0.starts_with("47") { "47 " } else { "" };
        write!(f, "{country}** ** *{first} {rest}")
    }
}

impl fmt::Debug for MobileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MobileNumber(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_the_same_number() {
        for text in [
            "91234567",
            "4791234567",
            "+4791234567",
            "004791234567",
            " 912 34 567 ",
            "+47 912-34-567",
            "tel:+4791234567",
            "TEL:91234567",
            "tel://4791234567",
            "+47 (0) 912 34 567",
            "0047 (0)912 34 567",
            "47 (0) 912 34 567",
            "(+47) 912 34 567",
            "+(47) 912/34567",
            "+0047 912 34 567",
            "\u{202a}+47 912 34 567\u{202c}",
            "\u{2066}91234567\u{2069}\n",
            "912\u{202f}34\u{202f}567",
            "912\u{2009}34\u{a0}567",
            "912\u{2011}34\u{2011}567",
            "912\u{2013}34\u{2212}567",
            "912.34.567",
            "47.91.23.45.67",
            "\u{feff}912\u{ad}34567",
        ] {
            let number = MobileNumber::parse(text);
            assert_eq!(
                number.as_ref().map(MobileNumber::secret),
                Some("4791234567"),
                "{text}"
            );
        }
    }

    #[test]
    fn number_of_a_machine_has_twelve_digits() {
        for text in [
            "580009083060",
            "47580009083060",
            "+47 580 00 90 83 060",
            "0047 (0) 580009083060",
        ] {
            let number = MobileNumber::parse(text).unwrap();
            assert_eq!(number.secret(), "47580009083060", "{text}");
            assert_eq!(number.to_string(), "47 ** ** *0 60");
        }
    }

    #[test]
    fn foreign_number_keeps_its_own_zero_and_loses_that_in_brackets() {
        for (text, number) in [
            ("+46 70 123 45 67", "46701234567"),
            ("+46 (0)70 123 45 67", "46701234567"),
            ("00 44 (0) 20 7946 0958", "442079460958"),
            ("+1 (201) 555-0123", "12015550123"),
            ("+358 (0) 40 1234567", "358401234567"),
            ("+39 06 698 12345", "390669812345"),
            ("+39 (06) 698 12345", "390669812345"),
            ("+58 412 123 4567", "584121234567"),
        ] {
            let parsed = MobileNumber::parse(text);
            assert_eq!(
                parsed.as_ref().map(MobileNumber::secret),
                Some(number),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_numbers_are_refused() {
        for text in [
            "",
            "1234567",
            "123456789",
            "kari",
            "+",
            "9123456a",
            "5591234567",
            "+12345678901234567",
            // One digit more or less.
            "+47912345678",
            "+4791234",
            "4758000908306",
            "+475800090830601",
            "+47 0 912 34 567",
            "47091234567",
            // A zero that belongs to no country code, or may belong to the number.
            "(0) 912 34 567",
            "+(0)47 912 34 567",
            "+47 912 (0) 34567",
            "+47 (0) (0) 912 34 567",
            "+39 (0) 6 698 12345",
            "+46 070 123 45 67",
            "+1 023 456 7890",
            "+7 012 345 67 89",
            // No country code begins with a zero.
            "+012 345 67 89",
            "+46 (070) 123 45 67",
            // More than one number, or none.
            "91234567/8",
            "9123456/7",
            "9123456.0",
            "9.1234567",
            "9.1234567e7",
            "91234567, 91234568",
            "91234567 ext 1",
            "tel:91234567;ext=1",
            "912\n34567",
            "\u{202e}76543219",
            "++4791234567",
            "47+91234567",
            "+47 (912 34 567",
            "+47) 912 34 567",
            "+47 ((0) 912 34 567",
            "00000000",
            "11234567",
            "+00",
            "+0",
            "+9",
        ] {
            assert_eq!(MobileNumber::parse(text), None, "{text}");
        }
    }

    #[test]
    fn display_masks_and_debug_hides() {
        let foreign = MobileNumber::parse("+46701234567").unwrap();
        assert_eq!(foreign.to_string(), "** ** *5 67");
        assert_eq!(format!("{foreign:?}"), "MobileNumber(redacted)");
    }
}
