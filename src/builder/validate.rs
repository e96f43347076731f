//! From what the developer said to a layer that cannot be wrong.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use http::Uri;
use url::Url;

use crate::{
    browser::{
        cookie::CookieNames, http_start::HttpStart, pending_login::PendingLogins,
        redirect_loop::Rounds, return_to::ReturnTo,
    },
    builder::settings::Settings,
    clock::SKEW,
    error::ConfigError,
    events::Events,
    flow::{
        Flow, REFRESH_AGAIN,
        config::{Config, is_loopback, parse_url},
        placement::Mount,
        routes::OwnPaths,
        single_flight::Exchanges,
    },
    gateway::{Gateway, breaker::Breaker, client::HttpClient},
    key::{CookieKeys, Purpose},
    layer::TelenorAuthLayer,
    oauth::{Authorization, ClientAuthentication, is_scope, reserved_parameter},
    session::SessionStore,
    user::Profiles,
};

const HOUR: Duration = Duration::from_secs(3600);

impl Settings {
    /// A layer, or the first mistake.
    pub(crate) fn check<Store: SessionStore>(
        mut self,
        store: Store,
    ) -> Result<TelenorAuthLayer<Store>, ConfigError> {
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
            if twice || reserved_parameter(name) {
                return Err(ConfigError::ReservedParameter(name.clone()));
            }
        }
        if self.exchanges == 0 {
            return Err(ConfigError::ZeroLimit("max_exchanges"));
        }
        if self.refresh_tokens && !Store::KEEPS_TOKEN {
            return Err(ConfigError::RefreshNeedsServer);
        }
        let redirect_uri = self.checked_redirect_uri()?;
        let events = Arc::new(Events::new(self.on_event.take()));
        let gateway = self.gateway(&redirect_uri, Arc::clone(&events))?;
        let config = self.config(&redirect_uri)?;
        let mount = self.checked_mount(&config)?;

        let secure = redirect_uri.scheme() == "https";
        let names = CookieNames::new(&self.cookie_name, secure, self.cookie_prefix)?;
        let login_timeout = seconds(
            self.login_timeout,
            Duration::from_secs(600),
            "login_timeout",
            "between 1 second and 10 minutes",
        )?;
        if self.cookie_keys.is_none() {
            tracing::warn!(
                "cookies are sealed with a random key: logins under way end with this process and are unknown to others; set cookie_keys to share and keep them"
            );
        }
        let keys = self.cookie_keys.clone().unwrap_or_else(CookieKeys::random);
        let http_start = self.http_start(&keys, &redirect_uri, &config)?;
        let pending = keys.sealer(Purpose::PendingLogin, &config.instance);
        let answers = keys.sealer(Purpose::Answer, &config.instance);
        let rounds = keys.sealer(Purpose::Rounds, &config.instance);
        let profile = self.profile.map(|ttl| {
            let day = Duration::from_secs(24 * 3600);
            seconds(ttl, day, "profile", "between 1 second and a day")
        });
        let flow = Flow {
            profiles: profile.transpose()?.map(Profiles::new),
            config,
            gateway,
            names,
            pending: PendingLogins::new(pending, login_timeout),
            rounds: Rounds::new(rounds),
            http_start,
            exchanges: Exchanges::new(self.exchanges, login_timeout + SKEW),
            refreshes: Exchanges::new(self.exchanges, 0).lingering(REFRESH_AGAIN),
            answers,
            store,
            events,
        };
        Ok(TelenorAuthLayer::new(Arc::new(flow), mount))
    }

    fn checked_redirect_uri(&self) -> Result<Url, ConfigError> {
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

    fn gateway(&self, redirect_uri: &Url, events: Arc<Events>) -> Result<Gateway, ConfigError> {
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
        if !(self.raw_credentials || same) {
            tracing::info!(
                "client id or secret has characters that RFC 6749 section 2.3.1 wants encoded; if the gateway refuses them, try raw_client_credentials"
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
            client: if self.raw_credentials {
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
        let paths = OwnPaths::beside(redirect_uri.path(), self.script_api)?;
        let origin_text = redirect_uri.origin().ascii_serialization();
        let origin = Url::parse(&origin_text)
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
            without: optional("continue_without", &self.continue_without)?,
            app_name: self.app_name.clone(),
            purposes: self.purposes.clone(),
            instance: self.instance(),
            optional: self.optional,
            login_page: self.login_page,
            session_max: seconds(
                self.session_max,
                24 * 365 * HOUR,
                "session_max",
                "between 1 second and a year",
            )?,
            idle_timeout: self.checked_idle_timeout()?,
            refresh_tokens: self.refresh_tokens,
            clock: self.clock.clone(),
            origin_text: origin_text.into(),
            origin,
            paths,
        })
    }

    fn checked_idle_timeout(&self) -> Result<Option<u64>, ConfigError> {
        let timeout = self.idle_timeout.map(|timeout| {
            let day = 24 * HOUR;
            seconds(timeout, day, "idle_timeout", "between 1 second and a day")
        });
        timeout.transpose()
    }

    fn http_start(
        &self,
        keys: &CookieKeys,
        redirect_uri: &Url,
        config: &Config,
    ) -> Result<Option<HttpStart>, ConfigError> {
        let Some(origin) = &self.http_start else {
            if self.start_script.is_some() {
                return Err(ConfigError::InvalidHttpStart(
                    "is missing, and there is a script for it",
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
        let app = config.origin_text.split("//").nth(1);
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
                "the plain-http start is below {app}: if {app} sends HSTS with includeSubDomains, browsers never open it"
            );
        }
        let page = format!("{origin}{}", config.paths.start);
        let sealer = keys.sealer(Purpose::Hop, &config.instance);
        Ok(Some(HttpStart::new(
            authority,
            page,
            self.start_script.clone(),
            sealer,
        )))
    }

    fn checked_mount(&self, config: &Config) -> Result<Mount, ConfigError> {
        let prefix = self.nested_at.as_deref().unwrap_or_default();
        let prefix = prefix.trim_end_matches('/');
        match config.paths.callback.strip_prefix(prefix) {
            Some(rest) if rest.starts_with('/') => Ok(Mount::around(prefix)),
            _ => Err(ConfigError::NotBelowNest(prefix.to_owned())),
        }
    }

    fn instance(&self) -> [u8; 8] {
        let parts = [&self.gateway, &self.client_id, &self.redirect_uri];
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in parts {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finish();
        *digest
            .as_ref()
            .first_chunk()
            .expect("SHA-256 gives 32 bytes")
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
