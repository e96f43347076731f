//! A Redis server of a test's own, which it can kill and bring back.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as Port},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// Killed when the test ends, whichever way.
pub struct Redis {
    pub(super) process: Child,
    port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
}

impl Redis {
    /// A server that keeps what it said it keeps, after a restart as well. What it wrote outlasts
    /// its process without being forced to the disk.
    pub async fn durable() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "no"]).await
    }

    /// A server with these settings beside its address.
    pub async fn with(arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        // Another process may take the port in between.
        for _ in 0..10 {
            let port = free_port();
            let directory = std::env::temp_dir();
            let directory = directory.join(format!("telenor-auth-redis-{port}"));
            std::fs::create_dir_all(&directory).unwrap();
            let process = spawn(port, &directory, &arguments);
            let mut redis = Self {
                process,
                port,
                directory,
                arguments: arguments.clone(),
            };
            if redis.is_up().await {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Brings a killed one back, on the same port.
    pub async fn restart(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.process = spawn(self.port, &self.directory, &self.arguments);
            if self.is_up().await {
                return;
            }
            assert!(Instant::now() < deadline, "redis-server does not restart");
        }
    }

    async fn is_up(&mut self) -> bool {
        let deadline = Instant::now() + DEADLINE;
        let client = redis::Client::open(self.url()).unwrap();
        while Instant::now() < deadline && self.process.try_wait().unwrap().is_none() {
            if let Ok(mut connection) = client.get_connection()
                && redis::cmd("PING").query::<String>(&mut connection).is_ok()
            {
                // It might be another test's, which had the port before.
                let info: String = redis::cmd("INFO")
                    .arg("server")
                    .query(&mut connection)
                    .unwrap();
                return info.contains(&format!("process_id:{}\r", self.process.id()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn spawn(port: u16, directory: &PathBuf, arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--dir"])
        .arg(directory)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

/// A port where no process listens.
pub fn free_port() -> u16 {
    let port = Port::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    port.local_addr().unwrap().port()
}
