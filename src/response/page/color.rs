//! Colors and their contrast (WCAG 2.2, success criterion 1.4.3).

use std::fmt;

/// An opaque color in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color([u8; 3]);

impl Color {
    pub(super) const WHITE: Self = Self([0xff; 3]);
    pub(super) const BLACK: Self = Self([0; 3]);

    pub(super) const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Parses `#rrggbb` or `#rgb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?.as_bytes();
        let digit = |at: usize| {
            let digit = char::from(*digits.get(at)?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let two = |at| Some(digit(at)? * 16 + digit(at + 1)?);
        let one = |at| Some(digit(at)? * 17);
        Some(Self(match digits.len() {
            6 => [two(0)?, two(2)?, two(4)?],
            3 => [one(0)?, one(1)?, one(2)?],
            _ => return None,
        }))
    }

    /// The contrast of two colors, from 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The color on the way to another one, at so many percent of it.
    pub(super) fn mix(self, other: Self, percent: u8) -> Self {
        let mix = |at: usize| {
            let share = u16::from(percent.min(100));
            let sum = u16::from(self.0[at]) * (100 - share) + u16::from(other.0[at]) * share;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self([mix(0), mix(1), mix(2)])
    }

    /// Relative luminance, as WCAG defines it.
    fn luminance(self) -> f64 {
        let linear = self.0.map(|value| {
            let value = f64::from(value) / 255.0;
            match value <= 0.04045 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        let contrast = |one, two| {
            let (one, two) = (Color::parse(one).unwrap(), Color::parse(two).unwrap());
            assert!((one.contrast(two) - two.contrast(one)).abs() < f64::EPSILON);
            one.contrast(two)
        };
        // Values of the checker at webaim.org.
        for (one, two, expected) in [
            ("#000", "#fff", 21.0),
            ("#fff", "#fff", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#767676", "#ffffff", 4.54),
            ("#ff0000", "#ffffff", 4.0),
            ("#0000ff", "#ffffff", 8.59),
        ] {
            let contrast = contrast(one, two);
            assert!((contrast - expected).abs() < 0.01, "{one} {two} {contrast}");
        }
    }

    #[test]
    fn colors_are_read_and_written_as_in_css() {
        for (text, color) in [
            ("#1d5b4d", "#1d5b4d"),
            ("#ABC", "#aabbcc"),
            ("#FFFFFF", "#ffffff"),
        ] {
            assert_eq!(Color::parse(text).unwrap().to_string(), color);
        }
        for text in [
            "",
            "#",
            "red",
            "1d5b4d",
            "#1d5b4",
            "#1d5b4d80",
            "#12g",
            "#ååå",
            "#é12a",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn mixtures_lie_between_their_colors() {
        let accent = Color::new(0x1d, 0x5b, 0x4d);
        assert_eq!(accent.mix(Color::WHITE, 0), accent);
        assert_eq!(accent.mix(Color::WHITE, 100), Color::WHITE);
        assert_eq!(Color::BLACK.mix(Color::WHITE, 50).to_string(), "#808080");
    }

    #[test]
    fn dark_part_of_the_scale_is_linear() {
        // By the formula of WCAG: 10 / 255 / 12.92.
        let luminance = Color::new(10, 10, 10).luminance();
        assert!((luminance - 0.003_035).abs() < 0.000_001, "{luminance}");
    }
}
