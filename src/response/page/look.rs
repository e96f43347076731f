//! What an app gives the layer's pages: its colors, its logo, its support.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    accent,
    logo::{Logo, LogoImage},
};
use crate::{browser::language::Language, digest::sha256, error::ConfigError};

pub(super) const STYLE: &str = include_str!("../../../templates/page.css");

/// The look of all pages of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(super) style: String,
    /// The source expression that allows the style in a Content-Security-Policy: `'sha256-…'`,
    /// quoted.
    pub(crate) style_source: String,
    pub(super) logo: Option<LogoImage>,
    support: Vec<SupportLink>,
}

/// Where users get help, in one language.
#[derive(Clone, Debug)]
pub(crate) struct SupportLink {
    pub(crate) language: Language,
    pub(crate) text: String,
    pub(crate) href: String,
}

impl Look {
    pub(crate) fn new(
        accent: Option<&str>,
        dark_accent: Option<&str>,
        logo: Option<&Logo>,
        support: Vec<SupportLink>,
    ) -> Result<Self, ConfigError> {
        let style = format!("{STYLE}{}", accent::rules(accent, dark_accent)?);
        Ok(Self {
            logo: logo.map(LogoImage::of).transpose()?,
            support,
            ..Self::of_style(style)
        })
    }

    /// The look without any settings.
    pub(super) fn plain() -> &'static Self {
        static PLAIN: LazyLock<Look> = LazyLock::new(|| Look::of_style(STYLE.to_owned()));
        &PLAIN
    }

    fn of_style(style: String) -> Self {
        let hash = BASE64_STANDARD.encode(sha256(&[style.as_bytes()]));
        Self {
            style,
            style_source: format!("'sha256-{hash}'"),
            logo: None,
            support: Vec::new(),
        }
    }

    pub(crate) fn has_images(&self) -> bool {
        self.logo.is_some()
    }

    /// The link in this language, or in the one that was set first: help in another language is
    /// better than none.
    pub(super) fn support(&self, language: Language) -> Option<&SupportLink> {
        let mut links = self.support.iter().rev();
        let known = links.find(|link| link.language == language);
        known.or(self.support.first())
    }
}
