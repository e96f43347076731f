//! The token request and its response (RFC 6749 sections 4.1.3, 5.1 and 5.2).
//!
//! Telenor's gateway is Apigee, and follows the RFC only roughly: `expires_in` may be a string,
//! `token_type` may be missing or `BearerToken`, and errors come in three shapes. All that it may
//! send is accepted. A response without a usable token is refused.

use std::mem;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;
use zeroize::{Zeroize, Zeroizing};

use super::{
    Verifier,
    answer::{MediaType, coding, error_object, is_foreign_refusal},
};
use crate::{
    access_token::{AccessToken, RefreshToken},
    failure::FailureCause,
    secret_bytes::authorization,
};

const MAX_TOKEN: usize = 8 * 1024;
/// Room for the names in a token request, and for its verifier.
const NAMES: usize = 256;
/// In seconds, for a response without `expires_in`, which RFC 6749 section 5.1 allows.
const DEFAULT_EXPIRES_IN: u64 = 600;

/// The `Authorization` header with the client's id and secret.
pub(crate) struct ClientAuthentication(HeaderValue);

impl ClientAuthentication {
    /// HTTP Basic, with id and secret form-encoded first, as RFC 6749 section 2.3.1 requires.
    pub(crate) fn basic(client_id: &str, client_secret: &str) -> Self {
        let encode = |text: &str| {
            let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
            encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
            encoded
        };
        Self::header(&encode(client_id), &encode(client_secret))
    }

    /// HTTP Basic without the form-encoding, as most servers accept it.
    pub(crate) fn basic_raw(client_id: &str, client_secret: &str) -> Self {
        Self::header(client_id, client_secret)
    }

    fn header(client_id: &str, client_secret: &str) -> Self {
        let pair = Zeroizing::new([client_id, ":", client_secret].concat());
        let pair = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Self(authorization("Basic", &pair))
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
        // Text that grows leaves copies behind.
        let values = match &self.grant {
            Grant::Code {
                code, redirect_uri, ..
            } => code.len() + redirect_uri.map_or(0, str::len),
            Grant::Refresh { token, client_id } => token.secret().len() + client_id.len(),
        };
        let room = String::with_capacity(NAMES + 3 * values);
        let mut body = form_urlencoded::Serializer::new(room);
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

/// Those that become tokens are taken out before.
impl Drop for TokenFields {
    fn drop(&mut self) {
        for field in [&mut self.access_token, &mut self.refresh_token] {
            if let Some(Value::String(token)) = field {
                token.zeroize();
            }
        }
    }
}

/// An answer without a usable token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenResponseError {
    pub cause: FailureCause,
    /// What is wrong with the answer, for the log. It holds nothing of the body, which may hold the
    /// token or the client's id.
    pub detail: String,
}

/// What is wrong with an answer of status 200. The text goes on with "the answer".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Defect(&'static str);

/// Returns the token, or why there is none.
pub(crate) fn token_response(
    response: &Response<Vec<u8>>,
) -> Result<TokenResponse, TokenResponseError> {
    let (cause, why) = if response.status() != StatusCode::OK {
        (failure_of(response), None)
    } else if coding(response).is_some() {
        (FailureCause::ProviderUnavailable, None)
    } else {
        match success(response) {
            Ok(token) => return Ok(token),
            Err(Defect(why)) => (FailureCause::TokenResponseInvalid, Some(why)),
        }
    };
    Err(TokenResponseError {
        cause,
        detail: detail(response, cause, why),
    })
}

/// The status, the content type, and what is wrong.
fn detail(response: &Response<Vec<u8>>, cause: FailureCause, why: Option<&str>) -> String {
    let (status, kind) = (response.status(), MediaType::of(response.headers()));
    let mut text = format!("the token endpoint answered {status} with {kind}");
    if let Some(why) = why {
        text.push_str(": the answer ");
        text.push_str(why);
    } else if cause == FailureCause::ProviderUnavailable {
        match coding(response) {
            Some(coding) => {
                text.push_str(&format!(
                    ": the answer has the content coding {coding}, which was not asked for"
                ));
            }
            None if is_foreign_refusal(response) => text.push_str(
                ": the answer is no JSON object, so it is not Telenor's. Look for a firewall, a \
                 bot check or a proxy in between",
            ),
            None => {}
        }
    }
    text
}

/// Reads a body strictly: one JSON object in UTF-8 and nothing else, under any type but HTML.
fn success(response: &Response<Vec<u8>>) -> Result<TokenResponse, Defect> {
    if MediaType::of(response.headers()).is_html() {
        return Err(Defect("is HTML"));
    }
    parse(response.body())
}

fn parse(body: &[u8]) -> Result<TokenResponse, Defect> {
    let text = std::str::from_utf8(body).map_err(|_| Defect("is not UTF-8"))?;
    let mut fields: TokenFields = match serde_json::from_str(text) {
        Ok(fields) => fields,
        Err(error) => return Err(defect(text, &error)),
    };
    if fields.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(Defect("has an error member"));
    }
    let mut access_token = match fields.access_token.take() {
        Some(Value::String(token)) if !token.is_empty() => Zeroizing::new(token),
        None | Some(Value::Null | Value::String(_)) => return Err(Defect("has no access_token")),
        Some(_) => return Err(Defect("has an access_token that is no string")),
    };
    // RFC 6750 section 2.1 allows fewer characters. What matters is that the token can be sent in a
    // header.
    if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Defect("has an access_token that cannot stand in a header"));
    }
    if access_token.len() > MAX_TOKEN {
        return Err(Defect("has an access_token that is longer than 8 KiB"));
    }
    match &fields.token_type {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if is_bearer(kind) => {}
        Some(_) => return Err(Defect("has a token_type that is not bearer")),
    }
    Ok(TokenResponse {
        access_token: AccessToken::new(mem::take(&mut *access_token)),
        expires_in: match &fields.expires_in {
            None | Some(Value::Null) => DEFAULT_EXPIRES_IN,
            Some(value) => seconds(value).ok_or(Defect(
                "has an expires_in that is no number of seconds above zero",
            ))?,
        },
        scope: scope(fields.scope.take()),
        refresh_token: refresh_token(fields.refresh_token.take()),
    })
}

/// Why the text is not a token response. The error of serde names members and values, so its text
/// is not shown.
fn defect(text: &str, error: &serde_json::Error) -> Defect {
    let first = text.trim_start().chars().next();
    Defect(match first {
        None => "is empty",
        Some('\u{feff}') => "begins with a byte order mark",
        Some('<') => "is no JSON object, but looks like HTML or XML",
        Some('{') if error.is_eof() => "is a JSON object that is cut off",
        Some('{') if error.is_data() => repeated(&error.to_string()),
        Some('{') => "is a JSON object with a syntax error, or with more after it",
        Some(_) => "is no JSON object",
    })
}

/// The key that serde found twice.
fn repeated(error: &str) -> &'static str {
    for (key, why) in [
        ("access_token", "has the key access_token twice"),
        ("token_type", "has the key token_type twice"),
        ("expires_in", "has the key expires_in twice"),
        ("refresh_token", "has the key refresh_token twice"),
        ("scope", "has the key scope twice"),
        ("error", "has the key error twice"),
    ] {
        if error.starts_with(&format!("duplicate field `{key}`")) {
            return why;
        }
    }
    "is no token response"
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
    let Value::String(token) = value? else {
        return None;
    };
    let token = RefreshToken::new(token);
    (1..=MAX_TOKEN)
        .contains(&token.secret().len())
        .then_some(token)
}

/// Returns the cause for an error of the token endpoint. It has the shape of RFC 6749 (`error`), or
/// of Apigee's OAuth policy (`ErrorCode`, `Error`), or is a fault or envelope, for which the status
/// is enough.
fn failure_of(response: &Response<Vec<u8>>) -> FailureCause {
    let status = response.status().as_u16();
    // The body may be needed for what it says, or may be that of something in between.
    let needs_body = matches!(status, 400..=499) && status != 429;
    if needs_body && (coding(response).is_some() || is_foreign_refusal(response)) {
        return FailureCause::ProviderUnavailable;
    }
    let body = error_object(response).unwrap_or_default();
    let text = |name: &str| {
        let text = body.get(name).and_then(Value::as_str).unwrap_or_default();
        text.to_ascii_lowercase()
    };
    let codes = [text("error"), text("ErrorCode")];
    let code = codes
        .iter()
        .find(|code| !code.is_empty())
        .map_or("", String::as_str);
    let message = text("Error");
    match (status, code) {
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
        token_response(&answer(status, content_type, body)).map_err(|error| error.cause)
    }

    fn answer(status: u16, content_type: &str, body: &[u8]) -> Response<Vec<u8>> {
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_vec());
        response.unwrap()
    }

    fn json(body: &str) -> Result<TokenResponse, FailureCause> {
        respond(200, "application/json", body.as_bytes())
    }

    /// S57.
    #[test]
    fn credentials_are_shown_in_no_debug_output() {
        for client in [
            ClientAuthentication::basic("id", "secret"),
            ClientAuthentication::basic_raw("id", "secret"),
        ] {
            assert!(client.0.is_sensitive());
            let request = TokenRequest {
                endpoint: &Uri::from_static("https://gateway.example/oauth/v2/token"),
                client: &client,
                grant: Grant::Code {
                    code: "code",
                    redirect_uri: None,
                    verifier: None,
                },
            };
            let built = request.build();
            assert!(built.headers()[header::AUTHORIZATION].is_sensitive());
            let shown = format!("{:?}", built.headers());
            assert!(!shown.contains("Basic"), "{shown}");
        }
    }

    /// S41.
    #[test]
    fn credentials_are_form_encoded_before_base64() {
        let ClientAuthentication(header) = ClientAuthentication::basic("a:b c", "p+%/=é&");
        let pair = BASE64_STANDARD.decode(&header.as_bytes()[6..]).unwrap();
        assert_eq!(pair, b"a%3Ab+c:p%2B%25%2F%3D%C3%A9%26");
        let ClientAuthentication(header) = ClientAuthentication::basic_raw("a:b c", "p+%/=é&");
        let pair = BASE64_STANDARD.decode(&header.as_bytes()[6..]).unwrap();
        assert_eq!(pair, "a:b c:p+%/=é&".as_bytes());
    }

    /// S40.
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
            verifier.secret().as_str()
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

    /// Every byte of these is written as three.
    /// S122.
    #[test]
    fn text_of_a_request_never_grows() {
        let (verifier, value) = (Verifier::random(), "%".repeat(200));
        let code = |redirect_uri| Grant::Code {
            code: &value,
            redirect_uri,
            verifier: Some(&verifier),
        };
        let token = RefreshToken::new(value.clone());
        let client_id = &value;
        for (grant, values) in [
            (code(None), value.len()),
            (code(Some(&value)), 2 * value.len()),
            (
                Grant::Refresh {
                    token: &token,
                    client_id,
                },
                2 * value.len(),
            ),
        ] {
            let request = TokenRequest {
                endpoint: &Uri::from_static("https://gateway.example/oauth/v2/token"),
                client: &ClientAuthentication::basic("id", "secret"),
                grant,
            };
            let room = NAMES + 3 * values;
            assert_eq!(request.build().into_body().capacity(), room);
        }
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
            (200, "Text/HTML; charset=utf-8"),
            (200, "application/xhtml+xml"),
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

    #[test]
    fn one_object_is_a_token_under_any_type_but_html() {
        for kind in [
            "text/plain",
            "text/json",
            "application/hal+json",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "",
            "json",
        ] {
            let token = respond(200, kind, br#"{"access_token":"t"}"#);
            assert_eq!(token.unwrap().access_token.secret(), "t", "{kind}");
        }
        let untyped = Response::new(br#"{"access_token":"t"}"#.to_vec());
        assert!(token_response(&untyped).is_ok());
    }

    #[test]
    fn defect_of_an_answer_is_named_without_its_content() {
        for (body, why) in [
            (&b"{\"access_token\":\"\xe9\"}"[..], "is not UTF-8"),
            (b"", "is empty"),
            (b"<p>canary", "looks like HTML"),
            (b"\xef\xbb\xbf{}", "byte order mark"),
            (b"[\"canary\"]", "is no JSON object"),
            (b"{\"access_token\":\"canary", "cut off"),
            (b"{\"access_token\":\"canary\"} x", "more after it"),
            (
                br#"{"access_token":"canary","access_token":"b"}"#,
                "has the key access_token twice",
            ),
            (
                br#"{"scope":"canary","scope":"b"}"#,
                "has the key scope twice",
            ),
            (br#"{"canary":1}"#, "has no access_token"),
            (br#"{"access_token":7}"#, "is no string"),
            (br#"{"access_token":"can ary"}"#, "cannot stand in a header"),
            (
                br#"{"access_token":"canary","error":"x"}"#,
                "has an error member",
            ),
            (
                br#"{"access_token":"canary","token_type":"mac"}"#,
                "token_type",
            ),
            (
                br#"{"access_token":"canary","expires_in":"soon"}"#,
                "expires_in",
            ),
        ] {
            let answer = answer(200, "text/plain;canary=1", body);
            let TokenResponseError { cause, detail } = token_response(&answer).unwrap_err();
            assert_eq!(cause, FailureCause::TokenResponseInvalid);
            let start = "the token endpoint answered 200 OK with text/plain: the answer ";
            assert!(
                detail.starts_with(start) && detail.contains(why),
                "{detail}"
            );
            assert!(!detail.contains("canary"), "{detail}");
        }
        let html = token_response(&answer(200, "text/html", b"{}")).unwrap_err();
        assert!(
            html.detail
                .ends_with("200 OK with text/html: the answer is HTML")
        );
    }

    #[test]
    fn answer_of_something_in_between_is_unavailable() {
        for (status, kind, body) in [
            (401, "text/html", &b"<html>Are you a robot?</html>"[..]),
            (403, "text/html", b"<html>Are you a robot?</html>"),
            (403, "text/plain", b"Forbidden"),
            (401, "application/json", b"[]"),
            (407, "text/html", b"<html>"),
        ] {
            let error = token_response(&answer(status, kind, body)).unwrap_err();
            assert_eq!(error.cause, FailureCause::ProviderUnavailable, "{status}");
            assert!(error.detail.contains(kind) && error.detail.contains("no JSON object"));
        }
        for body in [
            &b""[..],
            b"\r\n",
            b"{}",
            b"\xef\xbb\xbf{\"error\":\"\xff\"}",
        ] {
            let refused = respond(401, "application/json", body);
            assert_eq!(refused.unwrap_err(), FailureCause::ClientRejected);
        }
    }

    #[test]
    fn gateway_that_says_it_is_unavailable_is_no_stranger() {
        let answer = answer(503, "application/json", b"<html>");
        let error = token_response(&answer).unwrap_err();
        assert_eq!(error.cause, FailureCause::ProviderUnavailable);
        assert!(
            error.detail.ends_with("with application/json"),
            "{}",
            error.detail
        );
    }

    #[test]
    fn refresh_token_that_is_empty_or_long_is_ignored() {
        let refresh = |token: String| {
            let body = format!(r#"{{"access_token":"t","refresh_token":"{token}"}}"#);
            json(&body).unwrap().refresh_token.is_some()
        };
        assert!(refresh("r".to_owned()));
        assert!(refresh("r".repeat(MAX_TOKEN)));
        assert!(!refresh(String::new()));
        assert!(!refresh("r".repeat(MAX_TOKEN + 1)));
    }

    #[test]
    fn encoded_answer_is_unavailable_and_never_a_refusal() {
        for (status, cause) in [
            (200, FailureCause::ProviderUnavailable),
            (400, FailureCause::ProviderUnavailable),
            (401, FailureCause::ProviderUnavailable),
            (403, FailureCause::ProviderUnavailable),
            (429, FailureCause::GatewayBusy),
            (500, FailureCause::ProviderError),
            (504, FailureCause::GatewayTimeout),
        ] {
            let mut answer = answer(status, "application/json", b"\x1f\x8b\x08");
            let gzip = HeaderValue::from_static("gzip");
            answer.headers_mut().insert(header::CONTENT_ENCODING, gzip);
            let error = token_response(&answer).unwrap_err();
            assert_eq!(error.cause, cause, "{status}");
            if cause == FailureCause::ProviderUnavailable {
                let named = "application/json: the answer has the content coding gzip";
                assert!(error.detail.contains(named), "{}", error.detail);
            }
        }
    }

    #[test]
    fn odd_byte_in_an_error_does_not_hide_its_code() {
        for body in [
            &b"{\"error\":\"invalid_grant\",\"error_description\":\"utl\xf8pt\"}"[..],
            b"\xef\xbb\xbf{\"error\":\"invalid_grant\"}",
            b"{\"ErrorCode\":\"invalid_request\",\"Error\":\"Invalid Refresh Token \xff\"}",
        ] {
            let refused = respond(400, "application/json", body);
            assert_eq!(refused.unwrap_err(), FailureCause::CodeRejected);
        }
    }
}
