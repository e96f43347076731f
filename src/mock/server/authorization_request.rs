//! The authorization request (RFC 6749 section 4.1.1), and its callback URLs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use super::{
    error_body::OAuthError,
    parameters::{Parameters, Repeated},
};
use crate::{digest::sha256, mock::settings::Settings};

const SHA256_LEN: usize = 32;

/// A valid authorization request (RFC 6749 section 4.1.1).
#[derive(Clone)]
pub(in crate::mock) struct AuthorizationRequest {
    callback: Url,
    state: Option<String>,
    /// As the client wrote it, because the token request must repeat it exactly.
    pub(in crate::mock) redirect_uri: String,
    pub(in crate::mock) scope: Option<String>,
    pub(in crate::mock) code_challenge: Option<String>,
}

/// The error of an invalid authorization request.
pub(in crate::mock) enum AuthorizationError {
    /// An error without a redirect, because the redirect URI cannot be trusted (RFC 6749 section
    /// 4.1.2.1).
    Direct(OAuthError),
    /// A redirect to this callback URL, which has the error.
    Callback(String),
}

pub(in crate::mock) fn parse(
    settings: &Settings,
    query: &str,
) -> Result<AuthorizationRequest, AuthorizationError> {
    let parameters = Parameters::parse(query.as_bytes())
        .map_err(|Repeated(name)| invalid(400, format!("Repeated parameter : {name}")))?;
    match parameters.find("client_id") {
        None => return Err(missing("client_id")),
        Some(id) if id != settings.client_id => {
            let error = format!("Invalid client id : {id}. ClientId is Invalid");
            return Err(invalid(401, error));
        }
        Some(_) => {}
    }
    match parameters.find("response_type") {
        None if settings.strict => return Err(missing("response_type")),
        None | Some("code") => {}
        Some(_) => return Err(invalid(400, "Response type must be code".to_owned())),
    }
    let redirect_uri = redirect_uri(settings, parameters.find("redirect_uri"))?;
    let request = AuthorizationRequest {
        callback: callback(redirect_uri)?,
        state: parameters.find("state").map(str::to_owned),
        redirect_uri: redirect_uri.to_owned(),
        scope: parameters.find("scope").map(str::to_owned),
        code_challenge: parameters.find("code_challenge").map(str::to_owned),
    };
    check_challenge(&request, parameters.find("code_challenge_method"))?;
    Ok(request)
}

fn redirect_uri<'u>(
    settings: &'u Settings,
    sent: Option<&'u str>,
) -> Result<&'u str, AuthorizationError> {
    match (sent, settings.redirect_uri.as_deref()) {
        (None, Some(registered)) if !settings.strict => Ok(registered),
        (None, _) => Err(invalid(400, "Redirection URI is required".to_owned())),
        (Some(sent), Some(registered)) if sent != registered => Err(invalid_redirect_uri(sent)),
        (Some(sent), _) => Ok(sent),
    }
}

fn callback(uri: &str) -> Result<Url, AuthorizationError> {
    match Url::parse(uri) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.fragment().is_none() => Ok(url),
        _ => Err(invalid_redirect_uri(uri)),
    }
}

/// Accepts only the method S256, and only a challenge with the length of a digest (RFC 7636 section
/// 4.4.1).
fn check_challenge(
    request: &AuthorizationRequest,
    method: Option<&str>,
) -> Result<(), AuthorizationError> {
    let description = match (&request.code_challenge, method) {
        (None, None) => return Ok(()),
        (None, Some(_)) => "code challenge required",
        (Some(_), Some("S256")) if request.challenge_is_sha256() => return Ok(()),
        (Some(_), Some("S256")) => "code challenge is not a SHA-256 digest",
        (Some(_), _) => "transform algorithm not supported",
    };
    let callback = request.failed("invalid_request", Some(description));
    Err(AuthorizationError::Callback(callback))
}

/// The S256 transformation of RFC 7636 section 4.2.
pub(in crate::mock) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&[verifier.as_bytes()]))
}

impl AuthorizationRequest {
    /// Returns the callback URL after consent.
    pub(in crate::mock) fn granted(&self, code: &str) -> String {
        self.redirect(&[("code", Some(code))])
    }

    /// Returns the callback URL after a refusal, with the description that Telenor documents.
    pub(in crate::mock) fn denied(&self) -> String {
        self.failed(
            "access_denied",
            Some("The resource owner denied the request"),
        )
    }

    /// Returns the callback URL after an unanswered USSD question. Telenor's description is not
    /// known.
    pub(in crate::mock) fn timed_out(&self, error: &str) -> String {
        self.failed(error, Some("The USSD question was not answered in time"))
    }

    pub(in crate::mock) fn failed(&self, error: &str, description: Option<&str>) -> String {
        self.redirect(&[("error", Some(error)), ("error_description", description)])
    }

    fn redirect(&self, parameters: &[(&str, Option<&str>)]) -> String {
        let mut url = self.callback.clone();
        {
            let mut query = url.query_pairs_mut();
            let state = ("state", self.state.as_deref());
            for &(name, value) in parameters.iter().chain([&state]) {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
        }
        url.into()
    }

    fn challenge_is_sha256(&self) -> bool {
        let challenge = self.code_challenge.as_deref().unwrap_or_default();
        let digest = URL_SAFE_NO_PAD.decode(challenge);
        digest.is_ok_and(|digest| digest.len() == SHA256_LEN)
    }
}

fn missing(name: &str) -> AuthorizationError {
    let error = format!("The request is missing a required parameter : {name}");
    invalid(400, error)
}

fn invalid_redirect_uri(uri: &str) -> AuthorizationError {
    invalid(400, format!("Invalid redirection uri {uri}"))
}

fn invalid(status: u16, description: String) -> AuthorizationError {
    AuthorizationError::Direct(OAuthError {
        status,
        apigee: "invalid_request",
        rfc: "invalid_request",
        description,
    })
}
