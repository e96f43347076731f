//! Answers that a test scripts in place of the normal ones.

use std::{fmt, future, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::connection::Connection;
use crate::mock::server::refusal;

/// An answer for [`MockGateway::answer_next`](crate::mock::MockGateway::answer_next) and
/// [`answer_always`](crate::mock::MockGateway::answer_always).
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
/// gateway.answer_always(Endpoint::UserInfo, Answer::gateway_error(42902).with_header("retry-after", "1"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// This status, content type and body.
    Respond {
        /// The HTTP status.
        status: u16,
        /// The value of `Content-Type`, if there is to be one.
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
    /// A 200 that calls itself JSON and is not even UTF-8.
    Garbage,
    /// A 200 with a whole JSON object, broken off before the promised length is reached.
    Truncated,
    /// A 200 with 16 MiB of JSON and no `Content-Length` to warn of it.
    Huge,
    /// A redirect.
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The value of `Location`.
        location: String,
    },
    /// No answer: the request is read, then the TCP connection is reset.
    Reset,
    /// No answer at all, and the connection stays open.
    Never,
    /// A JSON body, one byte a second.
    Drip,
    /// Another answer, later.
    Delay(Duration, Box<Self>),
    /// The normal answer, later.
    DelayNormal(Duration),
}

impl Answer {
    /// A JSON body: text, or whatever displays as JSON, such as `serde_json::Value`.
    #[must_use]
    pub fn json(status: u16, body: impl fmt::Display) -> Self {
        Self::respond(status, "application/json", body.to_string())
    }

    /// An HTML body, as proxies in front of a gateway send it.
    #[must_use]
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self::respond(status, "text/html; charset=utf-8", body.into())
    }

    /// A status with an empty body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Respond {
            status,
            content_type: None,
            body: Vec::new(),
        }
    }

    /// An error in the envelope of Telenor's APIs, such as 42901 for a quota that is used up.
    ///
    /// The HTTP status follows from the code; a code that Telenor does not list makes a 500.
    #[must_use]
    pub fn gateway_error(error_code: u32) -> Self {
        let (status, body) = refusal::gateway_error(error_code, "/");
        Self::json(status, body)
    }

    /// An Apigee fault, such as `keymanagement.service.access_token_expired`.
    ///
    /// Source: Apigee's fault format, which a gateway without a rule of its own lets through.
    #[must_use]
    pub fn fault(status: u16, error_code: &str) -> Self {
        let detail = json!({ "errorcode": error_code });
        let fault = json!({ "faultstring": "Fault scripted by a test", "detail": detail });
        Self::json(status, json!({ "fault": fault }))
    }

    /// The same answer with one more header.
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
            Err(_) => return cannot("header"),
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
                    Err(_) => return cannot("location"),
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
                // The next answer on this connection would drip too.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
                response
            }
            Self::Huge => {
                let token = "a".repeat(16 << 20);
                let body = format!("{{\"access_token\":\"{token}\",\"expires_in\":3599}}");
                // By way of a stream, the length is lost.
                let stream = Body::from(body).into_data_stream();
                respond(200, JSON, Body::from_stream(stream))
            }
            // The rest is done with by `perform`.
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
        .unwrap_or_else(|_| cannot("status or content type"))
}

fn parsed(headers: &[(String, String)]) -> http::Result<HeaderMap> {
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name)?;
        parsed.append(name, HeaderValue::try_from(value)?);
    }
    Ok(parsed)
}

/// HTTP cannot carry what the test asked for; the test should see why.
fn cannot(what: &str) -> Response {
    let body = format!("telenor-auth mock: the scripted answer has an impossible {what}\n");
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}

const JSON: Option<&str> = Some("application/json");

/// As a client might want to believe it, were it all that came.
const PLAUSIBLE: &str = r#"{"access_token":"never-to-be-believed","expires_in":3599}"#;
