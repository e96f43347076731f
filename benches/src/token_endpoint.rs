//! A token endpoint in a process of its own, so that its work does not count.

use std::{
    env,
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
};

/// The argument that makes a bench this endpoint.
pub const ARGUMENT: &str = "--token-endpoint";

/// The process. It ends when this is dropped.
pub struct TokenEndpoint {
    child: Child,
    /// `http://`, host and port.
    pub origin: String,
}

impl TokenEndpoint {
    /// Starts the running program once more, as the endpoint.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    #[must_use]
    pub fn start() -> Self {
        let program = env::current_exe().expect("the program has a path");
        let child = Command::new(program)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("a process");
        let mut origin = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        let read = BufReader::new(stdout).read_line(&mut origin);
        read.expect("the process states where it listens");
        Self {
            child,
            origin: origin.trim().to_owned(),
        }
    }

    /// How many connections it has accepted, and how many requests it has answered.
    ///
    /// # Panics
    ///
    /// When it does not say.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let counts = std::net::TcpStream::connect(self.origin.trim_start_matches("http://"));
        let mut counts = counts.expect("it listens");
        io::Write::write_all(&mut counts, b"COUNTS\r\n\r\n").expect("it reads");
        let text = io::read_to_string(counts).expect("it answers");
        let (connections, requests) = text.split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse().expect("a number");
        (number(connections), number(requests))
    }
}

impl Drop for TokenEndpoint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers every request with a token, until the process ends.
///
/// # Panics
///
/// When it cannot listen.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub fn serve() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        println!("http://{address}");
        let counts = Counts::default();
        // A parent that was killed closes this.
        let mut parent = tokio::io::stdin();
        let mut byte = [0; 1];
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.expect("a connection");
                    tokio::spawn(answer(stream, counts.clone()));
                }
                _ = parent.read(&mut byte) => return,
            }
        }
    });
}

/// Of connections and requests.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicU64; 2]>);

impl Counts {
    fn add(&self, which: usize) -> u64 {
        self.0[which].fetch_add(1, Ordering::Relaxed)
    }
}

async fn answer(mut stream: TcpStream, counts: Counts) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut is_counted = false;
    let mut received = Vec::new();
    loop {
        let Some(length) = request_length(&received) else {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        if received.starts_with(b"COUNTS") {
            let [connections, requests] = &*counts.0;
            let text = format!(
                "{} {}",
                connections.load(Ordering::Relaxed),
                requests.load(Ordering::Relaxed)
            );
            return stream.write_all(text.as_bytes()).await;
        }
        received.drain(..length);
        if !is_counted {
            counts.add(0);
            is_counted = true;
        }
        let token = counts.add(1);
        // As long as a token of the mock gateway.
        let body = format!(
            "{{\"access_token\":\"aGdhc2RmZ2hqa2xxd2VydHl1aW9wYXNk{token:08}\",\
             \"token_type\":\"Bearer\",\"expires_in\":3599,\"scope\":\"api:mobile-user-info-v1\"}}"
        );
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
             date: Thu, 26 Nov 2026 12:00:00 GMT\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(response.as_bytes()).await?;
    }
}

/// Of the request that the bytes begin with, once it is whole.
fn request_length(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let lines = str::from_utf8(&received[..head]).ok()?.lines();
    let mut lines = lines.filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let body: usize = length.map_or(Some(0), |(_, value)| value.trim().parse().ok())?;
    (received.len() >= head + body).then_some(head + body)
}
