//! What an app has set about the pages, and the checks of that.

use ::url::Url;

use super::url::app_path;
use crate::{
    browser::language::Language,
    error::ConfigError,
    flow::{
        routes::RoutePaths,
        words::{Place, Words},
    },
    response::{
        FailurePages, Logo,
        page::look::{Look, SupportLink},
    },
};

/// What the app sets about the pages.
#[derive(Default)]
pub(super) struct PageSettings {
    pub(super) app_name: Option<String>,
    pub(super) failure_pages: Option<FailurePages>,
    pub(super) purposes: Vec<(Option<String>, Language, String)>,
    pub(super) ways_out: Vec<(Option<String>, String)>,
    pub(super) accent: Option<String>,
    pub(super) dark_accent: Option<String>,
    pub(super) logo: Option<Logo>,
    pub(super) support: Vec<SupportLink>,
}

impl PageSettings {
    /// The words for the app as a whole come first, so that those for `/` count more.
    pub(super) fn words(&self, paths: &RoutePaths, origin: &Url) -> Result<Words, ConfigError> {
        let place = |setting, path: &Option<String>| match path {
            None => Ok(Place::everywhere()),
            Some(path) => place(setting, path, paths, origin),
        };
        let mut words = Words::default();
        let (general, placed): (Vec<_>, Vec<_>) =
            self.purposes.iter().partition(|(path, ..)| path.is_none());
        for (path, language, purpose) in general.into_iter().chain(placed) {
            words.add_purpose(place("purpose_at", path)?, *language, purpose.clone());
        }
        let (general, placed): (Vec<_>, Vec<_>) =
            self.ways_out.iter().partition(|(path, _)| path.is_none());
        for (path, target) in general.into_iter().chain(placed) {
            let setting = match path {
                None => "continue_without",
                Some(_) => "continue_without_at",
            };
            let target = app_path(setting, target, paths, origin)?;
            words.add_way_out(place(setting, path)?, target);
        }
        Ok(words)
    }

    pub(super) fn look(&self, paths: &RoutePaths, origin: &Url) -> Result<Look, ConfigError> {
        let support = self.support.iter().map(|link| {
            let link = link.clone();
            let href = support_href(&link, paths, origin)
                .ok_or_else(|| ConfigError::InvalidSupportLink(link.href.clone()))?;
            Ok(SupportLink { href, ..link })
        });
        let support = support.collect::<Result<_, _>>()?;
        let (accent, dark_accent) = (self.accent.as_deref(), self.dark_accent.as_deref());
        Look::new(accent, dark_accent, self.logo.as_ref(), support)
    }
}

/// The address that a browser opens for help, if it is one.
fn support_href(link: &SupportLink, paths: &RoutePaths, origin: &Url) -> Option<String> {
    let href = &*link.href;
    if link.text.trim().is_empty() {
        return None;
    }
    if href.starts_with('/') {
        let path = app_path("support_link", href, paths, origin).ok()?;
        return Some(path.as_str().to_owned());
    }
    if !href.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let url = Url::parse(href).ok()?;
    let is_help = match url.scheme() {
        "https" => url.username().is_empty() && url.password().is_none(),
        "mailto" => url.path().contains('@'),
        "tel" => url.path().contains(|c: char| c.is_ascii_digit()),
        _ => false,
    };
    is_help.then(|| href.to_owned())
}

/// A place is named by its path alone, and no user is at a route of the layer.
fn place(
    setting: &'static str,
    path: &str,
    paths: &RoutePaths,
    origin: &Url,
) -> Result<Place, ConfigError> {
    let known = app_path(setting, path, paths, origin).ok();
    let known = known.filter(|_| !path.contains(['?', '#']));
    let place = known.map(|known| Place::below(known.path()));
    place.ok_or_else(|| ConfigError::InvalidPlace {
        setting,
        path: path.to_owned(),
    })
}
