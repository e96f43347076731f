//! Checks the settings and makes the layer of them.

use std::{sync::Arc, time::Duration};

use ::url::Url;

use super::{
    TelenorAuthBuilder,
    url::{app_path, is_exposed, is_telenor_on_plain_http, parse_url},
};
use crate::{
    browser::{
        cookie::CookieNames, host::HostAndPort, login_button::LoginButton,
        pending_login::PendingLogins, redirect_loop::LoopDetector,
    },
    clock::MAX_SKEW,
    error::ConfigError,
    events::Events,
    flow::{
        Flow, REFRESH_COOLDOWN, config::Config, deadlines::Deadlines, notices::Notices,
        placement::Placement, routes::RoutePaths, single_flight::SingleFlight,
    },
    gateway::endpoints::Endpoints,
    instance::InstanceId,
    key::{CookieKeys, Purpose},
    layer::TelenorAuthLayer,
    oauth::{is_reserved_parameter, is_scope},
    session::{MemoryStore, watch::WatchedStore},
    user::UserInfoCache,
};

const HOUR: Duration = Duration::from_secs(3600);

impl TelenorAuthBuilder {
    /// Returns the layer, or the first mistake.
    pub(super) fn validate(mut self) -> Result<TelenorAuthLayer, ConfigError> {
        if self.client_id.trim().is_empty() {
            return Err(ConfigError::MissingClientId);
        }
        credential(&self.client_id).map_err(ConfigError::InvalidClientId)?;
        credential(&self.client_secret).map_err(ConfigError::InvalidClientSecret)?;
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
        if let Some(store_keys) = store.keys() {
            let keys = self.cookie_keys.get_or_insert_with(|| store_keys.clone());
            if !keys.has_keys_of(&store_keys) {
                return Err(ConfigError::StoreKeysDiffer);
            }
        }
        if self.refresh_tokens && !store.has_stable_token() {
            return Err(ConfigError::RefreshNeedsServer);
        }
        self.warn_of_development();
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
        let keys = self.cookie_keys.clone().unwrap_or_else(CookieKeys::random);
        if keys.is_random() {
            tracing::warn!(
                "cookies are sealed with a random key: logins in progress end with this process, \
                 and other instances do not know them. Set cookie_keys to share and keep them"
            );
        }
        let start_page = self.validate_start_page(&keys, &redirect_uri, &config, login_timeout)?;
        let pending = keys.sealer(Purpose::PendingLogin, config.instance.as_bytes());
        let shared_outcomes = keys.sealer(Purpose::SharedOutcome, config.instance.as_bytes());
        let logout_forms = keys.sealer(Purpose::LogoutForm, config.instance.as_bytes());
        let loop_detector = keys.sealer(Purpose::LoopDetector, config.instance.as_bytes());
        let minute = Duration::from_secs(60);
        let allowed = "between 1 second and a minute";
        seconds(self.on_login_timeout, minute, "on_login_timeout", allowed)?;
        let hook = match self.on_login {
            Some(_) => self.on_login_timeout,
            None => Duration::ZERO,
        };
        let user_info_ttl = self.user_info_ttl.map(|ttl| {
            let day = 24 * HOUR;
            seconds(ttl, day, "cache_user_info", "between 1 second and a day")
        });
        let store = WatchedStore::new(store, config.clock.clone(), config.limits());
        let flow = Flow {
            config,
            failure_pages: self.pages.failure_pages.take(),
            store,
            info_cache: user_info_ttl.transpose()?.map(UserInfoCache::new),
            events,
            on_login: self.on_login.take().map(Arc::new),
            deadlines: Deadlines { hook },
            pending: PendingLogins::new(Arc::clone(&names), pending, login_timeout),
            loop_detector: LoopDetector::new(Arc::clone(&names), loop_detector),
            login_button: LoginButton::new(Arc::clone(&names)),
            names,
            start_page,
            gateway,
            exchanges: SingleFlight::new(self.max_token_requests, login_timeout + MAX_SKEW)
                .with_longer_flights(hook.as_secs()),
            refreshes: SingleFlight::new(self.max_token_requests, 0)
                .with_cooldown(REFRESH_COOLDOWN),
            shared_outcomes,
            logout_forms,
            notices: Notices::default(),
            last_ping: Default::default(),
            #[cfg(feature = "axum")]
            route_owner: Default::default(),
        };
        Ok(TelenorAuthLayer::new(flow, placement))
    }

    fn warn_of_development(&self) {
        if is_placeholder(&self.client_id) {
            tracing::warn!(
                "the client id is a placeholder, which Telenor does not know: set the one that \
                 your app's page on developer.telenor.no shows, or use a mock gateway (the feature \
                 `mock`, telenor_auth::mock::MockGateway)"
            );
        }
        if self.allow_plain_http {
            tracing::warn!(
                "dangerous_allow_plain_http is set: anyone on the network can read logins and take \
                 them over. For development with a mock gateway only"
            );
        }
    }

    /// A gateway with all of its endpoints on plain http is a mock, so no login at it is one of a
    /// real user.
    fn is_gateway_on_plain_http(&self) -> bool {
        let is_plain = |url: &str| parse_url(url).is_ok_and(|url| url.scheme() == "http");
        let endpoints = self.endpoints.all();
        let mut endpoints = endpoints.iter().map(|(_, endpoint)| endpoint);
        is_plain(&self.gateway)
            && endpoints.all(|endpoint| endpoint.starts_with('/') || is_plain(endpoint))
    }

    fn validate_redirect_uri(&self) -> Result<Url, ConfigError> {
        let url = parse_url(&self.redirect_uri).map_err(ConfigError::InvalidRedirectUri)?;
        if is_telenor_on_plain_http(&url) {
            let why = "is plain http, which no host of telenor.no may be";
            return Err(ConfigError::InvalidRedirectUri(why.to_owned()));
        }
        if is_exposed(&url) && !(self.allow_plain_http && self.is_gateway_on_plain_http()) {
            return Err(ConfigError::InsecureRedirectUri);
        }
        if url.path().ends_with('/') {
            let why = if url.path() == "/" {
                "has no path"
            } else {
                "ends with a slash, so that the layer's own routes cannot be its siblings"
            };
            return Err(ConfigError::InvalidRedirectUri(why.to_owned()));
        }
        // Compared byte by byte at the gateway, so it must not change on its way there.
        if url.as_str() != self.redirect_uri {
            return Err(ConfigError::RedirectUriNotNormal(url.into()));
        }
        Ok(url)
    }

    fn config(&self, redirect_uri: &Url) -> Result<Config, ConfigError> {
        let stripped = self.stripped_prefix.as_deref().unwrap_or_default();
        let stripped = stripped.trim_end_matches('/');
        let paths = RoutePaths::siblings_of(redirect_uri.path(), stripped, self.script_api)?;
        let origin_str = redirect_uri.origin().ascii_serialization();
        let origin = Url::parse(&origin_str)
            .map_err(|error| ConfigError::InvalidRedirectUri(error.to_string()))?;
        let path = |setting, path: &str| app_path(setting, path, &paths, &origin);
        let optional = |setting, given: &Option<String>| {
            given
                .as_deref()
                .map(|given| path(setting, given))
                .transpose()
        };
        Ok(Config {
            origin_check: self.validate_origins(&origin_str)?,
            home: path("home", self.home.as_deref().unwrap_or("/"))?,
            home_is_set: self.home.is_some(),
            host: host_of(redirect_uri)?,
            after_logout: optional("after_logout", &self.after_logout)?,
            app_name: self.pages.app_name.clone(),
            words: self.pages.words(&paths, &origin)?,
            look: self.pages.look(&paths, &origin)?,
            instance: self.instance_id(),
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

    fn instance_id(&self) -> InstanceId {
        let moved = self.endpoints != Endpoints::new();
        let moved = moved.then(|| self.endpoints.all().map(|(_, endpoint)| endpoint));
        InstanceId::new(&self.gateway, &self.client_id, &self.redirect_uri, moved)
    }

    fn validate_idle_timeout(&self) -> Result<Option<u64>, ConfigError> {
        let timeout = self.idle_timeout.map(|timeout| {
            if timeout > self.max_session_age {
                // It would never end a session.
                return Err(ConfigError::InvalidDuration {
                    setting: "idle_timeout",
                    allowed: "of at most max_session_age, which defaults to 8 hours",
                });
            }
            let day = 24 * HOUR;
            seconds(timeout, day, "idle_timeout", "between 1 second and a day")
        });
        timeout.transpose()
    }

    fn placement(&self, config: &Config) -> Result<Placement, ConfigError> {
        let prefix = self.nested_at.as_deref().unwrap_or_default();
        if !(prefix.is_empty() || prefix.starts_with('/')) {
            return Err(ConfigError::InvalidPath {
                setting: "nested_at",
                path: prefix.to_owned(),
            });
        }
        let prefix = prefix.trim_end_matches('/');
        let callback = config.paths.received(&config.paths.callback);
        match callback.strip_prefix(prefix) {
            Some(rest) if rest.starts_with('/') => Ok(Placement::wrapping(prefix)),
            _ => Err(ConfigError::NotBelowNest(prefix.to_owned())),
        }
    }
}

/// Checks a client id or secret. A blank at its end comes from a copy, or from a file.
fn credential(text: &str) -> Result<(), &'static str> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        Err("is empty")
    } else if text.ends_with(['\n', '\r']) {
        Err("ends with a line break")
    } else if trimmed.len() != text.len() {
        Err("has blanks before or after it")
    } else if text.chars().any(char::is_control) {
        Err("has a line break or another control character in it")
    } else {
        Ok(())
    }
}

/// Whether a client id stands for one that is still missing. A gateway issues none of these.
fn is_placeholder(id: &str) -> bool {
    const WORDS: [&str; 8] = [
        "clientid",
        "yourclientid",
        "myclientid",
        "todo",
        "changeme",
        "replaceme",
        "xxx",
        "placeholder",
    ];
    let letters = id.chars().filter(|letter| letter.is_ascii_alphanumeric());
    let letters = letters.collect::<String>().to_ascii_lowercase();
    letters.is_empty() || WORDS.contains(&letters.as_str())
}

/// The host and port of the app, as browsers name them.
fn host_of(redirect_uri: &Url) -> Result<HostAndPort, ConfigError> {
    let host = redirect_uri.host_str().unwrap_or_default();
    let port = redirect_uri.port_or_known_default().unwrap_or_default();
    let host = HostAndPort::parse(host, port);
    host.ok_or_else(|| ConfigError::InvalidRedirectUri("has no host".to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_is_known_by_the_endpoints_that_it_has_moved() {
        let (id, uri) = ("client", "https://shop.example/telenor/callback");
        let builder = || TelenorAuthLayer::builder(id, "secret", uri).gateway("https://a.example");
        let moved = |to: &str| {
            let endpoints = Endpoints::new().with_token(to);
            builder().endpoints(endpoints).instance_id()
        };
        let default = InstanceId::new("https://a.example", id, uri, None);
        assert_eq!(builder().instance_id(), default);
        assert_ne!(moved("/token"), default);
        assert_ne!(moved("/token"), moved("/login/token"));
    }
}
