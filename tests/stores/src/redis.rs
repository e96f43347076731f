//! A real Redis, for as long as a test holds it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

pub struct Redis {
    port: u16,
    server: Child,
}

impl Redis {
    pub fn start() -> Self {
        // Another test may be faster with a port that is free now.
        let mut tries = 0..5;
        tries
            .find_map(|_| Self::launch())
            .expect("redis-server starts")
    }

    /// `None` when it ended by itself.
    fn launch() -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is missing: run scripts/test, or install redis-server");
        let mut redis = Self { port, server };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !redis.is_ready() {
            if redis.server.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < deadline, "redis-server does not get ready");
            thread::sleep(Duration::from_millis(20));
        }
        Some(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn is_ready(&self) -> bool {
        let mut answer = [0; 5];
        TcpStream::connect(("127.0.0.1", self.port))
            .and_then(|mut server| {
                server.write_all(b"PING\r\n")?;
                server.read_exact(&mut answer)
            })
            .is_ok_and(|()| &answer == b"+PONG")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
