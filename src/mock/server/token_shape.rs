//! The forms of a token response.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// The form of a successful token response.
///
/// Telenor's documentation and the clients of its gateway disagree about the form, so a client must
/// accept all of these.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{MockGateway, TokenShape};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let gateway = MockGateway::start().await?;
/// gateway.set_token_response(TokenShape::RawApigee);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenShape {
    /// `access_token`, and `expires_in` as a number, as in Telenor's documentation.
    #[default]
    Trimmed,
    /// `access_token`, and `expires_in` as a string, as Telenor's Go client expects.
    TrimmedString,
    /// [`Trimmed`](Self::Trimmed) with `token_type` `Bearer`, as in RFC 6749.
    Bearer,
    /// [`Trimmed`](Self::Trimmed) with `token_type` `BearerToken`, Apigee's default.
    BearerToken,
    /// All members that Apigee sends by default, each as a string.
    RawApigee,
}

/// The values of a token response.
pub(in crate::mock) struct TokenValues<'t> {
    pub(in crate::mock) client_id: &'t str,
    pub(in crate::mock) app_name: &'t str,
    pub(in crate::mock) scope: &'t str,
    pub(in crate::mock) access_token: &'t str,
    pub(in crate::mock) expires_in: u64,
    pub(in crate::mock) refresh_token: Option<&'t str>,
}

impl TokenShape {
    pub(in crate::mock) fn body(self, token: &TokenValues<'_>) -> Value {
        let mut body = match self {
            Self::Trimmed | Self::Bearer | Self::BearerToken => json!({
                "access_token": token.access_token,
                "expires_in": token.expires_in,
            }),
            Self::TrimmedString => json!({
                "access_token": token.access_token,
                "expires_in": token.expires_in.to_string(),
            }),
            Self::RawApigee => return raw(token),
        };
        match self {
            Self::Bearer => body["token_type"] = "Bearer".into(),
            Self::BearerToken => body["token_type"] = "BearerToken".into(),
            _ => {}
        }
        if let Some(refresh_token) = token.refresh_token {
            body["refresh_token"] = refresh_token.into();
        }
        body
    }
}

fn raw(token: &TokenValues<'_>) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let issued_at = now.map_or(0, |now| now.as_millis()).to_string();
    let mut body = json!({
        "refresh_token_expires_in": "0",
        "api_product_list": "[mobile-user-info, mobile-device-info]",
        "organization_name": "mock",
        "developer.email": "utvikler@example.com",
        "token_type": "BearerToken",
        "issued_at": issued_at,
        "client_id": token.client_id,
        "access_token": token.access_token,
        "application_name": token.app_name,
        "scope": token.scope,
        "expires_in": token.expires_in.to_string(),
        "refresh_count": "0",
        "status": "approved",
    });
    if let Some(refresh_token) = token.refresh_token {
        body["refresh_token"] = refresh_token.into();
        body["refresh_token_issued_at"] = issued_at.into();
        body["refresh_token_status"] = "approved".into();
        body["refresh_token_expires_in"] = "86399".into();
    }
    body
}
