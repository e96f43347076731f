//! The settings of the start page.

use ::url::Url;

use super::{
    TelenorAuthBuilder,
    url::{is_loopback, parse_url},
};
use crate::{
    browser::{host::HostAndPort, start_page::StartPage, start_script::StartScript},
    error::ConfigError,
    flow::config::Config,
    key::{CookieKeys, Purpose},
};

impl TelenorAuthBuilder {
    /// `login_timeout` is in seconds.
    pub(super) fn validate_start_page(
        &self,
        keys: &CookieKeys,
        redirect_uri: &Url,
        config: &Config,
        login_timeout: u64,
    ) -> Result<Option<StartPage>, ConfigError> {
        if let Some(script) = &self.start_script {
            script.check()?;
        }
        let (http_host, origin) = match (&self.http_start, &self.start_script) {
            (None, None) => return Ok(None),
            (None, Some(script)) => {
                if redirect_uri.scheme() == "https" {
                    check_mixed_content(script)?;
                }
                (None, config.origin_str.to_string())
            }
            (Some(origin), _) => {
                let (host, origin) = http_host(origin, redirect_uri, config)?;
                (Some(host), origin)
            }
        };
        let address = format!("{origin}{}", config.paths.start);
        let sealer = keys.sealer(Purpose::StartTicket, config.instance.as_bytes());
        let script = self.start_script.clone();
        let page = StartPage::new(http_host, address, script, sealer, login_timeout);
        Ok(Some(page))
    }
}

/// The host and the origin of a page on plain http.
fn http_host(
    origin: &str,
    redirect_uri: &Url,
    config: &Config,
) -> Result<(HostAndPort, String), ConfigError> {
    let url = parse_url(origin).map_err(|_| ConfigError::InvalidHttpStart("is not an origin"))?;
    if url.scheme() != "http" {
        return Err(ConfigError::InvalidHttpStart("is not plain http"));
    }
    let origin = url.origin().ascii_serialization();
    if url.path() != "/" {
        return Err(ConfigError::InvalidHttpStart("has a path"));
    }
    let authority = origin.trim_start_matches("http://");
    let host = HostAndPort::parse(authority, 80);
    let host = host.ok_or(ConfigError::InvalidHttpStart("is not an origin"))?;
    let app = config.origin_str.split("//").nth(1);
    if app == Some(authority) {
        return Err(ConfigError::InvalidHttpStart("is the app's own host"));
    }
    if let (Some(start), Some(app)) = (url.host_str(), redirect_uri.host_str())
        && start.ends_with(&format!(".{app}"))
    {
        tracing::warn!(
            "the plain-http start is below {app}: if {app} sends HSTS with includeSubDomains, \
             browsers never open it"
        );
    }
    Ok((host, origin))
}

/// Browsers block plain http on an https page, unless it stays on this machine.
fn check_mixed_content(script: &StartScript) -> Result<(), ConfigError> {
    let is_blocked = |address: &str| {
        let url = Url::parse(address);
        url.is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
    };
    let mut addresses = script.addresses();
    match addresses.find(|address| is_blocked(address)) {
        Some(address) => Err(ConfigError::InvalidStartScript(format!(
            "uses {address}, which browsers block on an https page"
        ))),
        None => Ok(()),
    }
}
