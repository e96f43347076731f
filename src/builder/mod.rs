//! The builder: one setter for each setting.

mod env;
mod url;
mod validate;

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    browser::{cookie::CookiePrefix, language::Language, start_script::StartScript},
    clock::Clock,
    error::ConfigError,
    events::{Event, Hook},
    key::CookieKeys,
    layer::TelenorAuthLayer,
    session::{SessionStore, erased::ErasedStore},
};

const PRODUCTION: &str = "https://api.telenor.no";

/// Collects the settings of a [`TelenorAuthLayer`]; [`build`](Self::build) checks them.
///
/// Only the three values that the app's page at Telenor shows are needed. Every default is the safe choice.
#[must_use = "nothing happens before `build`"]
pub struct TelenorAuthBuilder {
    client_id: String,
    client_secret: String,
    redirect_uri: String,
    gateway: String,
    gateway_ca: Option<Vec<u8>>,
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
    app_name: Option<String>,
    purposes: Vec<(Language, String)>,
    home: String,
    after_logout: Option<String>,
    continue_without: Option<String>,
    login_timeout: Duration,
    max_session_age: Duration,
    idle_timeout: Option<Duration>,
    refresh_tokens: bool,
    max_token_requests: usize,
    http_start: Option<String>,
    start_script: Option<StartScript>,
    nested_at: Option<String>,
    user_info_ttl: Option<Duration>,
    script_api: bool,
    on_event: Option<Hook>,
    clock: Clock,
}

impl TelenorAuthLayer {
    /// Starts with what the app's page at developer.telenor.no shows.
    ///
    /// The redirect URI is the address registered there, byte for byte. Its path is where the callback comes in, and the layer's other
    /// routes are its siblings: `/telenor/login`, `/telenor/logout` and `/telenor/session` for `/telenor/callback`.
    ///
    /// During development the redirect URI may be plain http on a loopback address; cookies then have another name and no
    /// `Secure`.
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
            client_secret,
            redirect_uri,
            gateway: PRODUCTION.to_owned(),
            gateway_ca: None,
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
            app_name: None,
            purposes: Vec::new(),
            home: "/".to_owned(),
            after_logout: None,
            continue_without: None,
            login_timeout: Duration::from_secs(300),
            max_session_age: Duration::from_secs(8 * 3600),
            idle_timeout: None,
            refresh_tokens: false,
            max_token_requests: 64,
            http_start: None,
            start_script: None,
            nested_at: None,
            user_info_ttl: None,
            script_api: false,
            on_event: None,
            clock: Clock::default(),
        }
    }

    /// The base URL of the gateway; `https://api.telenor.no` unless told otherwise.
    ///
    /// Plain http is taken for a mock on a loopback address only.
    pub fn gateway(mut self, base_url: impl Into<String>) -> Self {
        self.gateway = base_url.into();
        self
    }

    /// Certificate authorities to trust for the gateway beside the system's, as a PEM bundle.
    ///
    /// The system's own are those of the operating system, or the file that `SSL_CERT_FILE` names.
    pub fn gateway_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.gateway_ca = Some(pem.into());
        self
    }

    /// The scope to ask for (RFC 6749 section 3.3); none unless told otherwise, since Telenor ties access to the app's products.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// One more parameter for the authorization request.
    pub fn authorization_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Leaves `redirect_uri` out of both requests: Telenor takes it from the app's page on its dashboard.
    pub fn omit_redirect_uri(mut self, omit: bool) -> Self {
        self.omit_redirect_uri = omit;
        self
    }

    /// Sends no PKCE challenge (RFC 7636), for a gateway that refuses the parameters.
    ///
    /// A code that leaks can then be injected into another browser's login.
    pub fn dangerous_disable_pkce(mut self, disable: bool) -> Self {
        self.pkce = !disable;
        self
    }

    /// Sends client id and secret in HTTP Basic as they are, for a gateway that does not decode them.
    ///
    /// RFC 6749 section 2.3.1 has them form-encoded first, which is the same for letters, digits and `-._*`.
    pub fn raw_client_credentials(mut self, raw: bool) -> Self {
        self.raw_client_credentials = raw;
        self
    }

    /// The keys for cookies: share them between instances, keep them over restarts.
    ///
    /// Without them a random key is used that ends with the process, and every login under way with it.
    ///
    /// Each process remembers which codes it redeemed. A callback that comes to another instance as well waits there for what comes of it, as far as
    /// the session store is one that they share; with [`CookieStore`](crate::session::CookieStore) it makes a second token request,
    /// which the gateway refuses: codes are good once.
    pub fn cookie_keys(mut self, keys: CookieKeys) -> Self {
        self.cookie_keys = Some(keys);
        self
    }

    /// The keys given so far: what [`from_env`](TelenorAuthLayer::from_env) found, to follow them or to share them with a store.
    #[must_use]
    pub fn get_cookie_keys(&self) -> Option<&CookieKeys> {
        self.cookie_keys.as_ref()
    }

    /// What the names of the cookies begin with after their prefix; `telenor` unless told otherwise.
    ///
    /// Two layers on one host need two names.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// Which prefix the browser enforces on the cookies.
    pub fn cookie_prefix(mut self, prefix: CookiePrefix) -> Self {
        self.cookie_prefix = prefix;
        self
    }

    /// Where sessions are kept; in this process's memory unless told otherwise.
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Lets requests without a session pass: a handler that takes `Option<TelenorUser>` gets `None`, one that takes
    /// [`TelenorUser`](crate::TelenorUser) sends the visitor to log in by itself.
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Shows a page with a button first, where a visitor would otherwise be sent to Telenor at once.
    ///
    /// Recognising a line can be silent. With the page, nobody is recognised without having asked for it.
    pub fn login_page(mut self, login_page: bool) -> Self {
        self.login_page = login_page;
        self
    }

    /// The app's name, for the pages that the layer shows.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.app_name = Some(name.into());
        self
    }

    /// What the app needs the login for, in its own words, so that a page can say what does not work without it.
    ///
    /// A verb phrase, once for each language: `purpose(Language::Bokmal, "fylle ut adressen din")`.
    pub fn purpose(mut self, language: Language, purpose: impl Into<String>) -> Self {
        self.purposes.retain(|(known, _)| *known != language);
        self.purposes.push((language, purpose.into()));
        self
    }

    /// Where a login leads when nothing else is known, and what "home" means on a page; `/` unless told otherwise.
    pub fn home(mut self, path: impl Into<String>) -> Self {
        self.home = path.into();
        self
    }

    /// Where the user lands after logging out; the layer's own page unless told otherwise.
    ///
    /// The page should be a public one. If the layer turns out to guard it, its own page is shown in its place:
    /// recognising a line is silent, so a challenge would sign the user in again at once.
    pub fn after_logout(mut self, path: impl Into<String>) -> Self {
        self.after_logout = Some(path.into());
        self
    }

    /// A page of the app that works without the login, offered whenever the login fails.
    pub fn continue_without(mut self, path: impl Into<String>) -> Self {
        self.continue_without = Some(path.into());
        self
    }

    /// How long a user may take at Telenor; 5 minutes unless told otherwise, 10 at most.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }

    /// How long a session lasts at most; 8 hours unless told otherwise, and never longer than its access token, unless that is
    /// [refreshed](Self::refresh_tokens).
    pub fn max_session_age(mut self, max: Duration) -> Self {
        self.max_session_age = max;
        self
    }

    /// Ends a session that was not used for this long; off unless told otherwise.
    ///
    /// Use is written to the store at most every tenth of this time, after the answer to the request that shows it, so a session may
    /// end up to a tenth earlier than its last use would have it. [`max_session_age`](Self::max_session_age) ends it all the same.
    ///
    /// With a [`CookieStore`](crate::session::CookieStore), use is written by setting the cookie anew. A session that was ended
    /// is not brought back by that wherever the list of the ended is known: share it between instances. No cookie goes out with an answer that a cache
    /// may keep (`public`, `immutable`, an age without `private`), nor with 304: who sees nothing but those for that long is logged out.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Uses refresh tokens (RFC 6749 section 6), if the gateway hands them out; a session then lasts for
    /// [`max_session_age`](Self::max_session_age), however short its access tokens live.
    ///
    /// Telenor's pages say that `refresh_token` can be ignored for now, so off is the default. A token is refreshed when somebody uses
    /// the session in the last minute of it or later, once for all requests and instances. While the gateway cannot be reached, a token
    /// that is still good goes on, and one that is not makes a 503; only the gateway's word that the grant is over ends the session. When an instance is killed
    /// while it refreshes a token, requests with that session are answered with 503 for up to a minute, until its claim has run out.
    ///
    /// It takes a store that keeps sessions on the server: in a [`CookieStore`](crate::session::CookieStore) a new refresh token would be
    /// lost with the answer that carries it.
    pub fn refresh_tokens(mut self, refresh: bool) -> Self {
        self.refresh_tokens = refresh;
        self
    }

    /// How many codes are exchanged at the same time, and how many tokens refreshed beside that; 64 of each unless told otherwise. Beyond, a login
    /// is asked to wait.
    pub fn max_token_requests(mut self, requests: usize) -> Self {
        self.max_token_requests = requests;
        self
    }

    /// Starts every login on a page of this plain-http origin, which recognition by the mobile network needs.
    ///
    /// The origin needs a host of its own, like `http://start.shop.example`, whose port 80 reaches this app and which no HSTS covers: neither
    /// its own nor an `includeSubDomains` of a parent. Cookies are set and read on https alone; the page on plain http holds nothing
    /// personal, and is good for one minute and one visit. Everything else on that origin is sent to https. The
    /// [crate's page](crate#the-plain-http-start) says what browsers and networks do to it.
    pub fn http_start(mut self, origin: impl Into<String>) -> Self {
        self.http_start = Some(origin.into());
        self
    }

    /// The script that Telenor hands out, for the start page of [`http_start`](Self::http_start); none unless told otherwise.
    ///
    /// Without one the page goes on by itself. With one, the script does, by a click on `#continue`.
    pub fn start_script(mut self, script: StartScript) -> Self {
        self.start_script = Some(script);
        self
    }

    /// Keeps each user's info for this long, at most a day, so that [`TelenorUser::info`](crate::TelenorUser::info) asks the gateway
    /// once and not for every page.
    ///
    /// It is kept in this process's memory, until its time is up or the user logs out; many requests at once make one call. Without this,
    /// nothing but the token is kept.
    pub fn cache_user_info(mut self, ttl: Duration) -> Self {
        self.user_info_ttl = Some(ttl);
        self
    }

    /// Adds two routes for scripts of the app's own pages: `/telenor/user-info` and `/telenor/device-info`, beside the callback.
    ///
    /// They answer a same-origin `fetch` of somebody who is signed in with the JSON that Telenor sent. The token never enters a page, and
    /// no CORS has to be set up. The [crate's page](crate#from-javascript) has an example.
    pub fn script_api(mut self, script_api: bool) -> Self {
        self.script_api = script_api;
        self
    }

    /// Calls this for everything that happens, in the task where it happens: keep it short.
    ///
    /// ```
    /// use telenor_auth::{TelenorAuthLayer, events::Event};
    ///
    /// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
    ///     .on_event(|event| if let Event::LoginFailed { cause, .. } = event {
    ///         eprintln!("somebody could not log in: {cause}");
    ///     })
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn on_event(mut self, hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(hook));
        self
    }

    /// The path at which the router that gets this layer is nested.
    ///
    /// Needed for `RouterExt::telenor_auth` on a router that is then handed to `Router::nest`, which cannot know its
    /// own place.
    pub fn nested_at(mut self, path: impl Into<String>) -> Self {
        self.nested_at = Some(path.into());
        self
    }

    /// The clock that life times are measured against, for tests; a store has one of its own.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings and makes the layer.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], whose text says what to change. A layer that was built has no configuration mistake left.
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
