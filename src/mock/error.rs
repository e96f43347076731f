//! Why an authorization URL could not be followed.

use std::{error, fmt};

/// An authorization URL that [`MockGateway`](super::MockGateway) cannot follow to a callback.
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
        }
    }
}

impl error::Error for MockError {}
