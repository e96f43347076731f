//! The token endpoint.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use url::form_urlencoded;

use super::{
    error_body::OAuthError,
    grants::{CodeError, Grant},
    parameters::{Parameters, Repeated},
    response,
    token_shape::TokenValues,
};
use crate::mock::{settings::Settings, state::GatewayState};

pub(in crate::mock) async fn token(
    State(shared): State<Arc<GatewayState>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match redeem(&shared, &headers, &body) {
        Ok(grant) => issue(&shared, &grant),
        Err(error) => error.response(&shared.settings),
    }
}

fn redeem(shared: &GatewayState, headers: &HeaderMap, body: &[u8]) -> Result<Grant, OAuthError> {
    let settings = &shared.settings;
    if !is_form(headers) {
        return Err(invalid_request("The request body is not a form"));
    }
    let parameters = Parameters::parse(body)
        .map_err(|Repeated(name)| invalid_request(&format!("Repeated parameter : {name}")))?;
    let repeated_id = parameters.find("client_id");
    if !is_client(settings, headers) || repeated_id.is_some_and(|id| id != settings.client_id) {
        return Err(OAuthError {
            status: 401,
            apigee: "invalid_client",
            rfc: "invalid_client",
            description: "ClientId is Invalid".to_owned(),
        });
    }
    match parameters.find("grant_type") {
        Some("authorization_code") => {
            let code = parameters.find("code").ok_or_else(|| required("code"))?;
            let redeemed = (shared.grants()).redeem(code, &parameters, settings.strict);
            redeemed.map_err(|error| code_error(&error, &parameters))
        }
        Some("refresh_token") if settings.refresh_tokens => {
            let name = "refresh_token";
            let token = parameters.find(name).ok_or_else(|| required(name))?;
            let refreshed = shared.grants().refresh(token);
            refreshed.ok_or_else(|| invalid_grant("Invalid Refresh Token"))
        }
        Some(other) => Err(OAuthError {
            status: 400,
            apigee: "unsupported_grant_type",
            rfc: "unsupported_grant_type",
            description: format!("Unsupported grant type : {other}"),
        }),
        None => Err(required("grant_type")),
    }
}

fn issue(shared: &GatewayState, grant: &Grant) -> Response {
    let settings = &shared.settings;
    let terms = *shared.terms();
    let (access_token, refresh_token) = {
        let mut grants = shared.grants();
        let access_token = grants.issue_access_token(grant, terms.expires_in);
        let refresh_token = (settings.refresh_tokens).then(|| grants.issue_refresh_token(grant));
        (access_token, refresh_token)
    };
    let body = terms.shape.body(&TokenValues {
        client_id: &settings.client_id,
        app_name: &settings.app_name,
        scope: &grant.scope,
        access_token: &access_token,
        expires_in: terms.expires_in,
        refresh_token: refresh_token.as_deref(),
    });
    response::json(200, &body)
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| {
        let media_type = value.as_bytes().split(|&byte| byte == b';').next();
        media_type
            .unwrap_or_default()
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// RFC 6749 section 2.3.1 requires both halves to be form-encoded, which many clients omit.
fn is_client(settings: &Settings, headers: &HeaderMap) -> bool {
    let Some((id, secret)) = basic(headers) else {
        return false;
    };
    let matches = |sent: &str, registered: &str| sent == registered || decoded(sent) == registered;
    matches(&id, &settings.client_id) && matches(&secret, &settings.client_secret)
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let credentials = STANDARD.decode(credentials.trim()).ok()?;
    let credentials = String::from_utf8(credentials).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn decoded(value: &str) -> String {
    // A single value may hold the separators of a form.
    let value = value.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(value.as_bytes())
        .next()
        .map_or_else(String::new, |(value, _)| value.into_owned())
}

fn code_error(error: &CodeError, parameters: &Parameters) -> OAuthError {
    match error {
        CodeError::Invalid => invalid_grant("Invalid Authorization Code"),
        CodeError::RedirectUri if parameters.find("redirect_uri").is_none() => {
            required("redirect_uri")
        }
        CodeError::RedirectUri => invalid_grant("Invalid redirect_uri"),
        CodeError::Verifier => invalid_grant("Invalid code_verifier"),
    }
}

fn invalid_grant(description: &str) -> OAuthError {
    OAuthError {
        status: 400,
        apigee: "invalid_request",
        rfc: "invalid_grant",
        description: description.to_owned(),
    }
}

fn invalid_request(description: &str) -> OAuthError {
    OAuthError {
        status: 400,
        apigee: "invalid_request",
        rfc: "invalid_request",
        description: description.to_owned(),
    }
}

fn required(name: &str) -> OAuthError {
    invalid_request(&format!("Required param : {name}"))
}
