//! The language of a page, by `Accept-Language`.

use std::cmp::Reverse;

use http::HeaderValue;

/// A language of the pages.
///
/// The layer chooses it by `Accept-Language`. An app gives its own words, such as the purpose of
/// the login, once per language.
///
/// ```
/// use telenor_auth::Language;
///
/// assert_eq!(Language::default(), Language::Bokmal);
/// assert_eq!(Language::Nynorsk.lang(), "nn");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Norwegian bokmål, the default.
    #[default]
    Bokmal,
    /// Norwegian nynorsk.
    Nynorsk,
    /// English.
    English,
}

impl Language {
    /// Every language, the preferred one first.
    pub(crate) const ALL: [Self; 3] = [Self::Bokmal, Self::Nynorsk, Self::English];

    /// Returns the language tag for the `lang` attribute and for `Content-Language`: `nb`, `nn` or
    /// `en`.
    #[must_use]
    pub const fn lang(self) -> &'static str {
        match self {
            Self::Bokmal => "nb",
            Self::Nynorsk => "nn",
            Self::English => "en",
        }
    }

    /// Returns the language that fits `Accept-Language` best (RFC 9110 section 12.5.4).
    ///
    /// It is bokmål without the header, or with one that cannot be parsed, since the user has a
    /// Norwegian subscription. It is English for a header that asks only for other languages.
    pub(crate) fn negotiate<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let preferences = Preferences::read(lines);
        let best = Self::ALL
            .into_iter()
            // `max_by_key` keeps the last of equals, and the preferred language is the first.
            .rev()
            .filter_map(|language| Some((language, preferences.of(language)?)))
            .filter(|(_, preference)| preference.quality > 0)
            .max_by_key(|(_, preference)| *preference);

        match best {
            Some((language, _)) => language,
            None if preferences.readable && preferences.of(Self::English).is_none() => {
                Self::English
            }
            None => Self::Bokmal,
        }
    }
}

/// How much a language is wanted. Of two equal preferences, the first one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    quality: u16,
    place: Reverse<usize>,
}

#[derive(Default)]
struct Preferences {
    named: [Option<Preference>; Language::ALL.len()],
    any_other: Option<Preference>,
    readable: bool,
}

impl Preferences {
    fn read<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let mut preferences = Self::default();
        let lines = lines.into_iter();
        let ranges = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));

        for (place, range) in ranges.take(MAX_RANGES).enumerate() {
            let Some((tag, quality)) = parse_range(range) else {
                continue;
            };
            let slot = match tag {
                b"*" => Some(&mut preferences.any_other),
                // "No Danish" says nothing about Norwegian.
                _ if quality == 0 && is_one_of(tag, MUTUALLY_INTELLIGIBLE) => None,
                _ => language_of(tag).map(|language| &mut preferences.named[language as usize]),
            };
            if let Some(slot) = slot {
                *slot = (*slot).max(Some(Preference {
                    quality,
                    place: Reverse(place),
                }));
            }
            preferences.readable = true;
        }
        preferences
    }

    fn of(&self, language: Language) -> Option<Preference> {
        self.named[language as usize].or(self.any_other)
    }
}

/// The first subtag of a language range, and its quality in thousandths.
fn parse_range(range: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = range.splitn(2, |byte| *byte == b';');
    let tag = parts
        .next()?
        .trim_ascii()
        .split(|byte| *byte == b'-')
        .next()?;
    let is_tag = tag == b"*" || (!tag.is_empty() && tag.iter().all(u8::is_ascii_alphabetic));
    let quality = match parts.next() {
        None => 1000,
        Some(weight) => parse_quality(weight.trim_ascii())?,
    };
    is_tag.then_some((tag, quality))
}

/// RFC 9110 section 12.4.2: `q=`, then 0 to 1 with at most three decimals.
pub(super) fn parse_quality(weight: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', whole @ (b'0' | b'1'), fraction @ ..] = weight else {
        return None;
    };
    let decimals = match fraction {
        [] => fraction,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut quality = u16::from(whole - b'0');
    for place in 0..3 {
        let digit = decimals
            .get(place)
            .map_or(Some(0), |byte| char::from(*byte).to_digit(10))?;
        quality = quality * 10 + u16::try_from(digit).ok()?;
    }
    (quality <= 1000).then_some(quality)
}

fn language_of(tag: &[u8]) -> Option<Language> {
    if is_one_of(tag, &[b"nb", b"no"]) || is_one_of(tag, MUTUALLY_INTELLIGIBLE) {
        Some(Language::Bokmal)
    } else if is_one_of(tag, &[b"nn"]) {
        Some(Language::Nynorsk)
    } else if is_one_of(tag, &[b"en"]) {
        Some(Language::English)
    } else {
        None
    }
}

fn is_one_of(tag: &[u8], known: &[&[u8]]) -> bool {
    known.iter().any(|name| tag.eq_ignore_ascii_case(name))
}

/// Danes and Swedes read bokmål.
const MUTUALLY_INTELLIGIBLE: &[&[u8]] = &[b"da", b"sv"];

/// Browsers send fewer. The rest of a longer list is ignored.
const MAX_RANGES: usize = 32;

#[cfg(test)]
mod tests {
    use super::{Language::*, *};

    fn negotiate(lines: &[&[u8]]) -> Language {
        let line = |line: &&[u8]| HeaderValue::from_bytes(line).expect("a header value");
        let lines: Vec<_> = lines.iter().map(line).collect();
        Language::negotiate(&lines)
    }

    #[test]
    fn the_language_wanted_most_is_chosen() {
        let table: &[(&str, Language)] = &[
            ("nb", Bokmal),
            ("no", Bokmal),
            ("nb-NO", Bokmal),
            ("NB-no", Bokmal),
            ("nn", Nynorsk),
            ("nn-NO", Nynorsk),
            ("en", English),
            ("en-GB", English),
            ("en-US,en;q=0.9", English),
            (
                "nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.7,en-US;q=0.6,en;q=0.5",
                Bokmal,
            ),
            ("nn-NO,nn;q=0.9,no;q=0.8,nb;q=0.7,en;q=0.5", Nynorsk),
            ("en;q=0.5, nn;q=0.8", Nynorsk),
            ("en , nb", English),
            ("en;q=0.80,nb;q=0.801", Bokmal),
            ("en ; q=0.3\t,\tnn ; Q=0.4", Nynorsk),
            ("nb;q=0.1, en;q=0.5, no;q=0.9", Bokmal),
        ];
        for (header, expected) in table {
            assert_eq!(negotiate(&[header.as_bytes()]), *expected, "{header}");
        }
    }

    #[test]
    fn danes_and_swedes_get_bokmal() {
        assert_eq!(negotiate(&[b"da-DK,en;q=0.8"]), Bokmal);
        assert_eq!(negotiate(&[b"sv"]), Bokmal);
        assert_eq!(negotiate(&[b"en,sv;q=0.8"]), English);
        assert_eq!(negotiate(&[b"da;q=0,*"]), Bokmal);
    }

    #[test]
    fn a_language_refused_is_not_chosen() {
        assert_eq!(negotiate(&[b"nb;q=0"]), English);
        assert_eq!(negotiate(&[b"nb;q=0.000, *"]), Nynorsk);
        assert_eq!(negotiate(&[b"nb;q=0, nn;q=0, *;q=0.1"]), English);
        assert_eq!(negotiate(&[b"pl, en;q=0"]), Bokmal);
    }

    #[test]
    fn a_star_means_every_language_that_is_not_named() {
        assert_eq!(negotiate(&[b"*"]), Bokmal);
        assert_eq!(negotiate(&[b"pl,*;q=0.5"]), Bokmal);
        assert_eq!(negotiate(&[b"en,*;q=0.5"]), English);
        assert_eq!(negotiate(&[b"*;q=0.5,nn"]), Nynorsk);
        assert_eq!(negotiate(&[b"*;q=0"]), Bokmal);
    }

    #[test]
    fn only_other_languages_mean_english() {
        assert_eq!(negotiate(&[b"pl"]), English);
        assert_eq!(negotiate(&[b"uk-UA,uk;q=0.9,ru;q=0.8"]), English);
        assert_eq!(negotiate(&[b"nbx"]), English);
        assert_eq!(negotiate(&[b"norwegian"]), English);
    }

    #[test]
    fn an_absent_or_unreadable_header_means_bokmal() {
        let table: [&[&[u8]]; 9] = [
            &[],
            &[b""],
            &[b",,;;,"],
            &[b"en;q=2"],
            &[b"en;q=1.001"],
            &[b"en;q=0.1234"],
            &[b"en;q=0.x"],
            &[b"en;level=1"],
            &[b"\xff\xfe"],
        ];
        for lines in table {
            assert_eq!(negotiate(lines), Bokmal, "{lines:?}");
        }
    }

    #[test]
    fn one_odd_byte_does_not_hide_the_rest() {
        assert_eq!(negotiate(&[b"\xe6\xf8, nn"]), Nynorsk);
    }

    #[test]
    fn several_header_lines_are_one_list() {
        assert_eq!(negotiate(&[b"pl;q=0.9", b"en;q=0.2", b"nn;q=0.7"]), Nynorsk);
    }

    #[test]
    fn a_hostile_header_is_not_parsed_to_its_end() {
        let mut header = b"pl,".repeat(100_000);
        header.extend_from_slice(b"nn");
        assert_eq!(negotiate(&[&header]), English);
    }
}
