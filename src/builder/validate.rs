//! Checks the settings and makes the layer of them.

use std::{sync::Arc, time::Duration};

use ::url::Url;
use http::Uri;

use super::{
    TelenorAuthBuilder,
    url::{is_loopback, parse_url},
};
use crate::{
    browser::{
        cookie::CookieNames, http_start::HttpStart, pending_login::PendingLogins,
        redirect_loop::LoopDetector, return_to::ReturnTo,
    },
    clock::MAX_SKEW,
    error::ConfigError,
    events::Events,
    flow::{
        Flow, REFRESH_COOLDOWN, config::Config, placement::Placement, routes::RoutePaths,
        single_flight::SingleFlight,
    },
    gateway::{Gateway, breaker::Breaker, client::HttpClient},
    instance::InstanceId,
    key::{CookieKeys, Purpose},
    layer::TelenorAuthLayer,
    oauth::{Authorization, ClientAuthentication, is_reserved_parameter, is_scope},
    session::MemoryStore,
    user::UserInfoCache,
};

const HOUR: Duration = Duration::from_secs(3600);

impl TelenorAuthBuilder {
    /// Returns the layer, or the first mistake.
    pub(super) fn validate(mut self) -> Result<TelenorAuthLayer, ConfigError> {
        let control = |text: &str| text.chars().any(char::is_control);
        if self.client_id.is_empty() || control(&self.client_id) {
            return Err(ConfigError::InvalidClientId);
        }
        if self.client_secret.is_empty() || control(&self.client_secret) {
            return Err(ConfigError::EmptyClientSecret);
        }
        if let Some(scope) = &self.scope
            && !is_scope(scope)
        {
            return Err(ConfigError::InvalidScope);
        }
        for (at, (name, _)) in self.parameters.iter().enumerate() {
            let twice = self.parameters[..at].iter().any(|(known, _)| known == name);
            if twice || is_reserved_parameter(name) {
                return Err(ConfigError::ReservedParameter(name.clone()));
            }
        }
        if self.max_token_requests == 0 {
            return Err(ConfigError::ZeroLimit("max_token_requests"));
        }
        let store = self.store.take();
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        if self.refresh_tokens && !store.has_stable_token() {
            return Err(ConfigError::RefreshNeedsServer);
        }
        let redirect_uri = self.validate_redirect_uri()?;
        let events = Arc::new(Events::new(self.on_event.take()));
        let gateway = self.validate_gateway(&redirect_uri, Arc::clone(&events))?;
        let config = self.config(&redirect_uri)?;
        let placement = self.placement(&config)?;

        let secure = redirect_uri.scheme() == "https";
        let names = CookieNames::new(&self.cookie_name, secure, self.cookie_prefix)?;
        let names = Arc::new(names);
        let login_timeout = seconds(
            self.login_timeout,
            Duration::from_secs(600),
            "login_timeout",
            "between 1 second and 10 minutes",
        )?;
        if self.cookie_keys.is_none() {
            tracing::warn!(
                "cookies are sealed with a random key: logins in progress end with this process, \
                 and other instances do not know them. Set cookie_keys to share and keep them"
            );
        }
        let keys = self.cookie_keys.clone().unwrap_or_else(CookieKeys::random);
        let http_start = self.validate_http_start(&keys, &redirect_uri, &config)?;
        let pending = keys.sealer(Purpose::PendingLogin, config.instance.as_bytes());
        let shared_outcomes = keys.sealer(Purpose::SharedOutcome, config.instance.as_bytes());
        let loop_detector = keys.sealer(Purpose::LoopDetector, config.instance.as_bytes());
        let user_info_ttl = self.user_info_ttl.map(|ttl| {
            let day = 24 * HOUR;
            seconds(ttl, day, "cache_user_info", "between 1 second and a day")
        });
        let flow = Flow {
            config,
            store,
            info_cache: user_info_ttl.transpose()?.map(UserInfoCache::new),
            events,
            pending: PendingLogins::new(Arc::clone(&names), pending, login_timeout),
            loop_detector: LoopDetector::new(Arc::clone(&names), loop_detector),
            names,
            http_start,
            gateway,
            exchanges: SingleFlight::new(self.max_token_requests, login_timeout + MAX_SKEW),
            refreshes: SingleFlight::new(self.max_token_requests, 0)
                .with_cooldown(REFRESH_COOLDOWN),
            shared_outcomes,
        };
        Ok(TelenorAuthLayer::new(flow, placement))
    }

    fn validate_redirect_uri(&self) -> Result<Url, ConfigError> {
        let url = parse_url(&self.redirect_uri).map_err(ConfigError::InvalidRedirectUri)?;
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(ConfigError::InsecureRedirectUri);
        }
        // Compared byte by byte at the gateway, so it must not change on its way there.
        if url.as_str() != self.redirect_uri && url.path() != "/" {
            let why = format!("is not in its normal form, which is {url}");
            return Err(ConfigError::InvalidRedirectUri(why));
        }
        Ok(url)
    }

    fn validate_gateway(
        &self,
        redirect_uri: &Url,
        events: Arc<Events>,
    ) -> Result<Gateway, ConfigError> {
        let base = parse_url(&self.gateway).map_err(ConfigError::InvalidGateway)?;
        let https_only = base.scheme() == "https";
        if !https_only && !is_loopback(&base) {
            return Err(ConfigError::InsecureGateway);
        }
        let base = base.as_str().trim_end_matches('/');
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
            http: HttpClient::new(https_only, self.gateway_ca.as_deref())?,
            breaker: Breaker::new(self.clock.clone(), Arc::clone(&events)),
            events,
        })
    }

    fn config(&self, redirect_uri: &Url) -> Result<Config, ConfigError> {
        let paths = RoutePaths::siblings_of(redirect_uri.path(), self.script_api)?;
        let origin_str = redirect_uri.origin().ascii_serialization();
        let origin = Url::parse(&origin_str)
            .map_err(|error| ConfigError::InvalidRedirectUri(error.to_string()))?;
        let path = |setting: &'static str, path: &str| {
            ReturnTo::parse(path, &origin)
                .filter(|target| paths.route(target.path()).is_none())
                .ok_or_else(|| ConfigError::InvalidPath {
                    setting,
                    path: path.to_owned(),
                })
        };
        let optional = |setting, given: &Option<String>| {
            given
                .as_deref()
                .map(|given| path(setting, given))
                .transpose()
        };
        Ok(Config {
            home: path("home", &self.home)?,
            after_logout: optional("after_logout", &self.after_logout)?,
            continue_without: optional("continue_without", &self.continue_without)?,
            app_name: self.app_name.clone(),
            purposes: self.purposes.clone(),
            instance: InstanceId::new(&self.gateway, &self.client_id, &self.redirect_uri),
            optional: self.optional,
            login_page: self.login_page,
            max_session_age: seconds(
                self.max_session_age,
                24 * 365 * HOUR,
                "max_session_age",
                "between 1 second and a year",
            )?,
            idle_timeout: self.validate_idle_timeout()?,
            refresh_tokens: self.refresh_tokens,
            clock: self.clock.clone(),
            origin_str: origin_str.into(),
            origin,
            paths,
        })
    }

    fn validate_idle_timeout(&self) -> Result<Option<u64>, ConfigError> {
        let timeout = self.idle_timeout.map(|timeout| {
            let day = 24 * HOUR;
            seconds(timeout, day, "idle_timeout", "between 1 second and a day")
        });
        timeout.transpose()
    }

    fn validate_http_start(
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
        let authority = origin.trim_start_matches("http://").to_owned();
        let app = config.origin_str.split("//").nth(1);
        if app == Some(&authority) {
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
            authority,
            page,
            self.start_script.clone(),
            sealer,
        )))
    }

    fn placement(&self, config: &Config) -> Result<Placement, ConfigError> {
        let prefix = self.nested_at.as_deref().unwrap_or_default();
        let prefix = prefix.trim_end_matches('/');
        match config.paths.callback.strip_prefix(prefix) {
            Some(rest) if rest.starts_with('/') => Ok(Placement::wrapping(prefix)),
            _ => Err(ConfigError::NotBelowNest(prefix.to_owned())),
        }
    }
}

fn seconds(
    given: Duration,
    most: Duration,
    setting: &'static str,
    allowed: &'static str,
) -> Result<u64, ConfigError> {
    if given.as_secs() == 0 || given > most {
        return Err(ConfigError::InvalidDuration { setting, allowed });
    }
    Ok(given.as_secs())
}
