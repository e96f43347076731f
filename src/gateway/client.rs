//! The HTTP client for the gateway. No other file of the layer does network I/O.

use std::{error::Error, fmt, time::Duration};

use http::{Request, Response};
use reqwest::{Certificate, Client, ClientBuilder, redirect, tls};

use crate::error::{ConfigError, chain};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const READ_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// No token response and no user info is longer than this.
const MAX_BODY: usize = 64 * 1024;

/// It follows no redirects, keeps no cookies, sends no referrer, ignores proxies in the
/// environment, and accepts only verified servers with TLS 1.2 or newer.
#[derive(Debug)]
pub(crate) struct HttpClient {
    /// Opens a new connection for every request. When the server closes a pooled connection at that
    /// moment, the request may be lost after its bytes were sent, and a code cannot be sent again.
    unpooled: Client,
    pooled: Client,
}

impl HttpClient {
    /// `https_only` is false only for a mock on this machine. `authorities`, in PEM, are trusted in
    /// addition to the system's.
    pub(crate) fn new(https_only: bool, authorities: Option<&[u8]>) -> Result<Self, ConfigError> {
        let authorities = match authorities {
            None => Vec::new(),
            Some(pem) => {
                let read = Certificate::from_pem_bundle(pem).ok();
                let read = read.filter(|certificates| !certificates.is_empty());
                read.ok_or(ConfigError::InvalidCertificates)?
            }
        };
        let builder = || {
            let builder = ClientBuilder::new()
                .user_agent(concat!("telenor-auth/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .http1_only()
                .https_only(https_only)
                .tls_version_min(tls::Version::TLS_1_2)
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .timeout(TOTAL_TIMEOUT);
            if authorities.is_empty() {
                builder
            } else {
                builder.tls_certs_merge(authorities.clone())
            }
        };
        let build = |builder: ClientBuilder| {
            builder
                .build()
                .map_err(|error| match authorities.is_empty() {
                    true => ConfigError::Tls(chain(&error)),
                    false => ConfigError::InvalidCertificates,
                })
        };
        Ok(Self {
            unpooled: build(builder().pool_max_idle_per_host(0))?,
            pooled: build(builder())?,
        })
    }

    /// Sends a request that must not be sent twice.
    pub(crate) async fn send_once(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        send(&self.unpooled, request).await
    }

    /// Sends a request over a pooled connection.
    pub(crate) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        send(&self.pooled, request).await
    }
}

async fn send(
    client: &Client,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, TransportError> {
    let request = reqwest::Request::try_from(request)?;
    let mut incoming = client.execute(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = incoming.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(TransportError {
                kind: TransportErrorKind::Unreadable,
                unsent: false,
                text: format!("the body is longer than {MAX_BODY} bytes"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body);
    *response.status_mut() = incoming.status();
    *response.headers_mut() = std::mem::take(incoming.headers_mut());
    Ok(response)
}

/// No response, or an unreadable one.
#[derive(Clone, Debug)]
pub(crate) struct TransportError {
    pub kind: TransportErrorKind,
    /// Whether it is certain that no byte of the request was sent.
    pub unsent: bool,
    /// The causes, without the URL.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportErrorKind {
    /// Nothing was sent: there is no connection, or the server is not trusted.
    NotConnected,
    TimedOut,
    /// The connection broke; the request may have been received.
    Broken,
    Unreadable,
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let unsent = error.is_connect() || error.is_builder();
        let kind = if error.is_timeout() {
            TransportErrorKind::TimedOut
        } else if unsent {
            TransportErrorKind::NotConnected
        } else {
            TransportErrorKind::Broken
        };
        Self {
            kind,
            unsent,
            text: chain(&error.without_url()),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for TransportError {}
