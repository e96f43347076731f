//! The builder of a layer: one setter for each setting.

mod endpoints;
mod env;
mod gateway;
mod origin_check;
mod page_settings;
mod pages;
mod proxy;
mod start_page;
mod url;
mod validate;

use std::{fmt, sync::Arc, time::Duration};

use zeroize::Zeroizing;

use self::page_settings::PageSettings;
use crate::{
    browser::{cookie::CookiePrefix, start_script::StartScript},
    clock::Clock,
    error::ConfigError,
    events::{Event, Hook},
    gateway::endpoints::Endpoints,
    key::CookieKeys,
    layer::TelenorAuthLayer,
    session::{SessionStore, erased::ErasedStore},
    user::{LoginError, NewLogin, OnLogin},
};

const PRODUCTION: &str = "https://api.telenor.no";

/// Collects the settings of a [`TelenorAuthLayer`]. [`build`](Self::build) checks them.
///
/// Only the three values that the app's page at Telenor shows are required. Every default is the
/// safe choice. A shop in production may set some more:
///
/// ```
/// use telenor_auth::{ConfigError, CookieKeys, Language, TelenorAuthLayer, session::CookieStore};
///
/// fn auth(keys: &CookieKeys, client_secret: &str) -> Result<TelenorAuthLayer, ConfigError> {
///     let redirect_uri = "https://shop.example/telenor/callback";
///     TelenorAuthLayer::builder("client id", client_secret, redirect_uri)
///         .session_store(CookieStore::new(keys))
///         .app_name("Fjellbua")
///         .purpose(Language::Bokmal, "fylle ut adressen din")
///         .continue_without("/manual-form")
///         .build()
/// }
/// assert!(auth(&CookieKeys::random(), "client secret").is_ok());
/// ```
#[must_use = "nothing happens before `build`"]
pub struct TelenorAuthBuilder {
    client_id: String,
    client_secret: Zeroizing<String>,
    redirect_uri: String,
    gateway: String,
    /// Always `false` without the feature `mock`, which has the setter.
    allow_plain_http: bool,
    endpoints: Endpoints,
    gateway_ca: Option<Vec<u8>>,
    gateway_proxy: Option<String>,
    gateway_proxy_from_env: bool,
    scope: Option<String>,
    parameters: Vec<(String, String)>,
    omit_redirect_uri: bool,
    pkce: bool,
    raw_client_credentials: bool,
    cookie_keys: Option<CookieKeys>,
    cookie_name: String,
    cookie_prefix: CookiePrefix,
    store: Option<Arc<dyn ErasedStore>>,
    optional: bool,
    login_page: bool,
    pages: PageSettings,
    home: Option<String>,
    after_logout: Option<String>,
    trusted_origins: Vec<String>,
    allow_cross_origin_requests: bool,
    login_timeout: Duration,
    max_session_age: Duration,
    idle_timeout: Option<Duration>,
    refresh_tokens: bool,
    max_token_requests: usize,
    http_start: Option<String>,
    start_script: Option<StartScript>,
    nested_at: Option<String>,
    stripped_prefix: Option<String>,
    user_info_ttl: Option<Duration>,
    script_api: bool,
    on_event: Option<Hook>,
    on_login: Option<OnLogin>,
    on_login_timeout: Duration,
    clock: Clock,
}

impl TelenorAuthLayer {
    /// Starts a builder with the values that the app's page at developer.telenor.no shows.
    ///
    /// The redirect URI is the address registered there, byte for byte. Its path is the callback
    /// route. The layer's other routes are its siblings: `/telenor/login`, `/telenor/logout` and
    /// `/telenor/session` for `/telenor/callback`.
    ///
    /// During development the redirect URI may be plain http on a loopback address. Cookies then
    /// have another name and no `Secure`.
    ///
    /// Without an app at Telenor, take client id and secret of a mock gateway (the feature `mock`),
    /// and [`gateway`](TelenorAuthBuilder::gateway) with its address:
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use telenor_auth::{TelenorAuthLayer, mock::MockGateway};
    ///
    /// let gateway = MockGateway::start().await?;
    /// let (id, secret) = (gateway.client_id(), gateway.client_secret());
    /// let redirect_uri = "http://localhost:3000/telenor/callback";
    /// let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
    ///     .gateway(gateway.base_url())
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "mock"))]
    /// # fn main() {}
    /// ```
    pub fn builder(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> TelenorAuthBuilder {
        TelenorAuthBuilder::new(client_id.into(), client_secret.into(), redirect_uri.into())
    }
}

impl TelenorAuthBuilder {
    fn new(client_id: String, client_secret: String, redirect_uri: String) -> Self {
        Self {
            client_id,
            client_secret: Zeroizing::new(client_secret),
            redirect_uri,
            gateway: PRODUCTION.to_owned(),
            allow_plain_http: false,
            endpoints: Endpoints::new(),
            gateway_ca: None,
            gateway_proxy: None,
            gateway_proxy_from_env: false,
            scope: None,
            parameters: Vec::new(),
            omit_redirect_uri: false,
            pkce: true,
            raw_client_credentials: false,
            cookie_keys: None,
            cookie_name: "telenor".to_owned(),
            cookie_prefix: CookiePrefix::default(),
            store: None,
            optional: false,
            login_page: false,
            pages: PageSettings::default(),
            home: None,
            after_logout: None,
            trusted_origins: Vec::new(),
            allow_cross_origin_requests: false,
            login_timeout: Duration::from_secs(300),
            max_session_age: Duration::from_secs(8 * 3600),
            idle_timeout: None,
            refresh_tokens: false,
            max_token_requests: 64,
            http_start: None,
            start_script: None,
            nested_at: None,
            stripped_prefix: None,
            user_info_ttl: None,
            script_api: false,
            on_event: None,
            on_login: None,
            on_login_timeout: Duration::from_secs(5),
            clock: Clock::default(),
        }
    }

    /// Sets the base URL of the gateway. It defaults to `https://api.telenor.no`.
    ///
    /// Plain http is accepted on a loopback address only, for a mock gateway. With the feature
    /// `mock`, `dangerous_allow_plain_http` accepts other ones during development.
    pub fn gateway(mut self, base_url: impl Into<String>) -> Self {
        self.gateway = base_url.into();
        self
    }

    /// Sets whether the gateway may be on plain http under another name than a loopback address. It
    /// defaults to `false`, which refuses it. It needs the feature `mock`.
    ///
    /// It is for development with a [`MockGateway`](crate::mock::MockGateway) in a container, or
    /// for a phone in the same network. Where the gateway and all of its endpoints are on plain
    /// http, the redirect URI may be so too. A gateway on https has no endpoint on plain http,
    /// other than on a loopback address, and a host of `telenor.no` is never on plain http. The
    /// mock has a setting of its own for this:
    /// [`dangerous_reachable_as`](crate::mock::MockGatewayBuilder::dangerous_reachable_as).
    ///
    /// With `true`, anyone on the network can read the client secret, codes, tokens and cookies,
    /// and take a login over. [`build`](Self::build) logs a warning. Keep the feature `mock` out of
    /// production: without it this setting does not exist.
    ///
    /// ```
    /// use telenor_auth::TelenorAuthLayer;
    ///
    /// let redirect_uri = "http://192.168.1.20:3000/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("mock-client", "mock-secret", redirect_uri)
    ///     .gateway("http://192.168.1.20:4000")
    ///     .dangerous_allow_plain_http(true)
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    #[cfg(feature = "mock")]
    pub fn dangerous_allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// Sets the endpoints of the gateway, in case Telenor moves one. They default to Telenor's
    /// documented paths.
    ///
    /// What is set for the gateway (authorities, proxy) holds for each host of an endpoint.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// Trusts these certificate authorities for the gateway, in addition to the system's. It takes
    /// a PEM bundle and defaults to no addition.
    ///
    /// The system's authorities are those of the operating system, or of the file that
    /// `SSL_CERT_FILE` names.
    pub fn gateway_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.gateway_ca = Some(pem.into());
        self
    }

    /// Connects to the gateway over this egress proxy. It defaults to no proxy.
    ///
    /// The URL is like `http://user:password@proxy.example:3128`, with special characters of user
    /// and password percent-encoded. With `https`, the connection to the proxy uses TLS as well,
    /// and the proxy's certificate is verified like the gateway's. Every call goes through a tunnel
    /// that the proxy opens (`CONNECT`). So the proxy sees the name of the gateway, and no request.
    /// A gateway on plain http, which is a mock on this machine, is called without a proxy.
    pub fn gateway_proxy(mut self, url: impl Into<String>) -> Self {
        self.gateway_proxy = Some(url.into());
        self
    }

    /// Sets whether the environment names the egress proxy. It defaults to `false`, which ignores
    /// the environment.
    ///
    /// With `true`, [`build`](Self::build) reads `https_proxy`, or `HTTPS_PROXY` if that is not set
    /// or blank. The value is a URL as for [`gateway_proxy`](Self::gateway_proxy), and `http://`
    /// may be left out. A proxy that `gateway_proxy` sets counts more than the environment.
    ///
    /// `no_proxy`, or else `NO_PROXY`, is a list of hosts that need no proxy, separated by commas
    /// or blanks: a name for itself and all names below it, with or without a dot or `*.` before
    /// it, an IP address, each with or without a port, or `*` for all. Ranges of addresses are not
    /// read, nor are `HTTP_PROXY` and `ALL_PROXY`. A value that is not UTF-8 is an error.
    pub fn gateway_proxy_from_env(mut self, from_env: bool) -> Self {
        self.gateway_proxy_from_env = from_env;
        self
    }

    /// Sets the scope to request (RFC 6749 section 3.3). It defaults to no scope, since Telenor
    /// ties access to the app's products.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a parameter to the authorization request. It defaults to no addition.
    ///
    /// A name that the layer sends itself, or a name that was added already, is an error of
    /// [`build`](Self::build).
    pub fn authorization_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Sets whether `redirect_uri` is left out of the authorization request and the token request.
    /// It defaults to `false`, which sends it.
    ///
    /// With `true`, Telenor takes the redirect URI from the app's page on its dashboard.
    pub fn omit_redirect_uri(mut self, omit: bool) -> Self {
        self.omit_redirect_uri = omit;
        self
    }

    /// Sets whether PKCE (RFC 7636) is disabled, for a gateway that refuses its parameters. It
    /// defaults to `false`, which sends a challenge.
    ///
    /// With `true`, a code that leaks can be injected into another browser's login.
    pub fn dangerous_disable_pkce(mut self, disable: bool) -> Self {
        self.pkce = !disable;
        self
    }

    /// Sets whether HTTP Basic carries client id and secret as they are, for a gateway that does
    /// not decode them. It defaults to `false`, which form-encodes them first.
    ///
    /// RFC 6749 section 2.3.1 requires the encoding. It changes nothing for letters, digits and
    /// `-._*`.
    pub fn raw_client_credentials(mut self, raw: bool) -> Self {
        self.raw_client_credentials = raw;
        self
    }

    /// Sets the keys that seal cookies. Give the same keys to every instance, and keep them over
    /// restarts.
    ///
    /// It defaults to the keys of the [session store](Self::session_store), if the store seals what
    /// it keeps. So keys that are given to a store need not be given here. Without such a store, it
    /// defaults to a random key, which is lost when the process ends. Logins in progress then fail.
    ///
    /// Each process remembers which codes it redeemed. When a second instance receives the same
    /// callback, it waits for the outcome of the first, if the two share a session store on a
    /// server. With a [`CookieStore`](crate::session::CookieStore) it makes a second token request.
    /// The gateway refuses that one, since a code is good once.
    pub fn cookie_keys(mut self, keys: CookieKeys) -> Self {
        self.cookie_keys = Some(keys);
        self
    }

    /// Returns the cookie keys that were set, by [`cookie_keys`](Self::cookie_keys) or by
    /// [`from_env`](TelenorAuthLayer::from_env), to follow their source or to share them with a
    /// store. Returns `None` before keys are set.
    #[must_use]
    pub fn get_cookie_keys(&self) -> Option<&CookieKeys> {
        self.cookie_keys.as_ref()
    }

    /// Sets the beginning of the cookie names, after their prefix: 1 to 32 letters, digits and
    /// dashes. It defaults to `telenor`.
    ///
    /// Two layers on one host need two names.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// Sets the prefix that the browser enforces on the cookies. It defaults to
    /// [`CookiePrefix::Host`].
    pub fn cookie_prefix(mut self, prefix: CookiePrefix) -> Self {
        self.cookie_prefix = prefix;
        self
    }

    /// Sets the store that keeps the sessions. It defaults to a
    /// [`MemoryStore`](crate::session::MemoryStore), which keeps them in this process.
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets whether requests without a session reach the app. It defaults to `false`: the layer
    /// challenges them or refuses them.
    ///
    /// With `true`, the handler decides. A handler that takes `Option<TelenorUser>` gets `None`. A
    /// handler that takes [`TelenorUser`](crate::TelenorUser) requires a login: the extractor sends
    /// the visitor to Telenor.
    ///
    /// Where the extractor answers, the layer reads the rest of the request's body first, as it
    /// does for its own answers. That takes a body of axum's type.
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Sets whether a login starts with a page that has a button. It defaults to `false`, which
    /// sends a visitor to Telenor at once.
    ///
    /// The recognition of a line can be silent. With `true`, no user is recognized who did not
    /// press the button.
    pub fn login_page(mut self, login_page: bool) -> Self {
        self.login_page = login_page;
        self
    }

    /// Sets the app's home: the target of a login that has no other target, and of "home" on the
    /// pages. It defaults to `/`.
    pub fn home(mut self, path: impl Into<String>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Sets the page that opens after a logout. It defaults to the layer's own page.
    ///
    /// Use a public page. A page that the layer guards would sign the user in again at once, since
    /// the recognition of a line is silent. For such a page the layer shows its own page instead.
    pub fn after_logout(mut self, path: impl Into<String>) -> Self {
        self.after_logout = Some(path.into());
        self
    }

    /// Trusts the pages of another origin, like `https://pay.example`, in addition to the app's
    /// own. It defaults to no addition.
    ///
    /// The layer refuses a request that can change something for a signed-in user (any method but
    /// GET, HEAD, OPTIONS and TRACE), and a WebSocket, if a page of another origin began it
    /// ([what this is for](crate::manual::requests#forms-and-sockets)). The pages of a trusted
    /// origin can do what the app's own can: every page there, and every script in it.
    ///
    /// ```
    /// use telenor_auth::TelenorAuthLayer;
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .trusted_origin("https://pay.example")
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted_origins.push(origin.into());
        self
    }

    /// Sets whether pages of any origin may send requests that change something, and open
    /// WebSockets, in the name of a signed-in user. It defaults to `false`, which refuses them.
    ///
    /// With `true`, the app has to refuse them, with
    /// [`is_same_origin`](crate::TelenorAuthLayer::is_same_origin) or with a token in each form.
    pub fn dangerous_allow_cross_origin_requests(mut self, allow: bool) -> Self {
        self.allow_cross_origin_requests = allow;
        self
    }

    /// Sets how long a user may take at Telenor: from 1 second to 10 minutes. It defaults to 5
    /// minutes.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }

    /// Sets how long a session lasts at most: from 1 second to a year. It defaults to 8 hours.
    ///
    /// A session also ends when its access token expires, unless the token is
    /// [refreshed](Self::refresh_tokens).
    pub fn max_session_age(mut self, max: Duration) -> Self {
        self.max_session_age = max;
        self
    }

    /// Ends a session that was not used for this long: from 1 second to a day. It defaults to no
    /// such limit.
    ///
    /// The layer writes a use to the store once in each tenth of this time at most, after the
    /// response to the request. So a session may end up to a tenth earlier than its last use
    /// implies. [`max_session_age`](Self::max_session_age) still applies.
    ///
    /// With a [`CookieStore`](crate::session::CookieStore), the layer writes a use by setting the
    /// cookie again. That does not bring back a session that is in the revocation list, so share
    /// the list between instances. The layer sets no cookie on a response that a cache may
    /// keep (`public`, `immutable`, an age without `private`), nor on a 304. A user who receives
    /// only such responses for this long is logged out.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Sets whether the layer uses refresh tokens (RFC 6749 section 6), if the gateway issues them.
    /// It defaults to `false`, since Telenor's pages say that `refresh_token` can be ignored for
    /// now.
    ///
    /// With `true`, a session lasts for [`max_session_age`](Self::max_session_age), however short
    /// its access tokens live. The first request in the last minute of a token, or later, refreshes
    /// it, once for all requests and instances. While the gateway cannot be reached, a live token
    /// stays in use, and an expired one makes a 503. Only an `invalid_grant` from the gateway ends
    /// the session. When an instance is killed while it refreshes a token, requests with that
    /// session get 503 for up to a minute, until its lease has expired.
    ///
    /// It requires a store that keeps sessions on the server. In a
    /// [`CookieStore`](crate::session::CookieStore) a new refresh token would be lost with the
    /// response that carries it.
    pub fn refresh_tokens(mut self, refresh: bool) -> Self {
        self.refresh_tokens = refresh;
        self
    }

    /// Sets how many codes are exchanged at the same time, and how many tokens are refreshed at the
    /// same time: at least 1 of each. It defaults to 64 of each.
    ///
    /// Beyond that number, a page asks the user to wait.
    pub fn max_token_requests(mut self, requests: usize) -> Self {
        self.max_token_requests = requests;
        self
    }

    /// Starts every login on a page of this plain-http origin, which recognition by the mobile
    /// network needs. It defaults to no such page. USSD, the main way, needs none.
    ///
    /// The origin needs a host of its own, like `http://start.shop.example`, whose port 80 reaches
    /// this app. No HSTS must cover it: neither its own nor an `includeSubDomains` of a parent.
    /// Cookies are set and read on https alone. The page on plain http holds nothing personal, and
    /// is good for one minute and one visit on each instance. An instance remembers that in memory,
    /// so that anonymous visitors write nothing to a shared store. Its link leads only the browser
    /// that began the login on to Telenor, by the cookie on https. Every other request to that
    /// origin is redirected to https. The chapter [Plain http today](crate::manual::start_page)
    /// says what browsers and networks do to it.
    ///
    /// Engines that ignore the scheme send `Lax` cookies with a POST from that host. The layer
    /// refuses such a request, as it does those of
    /// [other origins](crate::manual::requests#forms-and-sockets).
    pub fn http_start(mut self, origin: impl Into<String>) -> Self {
        self.http_start = Some(origin.into());
        self
    }

    /// Sets the script that Telenor provides for the page that starts the flow. It defaults to no
    /// script.
    ///
    /// Every login then goes over a page with this script: on the origin of
    /// [`http_start`](Self::http_start) if that is set, and else on the app's own origin, at
    /// `/telenor/start`. Telenor's USSD works on either. The script has to go on by a click on
    /// `#continue`. The chapter [Plain http today](crate::manual::start_page) says what the page's
    /// policy allows, and how to count the visitors that it loses.
    ///
    /// ```
    /// use telenor_auth::{StartScript, TelenorAuthLayer};
    ///
    /// let script = StartScript::inline("document.getElementById('continue').click()")
    ///     .connect("https://line.example");
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .start_script(script)
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn start_script(mut self, script: StartScript) -> Self {
        self.start_script = Some(script);
        self
    }

    /// Keeps each user's info for this long: from 1 second to a day.
    /// [`TelenorUser::info`](crate::TelenorUser::info) then calls the gateway once, and not for
    /// every page. It defaults to no cache.
    ///
    /// The info is in this process's memory until the time has passed or the user logs out.
    /// Concurrent requests share one call. Without a cache, only the token is kept.
    pub fn cache_user_info(mut self, ttl: Duration) -> Self {
        self.user_info_ttl = Some(ttl);
        self
    }

    /// Sets whether the layer has two more routes for scripts of the app's own pages:
    /// `/telenor/user-info` and `/telenor/device-info`, siblings of the callback. It defaults to
    /// `false`.
    ///
    /// With `true`, a same-origin `fetch` of a signed-in user gets the JSON that Telenor sent. The
    /// token never enters a page, and no CORS has to be set up. The chapter
    /// [From JavaScript](crate::manual::javascript) has an example.
    pub fn script_api(mut self, script_api: bool) -> Self {
        self.script_api = script_api;
        self
    }

    /// Sets a hook that is called for every event, in the task where the event happens. Keep it
    /// short. A panic in it is logged, and changes no response.
    ///
    /// ```
    /// use telenor_auth::{TelenorAuthLayer, events::Event};
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .on_event(|event| if let Event::LoginFailed { cause, .. } = event {
    ///         eprintln!("a login failed: {cause}");
    ///     })
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn on_event(mut self, hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(hook));
        self
    }

    /// Sets a hook that is asked about every login, between the access token and the session. It
    /// defaults to none: every login that Telenor completes makes a session.
    ///
    /// The hook can call Telenor's APIs, look the customer up, attach a value to the session, name
    /// the customer by whom sessions are ended, and refuse the login with words of the app. It
    /// returns the login to accept it.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use telenor_auth::{CookieKeys, TelenorAuthLayer, session::SubjectId};
    ///
    /// # #[derive(Clone)] struct Customers;
    /// # impl Customers {
    /// #     async fn find(&self, _: &str) -> Result<Option<Customer>, std::io::Error> { Ok(None) }
    /// # }
    /// #[derive(Serialize, Deserialize)]
    /// struct Customer {
    ///     id: u64,
    /// }
    ///
    /// # fn layer(keys: CookieKeys, customers: Customers)
    /// #     -> Result<TelenorAuthLayer, telenor_auth::ConfigError> {
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .cookie_keys(keys.clone())
    ///     .on_login(move |login| {
    ///         let (keys, customers) = (keys.clone(), customers.clone());
    ///         async move {
    ///             let info = login.info().await?;
    ///             let number = info.mobile_number().map(|number| number.secret().to_owned());
    ///             let customer = customers.find(&number.unwrap_or_default()).await?;
    ///             let Some(customer) = customer else {
    ///                 let text = "Vi finner ingen kunde med dette nummeret.";
    ///                 return Err(login.refuse("Du er ikke kunde hos oss", text));
    ///             };
    ///             let subject = SubjectId::new(&keys, &customer.id.to_string());
    ///             Ok(login.subject(subject).data(&customer)?)
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok(auth) }
    /// ```
    ///
    /// It runs once for each login, on one instance where the instances share a store with leases.
    /// While it runs, the login holds one of the
    /// [`max_token_requests`](Self::max_token_requests).
    ///
    /// When the hook refuses, fails, panics, or takes longer than
    /// [`on_login_timeout`](Self::on_login_timeout), the login has failed: the access token is
    /// ended at the gateway, and there is no new session. A session that the browser had before
    /// goes on.
    pub fn on_login<F>(mut self, hook: impl Fn(NewLogin) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<NewLogin, LoginError>> + Send + 'static,
    {
        self.on_login = Some(OnLogin::new(hook));
        self
    }

    /// Sets how long the hook [`on_login`](Self::on_login) may take: from 1 second to a minute. It
    /// defaults to 5 seconds.
    ///
    /// A callback may take that much longer. Proxies in front of the app have to wait for it.
    pub fn on_login_timeout(mut self, timeout: Duration) -> Self {
        self.on_login_timeout = timeout;
        self
    }

    /// Sets the path at which the router that gets this layer is nested. It defaults to not nested.
    ///
    /// It is required for `RouterExt::telenor_auth` on a router that is then passed to
    /// `Router::nest`, since the router does not know its own path. The path of the redirect URI is
    /// the one that browsers see, below it.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use telenor_auth::{RouterExt, TelenorAuthLayer};
    ///
    /// let redirect_uri = "https://shop.example/account/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .nested_at("/account")
    ///     .build()?;
    /// let account = Router::new().route("/orders", get(async || "orders")).telenor_auth(auth);
    /// let app: Router = Router::new().nest("/account", account);
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn nested_at(mut self, path: impl Into<String>) -> Self {
        self.nested_at = Some(path.into());
        self
    }

    /// Sets the beginning of every path that the proxy in front of the app takes away. It defaults
    /// to nothing: the app receives the paths that browsers see.
    ///
    /// With the redirect URI `https://shop.example/kunde/telenor/callback` and the prefix
    /// `/kunde`, the app receives `/telenor/callback`. The layer puts the prefix back into every
    /// address that it gives to a browser. [`home`](Self::home),
    /// [`after_logout`](Self::after_logout) and [`continue_without`](Self::continue_without) are
    /// paths that the app receives, so they have no prefix. `return_to` on the login route may have
    /// it or not.
    ///
    /// ```
    /// use telenor_auth::TelenorAuthLayer;
    ///
    /// let redirect_uri = "https://shop.example/kunde/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .stripped_prefix("/kunde")
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn stripped_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.stripped_prefix = Some(prefix.into());
        self
    }

    /// Sets the clock that lifetimes are measured against, for tests. It defaults to the system's
    /// clock. The layer passes its time to the session store.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings and makes the layer.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first mistake. Its text says what to change.
    pub fn build(self) -> Result<TelenorAuthLayer, ConfigError> {
        self.validate()
    }
}

impl fmt::Debug for TelenorAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorAuthBuilder")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
