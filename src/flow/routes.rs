//! The routes that the layer answers itself.

use crate::error::ConfigError;

/// The routes that the layer answers itself: siblings of the redirect URI's path.
#[derive(Clone, Debug)]
pub(crate) struct RoutePaths {
    /// The common beginning of all, with the last slash.
    directory: Box<str>,
    pub callback: Box<str>,
    pub login: Box<str>,
    pub logout: Box<str>,
    pub session: Box<str>,
    pub start: Box<str>,
    /// With `script_api` only.
    pub user_info: Option<Box<str>>,
    pub device_info: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Callback,
    Login,
    Logout,
    Session,
    Start,
    UserInfo,
    DeviceInfo,
}

const RESERVED: [&str; 7] = [
    "",
    "login",
    "logout",
    "start",
    "session",
    "user-info",
    "device-info",
];

impl RoutePaths {
    pub(crate) fn siblings_of(callback: &str, script_api: bool) -> Result<Self, ConfigError> {
        let (directory, name) = callback.rsplit_once('/').unwrap_or_default();
        if RESERVED.contains(&name) {
            return Err(ConfigError::RedirectPathTaken(callback.to_owned()));
        }
        let sibling = |name: &str| format!("{directory}/{name}").into();
        Ok(Self {
            directory: format!("{directory}/").into(),
            callback: callback.into(),
            login: sibling("login"),
            logout: sibling("logout"),
            session: sibling("session"),
            start: sibling("start"),
            user_info: script_api.then(|| sibling("user-info")),
            device_info: script_api.then(|| sibling("device-info")),
        })
    }

    /// Exactly these paths, in the spelling of the request: what a router in front of the layer
    /// decodes must not decide here.
    pub(crate) fn route(&self, path: &str) -> Option<Route> {
        if !path.starts_with(&*self.directory) {
            return None;
        }
        match path {
            path if path == &*self.callback => Some(Route::Callback),
            path if path == &*self.login => Some(Route::Login),
            path if path == &*self.logout => Some(Route::Logout),
            path if path == &*self.session => Some(Route::Session),
            path if path == &*self.start => Some(Route::Start),
            path if Some(path) == self.user_info.as_deref() => Some(Route::UserInfo),
            path if Some(path) == self.device_info.as_deref() => Some(Route::DeviceInfo),
            _ => None,
        }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let always = [
            &self.callback,
            &self.login,
            &self.logout,
            &self.session,
            &self.start,
        ];
        let script_api = self.user_info.iter().chain(&self.device_info);
        always.into_iter().chain(script_api).map(|path| &**path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_routes_are_matched_exactly() {
        let paths = RoutePaths::siblings_of("/telenor/callback", true).unwrap();
        assert_eq!(paths.route("/telenor/callback"), Some(Route::Callback));
        assert_eq!(paths.route("/telenor/logout"), Some(Route::Logout));
        for other in [
            "/telenor/callback/",
            "/telenor/CALLBACK",
            "/telenor/%63allback",
            "//telenor/callback",
            "/x/telenor/callback",
            "/callback",
            "/telenor/",
            "/telenor",
        ] {
            assert_eq!(paths.route(other), None, "{other}");
        }
    }

    #[test]
    fn callback_may_stand_at_the_root_but_not_in_place_of_a_sibling() {
        assert_eq!(
            &*RoutePaths::siblings_of("/callback", true).unwrap().login,
            "/login"
        );
        for taken in [
            "/",
            "/telenor/",
            "/telenor/login",
            "/logout",
            "/a/session",
            "/start",
        ] {
            assert!(RoutePaths::siblings_of(taken, true).is_err(), "{taken}");
        }
    }
}
