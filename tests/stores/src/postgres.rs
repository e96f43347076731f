//! A real PostgreSQL, for as long as a test holds it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

pub struct Postgres {
    port: u16,
    data: PathBuf,
    /// As whom it runs, since it refuses to be root.
    account: Option<(u32, u32)>,
    server: Mutex<Option<Child>>,
}

impl Postgres {
    /// A server that this test alone uses.
    pub fn start() -> Self {
        let number: u64 = rand::random();
        let data = std::env::temp_dir().join(format!("telenor-auth-postgres-{number:016x}"));
        fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
        let root = fs::metadata(&data).unwrap().uid() == 0;
        let account = root.then(account);
        if let Some((user, group)) = account {
            chown(&data, Some(user), Some(group)).unwrap();
        }
        let mut server = Self {
            port: 0,
            data,
            account,
            server: Mutex::default(),
        };
        let made = server
            .command("initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--no-instructions"])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {error}");
        let mut tries = 0..5;
        // Another test may be faster with a port that is free now.
        while tries.next().is_some() {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("postgres does not start");
    }

    /// The server that the tests of this binary share as long as any of them runs.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    pub fn url(&self) -> String {
        Self::url_at(self.address())
    }

    /// The same by another way.
    pub fn url_at(address: SocketAddr) -> String {
        format!("postgres://postgres@{address}/postgres")
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Takes it away at once, with what it keeps on its disk.
    pub fn stop(&self) {
        let Some(mut server) = self.server().take() else {
            return;
        };
        let stopped = self
            .command("pg_ctl")
            .args(["stop", "--mode=immediate", "--silent"])
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = server.kill();
        }
        let _ = server.wait();
    }

    /// Brings it back on the same port.
    pub fn start_again(&self) {
        assert!(self.launch(), "postgres does not start again");
    }

    /// The same, unless it is there.
    pub fn heal(&self) {
        let stopped = self.server().is_none();
        if stopped {
            self.start_again();
        }
    }

    /// `false` when it ended by itself.
    fn launch(&self) -> bool {
        let mut server = self
            .command("postgres")
            .arg(format!("-p{}", self.port))
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "fsync=off", "-c", "max_connections=200"])
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.is_ready() {
            if server.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "postgres does not get ready");
            thread::sleep(Duration::from_millis(20));
        }
        *self.server() = Some(server);
        true
    }

    /// Its last line says "ready" once it takes connections; the port is open a little earlier.
    fn is_ready(&self) -> bool {
        let status = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        status.lines().last().map(str::trim) == Some("ready")
            && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(find(program));
        command
            .env_clear()
            .env("PGDATA", &self.data)
            .current_dir(&self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.data);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// In the PATH, or where Debian keeps it.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    for version in fs::read_dir("/usr/lib/postgresql").into_iter().flatten() {
        places.push(version.unwrap().path().join("bin"));
    }
    let mut found = places.iter().map(|place| place.join(program));
    found
        .find(|program| Path::is_file(program))
        .unwrap_or_else(|| panic!("{program} is missing: run scripts/test, or install postgresql"))
}

/// User and group of the account that the Debian package makes.
fn account() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let account = accounts.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = account
        .expect("an account named postgres")
        .split(':')
        .skip(2);
    let mut number = || fields.next().unwrap().parse().unwrap();
    (number(), number())
}
