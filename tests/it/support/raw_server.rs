//! An HTTP server of raw bytes, which closes its connections when a test says so.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What the server does when it has read a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A response with this status, more headers and this body.
    Respond(u16, &'static str, Vec<u8>),
    /// The same. Then the server closes the connection, without saying so before.
    RespondAndClose(u16, &'static str, Vec<u8>),
    /// These bytes, and then the end of the connection.
    Break(&'static [u8]),
    /// These bytes, and then blanks without end.
    Endless(&'static [u8]),
    /// No response, and a connection that stays open.
    Hang,
}

impl Reply {
    pub fn json(body: &str) -> Self {
        Self::Respond(
            200,
            "content-type: application/json\r\n",
            body.as_bytes().to_vec(),
        )
    }

    /// A token response.
    pub fn token() -> Self {
        Self::json(r#"{"access_token":"token","expires_in":3599}"#)
    }

    pub fn and_close(self) -> Self {
        match self {
            Self::Respond(status, headers, body) => Self::RespondAndClose(status, headers, body),
            other => other,
        }
    }
}

/// A request: the number of its connection, from 1, its head, and its body.
#[derive(Clone, Debug)]
pub struct RawRequest {
    pub connection: usize,
    pub head: String,
    pub body: String,
}

pub struct RawServer {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<RawRequest>>>,
    task: tokio::task::JoinHandle<()>,
}

impl RawServer {
    pub async fn start(reply: impl Fn(&RawRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self::over(None, reply).await
    }

    /// The same with TLS, or without.
    pub async fn over(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&RawRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, requests) = (Arc::<AtomicUsize>::default(), Arc::default());
        let (count, log, reply) = (
            Arc::clone(&accepted),
            Arc::clone(&requests),
            Arc::new(reply),
        );
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = count.fetch_add(1, Ordering::SeqCst) + 1;
                let (tls, log, reply) = (tls.clone(), Arc::clone(&log), Arc::clone(&reply));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, connection, &log, &*reply).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, connection, &log, &*reply).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self {
            address,
            accepted,
            requests,
            task,
        }
    }

    /// How many connections were opened.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Accepts no connection any more. The open ones stay open.
    pub async fn stop_accepting(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    pub fn requests(&self) -> Vec<RawRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The numbers of the connections that requests to this path came over, in order.
    pub fn connections(&self, path: &str) -> Vec<usize> {
        let mut requests = self.requests();
        requests.retain(|request| request.head.split(' ').nth(1) == Some(path));
        requests.iter().map(|request| request.connection).collect()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    log: &Mutex<Vec<RawRequest>>,
    reply: &(dyn Fn(&RawRequest) -> Reply + Send + Sync),
) -> Option<()> {
    loop {
        let request = read_request(&mut stream, connection).await?;
        log.lock().unwrap().push(request.clone());
        let (status, headers, body, close) = match reply(&request) {
            Reply::Respond(status, headers, body) => (status, headers, body, false),
            Reply::RespondAndClose(status, headers, body) => (status, headers, body, true),
            Reply::Break(bytes) => {
                stream.write_all(bytes).await.ok()?;
                stream.shutdown().await.ok()?;
                return None;
            }
            Reply::Endless(start) => {
                stream.write_all(start).await.ok()?;
                loop {
                    stream.write_all(&[b' '; 8 * 1024]).await.ok()?;
                }
            }
            Reply::Hang => {
                // Until the client has enough of it.
                let _ = stream.read_u8().await;
                return None;
            }
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n");
        let response = [head.as_bytes(), &body].concat();
        stream.write_all(&response).await.ok()?;
        stream.flush().await.ok()?;
        if close {
            stream.shutdown().await.ok()?;
            return None;
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(
    stream: &mut S,
    connection: usize,
) -> Option<RawRequest> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("\r\ncontent-length: ").nth(1);
    let length = length.map_or(0, |rest| {
        rest.split("\r\n").next().unwrap().parse().unwrap()
    });
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(RawRequest {
        connection,
        head,
        body: String::from_utf8(body).unwrap(),
    })
}
