//! The configuration of a layer that was built.

use std::fmt;

use url::Url;

use super::{routes::RoutePaths, words::Words};
use crate::{
    browser::{
        host::HostAndPort, origin_check::OriginCheck, request::RequestInfo, return_to::ReturnTo,
    },
    clock::Clock,
    instance::InstanceId,
    response::page::look::Look,
    session::limits::SessionLimits,
};

/// The app's own side: its address, its words, its time limits.
pub(crate) struct Config {
    /// The origin of the app. Every redirect of the layer stays on it.
    pub origin: Url,
    /// The same in the form of an `Origin` header.
    pub origin_str: Box<str>,
    /// The host of the origin, and whether it is this machine.
    pub host: HostAndPort,
    /// `None` if requests of any origin are admitted.
    pub origin_check: Option<OriginCheck>,
    pub paths: RoutePaths,
    pub home: ReturnTo,
    /// Whether the app has chosen its home.
    pub home_is_set: bool,
    pub after_logout: Option<ReturnTo>,
    pub app_name: Option<String>,
    pub words: Words,
    pub look: Look,
    pub instance: InstanceId,
    pub optional: bool,
    pub login_page: bool,
    /// In seconds.
    pub max_session_age: u64,
    /// In seconds: a session that was not used for this long has ended.
    pub idle_timeout: Option<u64>,
    pub refresh_tokens: bool,
    pub clock: Clock,
}

impl Config {
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin_str)
    }

    /// The target that a browser stated, if it is safe and leads to the app, else the app's home.
    pub(crate) fn return_to(&self, raw: Option<&str>) -> ReturnTo {
        let raw = raw.filter(|raw| raw.starts_with('/'));
        let target = raw.and_then(|raw| self.target(&self.paths.complete(raw)));
        target.unwrap_or_else(|| self.home.clone())
    }

    /// The target that leads to the address of this request again, or else the app's home.
    pub(crate) fn return_here(&self, info: &RequestInfo) -> ReturnTo {
        let here = info.path_and_query();
        let here = here.and_then(|here| self.target(&self.paths.seen(here)));
        here.unwrap_or_else(|| self.home.clone())
    }

    /// The target that leads to the page that a request was sent from, or else the app's home.
    ///
    /// A service worker that changes a setting of a request is named in place of the page.
    pub(crate) fn return_to_page(&self, info: &RequestInfo) -> ReturnTo {
        let path = self.own_path(info.page());
        let page = path.and_then(|path| self.target(path));
        let page =
            page.filter(|page| ![".js", ".mjs"].iter().any(|end| page.path().ends_with(end)));
        page.unwrap_or_else(|| self.home.clone())
    }

    /// The place of a target that this layer has checked before.
    pub(super) fn place(&self, target: &str) -> Option<ReturnTo> {
        ReturnTo::parse(target, &self.origin)
    }

    /// The rules by which a session is good.
    pub(crate) fn limits(&self) -> SessionLimits {
        SessionLimits {
            instance: self.instance,
            idle_timeout: self.idle_timeout,
            refresh_tokens: self.refresh_tokens,
        }
    }

    fn target(&self, path: &str) -> Option<ReturnTo> {
        let target = ReturnTo::parse(path, &self.origin)?;
        let of_the_app = self.paths.is_below_prefix(target.path());
        (of_the_app && !self.paths.is_own(target.path())).then_some(target)
    }

    /// Where a login for this target starts.
    pub(crate) fn login_path(&self, return_to: &str) -> String {
        let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        format!("{}?return_to={query}", self.paths.login)
    }

    /// The path of an address on this app, as a browser states it in a header.
    fn own_path<'a>(&self, address: Option<&'a str>) -> Option<&'a str> {
        let path = address?.strip_prefix(&*self.origin_str)?;
        path.starts_with('/').then_some(path)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("origin", &self.origin_str)
            .field("paths", &self.paths)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}
