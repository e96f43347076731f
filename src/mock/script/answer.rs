//! Scripted answers of an endpoint.

use std::{fmt, future, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::connection::Connection;
use crate::mock::server::error_body;

const JSON: Option<&str> = Some("application/json");

/// A body that a client might accept if it ignored the length.
const PLAUSIBLE: &str = r#"{"access_token":"never-to-be-believed","expires_in":3599}"#;

/// A scripted answer for [`MockGateway::answer_next`](crate::mock::MockGateway::answer_next) and
/// [`answer_always`](crate::mock::MockGateway::answer_always).
///
/// HTTP has no status below 100 or above 999, and a header can have no line break, for example. An
/// answer with such a status, content type, header or location is sent as a 500 whose body says
/// which of them is wrong.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{Answer, Endpoint, MockGateway};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let gateway = MockGateway::start().await?;
/// gateway.answer_next(Endpoint::Token, Answer::Reset);
/// gateway.answer_next(Endpoint::Token, Answer::html(502, "<h1>Bad Gateway</h1>"));
/// let too_fast = Answer::gateway_error(42902).with_header("retry-after", "1");
/// gateway.answer_always(Endpoint::UserInfo, too_fast);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// A response with this status, content type and body.
    Respond {
        /// The HTTP status.
        status: u16,
        /// The value of `Content-Type`, if any.
        content_type: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// Another answer with one more header.
    WithHeader {
        /// The header's name.
        name: String,
        /// The header's value.
        value: String,
        /// The answer that gets it.
        answer: Box<Self>,
    },
    /// A 200 of type JSON whose body is not UTF-8.
    Garbage,
    /// A 200 with a whole JSON object, which breaks off before `Content-Length` is reached.
    Truncated,
    /// A 200 with 16 MiB of JSON and no `Content-Length`.
    Huge,
    /// A redirect.
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The value of `Location`.
        location: String,
    },
    /// No response: the request is read, then the TCP connection is reset.
    Reset,
    /// No response, and the connection stays open.
    Never,
    /// A JSON body, at one byte a second.
    Drip,
    /// Another answer, after a delay.
    Delay(Duration, Box<Self>),
    /// The normal response, after a delay.
    DelayNormal(Duration),
}

impl Answer {
    /// Returns an answer with a JSON body: text, or a value that displays as JSON, such as
    /// `serde_json::Value`.
    #[must_use]
    pub fn json(status: u16, body: impl fmt::Display) -> Self {
        Self::respond(status, "application/json", body.to_string())
    }

    /// Returns an answer with an HTML body, as proxies in front of a gateway send it.
    #[must_use]
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self::respond(status, "text/html; charset=utf-8", body.into())
    }

    /// Returns an answer with this status and an empty body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Respond {
            status,
            content_type: None,
            body: Vec::new(),
        }
    }

    /// Returns an error in the envelope of Telenor's APIs, such as 42901 for a quota that is used
    /// up.
    ///
    /// The HTTP status follows from the code. A code that Telenor does not list has status 500.
    #[must_use]
    pub fn gateway_error(error_code: u32) -> Self {
        let (status, body) = error_body::gateway_error(error_code, "/");
        Self::json(status, body)
    }

    /// Returns an Apigee fault, such as `keymanagement.service.access_token_expired`.
    ///
    /// Source: Apigee's fault format, which a gateway returns by default.
    #[must_use]
    pub fn fault(status: u16, error_code: &str) -> Self {
        let detail = json!({ "errorcode": error_code });
        let fault = json!({ "faultstring": "Fault scripted by a test", "detail": detail });
        Self::json(status, json!({ "fault": fault }))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::WithHeader {
            name: name.into(),
            value: value.into(),
            answer: Box::new(self),
        }
    }

    fn respond(status: u16, content_type: &str, body: String) -> Self {
        Self::Respond {
            status,
            content_type: Some(content_type.to_owned()),
            body: body.into_bytes(),
        }
    }

    pub(in crate::mock) async fn perform(
        mut self,
        connection: &Connection,
        normal: impl Future<Output = Response>,
    ) -> Response {
        let mut headers = Vec::new();
        let mut response = loop {
            self = match self {
                Self::WithHeader {
                    name,
                    value,
                    answer,
                } => {
                    headers.push((name, value));
                    *answer
                }
                Self::Delay(delay, answer) => {
                    tokio::time::sleep(delay).await;
                    *answer
                }
                Self::DelayNormal(delay) => {
                    tokio::time::sleep(delay).await;
                    break normal.await;
                }
                Self::Never => future::pending().await,
                answer => break answer.response(connection),
            }
        };
        match parsed(&headers) {
            Ok(parsed) => response.headers_mut().extend(parsed),
            Err(_) => return impossible("header"),
        }
        response
    }

    fn response(self, connection: &Connection) -> Response {
        match self {
            Self::Respond {
                status,
                content_type,
                body,
            } => respond(status, content_type.as_deref(), Body::from(body)),
            Self::Redirect { status, location } => {
                let mut response = respond(status, None, Body::empty());
                match HeaderValue::try_from(location) {
                    Ok(location) => response.headers_mut().insert(header::LOCATION, location),
                    Err(_) => return impossible("location"),
                };
                response
            }
            Self::Garbage => respond(
                200,
                JSON,
                Body::from(&b"{\"access_token\":\"\xff\xfe\0}]"[..]),
            ),
            Self::Truncated => {
                connection.truncate_body(PLAUSIBLE.len());
                respond(200, JSON, Body::from(format!("{PLAUSIBLE:4096}")))
            }
            Self::Drip => {
                connection.drip_body();
                let mut response = respond(200, JSON, Body::from(PLAUSIBLE));
                // Otherwise the next response on this connection would be slow too.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
                response
            }
            Self::Huge => {
                let token = "a".repeat(16 << 20);
                let body = format!("{{\"access_token\":\"{token}\",\"expires_in\":3599}}");
                // A stream has no known length.
                let stream = Body::from(body).into_data_stream();
                respond(200, JSON, Body::from_stream(stream))
            }
            // `perform` handles the other variants.
            _ => {
                connection.reset();
                ().into_response()
            }
        }
    }
}

fn respond(status: u16, content_type: Option<&str>, body: Body) -> Response {
    let mut builder = Response::builder().status(status);
    if let Some(content_type) = content_type {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    builder
        .body(body)
        .unwrap_or_else(|_| impossible("status or content type"))
}

fn parsed(headers: &[(String, String)]) -> http::Result<HeaderMap> {
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name)?;
        parsed.append(name, HeaderValue::try_from(value)?);
    }
    Ok(parsed)
}

/// Returns a response for an answer that HTTP cannot express. Its body says what is wrong.
fn impossible(what: &str) -> Response {
    let body = format!("telenor-auth mock: the scripted answer has an impossible {what}\n");
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}
