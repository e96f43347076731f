//! What is fixed once the layer is built.

use std::fmt;

use url::{Host, Url};

use crate::{
    browser::return_to::ReturnTo, clock::Clock, flow::routes::OwnPaths, response::page::Language,
};

/// The app's own side of the set-up: where it lives, what it says, how long things last.
pub(crate) struct Config {
    /// Where the app is seen from outside; every redirect of ours stays on it.
    pub origin: Url,
    /// The same as an `Origin` header has it.
    pub origin_text: Box<str>,
    pub paths: OwnPaths,
    pub home: ReturnTo,
    pub after_logout: Option<ReturnTo>,
    pub without: Option<ReturnTo>,
    pub app_name: Option<String>,
    pub purposes: Vec<(Language, String)>,
    /// Tells this app, client and gateway from every other that shares its keys or its store.
    pub instance: [u8; 8],
    pub optional: bool,
    pub login_page: bool,
    /// In seconds.
    pub session_max: u64,
    /// In seconds: a session that nobody used for this long is over.
    pub idle_timeout: Option<u64>,
    pub refresh_tokens: bool,
    pub clock: Clock,
}

impl Config {
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin_text)
    }

    /// The given target if it is safe and leads to the app, else the app's home.
    pub(crate) fn return_to(&self, raw: Option<&str>) -> ReturnTo {
        raw.and_then(|raw| ReturnTo::parse(raw, &self.origin))
            .filter(|target| self.paths.route(target.path()).is_none())
            .unwrap_or_else(|| self.home.clone())
    }

    pub(crate) fn purpose(&self, language: Language) -> Option<&str> {
        let mut purposes = self.purposes.iter();
        let purpose = purposes.find(|(known, _)| *known == language);
        purpose.map(|(_, purpose)| purpose.as_str())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("origin", &self.origin_text)
            .field("paths", &self.paths)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}

/// An absolute URL of `http` or `https` with a host and nothing that does not belong into an address of ours.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has the scheme {}", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or a password".to_owned());
    }
    if url.fragment().is_some() || url.query().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    Ok(url)
}

/// Whether plain http to this host never leaves the machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::routes::Route, *};

    #[test]
    fn own_routes_are_matched_exactly() {
        let paths = OwnPaths::beside("/telenor/callback", true).unwrap();
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
            &*OwnPaths::beside("/callback", true).unwrap().login,
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
            assert!(OwnPaths::beside(taken, true).is_err(), "{taken}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        let loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in [
            "http://127.0.0.1:3000",
            "http://127.9.9.9",
            "http://[::1]",
            "http://localhost",
            "http://a.localhost",
        ] {
            assert!(loopback(url), "{url}");
        }
        for url in [
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "http://[::2]",
        ] {
            assert!(!loopback(url), "{url}");
        }
    }
}
