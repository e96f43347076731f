//! Why a login came to nothing.

use std::{error, fmt};

/// A login that [`MockGateway`](super::MockGateway) cannot follow to its end, at the gateway or at the app.
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
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MockError {
    /// The text is no URL, or its path is not that of the authorization endpoint.
    NotAnAuthorizationUrl,
    /// No subscriber of this gateway has the number.
    UnknownSubscriber,
    /// The gateway answers with an error page of its own and sends nobody back.
    #[non_exhaustive]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Apigee's error code.
        code: String,
        /// What is wrong.
        description: String,
    },
    /// The path cannot be asked for.
    InvalidPath,
    /// The app answers by itself and sends nobody to this gateway.
    ///
    /// The page is public, or the app's layer is set up without
    /// [`.gateway(gateway.base_url())`](crate::TelenorAuthBuilder::gateway).
    #[non_exhaustive]
    NotChallenged {
        /// The HTTP status.
        status: u16,
    },
    /// The app takes nobody in who comes back from the gateway.
    #[non_exhaustive]
    NotSignedIn {
        /// The HTTP status.
        status: u16,
        /// Why, if the layer's own page says so: the name of a [`FailureCause`](crate::FailureCause).
        cause: Option<String>,
    },
    /// The app's service failed in place of answering.
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
            Self::InvalidPath => f.write_str("the path cannot be asked for"),
            Self::NotChallenged { status } => write!(
                f,
                "the app answered {status} and led nobody to this gateway"
            ),
            Self::NotSignedIn { status, cause } => {
                let cause = cause.as_deref().unwrap_or("it does not say why");
                write!(f, "the app refused the callback: {status}: {cause}")
            }
            Self::AppFailed { error } => write!(f, "the app failed: {error}"),
        }
    }
}

impl error::Error for MockError {}
