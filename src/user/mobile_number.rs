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
    /// Parses a number as Norwegians write it: eight digits, optionally after `47`, `+47` or
    /// `0047`, with spaces anywhere. Foreign numbers must start with `+` or `00`.
    ///
    /// Returns `None` if it is not a phone number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("tel:").unwrap_or(text);
        let international = text.starts_with('+') || text.starts_with("00");
        let mut digits = String::new();
        for character in text.trim_start_matches('+').chars() {
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '-' | '(' | ')' | '\u{a0}' => {}
                _ => return None,
            }
        }
        if international {
            digits = digits.trim_start_matches('0').to_owned();
        }
        match digits.len() {
            8 if !international => Some(Self(format!("47{digits}").into())),
            7..=15 if international => Some(Self(digits.into())),
            10 if digits.starts_with("47") => Some(Self(digits.into())),
            _ => None,
        }
    }

    /// Returns the country code and the number, as digits.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MobileNumber {
    /// Shows the last three digits, and the country code of a Norwegian number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, last) = self.0.split_at(self.0.len() - 3);
        let (first, rest) = last.split_at(1);
        let country = if self.0.len() == 10 && self.0.starts_with("47") {
            "47 "
        } else {
            ""
        };
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
        ] {
            let number = MobileNumber::parse(text);
            assert_eq!(
                number.as_ref().map(MobileNumber::secret),
                Some("4791234567"),
                "{text}"
            );
        }
        assert_eq!(
            MobileNumber::parse("+46 70 123 45 67").unwrap().secret(),
            "46701234567"
        );
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
