//! The builder of a mock gateway.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{
    gateway::MockGateway, server::cors, settings::Settings, state::GatewayState,
    subscriber::Subscriber,
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
    listen: SocketAddr,
}

impl MockGateway {
    /// Starts a gateway with the defaults, on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// The gateway cannot listen on a port.
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
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    /// Sets the client id and secret of the registered app.
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
    /// Anyone who reaches the address can sign in as any subscriber.
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
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
    /// first.
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

    /// Sets whether the gateway requires what an Apigee gateway requires by default.
    ///
    /// `response_type` and `redirect_uri` are then required in the authorization request, and
    /// `redirect_uri` in the token request too. Telenor's own examples omit all of them.
    ///
    /// Source: Apigee's OAuth HTTP status code reference.
    pub const fn strict(mut self, strict: bool) -> Self {
        self.settings.strict = strict;
        self
    }

    /// Sets whether OAuth errors have the form and the codes of [RFC 6749 section 5.2].
    ///
    /// They default to Apigee's form, `{"ErrorCode": …, "Error": …}`.
    ///
    /// [RFC 6749 section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    pub const fn rfc_errors(mut self, rfc_errors: bool) -> Self {
        self.settings.rfc_errors = rfc_errors;
        self
    }

    /// Sets whether the gateway issues a refresh token with each access token. Each is accepted
    /// once.
    pub const fn refresh_tokens(mut self, refresh_tokens: bool) -> Self {
        self.settings.refresh_tokens = refresh_tokens;
        self
    }

    /// Sets the lifetime of an authorization code. It defaults to one minute.
    pub const fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.code_lifetime = lifetime;
        self
    }

    /// Sets the app's name on the consent page.
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

    /// Starts the gateway on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The gateway cannot listen on the address, for example because the port is in use. Or it
    /// cannot serve the [endpoints](Self::endpoints), or a [`cors_origin`](Self::cors_origin) is
    /// not an origin: `InvalidInput`.
    pub async fn start(self) -> io::Result<MockGateway> {
        let Self {
            mut settings,
            listen,
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
        MockGateway::serve(GatewayState::new(settings), listen).await
    }
}

impl fmt::Debug for MockGatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockGatewayBuilder")
            .field("client_id", &self.settings.client_id)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
