//! One connection to the gateway: TCP, a proxy if there is one, TLS, and HTTP/1.1 on top.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    client::conn::http1::{Builder, SendRequest},
    rt::{Read, ReadBufCursor, Write},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};
use zeroize::Zeroize;

use super::{
    error::{TransportError, TransportErrorKind},
    proxy::Proxy,
    tls::Tls,
};
use crate::error::chain;

/// For the address, TCP, the proxy and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// While one address does not answer, the next one is tried as well (RFC 8305 section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// A connection on which nothing was received for this long is closed, and after twice this long at
/// the latest.
const SILENCE: Duration = Duration::from_secs(60);
/// No response head is longer than this.
const MAX_HEAD: usize = 64 * 1024;
const READ_CHUNK: usize = 4096;

/// Opens connections to the gateway, and to no other host.
pub(super) struct Connector {
    host: Box<str>,
    port: u16,
    secure: Option<Secure>,
}

/// How a connection to a gateway on https is made.
pub(super) struct Secure {
    pub tls: Tls,
    pub server: ServerName<'static>,
    /// The proxy, and its own name where the connection to it uses TLS.
    pub proxy: Option<(Proxy, Option<ServerName<'static>>)>,
}

/// An open connection, for one request at a time.
pub(super) struct Connection {
    pub sender: SendRequest<Full<Bytes>>,
    traffic: Arc<Traffic>,
}

/// What was received on a connection.
#[derive(Default)]
struct Traffic {
    /// Bytes from the network.
    raw: AtomicU64,
    /// Bytes of HTTP. They are the same bytes, unless TLS is in between.
    plain: AtomicU64,
    /// Whether the server ended the connection in the way that TCP or TLS defines.
    ended: AtomicBool,
}

/// How much was received before a request.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    raw: u64,
    plain: u64,
}

impl Connector {
    /// `host` is a name or an address, without the brackets of a URL.
    pub(super) fn new(host: &str, port: u16, secure: Option<Secure>) -> Self {
        Self {
            host: host.into(),
            port,
            secure,
        }
    }

    /// Opens a connection. No byte of a request is sent before that has succeeded.
    pub(super) async fn connect(&self) -> Result<Connection, TransportError> {
        match timeout(CONNECT_TIMEOUT, self.dial()).await {
            Ok(connected) => connected.map_err(|why| TransportError {
                kind: TransportErrorKind::NotConnected,
                unsent: true,
                text: why,
            }),
            Err(_) => Err(TransportError {
                kind: TransportErrorKind::TimedOut,
                unsent: true,
                text: format!("no connection to {} in time", self.host),
            }),
        }
    }

    /// An error is a text for the log.
    async fn dial(&self) -> Result<Connection, String> {
        let traffic = Arc::<Traffic>::default();
        let Some(secure) = &self.secure else {
            let stream = tcp(&self.host, self.port, &traffic).await?;
            return Connection::over(Box::new(stream), traffic).await;
        };
        let stream: Box<dyn Stream> = match &secure.proxy {
            None => Box::new(tcp(&self.host, self.port, &traffic).await?),
            Some((proxy, name)) => {
                let through = self.through(proxy, name.as_ref(), &secure.tls, &traffic);
                through
                    .await
                    .map_err(|why| format!("{why} (proxy {}:{})", proxy.host, proxy.port))?
            }
        };
        let stream = secure.tls.connect(&secure.server, stream).await;
        let stream = stream.map_err(|error| format!("TLS to {}: {}", self.host, chain(&error)))?;
        Connection::over(Box::new(stream), traffic).await
    }

    async fn through(
        &self,
        proxy: &Proxy,
        name: Option<&ServerName<'static>>,
        tls: &Tls,
        traffic: &Arc<Traffic>,
    ) -> Result<Box<dyn Stream>, String> {
        let stream = tcp(&proxy.host, proxy.port, traffic).await?;
        let mut stream: Box<dyn Stream> = match name {
            None => Box::new(stream),
            Some(name) => {
                let stream = tls.connect(name, stream).await;
                Box::new(stream.map_err(|error| format!("TLS to the proxy: {}", chain(&error)))?)
            }
        };
        proxy
            .open_tunnel(&mut stream, &self.host, self.port)
            .await?;
        Ok(stream)
    }
}

async fn tcp(host: &str, port: u16, traffic: &Arc<Traffic>) -> Result<Metered, String> {
    let addresses = lookup_host((host, port)).await;
    let addresses = addresses.map_err(|error| format!("no address of {host}: {error}"))?;
    let stream = first_to_connect(addresses).await;
    let stream = stream.map_err(|error| format!("TCP to {host}:{port}: {error}"))?;
    // It affects only when bytes are sent, so a failure does not matter.
    let _ = stream.set_nodelay(true);
    Ok(Metered {
        stream,
        traffic: Arc::clone(traffic),
    })
}

/// Tries the addresses in their order. One that is slow is given more time beside the next ones.
async fn first_to_connect(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        attempts.spawn(TcpStream::connect(address));
        if let Ok(Some(ended)) = timeout(NEXT_ADDRESS_AFTER, attempts.join_next()).await {
            match ended.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
    }
    while let Some(ended) = attempts.join_next().await {
        match ended.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

impl Connection {
    async fn over(stream: Box<dyn Stream>, traffic: Arc<Traffic>) -> Result<Self, String> {
        let io = HttpStream {
            stream,
            traffic: Arc::clone(&traffic),
            chunk: Box::new([0; READ_CHUNK]),
        };
        let handshake = Builder::new().max_buf_size(MAX_HEAD).handshake(io).await;
        let (sender, connection) = handshake.map_err(|error| chain(&error))?;
        let received = Arc::clone(&traffic);
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let mut before = 0;
            // An error concerns the request in progress, which gets it too.
            while timeout(SILENCE, &mut connection).await.is_err() {
                let now = received.raw.load(Ordering::Relaxed);
                if now == before {
                    break;
                }
                before = now;
            }
        });
        Ok(Self { sender, traffic })
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            raw: self.traffic.raw.load(Ordering::Relaxed),
            plain: self.traffic.plain.load(Ordering::Relaxed),
        }
    }

    /// Whether it is certain that no byte of a response was received.
    ///
    /// Bytes that TLS did not make a byte of HTTP of may be a part of a response, unless they say
    /// that the connection ends.
    pub(super) fn is_silent_since(&self, mark: Mark) -> bool {
        let now = self.mark();
        let ended = self.traffic.ended.load(Ordering::Relaxed);
        now.plain == mark.plain && (now.raw == mark.raw || ended)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Counts the bytes from the network.
struct Metered {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let length = (buf.filled().len() - before) as u64;
        self.traffic.raw.fetch_add(length, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A stream in the form that hyper reads and writes. It counts the bytes of HTTP.
struct HttpStream {
    stream: Box<dyn Stream>,
    traffic: Arc<Traffic>,
    /// What is read goes through here. To keep it costs less than to clear one for each read.
    chunk: Box<[u8; READ_CHUNK]>,
}

impl Read for HttpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = buf.remaining().min(READ_CHUNK);
        let mut chunk = ReadBuf::new(&mut this.chunk[..room]);
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut chunk))?;
        let received = chunk.filled();
        if received.is_empty() && room > 0 {
            this.traffic.ended.store(true, Ordering::Relaxed);
        }
        let length = received.len() as u64;
        this.traffic.plain.fetch_add(length, Ordering::Relaxed);
        buf.put_slice(received);
        // A token may be in it.
        chunk.filled_mut().zeroize();
        Poll::Ready(Ok(()))
    }
}

impl Write for HttpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, BufWriter, DuplexStream, duplex},
        net::TcpListener,
    };

    use super::{super::tls::server_name, *};

    /// An open connection, and the server's end of it.
    pub(in crate::gateway) async fn connected() -> (Connection, DuplexStream) {
        let (client, server) = duplex(1024);
        let connection = Connection::over(Box::new(client), Arc::default()).await;
        // The task of the connection runs until it waits for a request.
        tokio::task::yield_now().await;
        (connection.unwrap(), server)
    }

    #[tokio::test(start_paused = true)]
    async fn connection_on_which_nothing_is_received_is_closed() {
        let (connection, server) = connected().await;
        tokio::time::sleep(2 * SILENCE).await;
        assert!(connection.sender.is_closed());
        drop(server);
    }

    #[tokio::test]
    async fn bytes_that_tls_has_not_opened_may_be_an_answer() {
        let (mut connection, mut server) = connected().await;
        let mark = connection.mark();
        assert!(connection.is_silent_since(mark));
        connection.traffic.raw.fetch_add(24, Ordering::Relaxed);
        assert!(!connection.is_silent_since(mark), "a part of a record");
        connection.traffic.ended.store(true, Ordering::Relaxed);
        assert!(
            connection.is_silent_since(mark),
            "the end of the connection"
        );
        let head = connection.sender.try_send_request(http::Request::default());
        server.write_all(b"H").await.unwrap();
        drop(server);
        assert!(head.await.is_err());
        assert!(!connection.is_silent_since(mark), "a byte of an answer");
    }

    #[tokio::test]
    async fn bytes_from_the_network_are_counted_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let traffic = Arc::default();
        let mut client = tcp("127.0.0.1", port, &traffic).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"four").await.unwrap();
        let mut room = [0; 16];
        let mut buf = ReadBuf::new(&mut room);
        buf.put_slice(b"of before");
        poll_fn(|cx| Pin::new(&mut client).poll_read(cx, &mut buf))
            .await
            .unwrap();
        assert_eq!(buf.filled(), b"of beforefour");
        assert_eq!(traffic.raw.load(Ordering::Relaxed), 4);
    }

    /// Without it, a server that waits for the end would wait as long as the connection is kept.
    #[tokio::test]
    async fn server_sees_the_end_of_what_is_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = tcp("127.0.0.1", port, &Arc::default()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.shutdown().await.unwrap();
        let end = timeout(CONNECT_TIMEOUT, server.read(&mut [0; 1])).await;
        assert_eq!(end.expect("the end was sent").unwrap(), 0);
        drop(client);
    }

    /// A stream for hyper over one that keeps what is written until a flush, as TLS does.
    fn http_stream() -> (HttpStream, DuplexStream) {
        let (client, server) = duplex(1024);
        let stream = HttpStream {
            stream: Box::new(BufWriter::new(client)),
            traffic: Arc::default(),
            chunk: Box::new([0; READ_CHUNK]),
        };
        (stream, server)
    }

    #[tokio::test]
    async fn flush_and_shutdown_reach_the_stream_below() {
        let (mut stream, mut server) = http_stream();
        let mut received = [0; 8];
        poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"GET"))
            .await
            .unwrap();
        poll_fn(|cx| Pin::new(&mut stream).poll_flush(cx))
            .await
            .unwrap();
        let read = server.read(&mut received).now_or_never();
        assert_eq!(read.expect("it was flushed").unwrap(), 3);
        poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx))
            .await
            .unwrap();
        let read = server.read(&mut received).now_or_never();
        assert_eq!(read.expect("it was shut down").unwrap(), 0);
    }

    /// Reads into so much room, and returns how much was read.
    async fn read(stream: &mut HttpStream, room: usize) -> usize {
        let mut room = vec![0; room];
        let mut buf = hyper::rt::ReadBuf::new(&mut room);
        poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, buf.unfilled()))
            .await
            .unwrap();
        buf.filled().len()
    }

    #[tokio::test]
    async fn connection_ends_where_nothing_is_read_into_some_room() {
        let (mut stream, mut server) = http_stream();
        server.write_all(b"H").await.unwrap();
        for (room, length) in [(0, 0), (8, 1)] {
            assert_eq!(read(&mut stream, room).await, length);
            assert!(!stream.traffic.ended.load(Ordering::Relaxed));
        }
        drop(server);
        assert_eq!(read(&mut stream, 8).await, 0);
        assert!(stream.traffic.ended.load(Ordering::Relaxed));
    }

    /// S45.
    #[tokio::test(start_paused = true)]
    async fn server_that_does_not_finish_tls_is_given_up_after_three_seconds() {
        // It takes the connection, and says nothing.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let secure = Secure {
            tls: Tls::new(None).unwrap(),
            server: server_name("gateway.example").unwrap(),
            proxy: None,
        };
        let port = listener.local_addr().unwrap().port();
        let connector = Connector::new("127.0.0.1", port, Some(secure));
        let started = tokio::time::Instant::now();
        let error = connector.connect().await.err().unwrap();
        assert_eq!(error.kind, TransportErrorKind::TimedOut);
        assert!(error.unsent, "the same code can be sent later");
        assert_eq!(started.elapsed().as_secs(), 3);
    }

    #[tokio::test]
    async fn addresses_are_tried_until_one_connects() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let unused = tokio::net::TcpSocket::new_v4().unwrap();
        unused.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let closed = unused.local_addr().unwrap();
        let stream = first_to_connect([closed, open, closed].into_iter()).await;
        assert_eq!(stream.unwrap().peer_addr().unwrap(), open);
        let refused = first_to_connect([closed, closed].into_iter()).await;
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}
