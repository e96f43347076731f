//! The error of a login without a browser.

use std::{error, fmt};

/// The error of a login that [`MockGateway`](super::MockGateway) cannot complete, at the gateway or
/// at the app.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{MockError, MockGateway};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let gateway = MockGateway::start().await?;
/// let stray = format!("{}/oauth/v2/token", gateway.base_url());
/// assert!(matches!(gateway.allow(&stray), Err(MockError::NotAnAuthorizationUrl)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MockError {
    /// The text is not a URL, or its path is not that of the authorization endpoint.
    NotAnAuthorizationUrl,
    /// No subscriber of this gateway has the number.
    UnknownSubscriber,
    /// The gateway returns an error of its own and does not redirect to the app.
    #[non_exhaustive]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Apigee's error code.
        code: String,
        /// The description of the error.
        description: String,
    },
    /// The path is not valid in a request.
    InvalidPath,
    /// The app responds by itself and does not redirect to this gateway.
    ///
    /// The page is public, or the app's layer does not use
    /// [`.gateway(gateway.base_url())`](crate::TelenorAuthBuilder::gateway).
    #[non_exhaustive]
    NotChallenged {
        /// The HTTP status.
        status: u16,
        /// The page that the app led to, without its query.
        page: String,
    },
    /// The app refuses the callback from the gateway.
    #[non_exhaustive]
    NotSignedIn {
        /// The HTTP status.
        status: u16,
        /// The name of the [`FailureCause`](crate::FailureCause), if the layer's page shows one.
        cause: Option<String>,
    },
    /// The app's service returned an error.
    #[non_exhaustive]
    AppFailed {
        /// The service's own error.
        error: String,
    },
}

impl fmt::Display for MockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAuthorizationUrl => {
                f.write_str("the URL does not lead to the authorization endpoint")
            }
            Self::UnknownSubscriber => f.write_str("no subscriber has this mobile number"),
            Self::Refused {
                status,
                code,
                description,
            } => write!(
                f,
                "the authorization request was refused: {status} {code}: {description}"
            ),
            Self::InvalidPath => f.write_str("the path is not valid in a request"),
            Self::NotChallenged { status, page } => write!(
                f,
                "the app returned {status} at {page} and did not redirect to this gateway: \
                 use a page that needs a login, and set `.gateway(gateway.base_url())` on the layer"
            ),
            Self::NotSignedIn { status, cause } => {
                let cause = cause.as_deref().unwrap_or("no cause is shown");
                write!(f, "the app refused the callback: {status}: {cause}")
            }
            Self::AppFailed { error } => write!(f, "the app failed: {error}"),
        }
    }
}

impl fmt::Debug for MockError {
    /// As a test prints it: with the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = match self {
            Self::NotAnAuthorizationUrl => "NotAnAuthorizationUrl",
            Self::UnknownSubscriber => "UnknownSubscriber",
            Self::Refused { .. } => "Refused",
            Self::InvalidPath => "InvalidPath",
            Self::NotChallenged { .. } => "NotChallenged",
            Self::NotSignedIn { .. } => "NotSignedIn",
            Self::AppFailed { .. } => "AppFailed",
        };
        write!(f, "{variant}: {self}")
    }
}

impl error::Error for MockError {}
