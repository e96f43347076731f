//! How a gateway is set up.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{gateway::MockGateway, settings::Settings, state::Shared, subscriber::Subscriber};

/// Sets up a [`MockGateway`]; made by [`MockGateway::builder`].
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
    /// No port can be listened on.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts the setting up of a gateway.
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
                subscribers: Vec::new(),
                wifi: false,
                ussd_timeout_error: "login_required".to_owned(),
                strict: false,
                rfc_errors: false,
                refresh_tokens: false,
                code_lifetime: Duration::from_secs(60),
                app_name: "Appen".to_owned(),
            },
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    /// Sets the one registered app's client id and secret.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.settings.client_id = id.into();
        self.settings.client_secret = secret.into();
        self
    }

    /// Registers the app's redirect URI, as the dashboard of Telenor's portal does.
    ///
    /// A request may then leave `redirect_uri` out, and one that names another is refused.
    /// Without a registered one, the request has to carry one and any is accepted, so that an
    /// app on a random port needs no setting up.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.settings.redirect_uri = Some(uri.into());
        self
    }

    /// Listens on `address` in place of a free port on the loopback interface.
    ///
    /// Everyone who reaches the address can sign in as any subscriber.
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Adds a subscriber. The first one is the one that the mobile network recognises.
    ///
    /// The header `x-mock-msisdn` names another; see [the module](super#recognition).
    ///
    /// Without any, the gateway knows [`Subscriber::kari`] and [`Subscriber::ola`].
    pub fn subscriber(mut self, subscriber: Subscriber) -> Self {
        self.settings.subscribers.push(subscriber);
        self
    }

    /// Puts the browser on Wi-Fi: the network recognises nobody, so USSD comes first.
    ///
    /// The header `x-mock-msisdn` still names a subscriber; see [the module](super#recognition).
    pub const fn wifi(mut self, wifi: bool) -> Self {
        self.settings.wifi = wifi;
        self
    }

    /// Sets the callback error after a USSD question that nobody answers; `login_required` by
    /// default.
    ///
    /// What Telenor sends is not known. Mobile Connect and CAMARA use the default for someone who
    /// cannot be identified without doing something.
    pub fn ussd_timeout_error(mut self, code: impl Into<String>) -> Self {
        self.settings.ussd_timeout_error = code.into();
        self
    }

    /// Demands what an Apigee gateway demands out of the box.
    ///
    /// `response_type` and `redirect_uri` are then required on the authorization request, and
    /// `redirect_uri` on the token request too. Telenor's own examples leave them all out.
    ///
    /// Source: Apigee's OAuth HTTP status code reference.
    pub const fn strict(mut self, strict: bool) -> Self {
        self.settings.strict = strict;
        self
    }

    /// Reports OAuth errors as [RFC 6749 section 5.2] does, with its codes.
    ///
    /// By default they have Apigee's form, `{"ErrorCode": …, "Error": …}`.
    ///
    /// [RFC 6749 section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    pub const fn rfc_errors(mut self, rfc_errors: bool) -> Self {
        self.settings.rfc_errors = rfc_errors;
        self
    }

    /// Issues a refresh token with each access token, and accepts it once.
    pub const fn refresh_tokens(mut self, refresh_tokens: bool) -> Self {
        self.settings.refresh_tokens = refresh_tokens;
        self
    }

    /// Sets how long an authorization code can be used; one minute by default.
    pub const fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.code_lifetime = lifetime;
        self
    }

    /// Sets the app's name on the consent page.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.settings.app_name = name.into();
        self
    }

    /// Starts the gateway on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, for one because the port is taken.
    pub async fn start(self) -> io::Result<MockGateway> {
        let Self {
            mut settings,
            listen,
        } = self;
        if settings.subscribers.is_empty() {
            settings.subscribers = vec![Subscriber::kari(), Subscriber::ola()];
        }
        MockGateway::serve(Shared::new(settings), listen).await
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
