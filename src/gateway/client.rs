//! Sends one request to the gateway: the only place that does network I/O.

use std::{error::Error, fmt, time::Duration};

use http::{Request, Response};
use reqwest::{Certificate, Client, ClientBuilder, redirect, tls};

use crate::error::{ConfigError, chain};

const CONNECT: Duration = Duration::from_secs(3);
const READ: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(10);
/// What is longer than this is no token and no user.
const MAX_BODY: usize = 64 * 1024;

/// Follows no redirect, keeps no cookie, tells no referrer, uses no proxy that happens to be in the environment, speaks TLS 1.2
/// or newer to verified servers.
#[derive(Debug)]
pub(crate) struct HttpClient {
    /// A fresh connection for every request: on a kept one that the server is just closing, the request may be lost after
    /// its bytes were sent, and a code cannot be sent again.
    once: Client,
    kept: Client,
}

impl HttpClient {
    /// `https_only` unless the gateway is a mock on this machine; `authorities` in PEM are trusted beside the system's.
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
                .connect_timeout(CONNECT)
                .read_timeout(READ)
                .timeout(TOTAL);
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
            once: build(builder().pool_max_idle_per_host(0))?,
            kept: build(builder())?,
        })
    }

    /// Sends a request that must not be sent twice.
    pub(crate) async fn send_once(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        send(&self.once, request).await
    }

    /// Sends a request over a connection that is kept open for the next one.
    pub(crate) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        send(&self.kept, request).await
    }
}

async fn send(
    client: &Client,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, TransportError> {
    let request = reqwest::Request::try_from(request)?;
    let mut answer = client.execute(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
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
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// No answer, or none that could be read.
#[derive(Clone, Debug)]
pub(crate) struct TransportError {
    pub kind: TransportErrorKind,
    /// Whether it is certain that no byte of the request left.
    pub unsent: bool,
    /// The causes, without the URL.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportErrorKind {
    /// Nothing was sent: no connection, or no trust in the one there was.
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
