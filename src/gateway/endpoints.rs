//! The endpoints of the gateway, as an app sets them.

/// The endpoints of the gateway: where a login goes, where tokens come from and end, and the two
/// identity APIs.
///
/// Each endpoint is one of two things. A path such as `/oauth/v2/token` lies below the base URL of
/// the [gateway](crate::TelenorAuthBuilder::gateway). A full URL such as
/// `https://login.example/authorize` may lie on another host: an OAuth server and the APIs that
/// accept its tokens need not share one. It must be `https`, except on a loopback address.
///
/// The client secret is sent to the token endpoint alone. An access token is sent to the logout
/// endpoint, to the endpoints of the two APIs, and to paths of the gateway that the app calls. No
/// other host ever gets one.
///
/// The defaults are the paths that [Telenor documents][page]. So an app needs this type only when
/// Telenor moves an endpoint.
///
/// [page]: https://developer.telenor.no/api/identity/mobile-user-info-api/oauth/
///
/// A session belongs to the endpoints of its login, since its token must reach no other host. So a
/// change of any endpoint ends all sessions and the logins in progress.
///
/// ```
/// use telenor_auth::{Endpoints, TelenorAuthLayer};
///
/// let endpoints = Endpoints::new()
///     .with_authorization("https://login.example/authorize")
///     .with_user_info("/user-info/v2/users");
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
///     .endpoints(endpoints)
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "hand it to `endpoints`"]
pub struct Endpoints {
    pub(crate) authorization: String,
    pub(crate) token: String,
    pub(crate) logout: String,
    pub(crate) user_info: String,
    pub(crate) device_info: String,
}

impl Endpoints {
    /// Returns Telenor's endpoints.
    pub fn new() -> Self {
        Self {
            authorization: "/oauth/v2/authorize".to_owned(),
            token: "/oauth/v2/token".to_owned(),
            logout: "/oauth/v2/logout".to_owned(),
            user_info: "/user-info/v1/users".to_owned(),
            device_info: "/mobile-device-info/v1/device".to_owned(),
        }
    }

    /// Sets the authorization endpoint (RFC 6749 section 3.1), which browsers open. It defaults to
    /// `/oauth/v2/authorize`.
    ///
    /// For parameters in its query, use
    /// [`authorization_parameter`](crate::TelenorAuthBuilder::authorization_parameter).
    pub fn with_authorization(mut self, endpoint: impl Into<String>) -> Self {
        self.authorization = endpoint.into();
        self
    }

    /// Sets the token endpoint (RFC 6749 section 3.2), which gets the client secret. It defaults to
    /// `/oauth/v2/token`.
    pub fn with_token(mut self, endpoint: impl Into<String>) -> Self {
        self.token = endpoint.into();
        self
    }

    /// Sets the endpoint that ends an access token by a GET. It defaults to `/oauth/v2/logout`.
    pub fn with_logout(mut self, endpoint: impl Into<String>) -> Self {
        self.logout = endpoint.into();
        self
    }

    /// Sets the endpoint of [`TelenorUser::info`](crate::TelenorUser::info). It defaults to
    /// `/user-info/v1/users`.
    pub fn with_user_info(mut self, endpoint: impl Into<String>) -> Self {
        self.user_info = endpoint.into();
        self
    }

    /// Sets the endpoint of [`TelenorUser::device`](crate::TelenorUser::device). It defaults to
    /// `/mobile-device-info/v1/device`.
    pub fn with_device_info(mut self, endpoint: impl Into<String>) -> Self {
        self.device_info = endpoint.into();
        self
    }

    /// All of them, with the names that errors show.
    pub(crate) fn all(&self) -> [(&'static str, &str); 5] {
        [
            ("authorization", &self.authorization),
            ("token", &self.token),
            ("logout", &self.logout),
            ("user info", &self.user_info),
            ("device info", &self.device_info),
        ]
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::new()
    }
}
