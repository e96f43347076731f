//! The HTTP client for the gateway: its limits, and when a request is sent again. No other part of
//! the layer does network I/O.
//!
//! Requests go over kept connections. A server may close such a connection at any time, also at the
//! moment when the next request is sent. That request was not answered, and most likely not read.
//! So it is sent once more if three things are certain: the connection had been used before, it
//! broke, and no byte of a response was received. The second attempt uses a fresh connection, and
//! there is no third. What is not known counts as a fresh connection that broke, and is not sent
//! again.
//!
//! A GET may be repeated in this case (RFC 9110 section 9.2.2). So may a code or a refresh token:
//! each is good once, so that the gateway refuses the second attempt if it had read the first. The
//! login is then lost, as it would be without a second attempt. Other requests of the app are not
//! idempotent, and are never sent over a connection that was used before.

use std::{mem, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{
    connection::{Connection, Connector, Secure},
    error::{TransportError, TransportErrorKind},
    pool::Pool,
    proxy::Proxy,
    tls::{Tls, server_name},
};
use crate::{
    error::{ConfigError, chain},
    secret_bytes::wiped,
};

/// For the head of a response, and for each part of its body.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// For a request with all its attempts.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// No token response and no user info is longer than this.
const MAX_BODY: usize = 64 * 1024;
/// Room for most responses.
const USUAL_RESPONSE: usize = 2048;
const USER_AGENT: &str = concat!("telenor-auth/", env!("CARGO_PKG_VERSION"));

/// Headers that concern one connection or the framing of one message (RFC 9110 section 7.6.1). The
/// client sets them itself. A wrong length would make the server read the rest of this request as
/// the next one.
const OWN_HEADERS: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// It follows no redirects, keeps no cookies, sends no referrer, and accepts only verified servers
/// with TLS 1.2 or newer. It connects to one host, over a proxy if one is given. It reads no
/// environment.
pub(crate) struct HttpClient {
    connector: Connector,
    /// The value of `Host`.
    host: HeaderValue,
    pool: Pool,
}

/// A request without a response.
struct Failure {
    error: TransportError,
    /// Whether the connection broke, and it is certain that no byte of a response was received.
    unanswered: bool,
}

impl HttpClient {
    /// `base` is plain http only for a mock on this machine. `authorities`, in PEM, are trusted in
    /// addition to the system's.
    pub(crate) fn new(
        base: &Url,
        authorities: Option<&[u8]>,
        proxy: Option<Proxy>,
    ) -> Result<Self, ConfigError> {
        let invalid = |why: &str| ConfigError::InvalidGateway(why.to_owned());
        let host = match base.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(invalid("has no host")),
        };
        let port = base.port_or_known_default();
        let port = port.ok_or_else(|| invalid("has no port"))?;
        // A mock on plain http needs neither the system's authorities nor a proxy.
        let secure = match base.scheme() {
            "https" => Some(Secure {
                tls: Tls::new(authorities)?,
                server: server_name(&host)?,
                proxy: proxy.map(with_name).transpose()?,
            }),
            _ => None,
        };
        let host_header = HeaderValue::try_from(base.authority());
        Ok(Self {
            connector: Connector::new(&host, port, secure),
            host: host_header.map_err(|error| ConfigError::InvalidGateway(chain(&error)))?,
            pool: Pool::default(),
        })
    }

    /// Sends a request that may be sent twice: it is safe, or what it carries is good once.
    pub(crate) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let request = self.prepare(request);
        in_time(async {
            let mut was_sent = false;
            if let Some(kept) = self.pool.take() {
                match self.exchange(kept, request.clone()).await {
                    Ok(response) => return Ok(response),
                    Err(failure) if failure.error.unsent || failure.unanswered => {
                        was_sent = !failure.error.unsent;
                        tracing::debug!(
                            error = %failure.error,
                            "a kept connection was closed: the request is sent on a fresh one"
                        );
                    }
                    Err(failure) => return Err(failure.error),
                }
            }
            let sent = self.send_fresh(request).await;
            sent.map_err(|error| match was_sent {
                true => error.after_an_attempt(),
                false => error,
            })
        })
        .await
    }

    /// Sends a request that must not be sent twice.
    pub(crate) async fn send_once(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        in_time(self.send_fresh(self.prepare(request))).await
    }

    /// The request in the form that goes over a connection to the gateway.
    fn prepare(&self, request: Request<Vec<u8>>) -> Request<Full<Bytes>> {
        let mut request = request.map(|body| Full::new(wiped(body)));
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        let headers = request.headers_mut();
        for name in OWN_HEADERS {
            headers.remove(name);
        }
        headers.insert(header::HOST, self.host.clone());
        // Nothing here decodes a body.
        let identity = HeaderValue::from_static("identity");
        headers.insert(header::ACCEPT_ENCODING, identity);
        let user_agent = HeaderValue::from_static(USER_AGENT);
        headers.entry(header::USER_AGENT).or_insert(user_agent);
        request
    }

    async fn send_fresh(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let connection = self.connector.connect().await?;
        let response = self.exchange(connection, request).await;
        response.map_err(|failure| failure.error)
    }

    /// Sends the request over this connection, and keeps it if the response was read to its end.
    async fn exchange(
        &self,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Vec<u8>>, Failure> {
        let mark = connection.mark();
        let head = connection.sender.try_send_request(request);
        let response = match timeout(READ_TIMEOUT, head).await {
            Ok(Ok(response)) => response,
            Ok(Err(mut error)) => {
                let unsent = error.take_message().is_some();
                let kind = match unsent {
                    true => TransportErrorKind::NotConnected,
                    false => TransportErrorKind::Broken,
                };
                let text = chain(error.error());
                return Err(Failure {
                    error: TransportError { kind, unsent, text },
                    unanswered: connection.is_silent_since(mark),
                });
            }
            Err(_) => return Err(TransportError::late().into()),
        };
        let response = read(response).await?;
        self.pool.put(connection);
        Ok(response)
    }
}

fn with_name(proxy: Proxy) -> Result<(Proxy, Option<ServerName<'static>>), ConfigError> {
    let name = proxy.https.then(|| server_name(&proxy.host)).transpose()?;
    Ok((proxy, name))
}

async fn in_time(
    sent: impl Future<Output = Result<Response<Vec<u8>>, TransportError>>,
) -> Result<Response<Vec<u8>>, TransportError> {
    let sent = timeout(TOTAL_TIMEOUT, sent).await;
    sent.unwrap_or_else(|_| Err(TransportError::late()))
}

async fn read(response: Response<Incoming>) -> Result<Response<Vec<u8>>, TransportError> {
    let (head, mut incoming) = response.into_parts();
    // A part of it may be the token too.
    let mut body = Zeroizing::new(Vec::with_capacity(USUAL_RESPONSE));
    loop {
        let frame = match timeout(READ_TIMEOUT, incoming.frame()).await {
            Ok(None) => return Ok(Response::from_parts(head, mem::take(&mut *body))),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                let text = chain(&error);
                return Err(TransportError::sent(TransportErrorKind::Broken, text));
            }
            Err(_) => return Err(TransportError::late()),
        };
        // Trailers are ignored.
        let part = frame.into_data().unwrap_or_default();
        if body.len() + part.len() > MAX_BODY {
            let text = format!("the body is longer than {MAX_BODY} bytes");
            return Err(TransportError::sent(TransportErrorKind::Unreadable, text));
        }
        append(&mut body, &part);
    }
}

/// A vector that grows by itself leaves a copy behind.
fn append(body: &mut Zeroizing<Vec<u8>>, part: &[u8]) {
    let needed = body.len() + part.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * needed));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(part);
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self {
            error,
            unanswered: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
        time::{Instant, sleep},
    };

    use super::{super::connection::tests::connected, *};

    fn client() -> HttpClient {
        HttpClient::new(&Url::parse("http://127.0.0.1:9/").unwrap(), None, None).unwrap()
    }

    /// Sends one request to a server that this function plays, and returns the body.
    async fn send_to<F>(server: impl FnOnce(DuplexStream) -> F) -> Result<usize, TransportError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (client, (connection, stream)) = (client(), connected().await);
        tokio::spawn(server(stream));
        let request = client.prepare(Request::new(Vec::new()));
        let sent = in_time(async {
            let sent = client.exchange(connection, request).await;
            sent.map_err(|failure| failure.error)
        });
        sent.await.map(|response| response.body().len())
    }

    async fn read_head(stream: &mut DuplexStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
    }

    /// S45.
    #[tokio::test(start_paused = true)]
    async fn silent_server_is_given_up_after_five_seconds() {
        const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
        for said in [
            &b""[..],
            b"HTTP/1.1 200",
            HEAD,
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            let started = Instant::now();
            let sent = send_to(move |mut stream| async move {
                read_head(&mut stream).await;
                stream.write_all(said).await.unwrap();
                sleep(Duration::from_secs(60)).await;
            });
            let error = sent.await.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::TimedOut);
            assert_eq!(started.elapsed().as_secs(), 5, "{}", said.escape_ascii());
        }
    }

    /// S45.
    #[tokio::test(start_paused = true)]
    async fn server_that_drips_is_given_up_after_ten_seconds() {
        let started = Instant::now();
        let sent = send_to(|mut stream| async move {
            read_head(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let error = sent.await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 10);
    }

    /// S46.
    #[tokio::test]
    async fn head_of_64_kib_is_the_longest() {
        const START: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx: ";
        for (length, is_read) in [(65_536, true), (65_537, false)] {
            let sent = send_to(move |mut stream| async move {
                read_head(&mut stream).await;
                let value = "x".repeat(length - START.len() - "\r\n\r\n".len());
                let whole = format!("{START}{value}\r\n\r\nbody");
                // The client does not wait for the rest of what is too long.
                let _ = stream.write_all(whole.as_bytes()).await;
            });
            assert_eq!(sent.await.ok(), is_read.then_some(4), "{length}");
        }
    }

    /// S46.
    #[tokio::test]
    async fn body_of_64_kib_is_the_longest() {
        for (length, read) in [(65_536, true), (65_537, false)] {
            for head in [
                format!("content-length: {length}\r\n\r\n"),
                format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n"),
                "\r\n".to_owned(),
            ] {
                let shown = head.clone();
                let sent = send_to(move |mut stream| async move {
                    read_head(&mut stream).await;
                    let chunked = head.contains("chunked");
                    let end = if chunked { "\r\n0\r\n\r\n" } else { "" };
                    let body = " ".repeat(length);
                    let whole = format!("HTTP/1.1 200 OK\r\n{head}{body}{end}");
                    // The client does not wait for the rest of what is too long.
                    let _ = stream.write_all(whole.as_bytes()).await;
                });
                match sent.await {
                    Ok(body) => assert!(read && body == length, "{length} {shown}"),
                    Err(error) => {
                        assert!(!read, "{length} {shown}");
                        assert_eq!(error.kind, TransportErrorKind::Unreadable);
                    }
                }
            }
        }
    }

    /// S46.
    #[tokio::test]
    async fn nothing_is_read_beyond_the_longest_answer() {
        for head in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx: ",
        ] {
            let (written, taken) = tokio::sync::oneshot::channel();
            let sent = send_to(move |mut stream| async move {
                read_head(&mut stream).await;
                let mut length = stream.write(head.as_bytes()).await.unwrap();
                while let Ok(more) = stream.write(&[b'x'; 1000]).await {
                    length += more;
                }
                written.send(length).unwrap();
            });
            assert!(sent.await.is_err(), "{head}");
            let taken = taken.await.unwrap();
            assert!(taken < 160 * 1024, "{taken} bytes after {head}");
        }
    }
}
