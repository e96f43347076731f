//! The routes that the layer answers itself.

use std::borrow::Cow;

use crate::error::ConfigError;

/// The routes that the layer answers itself: siblings of the redirect URI's path.
///
/// The paths are those that a browser sees. A proxy may take their beginning away.
#[derive(Clone, Debug)]
pub(crate) struct RoutePaths {
    /// The prefix that the proxy takes away. Empty if there is none.
    stripped: Box<str>,
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
    /// `stripped` is the beginning of `callback` that the proxy takes away.
    pub(crate) fn siblings_of(
        callback: &str,
        stripped: &str,
        script_api: bool,
    ) -> Result<Self, ConfigError> {
        let below = callback.strip_prefix(stripped);
        if !below.is_some_and(|path| path.starts_with('/')) {
            return Err(ConfigError::NotBelowStrippedPrefix(stripped.to_owned()));
        }
        let (directory, name) = callback.rsplit_once('/').unwrap_or_default();
        if RESERVED.contains(&name) {
            return Err(ConfigError::RedirectPathTaken(callback.to_owned()));
        }
        let sibling = |name: &str| format!("{directory}/{name}").into();
        Ok(Self {
            stripped: stripped.into(),
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

    /// The route of a request that the app received.
    ///
    /// Exactly these paths, in the spelling of the request: what a router in front of the layer
    /// decodes must not decide here.
    pub(crate) fn route(&self, path: &str) -> Option<Route> {
        if !path.starts_with(self.received(&self.directory)) {
            return None;
        }
        let is = |own: &str| path == self.received(own);
        let is_given = |own: &Option<Box<str>>| own.as_deref().is_some_and(is);
        match path {
            _ if is(&self.callback) => Some(Route::Callback),
            _ if is(&self.login) => Some(Route::Login),
            _ if is(&self.logout) => Some(Route::Logout),
            _ if is(&self.session) => Some(Route::Session),
            _ if is(&self.start) => Some(Route::Start),
            _ if is_given(&self.user_info) => Some(Route::UserInfo),
            _ if is_given(&self.device_info) => Some(Route::DeviceInfo),
            _ => None,
        }
    }

    /// Whether a browser that opens this path asks for one of these routes.
    pub(crate) fn is_own(&self, path: &str) -> bool {
        let received = path.strip_prefix(&*self.stripped);
        received.is_some_and(|path| self.route(path).is_some())
    }

    /// Whether a path that a browser sees leads to this app, and to no other one of its host.
    pub(crate) fn is_below_prefix(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&*self.stripped);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// One of these paths as the app receives it.
    pub(crate) fn received<'p>(&self, own: &'p str) -> &'p str {
        &own[self.stripped.len()..]
    }

    /// A path of the app as a browser sees it.
    pub(crate) fn seen<'p>(&self, path: &'p str) -> Cow<'p, str> {
        if self.stripped.is_empty() {
            return Cow::Borrowed(path);
        }
        Cow::Owned(format!("{}{path}", self.stripped))
    }

    /// A path that a browser stated. Links of an app that does not know the prefix lack it.
    pub(crate) fn complete<'p>(&self, path: &'p str) -> Cow<'p, str> {
        match path.strip_prefix(&*self.stripped) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                Cow::Borrowed(path)
            }
            _ => self.seen(path),
        }
    }

    /// All of them, as the app receives them.
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
        let all = always.into_iter().chain(script_api);
        all.map(|path| self.received(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_routes_are_matched_exactly() {
        let paths = RoutePaths::siblings_of("/telenor/callback", "", true).unwrap();
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
            &*RoutePaths::siblings_of("/callback", "", true)
                .unwrap()
                .login,
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
            assert!(RoutePaths::siblings_of(taken, "", true).is_err(), "{taken}");
        }
    }

    #[test]
    fn proxy_takes_the_prefix_away_and_browsers_see_it() {
        let paths = RoutePaths::siblings_of("/kunde/telenor/callback", "/kunde", true).unwrap();
        assert_eq!(paths.route("/telenor/callback"), Some(Route::Callback));
        assert_eq!(paths.route("/kunde/telenor/callback"), None);
        assert_eq!(&*paths.login, "/kunde/telenor/login");
        assert!(paths.is_own("/kunde/telenor/login"));
        assert!(!paths.is_own("/telenor/login"), "another app of the host");
        assert_eq!(paths.seen("/sko"), "/kunde/sko");
        for (stated, complete) in [
            ("/kunde/sko", "/kunde/sko"),
            ("/kunde", "/kunde"),
            ("/kunde?a=1", "/kunde?a=1"),
            ("/sko", "/kunde/sko"),
            ("/kunder", "/kunde/kunder"),
        ] {
            assert_eq!(paths.complete(stated), complete, "{stated}");
        }
        for prefix in ["/butikk", "/kun", "/kunde/telenor/callback", "kunde"] {
            let paths = RoutePaths::siblings_of("/kunde/telenor/callback", prefix, true);
            assert!(paths.is_err(), "{prefix}");
        }
    }
}
