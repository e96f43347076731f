//! An egress proxy: it connects to a server when a client asks for that with CONNECT.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What the proxy does with a request.
#[derive(Clone, Copy, Debug)]
pub enum Policy {
    /// It connects to the server, whatever its name is.
    Connect,
    /// It connects if user and password are these, and answers 407 if not.
    Authenticate(&'static str),
    /// It answers with these bytes, and closes the connection.
    Answer(&'static [u8]),
}

pub struct ConnectProxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl ConnectProxy {
    pub async fn start(server: SocketAddr, policy: Policy) -> Self {
        Self::over(None, server, policy).await
    }

    /// The same, with TLS to the proxy itself, or without.
    pub async fn over(tls: Option<TlsAcceptor>, server: SocketAddr, policy: Policy) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, log) = (tls.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, server, policy, &log).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, server, policy, &log).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    /// The heads of all requests.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: S,
    server: SocketAddr,
    policy: Policy,
    log: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    log.lock().unwrap().push(head.clone());
    let answer: &[u8] = match policy {
        _ if !head.starts_with("CONNECT ") => b"HTTP/1.1 405 x\r\n\r\n",
        Policy::Answer(answer) => answer,
        Policy::Authenticate(pair) if !head.contains(pair) => {
            b"HTTP/1.1 407 x\r\nproxy-authenticate: Basic\r\n\r\nwho are you?"
        }
        _ => {
            let mut server = TcpStream::connect(server).await.ok()?;
            let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
            client.write_all(established).await.ok()?;
            copy_bidirectional(&mut client, &mut server).await.ok()?;
            return None;
        }
    };
    client.write_all(answer).await.ok()?;
    client.shutdown().await.ok()
}
