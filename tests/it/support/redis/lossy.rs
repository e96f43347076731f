//! A way to Redis that loses answers.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

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
