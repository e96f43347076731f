//! A way to Redis on which another client is always a moment faster.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const SESSION: &[u8] = b"telenor:session:";
const ID: usize = 32;

/// Takes the key of the first sessions that are about to be written.
pub struct Overtaking {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Overtaking {
    pub async fn start(upstream: SocketAddr, sessions: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::<Mutex<Vec<_>>>::default();
        let known = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, upstream, Arc::clone(&known), sessions));
            }
        });
        Self {
            address,
            taken,
            task,
        }
    }

    /// The keys that it has taken.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Overtaking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut near: TcpStream,
    upstream: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
    sessions: usize,
) {
    let mut far = TcpStream::connect(upstream).await.unwrap();
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => match read {
                Ok(length @ 1..) => {
                    if taken.lock().unwrap().len() < sessions
                        && let Some(key) = written_key(&asked[..length])
                    {
                        take(upstream, &key).await;
                        taken.lock().unwrap().push(key);
                    }
                    far.write_all(&asked[..length]).await.unwrap();
                }
                _ => return,
            },
            read = far.read(&mut answered) => match read {
                Ok(length @ 1..) => near.write_all(&answered[..length]).await.unwrap(),
                _ => return,
            },
        }
    }
}

/// The key of a session in a command that writes it.
fn written_key(command: &[u8]) -> Option<String> {
    let writes = [&b"$3\r\nSET\r\n"[..], b"$4\r\nEVAL\r\n"];
    let contains = |part: &&[u8]| command.windows(part.len()).any(|known| known == *part);
    if !writes.iter().any(contains) {
        return None;
    }
    let keys = command.windows(SESSION.len() + ID);
    let mut keys = keys.filter(|key| key.starts_with(SESSION));
    let key = keys.find(|key| key[SESSION.len()..].iter().all(u8::is_ascii_hexdigit))?;
    Some(String::from_utf8(key.to_vec()).unwrap())
}

async fn take(upstream: SocketAddr, key: &str) {
    let mut redis = TcpStream::connect(upstream).await.unwrap();
    let set = format!(
        "*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$5\r\ntaken\r\n",
        key.len()
    );
    redis.write_all(set.as_bytes()).await.unwrap();
    let mut ok = [0; 5];
    redis.read_exact(&mut ok).await.unwrap();
    assert_eq!(&ok, b"+OK\r\n");
}
