//! The builder of a mock gateway.

use std::{fmt, io, net::SocketAddr, time::Duration};

use super::{
    apis::Apis, gateway::MockGateway, reach::Reach, script::answer::Answer, server::cors,
    settings::Settings, state::GatewayState, subscriber::Subscriber,
};
use crate::gateway::endpoints::Endpoints;

/// The builder of a [`MockGateway`], from [`MockGateway::builder`].
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{MockGateway, Subscriber};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let gateway = MockGateway::builder()
///     .client("my-app", "my-secret")
///     .redirect_uri("http://localhost:3000/telenor/callback")
///     .subscriber(Subscriber::ola())
///     .app_name("Fjellbutikken")
///     .start()
///     .await?;
/// assert_eq!(gateway.client_id(), "my-app");
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct MockGatewayBuilder {
    settings: Settings,
    apis: Apis,
    reach: Reach,
}

impl MockGateway {
    /// Starts a gateway with the defaults, on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// The gateway cannot listen on a port.
    ///
    /// # Panics
    ///
    /// It is not called within a tokio runtime that has its I/O driver enabled.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns a builder with the defaults.
    pub fn builder() -> MockGatewayBuilder {
        MockGatewayBuilder::new()
    }
}

impl MockGatewayBuilder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                client_id: "mock-client".to_owned(),
                client_secret: "mock-secret-for-local-use-only".to_owned(),
                redirect_uri: None,
                endpoints: Endpoints::new(),
                subscribers: Vec::new(),
                wifi: false,
                ussd_timeout_error: "login_required".to_owned(),
                strict: false,
                rfc_errors: false,
                refresh_tokens: false,
                code_lifetime: Duration::from_secs(60),
                app_name: "Appen".to_owned(),
                cors_origins: Vec::new(),
            },
            apis: Apis::default(),
            reach: Reach::default(),
        }
    }

    /// Sets the client id and secret of the registered app. They default to `mock-client` and
    /// `mock-secret-for-local-use-only`.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.settings.client_id = id.into();
        self.settings.client_secret = secret.into();
        self
    }

    /// Registers the app's redirect URI, as the dashboard of Telenor's portal does.
    ///
    /// A request may then omit `redirect_uri`, and a request with another one is refused. Without a
    /// registered redirect URI, the request must have one and any is accepted, so that an app on a
    /// random port needs no setup.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.settings.redirect_uri = Some(uri.into());
        self
    }

    /// Sets the paths of the endpoints, to try an app with other ones. They default to Telenor's.
    ///
    /// Each must be a path. For an endpoint on another host, give the app a full URL with another
    /// name of this machine, such as `localhost`.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.settings.endpoints = endpoints;
        self
    }

    /// Listens on `address` instead of a free port on the loopback interface.
    ///
    /// Another address than a loopback one is an error of [`start`](Self::start), unless
    /// [`dangerous_reachable_as`](Self::dangerous_reachable_as) is set.
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.reach.listen = Some(address);
        self
    }

    /// Makes the gateway reachable from other machines, under this host: a name or an IP address,
    /// with a port if a container publishes another one than the gateway listens on.
    ///
    /// It is for containers, and for phones in the same network. Anyone who reaches the gateway can
    /// sign in as any subscriber, and reads the subscribers' data. Use no data of real people.
    ///
    /// [`base_url`](MockGateway::base_url) then has this host. Without [`listen`](Self::listen),
    /// the gateway takes a free port on all IPv4 interfaces. A wrong host is an error of
    /// [`start`](Self::start), and each start logs a warning. The app has a setting of its own for
    /// this: [`dangerous_allow_plain_http`].
    ///
    /// ```
    /// use telenor_auth::{TelenorAuthLayer, mock::MockGateway};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = MockGateway::builder()
    ///     .dangerous_reachable_as("192.168.1.20") // this machine's address in the network
    /// #   .listen(([127, 0, 0, 1], 0).into())
    ///     .start()
    ///     .await?;
    /// assert!(gateway.base_url().starts_with("http://192.168.1.20:"));
    ///
    /// let (id, secret) = (gateway.client_id(), gateway.client_secret());
    /// let redirect_uri = "http://192.168.1.20:3000/telenor/callback";
    /// let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
    ///     .gateway(gateway.base_url())
    ///     .dangerous_allow_plain_http(true)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`dangerous_allow_plain_http`]: crate::TelenorAuthBuilder::dangerous_allow_plain_http
    pub fn dangerous_reachable_as(mut self, host: impl Into<String>) -> Self {
        self.reach.host = Some(host.into());
        self
    }

    /// Adds a subscriber. The mobile network recognizes the first one.
    ///
    /// The header `x-mock-msisdn` selects another one: see [the module](super#recognition).
    ///
    /// The subscribers default to [`Subscriber::kari`] and [`Subscriber::ola`].
    pub fn subscriber(mut self, subscriber: Subscriber) -> Self {
        self.settings.subscribers.push(subscriber);
        self
    }

    /// Sets whether the browser is on Wi-Fi. The network then recognizes no line, and USSD comes
    /// first. It defaults to `false`.
    ///
    /// The header `x-mock-msisdn` still selects a subscriber: see [the module](super#recognition).
    pub const fn wifi(mut self, wifi: bool) -> Self {
        self.settings.wifi = wifi;
        self
    }

    /// Sets the callback error after an unanswered USSD question. It defaults to `login_required`.
    ///
    /// Telenor's error is not known. Mobile Connect and CAMARA use the default for a user who
    /// has to do something to be identified.
    pub fn ussd_timeout_error(mut self, code: impl Into<String>) -> Self {
        self.settings.ussd_timeout_error = code.into();
        self
    }

    /// Sets whether the gateway requires what an Apigee gateway requires by default. It defaults to
    /// `false`.
    ///
    /// `response_type` and `redirect_uri` are then required in the authorization request, and
    /// `redirect_uri` in the token request too. Telenor's own examples omit all of them.
    ///
    /// Source: Apigee's OAuth HTTP status code reference.
    pub const fn strict(mut self, strict: bool) -> Self {
        self.settings.strict = strict;
        self
    }

    /// Sets whether OAuth errors have the form and the codes of [RFC 6749 section 5.2]. It defaults
    /// to `false`.
    ///
    /// The errors then have Apigee's form, `{"ErrorCode": …, "Error": …}`.
    ///
    /// [RFC 6749 section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    pub const fn rfc_errors(mut self, rfc_errors: bool) -> Self {
        self.settings.rfc_errors = rfc_errors;
        self
    }

    /// Sets whether the gateway issues a refresh token with each access token. Each is accepted
    /// once. It defaults to `false`.
    pub const fn refresh_tokens(mut self, refresh_tokens: bool) -> Self {
        self.settings.refresh_tokens = refresh_tokens;
        self
    }

    /// Sets the lifetime of an authorization code. It defaults to one minute.
    pub const fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.code_lifetime = lifetime;
        self
    }

    /// Sets the app's name on the consent page. It defaults to `Appen`, which is "the app" in
    /// Norwegian.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.settings.app_name = name.into();
        self
    }

    /// Registers an origin under CORS, as the dashboard of Telenor's portal does. Scripts of its
    /// pages may then call the APIs with an access token. Further calls register more origins.
    ///
    /// It is a scheme and a host, with a port if it is not the scheme's own, and without a slash at
    /// the end: `https://shop.example`. A wrong one is an error of [`start`](Self::start).
    ///
    /// Without any, browsers refuse every script of another origin. See
    /// [the module](super#calls-from-javascript).
    ///
    /// ```
    /// use telenor_auth::mock::MockGateway;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let gateway = MockGateway::builder().cors_origin("https://shop.example").start().await?;
    ///
    /// let users = format!("{}/user-info/v1/users", gateway.base_url());
    /// let call = reqwest::Client::new().get(users).header("origin", "https://shop.example");
    /// let response = call.send().await.unwrap();
    /// assert_eq!(response.headers()["access-control-allow-origin"], "https://shop.example");
    ///
    /// let slash = MockGateway::builder().cors_origin("https://shop.example/").start().await;
    /// assert!(slash.unwrap_err().to_string().contains("https://shop.example"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn cors_origin(mut self, origin: impl Into<String>) -> Self {
        self.settings.cors_origins.push(origin.into());
        self
    }

    /// Answers for a further API of the gateway, such as one of another Telenor product. Further
    /// calls add more APIs.
    ///
    /// `path` has no query, and holds for every method. As with the two identity APIs, a request
    /// needs a live access token: without one, the response is a 401 of the gateway. A test can
    /// script other answers with [`Endpoint::Api`](crate::mock::Endpoint::Api) and the same path.
    /// A path that the gateway cannot serve, or that was added before, is an error of
    /// [`start`](Self::start).
    ///
    /// ```
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// use telenor_auth::{ApiError, TelenorAuthLayer, TelenorUser, mock::{Answer, MockGateway}};
    /// use tower::ServiceExt;
    ///
    /// async fn usage(user: TelenorUser) -> Result<Vec<u8>, ApiError> {
    ///     Ok(user.get("/mobile-usage/v2/usage").await?.bytes().to_vec())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = MockGateway::builder()
    ///     .api("/mobile-usage/v2/usage", Answer::json(200, r#"{"gigabytes": 7}"#))
    ///     .start()
    ///     .await?;
    /// # let redirect_uri = "https://shop.example/telenor/callback";
    /// # let (id, secret) = (gateway.client_id(), gateway.client_secret());
    /// # let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
    /// #     .gateway(gateway.base_url())
    /// #     .build()?;
    /// let app = Router::new().route("/usage", get(usage)).layer(auth);
    ///
    /// let kari = gateway.login(&app, "/usage").await?;
    /// let request = Request::get("/usage").header("cookie", kari.cookie_header());
    /// let page = app.oneshot(request.body(Body::empty())?).await?;
    /// let page = axum::body::to_bytes(page.into_body(), 1000).await?;
    /// assert_eq!(page, r#"{"gigabytes": 7}"#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn api(mut self, path: &'static str, answer: Answer) -> Self {
        self.apis.add(path, answer);
        self
    }

    /// Starts the gateway on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The gateway cannot listen on the address, for example because the port is in use. Or a
    /// setting is wrong, which is `InvalidInput`: an [endpoint](Self::endpoints) or an
    /// [API](Self::api) that it cannot serve, a [`cors_origin`](Self::cors_origin) that is not an
    /// origin, an address to [`listen`](Self::listen) on that is not a loopback one, or a host in
    /// [`dangerous_reachable_as`](Self::dangerous_reachable_as) that is no host.
    ///
    /// # Panics
    ///
    /// It is not called within a tokio runtime that has its I/O driver enabled.
    pub async fn start(self) -> io::Result<MockGateway> {
        let Self {
            mut settings,
            apis,
            reach,
        } = self;
        if let Some(mistake) = settings
            .cors_origins
            .iter()
            .find_map(|it| cors::mistake(it))
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, mistake));
        }
        if settings.subscribers.is_empty() {
            settings.subscribers = vec![Subscriber::kari(), Subscriber::ola()];
        }
        settings.check_endpoints()?;
        apis.check(&settings.endpoints)?;
        MockGateway::serve(GatewayState::new(settings, apis), &reach).await
    }
}

impl fmt::Debug for MockGatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockGatewayBuilder")
            .field("client_id", &self.settings.client_id)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
