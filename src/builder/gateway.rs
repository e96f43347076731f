//! The gateway's settings.

use std::sync::Arc;

use ::url::Url;
use http::Uri;

use super::{
    TelenorAuthBuilder,
    url::{is_loopback, parse_url},
};
use crate::{
    error::ConfigError,
    events::{Events, GrantType},
    gateway::{Gateway, breaker::Breaker, client::HttpClient},
    oauth::{Authorization, ClientAuthentication},
};

impl TelenorAuthBuilder {
    pub(super) fn validate_gateway(
        &self,
        redirect_uri: &Url,
        events: Arc<Events>,
    ) -> Result<Gateway, ConfigError> {
        let base = parse_url(&self.gateway).map_err(ConfigError::InvalidGateway)?;
        if base.scheme() == "http" && !is_loopback(&base) {
            return Err(ConfigError::InsecureGateway);
        }
        let proxy = self.proxy(&base, |name| std::env::var_os(name))?;
        let http = HttpClient::new(&base, self.gateway_ca.as_deref(), proxy)?;
        let base = base.as_str().trim_end_matches('/');
        if let Some(root) = base_of_endpoint(base) {
            return Err(ConfigError::InvalidGateway(format!(
                "ends with the path of an endpoint, which the layer itself adds to {root}"
            )));
        }
        let endpoint = |path: &str| {
            let uri = Uri::try_from(format!("{base}{path}"));
            uri.map_err(|error| ConfigError::InvalidGateway(format!("cannot be used ({error})")))
        };
        let authorize = Url::parse(&format!("{base}/oauth/v2/authorize"));
        let authorize = authorize
            .map_err(|error| ConfigError::InvalidGateway(format!("cannot be used ({error})")))?;
        let redirect_uri = (!self.omit_redirect_uri).then_some(redirect_uri.as_str());
        let (id, secret) = (&self.client_id, &self.client_secret);
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte))
        };
        let same = plain(id) && plain(secret);
        if !(self.raw_client_credentials || same) {
            tracing::info!(
                "client id or secret has characters that RFC 6749 section 2.3.1 encodes. If the \
                 gateway refuses them, try raw_client_credentials(true)"
            );
        }
        let breaker = |grant| Breaker::new(grant, self.clock.clone(), Arc::clone(&events));
        Ok(Gateway {
            authorization: Authorization::new(
                authorize,
                id,
                redirect_uri,
                self.scope.as_deref(),
                &self.parameters,
            ),
            token_endpoint: endpoint("/oauth/v2/token")?,
            logout_endpoint: endpoint("/oauth/v2/logout")?,
            base: base.into(),
            client: if self.raw_client_credentials {
                ClientAuthentication::basic_raw(id, secret)
            } else {
                ClientAuthentication::basic(id, secret)
            },
            client_id: id.as_str().into(),
            redirect_uri: redirect_uri.map(Into::into),
            pkce: self.pkce,
            http,
            code_breaker: breaker(GrantType::AuthorizationCode),
            refresh_breaker: breaker(GrantType::RefreshToken),
            events,
        })
    }
}

/// The base URL, where the path of an endpoint or the first parts of one were added to it.
fn base_of_endpoint(url: &str) -> Option<&str> {
    const ENDPOINTS: [&str; 10] = [
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
    ENDPOINTS.iter().find_map(|path| url.strip_suffix(path))
}
