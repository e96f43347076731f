//! The answer of the token endpoint, or of something in its place.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::message::{CANARY, Message};
use crate::oauth::{TokenResponse, token_response as parse};

/// A success has a token that can be sent, and comes from an answer that is one. No text about an
/// answer shows what is in it.
///
/// The first line of the input is the status.
pub fn token_response(data: &[u8]) {
    let response = Message::parse(data).into_response();
    let (status, headers) = (response.status(), response.headers());
    match parse(&response) {
        Ok(token) => {
            assert_eq!(status, StatusCode::OK);
            check_success(&token, headers, response.body());
        }
        Err(error) => {
            let shown = format!("{} {error:?} {}", error.detail, error.cause.as_str());
            let named = headers.values().any(|value| contains(value.as_bytes()));
            assert!(named || !contains(shown.as_bytes()), "{shown}");
            assert!(!error.detail.chars().any(char::is_control), "{shown:?}");
        }
    }
}

fn check_success(token: &TokenResponse, headers: &HeaderMap, body: &[u8]) {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    assert_ne!(kind.trim_ascii(), b"text/html");
    let json: Value = serde_json::from_slice(body).expect("one JSON text and nothing else");
    assert!(json["error"].is_null(), "{json}");

    let secret = token.access_token.secret();
    assert_eq!(json["access_token"].as_str(), Some(secret));
    assert!(!secret.is_empty() && secret.len() <= 8 * 1024);
    assert!(secret.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(HeaderValue::try_from(format!("Bearer {secret}")).is_ok());
    let bearer = match &json["token_type"] {
        Value::String(kind) => ["", "bearer", "bearertoken"].contains(&&*kind.to_lowercase()),
        kind => kind.is_null(),
    };
    assert!(bearer, "{json}");
    assert!(token.expires_in >= 1);
    if let Some(refresh) = &token.refresh_token {
        assert_eq!(json["refresh_token"].as_str(), Some(refresh.secret()));
    }

    let (lifetime, scope) = (token.expires_in, &token.scope);
    let refresh = match &token.refresh_token {
        Some(_) => "Some(RefreshToken(redacted))",
        None => "None",
    };
    let expected = format!(
        "TokenResponse {{ access_token: AccessToken(redacted), expires_in: {lifetime}, \
         scope: {scope:?}, refresh_token: {refresh} }}"
    );
    assert_eq!(format!("{token:?}"), expected);
}

fn contains(text: &[u8]) -> bool {
    text.windows(CANARY.len())
        .any(|window| window == CANARY.as_bytes())
}
