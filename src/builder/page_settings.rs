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
    response::FailurePages,
};

/// What the app sets about the pages.
#[derive(Default)]
pub(super) struct PageSettings {
    pub(super) app_name: Option<String>,
    pub(super) failure_pages: Option<FailurePages>,
    pub(super) purposes: Vec<(Option<String>, Language, String)>,
    pub(super) ways_out: Vec<(Option<String>, String)>,
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
