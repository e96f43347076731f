//! The gateway's settings.

use std::sync::Arc;

use ::url::Url;
use http::Uri;

use super::{
    TelenorAuthBuilder,
    endpoints::{base_of_endpoint, endpoint_urls},
    url::{is_exposed, is_telenor_on_plain_http, parse_url},
};
use crate::{
    error::ConfigError,
    events::{Events, GrantType},
    gateway::{Gateway, breaker::Breaker, client::HttpClient, health::GatewayHealth, hosts::Hosts},
    oauth::{Authorization, ClientAuthentication},
};

impl TelenorAuthBuilder {
    pub(super) fn validate_gateway(
        &self,
        redirect_uri: &Url,
        events: Arc<Events>,
    ) -> Result<Gateway, ConfigError> {
        let base = parse_url(&self.gateway).map_err(ConfigError::InvalidGateway)?;
        if is_telenor_on_plain_http(&base) {
            let why = "is plain http, and Telenor's gateway is on https alone";
            return Err(ConfigError::InvalidGateway(why.to_owned()));
        }
        if is_exposed(&base) && !self.allow_plain_http {
            return Err(ConfigError::InsecureGateway);
        }
        let base_url = base.as_str().trim_end_matches('/');
        if let Some(root) = base_of_endpoint(base_url, &self.endpoints) {
            return Err(ConfigError::InvalidGateway(format!(
                "ends with the path of an endpoint, which the layer itself adds to {root}"
            )));
        }
        let [authorization, token, logout, user_info, device_info] =
            endpoint_urls(&base, &self.endpoints, self.allow_plain_http)?;
        let base_uri = Uri::try_from(base_url)
            .map_err(|error| ConfigError::InvalidGateway(format!("cannot be used ({error})")))?;
        let mut hosts = Hosts::new();
        hosts.add(&base_uri, || self.client(&base))?;
        // Only a browser opens the authorization endpoint.
        for endpoint in [&token, &logout, &user_info, &device_info] {
            let added = hosts.add(&endpoint.uri, || self.client(&endpoint.url));
            added.map_err(|error| endpoint.blame(error))?;
        }
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
                authorization.url,
                id,
                redirect_uri,
                self.scope.as_deref(),
                &self.parameters,
            ),
            token_endpoint: token.uri,
            logout_endpoint: logout.uri,
            user_info_endpoint: user_info.uri,
            device_info_endpoint: device_info.uri,
            base: base_url.into(),
            client: if self.raw_client_credentials {
                ClientAuthentication::basic_raw(id, secret)
            } else {
                ClientAuthentication::basic(id, secret)
            },
            client_id: id.as_str().into(),
            redirect_uri: redirect_uri.map(Into::into),
            pkce: self.pkce,
            hosts,
            code_breaker: breaker(GrantType::AuthorizationCode),
            refresh_breaker: breaker(GrantType::RefreshToken),
            health: GatewayHealth::new(self.clock.clone()),
            events,
        })
    }
    /// The client for the host of this URL.
    fn client(&self, url: &Url) -> Result<HttpClient, ConfigError> {
        let proxy = self.proxy(url, |name| std::env::var_os(name))?;
        HttpClient::new(url, self.gateway_ca.as_deref(), proxy)
    }
}
