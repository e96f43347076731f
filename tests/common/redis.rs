//! A Redis server of a test's own, which it can kill, hang and bring back; and ways to it that lose answers or change their end.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as Port},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{Cmd, FromRedisValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// Killed when the test ends, whichever way.
pub struct Redis {
    process: Child,
    port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
}

impl Redis {
    /// A server that keeps nothing on disk.
    pub async fn start() -> Self {
        Self::with(&["--appendonly", "no"]).await
    }

    /// A server that has what it said it has, after a restart as well: what it wrote outlasts it without being forced to the disk.
    pub async fn durable() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "no"]).await
    }

    /// A server with these settings beside its address.
    pub async fn with(arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        // Somebody else may take the port in between.
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

    /// Brings it back, whether it was killed, hangs, or is well.
    pub async fn heal(&mut self) {
        match self.process.try_wait().unwrap() {
            Some(_) => self.restart().await,
            None => self.go_on(),
        }
    }

    /// It takes connections from here on, and answers nothing.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        // Every shell has it built in; a program of that name is not on every machine.
        let kill = format!("kill -{signal} {}", self.process.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success());
    }

    /// What it answers to a command, over a connection of its own.
    pub fn ask<T: FromRedisValue>(&self, command: &mut Cmd) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        command
            .query(&mut client.get_connection().unwrap())
            .unwrap()
    }

    pub fn get(&self, key: &str) -> String {
        self.ask(redis::cmd("GET").arg(key))
    }

    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.ask(redis::cmd("KEYS").arg("*"));
        keys.sort();
        keys
    }

    /// One number of `INFO`.
    pub fn info(&self, name: &str) -> u64 {
        let info: String = self.ask(redis::cmd("INFO").arg("everything"));
        let lines = info.lines().filter_map(|line| line.split_once(':'));
        let mut named = lines.filter(|(known, _)| *known == name);
        named.next().unwrap().1.parse().unwrap()
    }

    /// How often each command was called, without those of a test's own.
    pub fn calls(&self) -> Vec<(String, u64)> {
        let stats: String = self.ask(redis::cmd("INFO").arg("commandstats"));
        let mut calls = Vec::new();
        for line in stats.lines() {
            let Some((name, numbers)) = line.split_once(":calls=") else {
                continue;
            };
            let name = name.trim_start_matches("cmdstat_").to_owned();
            let count = numbers.split(',').next().unwrap().parse().unwrap();
            if !["info", "ping", "config|resetstat"].contains(&&*name)
                && !name.starts_with("client")
            {
                calls.push((name, count));
            }
        }
        calls.sort();
        calls
    }

    async fn is_up(&mut self) -> bool {
        let deadline = Instant::now() + DEADLINE;
        let client = redis::Client::open(self.url()).unwrap();
        while Instant::now() < deadline && self.process.try_wait().unwrap().is_none() {
            if let Ok(mut connection) = client.get_connection()
                && redis::cmd("PING").query::<String>(&mut connection).is_ok()
            {
                // It might be somebody else's, who had the port before.
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

/// A port where nobody listens.
pub fn free_port() -> u16 {
    let port = Port::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    port.local_addr().unwrap().port()
}

/// A way to Redis that can break just before an answer arrives.
pub struct Lossy {
    pub address: SocketAddr,
    lose: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Lossy {
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let lose = Arc::new(AtomicBool::new(false));
        let losing = Arc::clone(&lose);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, upstream, Arc::clone(&losing)));
            }
        });
        Self {
            address,
            lose,
            task,
        }
    }

    /// The next command is executed, and its answer lost with the connection.
    pub fn lose_next_answer(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    pub fn has_lost(&self) -> bool {
        !self.lose.load(Ordering::SeqCst)
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut near: TcpStream, upstream: SocketAddr, lose: Arc<AtomicBool>) {
    let mut far = TcpStream::connect(upstream).await.unwrap();
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => match read {
                Ok(length @ 1..) => far.write_all(&asked[..length]).await.unwrap(),
                _ => return,
            },
            read = far.read(&mut answered) => match read {
                Ok(1..) if lose.swap(false, Ordering::SeqCst) => return,
                Ok(length @ 1..) => near.write_all(&answered[..length]).await.unwrap(),
                _ => return,
            },
        }
    }
}
