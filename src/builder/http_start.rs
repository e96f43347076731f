//! The settings of the plain-http start.

use ::url::Url;

use super::{TelenorAuthBuilder, url::parse_url};
use crate::{
    browser::{host::HostAndPort, http_start::HttpStart},
    error::ConfigError,
    flow::config::Config,
    key::{CookieKeys, Purpose},
};

impl TelenorAuthBuilder {
    pub(super) fn validate_http_start(
        &self,
        keys: &CookieKeys,
        redirect_uri: &Url,
        config: &Config,
    ) -> Result<Option<HttpStart>, ConfigError> {
        let Some(origin) = &self.http_start else {
            if self.start_script.is_some() {
                return Err(ConfigError::InvalidHttpStart(
                    "is not set, but start_script is",
                ));
            }
            return Ok(None);
        };
        let url =
            parse_url(origin).map_err(|_| ConfigError::InvalidHttpStart("is not an origin"))?;
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
        if let Some(script) = &self.start_script {
            script.check()?;
        }
        if let (Some(start), Some(app)) = (url.host_str(), redirect_uri.host_str())
            && start.ends_with(&format!(".{app}"))
        {
            tracing::warn!(
                "the plain-http start is below {app}: if {app} sends HSTS with includeSubDomains, \
                 browsers never open it"
            );
        }
        let page = format!("{origin}{}", config.paths.start);
        let sealer = keys.sealer(Purpose::StartTicket, config.instance.as_bytes());
        Ok(Some(HttpStart::new(
            host,
            page,
            self.start_script.clone(),
            sealer,
        )))
    }
}
