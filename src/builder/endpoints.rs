//! The gateway's endpoints, as URLs.

use ::url::Url;
use http::Uri;

use super::url::{is_exposed, is_telenor_on_plain_http, parse_url};
use crate::{error::ConfigError, gateway::endpoints::Endpoints};

/// An endpoint, checked.
pub(super) struct EndpointUrl {
    name: &'static str,
    pub url: Url,
    pub uri: Uri,
}

impl EndpointUrl {
    fn new(
        base: &Url,
        name: &'static str,
        endpoint: &str,
        allow_plain_http: bool,
    ) -> Result<Self, ConfigError> {
        let invalid = |why: String| ConfigError::InvalidEndpoint {
            endpoint: name,
            why,
        };
        let address = match endpoint.starts_with('/') {
            true => format!("{}{endpoint}", base.as_str().trim_end_matches('/')),
            false => endpoint.to_owned(),
        };
        if endpoint.starts_with("//") {
            return Err(invalid("begins with two slashes".to_owned()));
        }
        let url = parse_url(&address).map_err(invalid)?;
        if is_telenor_on_plain_http(&url) {
            return Err(invalid(
                "is plain http, and Telenor's gateway is on https alone".to_owned(),
            ));
        }
        // Codes, secrets and tokens go there.
        if is_exposed(&url) && !allow_plain_http {
            return Err(invalid("is plain http".to_owned()));
        }
        if is_exposed(&url) && base.scheme() == "https" {
            return Err(invalid(
                "is plain http, while the gateway is on https".to_owned(),
            ));
        }
        if url.as_str() != address {
            return Err(invalid(format!(
                "is not in its normal form, in which it is {url}"
            )));
        }
        let uri = Uri::try_from(address);
        let uri = uri.map_err(|error| invalid(format!("cannot be used ({error})")))?;
        Ok(Self { name, url, uri })
    }

    /// Names the endpoint in an error about its host.
    pub(super) fn blame(&self, error: ConfigError) -> ConfigError {
        match error {
            ConfigError::InvalidGateway(why) => ConfigError::InvalidEndpoint {
                endpoint: self.name,
                why,
            },
            other => other,
        }
    }
}

/// The endpoints in the order of [`Endpoints::all`].
pub(super) fn endpoint_urls(
    base: &Url,
    endpoints: &Endpoints,
    allow_plain_http: bool,
) -> Result<[EndpointUrl; 5], ConfigError> {
    let [authorization, token, logout, user_info, device_info] = endpoints.all();
    let url = |(name, endpoint)| EndpointUrl::new(base, name, endpoint, allow_plain_http);
    Ok([
        url(authorization)?,
        url(token)?,
        url(logout)?,
        url(user_info)?,
        url(device_info)?,
    ])
}

/// The base URL, where the path of an endpoint or the first parts of one were added to it.
pub(super) fn base_of_endpoint<'u>(url: &'u str, endpoints: &Endpoints) -> Option<&'u str> {
    const DOCUMENTED: [&str; 10] = [
        "/oauth/v2",
        "/oauth/v2/authorize",
        "/oauth/v2/token",
        "/oauth/v2/logout",
        "/user-info",
        "/user-info/v1",
        "/user-info/v1/users",
        "/mobile-device-info",
        "/mobile-device-info/v1",
        "/mobile-device-info/v1/device",
    ];
    let added = |path: &&&str| {
        let mut all = endpoints.all().into_iter();
        all.any(|(_, endpoint)| endpoint.starts_with(**path))
    };
    let mut documented = DOCUMENTED.iter().filter(added);
    documented.find_map(|path| url.strip_suffix(path))
}
