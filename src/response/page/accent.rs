//! The app's accent color on the pages: of buttons, links and the icon, in light and dark mode.

use super::color::Color;
use crate::error::ConfigError;

/// Text needs this contrast to what it is drawn on (WCAG 2.2, level AA).
const TEXT_CONTRAST: f64 = 4.5;
/// A dark accent that is made of the light one has a bit more, since it is read on a dark ground.
const DERIVED_CONTRAST: f64 = 6.0;

/// The ground of one mode that accents are drawn on, as in `page.css`.
struct Mode {
    setting: &'static str,
    /// Behind links.
    card: Color,
    /// Of the label on a button, which is at least as far from an accent as the card is.
    on_accent: Color,
    /// Where an accent gets more contrast.
    away: Color,
    /// How far the accent of a button under the pointer is on the way there.
    deep: u8,
    /// How much accent is behind the icon.
    tint: u8,
}

const LIGHT: Mode = Mode {
    setting: "accent_color",
    card: Color::WHITE,
    on_accent: Color::WHITE,
    away: Color::BLACK,
    deep: 20,
    tint: 10,
};
const DARK: Mode = Mode {
    setting: "accent_color_dark",
    card: Color::new(0x1b, 0x21, 0x23),
    on_accent: Color::new(0x12, 0x16, 0x17),
    away: Color::WHITE,
    deep: 30,
    tint: 12,
};

/// Returns the rules that put these accents in place of those of `page.css`.
pub(super) fn rules(light: Option<&str>, dark: Option<&str>) -> Result<String, ConfigError> {
    let light = light.map(|light| LIGHT.check(light)).transpose()?;
    let dark = dark.map(|dark| DARK.check(dark)).transpose()?;
    let dark = dark.or_else(|| Some(DARK.nearest(light?, DERIVED_CONTRAST)));
    let mut rules = String::new();
    if let Some(light) = light {
        rules += &LIGHT.rule(light);
    }
    if let Some(dark) = dark {
        let rule = DARK.rule(dark);
        rules += &format!("@media (prefers-color-scheme: dark) {{\n{rule}}}\n");
    }
    Ok(rules)
}

impl Mode {
    fn check(&self, text: &str) -> Result<Color, ConfigError> {
        let (setting, color) = (self.setting, text.to_owned());
        let Some(accent) = Color::parse(text.trim()) else {
            return Err(ConfigError::InvalidColor { setting, color });
        };
        if accent.contrast(self.card) < TEXT_CONTRAST {
            let better = self.nearest(accent, TEXT_CONTRAST).to_string();
            return Err(ConfigError::LowContrast {
                setting,
                color,
                better,
            });
        }
        Ok(accent)
    }

    /// The nearest color on the way to black or white with this contrast to the card.
    fn nearest(&self, accent: Color, contrast: f64) -> Color {
        let mut mixtures = (0..=100).map(|percent| accent.mix(self.away, percent));
        let nearest = mixtures.find(|color| color.contrast(self.card) >= contrast);
        nearest.unwrap_or(self.away)
    }

    fn deep(&self, accent: Color) -> Color {
        accent.mix(self.away, self.deep)
    }

    fn tint(&self, accent: Color) -> Color {
        self.card.mix(accent, self.tint)
    }

    fn rule(&self, accent: Color) -> String {
        let (deep, tint) = (self.deep(accent), self.tint(accent));
        let on_accent = self.on_accent;
        format!(
            ":root {{ --accent: {accent}; --accent-deep: {deep}; --on-accent: {on_accent}; \
             --tint: {tint}; }}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Icons and outlines need this contrast (WCAG 2.2, success criterion 1.4.11).
    const GRAPHIC_CONTRAST: f64 = 3.0;

    fn every_color() -> impl Iterator<Item = Color> {
        let steps = || (0..=255).step_by(15);
        steps().flat_map(move |red| {
            steps().flat_map(move |green| steps().map(move |blue| Color::new(red, green, blue)))
        })
    }

    #[track_caller]
    fn assert_readable(mode: &Mode, accent: Color, ground: Color) {
        let deep = mode.deep(accent);
        for (what, text, behind, least) in [
            ("link", accent, mode.card, TEXT_CONTRAST),
            ("link under the pointer", deep, mode.card, TEXT_CONTRAST),
            ("button", mode.on_accent, accent, TEXT_CONTRAST),
            (
                "button under the pointer",
                mode.on_accent,
                deep,
                TEXT_CONTRAST,
            ),
            ("icon", accent, mode.tint(accent), GRAPHIC_CONTRAST),
            ("outline of the focus", accent, ground, GRAPHIC_CONTRAST),
        ] {
            let contrast = text.contrast(behind);
            assert!(contrast >= least, "{what} of {accent}: {contrast}");
        }
    }

    #[test]
    fn every_accent_that_is_accepted_can_be_read() {
        let grounds = [
            (LIGHT, Color::parse("#f3f2ee").unwrap()),
            (DARK, Color::parse("#121617").unwrap()),
        ];
        let mut accepted = 0;
        for (mode, ground) in grounds {
            for color in every_color() {
                match mode.check(&color.to_string()) {
                    Ok(accent) => {
                        accepted += 1;
                        assert_readable(&mode, accent, ground);
                    }
                    Err(ConfigError::LowContrast { better, .. }) => {
                        let better = mode.check(&better).expect("the proposal is accepted");
                        assert_readable(&mode, better, ground);
                    }
                    Err(error) => panic!("{error}"),
                }
                let derived = DARK.nearest(color, DERIVED_CONTRAST);
                assert!(derived.contrast(DARK.card) >= DERIVED_CONTRAST, "{color}");
            }
        }
        assert!(accepted > 1_000, "{accepted}");
    }

    #[test]
    fn grounds_are_those_of_the_style() {
        let style = super::super::look::STYLE;
        let (light, dark) = style.split_once("@media").unwrap();
        let declares = |style: &str, name: &str, color: Color| {
            let value = style.split(&format!("{name}: ")).nth(1).unwrap();
            let value = value.split(';').next().unwrap();
            assert_eq!(Color::parse(value), Some(color), "{name}");
        };
        declares(light, "--card", LIGHT.card);
        declares(dark, "--card", DARK.card);
        declares(dark, "--ground", DARK.on_accent);
    }

    #[test]
    fn dark_accent_is_made_of_the_light_one_unless_it_is_given() {
        assert_eq!(rules(None, None).unwrap(), "");
        let both = rules(Some("#b92a1e"), None).unwrap();
        assert!(both.starts_with(":root { --accent: #b92a1e;"), "{both}");
        assert!(both.contains("dark) {\n:root { --accent: #"), "{both}");
        let given = rules(Some("#b92a1e"), Some("#ffb4ab")).unwrap();
        assert!(
            given.contains("dark) {\n:root { --accent: #ffb4ab;"),
            "{given}"
        );
        let dark = rules(None, Some("#ffb4ab")).unwrap();
        assert!(dark.starts_with("@media"), "{dark}");
    }

    #[test]
    fn accents_that_cannot_be_read_are_refused_with_one_that_can() {
        let text = |light, dark| rules(light, dark).unwrap_err().to_string();
        let yellow = text(Some("#ffcc00"), None);
        assert!(
            yellow.contains("4.5:1") && yellow.contains("like #"),
            "{yellow}"
        );
        // Rounded, its contrast of 4.48 would be enough.
        let gray = text(Some("#777777"), None);
        assert!(gray.contains("like #767676"), "{gray}");
        let green = text(Some("#1d5b4d"), Some("#1d5b4d"));
        assert!(green.contains("accent_color_dark"), "{green}");
        for color in ["", "green", "#12345", "rgb(0,0,0)", "#000;}", "url(x)"] {
            let error = rules(Some(color), None).unwrap_err();
            assert!(matches!(error, ConfigError::InvalidColor { .. }), "{color}");
        }
    }
}
