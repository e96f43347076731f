//! The record of a request.

use std::fmt;

use axum::body::Bytes;
use http::{HeaderMap, Method, Uri, request};
use url::{Position, Url, form_urlencoded};

/// A request as an endpoint received it.
///
/// `Debug` shows only the method and the path: the rest holds credentials, codes and tokens.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{Endpoint, MockGateway};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = MockGateway::start().await?;
/// reqwest::get(format!("{}/oauth/v2/logout?x=1", gateway.base_url())).await?;
///
/// let request = &gateway.requests(Endpoint::Logout)[0];
/// assert_eq!(request.method(), "GET");
/// assert_eq!(request.query("x").as_deref(), Some("1"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RecordedRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl RecordedRequest {
    pub(in crate::mock) fn new(parts: &request::Parts, body: Bytes) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            body,
        }
    }

    /// Records the visit of a URL without a browser: the path and the query.
    ///
    /// Returns `None` if the URL is too long for a request.
    pub(in crate::mock) fn visit(url: &Url) -> Option<Self> {
        let uri = &url[Position::BeforePath..Position::AfterQuery];
        Some(Self {
            method: Method::GET,
            uri: uri.parse().ok()?,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        })
    }

    /// Returns the method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path and the query.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the first value of a query parameter, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        first(self.uri.query().unwrap_or_default().as_bytes(), name)
    }

    /// Returns the first value of a field in a form body, decoded.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        first(&self.body, name)
    }
}

fn first(encoded: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(encoded)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .finish_non_exhaustive()
    }
}
