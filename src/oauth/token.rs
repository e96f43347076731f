//! The token request and its response (RFC 6749 sections 4.1.3, 5.1 and 5.2).
//!
//! Telenor's gateway is Apigee, and follows the RFC only roughly: `expires_in` may be a string,
//! `token_type` may be missing or `BearerToken`, and errors come in three shapes. All that it may
//! send is accepted. A response without a usable token is refused.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::Verifier;
use crate::{
    access_token::{AccessToken, RefreshToken},
    failure::FailureCause,
};

const MAX_TOKEN: usize = 8 * 1024;
/// In seconds, for a response without `expires_in`, which RFC 6749 section 5.1 allows.
const DEFAULT_EXPIRES_IN: u64 = 600;

/// The `Authorization` header with the client's id and secret.
pub(crate) struct ClientAuthentication(HeaderValue);

impl ClientAuthentication {
    /// HTTP Basic, with id and secret form-encoded first, as RFC 6749 section 2.3.1 requires.
    pub(crate) fn basic(client_id: &str, client_secret: &str) -> Self {
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        Self::header(&encode(client_id), &encode(client_secret))
    }

    /// HTTP Basic without the form-encoding, as most servers accept it.
    pub(crate) fn basic_raw(client_id: &str, client_secret: &str) -> Self {
        Self::header(client_id, client_secret)
    }

    fn header(client_id: &str, client_secret: &str) -> Self {
        let pair = BASE64_STANDARD.encode(format!("{client_id}:{client_secret}"));
        let mut value = HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is ASCII");
        value.set_sensitive(true);
        Self(value)
    }
}

pub(crate) struct TokenRequest<'a> {
    pub endpoint: &'a Uri,
    pub client: &'a ClientAuthentication,
    pub grant: Grant<'a>,
}

/// The grant that is exchanged for an access token.
pub(crate) enum Grant<'a> {
    /// RFC 6749 section 4.1.3.
    Code {
        code: &'a str,
        /// Sent if it was part of the authorization request.
        redirect_uri: Option<&'a str>,
        verifier: Option<&'a Verifier>,
    },
    /// RFC 6749 section 6.
    Refresh {
        token: &'a RefreshToken,
        /// Sent in addition to the header, as Telenor's own client for Go does.
        client_id: &'a str,
    },
}

impl TokenRequest<'_> {
    pub(crate) fn build(&self) -> Request<Vec<u8>> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        match &self.grant {
            Grant::Code {
                code,
                redirect_uri,
                verifier,
            } => {
                body.append_pair("grant_type", "authorization_code");
                body.append_pair("code", code);
                if let Some(redirect_uri) = redirect_uri {
                    body.append_pair("redirect_uri", redirect_uri);
                }
                if let Some(verifier) = verifier {
                    body.append_pair("code_verifier", &verifier.secret());
                }
            }
            Grant::Refresh { token, client_id } => {
                body.append_pair("grant_type", "refresh_token");
                body.append_pair("refresh_token", token.secret());
                body.append_pair("client_id", client_id);
            }
        }
        let mut request = Request::new(body.finish().into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, form);
        headers.insert(header::ACCEPT, json);
        headers.insert(header::AUTHORIZATION, self.client.0.clone());
        request
    }
}

#[derive(Debug)]
pub(crate) struct TokenResponse {
    pub access_token: AccessToken,
    /// In seconds, at least one.
    pub expires_in: u64,
    pub scope: Option<String>,
    pub refresh_token: Option<RefreshToken>,
}

#[derive(Deserialize)]
struct TokenFields {
    access_token: Option<Value>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
    scope: Option<Value>,
    refresh_token: Option<Value>,
    error: Option<Value>,
    /// Parsed, so that nesting without end is refused, and then dropped.
    #[serde(flatten)]
    _unknown: serde_json::Map<String, Value>,
}

/// Returns the token, or the cause of the failure. The error never holds the body, which may hold
/// the token or the client's id.
pub(crate) fn token_response(response: &Response<Vec<u8>>) -> Result<TokenResponse, FailureCause> {
    if response.status() != StatusCode::OK {
        return Err(failure_of(response));
    }
    if !is_json(response) {
        return Err(FailureCause::TokenResponseInvalid);
    }
    parse(response.body()).ok_or(FailureCause::TokenResponseInvalid)
}

fn parse(body: &[u8]) -> Option<TokenResponse> {
    let fields: TokenFields = serde_json::from_slice(body).ok()?;
    if fields.error.is_some_and(|error| !error.is_null()) {
        return None;
    }
    let Value::String(access_token) = fields.access_token? else {
        return None;
    };
    // RFC 6750 section 2.1 allows fewer characters. What matters is that the token can be sent in a
    // header.
    let visible = access_token.bytes().all(|byte| byte.is_ascii_graphic());
    if access_token.is_empty() || access_token.len() > MAX_TOKEN || !visible {
        return None;
    }
    match fields.token_type {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if is_bearer(&kind) => {}
        Some(_) => return None,
    }
    Some(TokenResponse {
        access_token: AccessToken::new(access_token),
        expires_in: match fields.expires_in {
            None | Some(Value::Null) => DEFAULT_EXPIRES_IN,
            Some(value) => seconds(&value)?,
        },
        scope: scope(fields.scope),
        refresh_token: refresh_token(fields.refresh_token),
    })
}

fn is_bearer(kind: &str) -> bool {
    kind.is_empty()
        || kind.eq_ignore_ascii_case("bearer")
        || kind.eq_ignore_ascii_case("bearertoken")
}

/// A number or a numeric string, above zero. A value that is too large becomes the largest one.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => match number.as_u64() {
            Some(seconds) => return (seconds > 0).then_some(seconds),
            None => number.as_f64()?,
        },
        Value::String(text) => {
            let text = text.trim();
            let numeric = text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
            numeric.then(|| text.parse::<f64>().ok())??
        }
        _ => return None,
    };
    // `as` saturates. A fraction of a second is not a lifetime.
    (seconds >= 1.0).then_some(seconds as u64)
}

/// A string, or the list that some servers send.
fn scope(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(scope) => Some(scope).filter(|scope| !scope.trim().is_empty()),
        Value::Array(scopes) => {
            let scopes: Vec<_> = scopes.iter().filter_map(Value::as_str).collect();
            (!scopes.is_empty()).then(|| scopes.join(" "))
        }
        _ => None,
    }
}

/// A refresh token is not required, so an invalid one is ignored.
fn refresh_token(value: Option<Value>) -> Option<RefreshToken> {
    match value? {
        Value::String(token) if !token.is_empty() && token.len() <= MAX_TOKEN => {
            Some(RefreshToken::new(token))
        }
        _ => None,
    }
}

fn is_json(response: &Response<Vec<u8>>) -> bool {
    let Some(kind) = response.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let kind = kind.as_bytes().split(|byte| *byte == b';').next();
    kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}

/// Returns the cause for an error of the token endpoint. It has the shape of RFC 6749 (`error`), or
/// of Apigee's OAuth policy (`ErrorCode`, `Error`), or is a fault or envelope, for which the status
/// is enough.
fn failure_of(response: &Response<Vec<u8>>) -> FailureCause {
    let status = response.status();
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
    let codes = [text(&body["error"]), text(&body["ErrorCode"])];
    let code = codes
        .iter()
        .find(|code| !code.is_empty())
        .map_or("", String::as_str);
    let message = text(&body["Error"]);
    match (status.as_u16(), code) {
        (429, _) => FailureCause::GatewayBusy,
        (503, _) => FailureCause::ProviderUnavailable,
        (504, _) => FailureCause::GatewayTimeout,
        (400 | 401, "invalid_grant") => FailureCause::CodeRejected,
        (400, "invalid_request")
            if message.contains("authorization code") || message.contains("refresh token") =>
        {
            FailureCause::CodeRejected
        }
        (401, _) | (400, "invalid_client" | "unauthorized_client") => FailureCause::ClientRejected,
        (300..=399, _) => FailureCause::TokenResponseInvalid,
        (400..=499, _) => FailureCause::ProviderRefused,
        (500..=599, _) => FailureCause::ProviderError,
        _ => FailureCause::TokenResponseInvalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(
        status: u16,
        content_type: &str,
        body: &[u8],
    ) -> Result<TokenResponse, FailureCause> {
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_vec());
        token_response(&response.unwrap())
    }

    fn json(body: &str) -> Result<TokenResponse, FailureCause> {
        respond(200, "application/json", body.as_bytes())
    }

    #[test]
    fn credentials_are_form_encoded_before_base64() {
        let ClientAuthentication(header) = ClientAuthentication::basic("a:b c", "p+%/=é&");
        let pair = BASE64_STANDARD.decode(&header.as_bytes()[6..]).unwrap();
        assert_eq!(pair, b"a%3Ab+c:p%2B%25%2F%3D%C3%A9%26");
        let ClientAuthentication(header) = ClientAuthentication::basic_raw("a:b c", "p+%/=é&");
        let pair = BASE64_STANDARD.decode(&header.as_bytes()[6..]).unwrap();
        assert_eq!(pair, "a:b c:p+%/=é&".as_bytes());
    }

    #[test]
    fn request_has_exactly_these_parts() {
        let verifier = Verifier::random();
        let request = TokenRequest {
            endpoint: &Uri::from_static("https://gateway.example/oauth/v2/token"),
            client: &ClientAuthentication::basic("id", "secret"),
            grant: Grant::Code {
                code: "a+b/c=&%",
                redirect_uri: Some("https://shop.example/telenor/callback"),
                verifier: Some(&verifier),
            },
        };
        let built = request.build();
        assert_eq!(built.method(), Method::POST);
        assert_eq!(built.uri().query(), None);
        let body = String::from_utf8(built.body().clone()).unwrap();
        let expected = format!(
            "grant_type=authorization_code&code=a%2Bb%2Fc%3D%26%25\
             &redirect_uri=https%3A%2F%2Fshop.example%2Ftelenor%2Fcallback&code_verifier={}",
            verifier.secret()
        );
        assert_eq!(body, expected);
        assert!(!body.contains("secret"));
        let bare = TokenRequest {
            grant: Grant::Code {
                code: "x",
                redirect_uri: None,
                verifier: None,
            },
            ..request
        };
        assert_eq!(bare.build().body(), b"grant_type=authorization_code&code=x");
        let refresh = TokenRequest {
            grant: Grant::Refresh {
                token: &RefreshToken::new("r+/=".to_owned()),
                client_id: "id",
            },
            ..bare
        };
        assert_eq!(
            refresh.build().body(),
            b"grant_type=refresh_token&refresh_token=r%2B%2F%3D&client_id=id"
        );
    }

    #[test]
    fn quirks_of_the_gateway_are_accepted() {
        for body in [
            r#"{"access_token":"t","expires_in":3599}"#,
            r#"{"access_token":"t","expires_in":"3599"}"#,
            r#"{"access_token":"t","expires_in":3599.0}"#,
            r#"{"access_token":"t","expires_in":"3599.0","token_type":"Bearer"}"#,
            r#"{"access_token":"t","expires_in":3599,"token_type":"BEARER","x":{"y":[1]}}"#,
            r#"{"access_token":"t","expires_in":3599,"token_type":"BearerToken"}"#,
            r#"{"access_token":"t","expires_in":3599,"token_type":null,"error":null}"#,
            r#"{"refresh_token_expires_in":"0","api_product_list":"[a]","developer.email":"a@b.example",
                "token_type":"BearerToken",
                "issued_at":"1518000000000","client_id":"c","access_token":"t","scope":"",
                "expires_in":"3599","refresh_count":"0","status":"approved"}"#,
        ] {
            let token = json(body).unwrap();
            assert_eq!(
                (token.access_token.secret(), token.expires_in, token.scope),
                ("t", 3599, None),
                "{body}"
            );
        }
        let charset = respond(
            200,
            "Application/JSON;charset=UTF-8",
            br#"{"access_token":"t"}"#,
        );
        assert_eq!(charset.unwrap().expires_in, DEFAULT_EXPIRES_IN);
    }

    #[test]
    fn scope_may_be_a_string_or_a_list() {
        let scope = |scope: &str| {
            json(&format!(r#"{{"access_token":"t","scope":{scope}}}"#))
                .unwrap()
                .scope
        };
        assert_eq!(scope(r#""a b""#).as_deref(), Some("a b"));
        assert_eq!(scope(r#"["a","b"]"#).as_deref(), Some("a b"));
        assert_eq!(scope("null"), None);
        assert_eq!(scope("7"), None);
    }

    #[test]
    fn lifetime_is_positive_or_refused() {
        let expires_in = |value: &str| {
            json(&format!(r#"{{"access_token":"t","expires_in":{value}}}"#))
                .map(|token| token.expires_in)
        };
        assert_eq!(expires_in("18446744073709551616").unwrap(), u64::MAX);
        assert_eq!(expires_in("18446744073709551615").unwrap(), u64::MAX);
        assert_eq!(expires_in("1e300").unwrap(), u64::MAX);
        assert_eq!(expires_in("\"1e300\"").unwrap(), u64::MAX);
        assert_eq!(expires_in("null").unwrap(), DEFAULT_EXPIRES_IN);
        for value in [
            "-1", "0", "0.5", "\"abc\"", "\"\"", "\"-5\"", "\"NaN\"", "\"inf\"", "true", "{}", "[]",
        ] {
            assert_eq!(
                expires_in(value),
                Err(FailureCause::TokenResponseInvalid),
                "{value}"
            );
        }
    }

    #[test]
    fn only_a_json_object_with_a_token_is_success() {
        let deep = format!(
            r#"{{"access_token":"t","x":{}1{}}}"#,
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        let long = format!(r#"{{"access_token":"{}"}}"#, "t".repeat(20_000));
        for body in [
            "[]",
            "\"x\"",
            "",
            "{",
            r#"{"access_token":"t"} x"#,
            "\u{feff}{\"access_token\":\"t\"}",
            r#"{"access_token":"a","access_token":"b"}"#,
            r#"{"expires_in":3599}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":null}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"t","error":"invalid_grant"}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nb"}"#,
            r#"{"access_token":"é"}"#,
            r#"{"access_token":"t","token_type":"mac"}"#,
            r#"{"access_token":"t","token_type":7}"#,
            &deep,
            &long,
        ] {
            assert_eq!(
                json(body).unwrap_err(),
                FailureCause::TokenResponseInvalid,
                "{body:.60}"
            );
        }
        let latin1 = respond(200, "application/json", b"{\"access_token\":\"\xe9\"}");
        assert_eq!(latin1.unwrap_err(), FailureCause::TokenResponseInvalid);
        for (status, kind) in [
            (200, "text/html"),
            (201, "application/json"),
            (204, "application/json"),
            (302, "application/json"),
        ] {
            let refused = respond(status, kind, br#"{"access_token":"t"}"#);
            assert_eq!(
                refused.unwrap_err(),
                FailureCause::TokenResponseInvalid,
                "{status} {kind}"
            );
        }
    }

    #[test]
    fn errors_are_understood_in_every_shape() {
        for (status, body, cause) in [
            (
                400,
                r#"{"error":"invalid_grant"}"#,
                FailureCause::CodeRejected,
            ),
            (
                400,
                r#"{"ErrorCode":"invalid_request","Error":"Invalid Authorization Code"}"#,
                FailureCause::CodeRejected,
            ),
            (
                401,
                r#"{"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}"#,
                FailureCause::ClientRejected,
            ),
            (
                401,
                r#"{"error":"invalid_client"}"#,
                FailureCause::ClientRejected,
            ),
            (
                401,
                r#"{"fault":{"faultstring":"x","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}"#,
                FailureCause::ClientRejected,
            ),
            (
                401,
                r#"{"httpStatus":401,"errorCode":40108}"#,
                FailureCause::ClientRejected,
            ),
            (
                400,
                r#"{"ErrorCode":"invalid_request","Error":"Required param : redirect_uri"}"#,
                FailureCause::ProviderRefused,
            ),
            (429, "", FailureCause::GatewayBusy),
            (500, "<html>", FailureCause::ProviderError),
            (502, "", FailureCause::ProviderError),
            (503, "", FailureCause::ProviderUnavailable),
            (504, "", FailureCause::GatewayTimeout),
        ] {
            assert_eq!(
                respond(status, "application/json", body.as_bytes()).unwrap_err(),
                cause,
                "{status} {body}"
            );
        }
    }
}
