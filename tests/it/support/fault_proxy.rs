//! A TCP proxy in front of a server, with the faults that a test sets.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use telenor_auth::session::Fault;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

const DELAY: Duration = Duration::from_millis(50);

pub struct FaultProxy {
    pub address: SocketAddr,
    fault: watch::Sender<Fault>,
    task: tokio::task::JoinHandle<()>,
}

impl FaultProxy {
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let fault = watch::Sender::default();
        let faults = fault.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, upstream, faults.subscribe()));
            }
        });
        Self {
            address,
            fault,
            task,
        }
    }

    /// Sets the fault of all connections: they break, hold their data back, or are slow.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut client: TcpStream, upstream: SocketAddr, fault: watch::Receiver<Fault>) {
    let mut breaks = fault.clone();
    let forwarded = async {
        let mut server = TcpStream::connect(upstream).await?;
        let ((asked, answers), (answered, asks)) = (client.split(), server.split());
        tokio::try_join!(
            pass(asked, asks, fault.clone()),
            pass(answered, answers, fault)
        )
    };
    tokio::select! {
        biased;
        _ = breaks.wait_for(|fault| *fault == Fault::Error) => {}
        _ = forwarded => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut fault: watch::Receiver<Fault>,
) -> std::io::Result<()> {
    let mut bytes = [0; 8192];
    loop {
        let length = from.read(&mut bytes).await?;
        let passes = fault.wait_for(|fault| *fault != Fault::Hang).await;
        let late = passes.is_ok_and(|fault| *fault == Fault::Slow);
        if late {
            sleep(DELAY).await;
        }
        match length {
            0 => return to.shutdown().await,
            _ => to.write_all(&bytes[..length]).await?,
        }
    }
}
