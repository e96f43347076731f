//! The open TCP connections, which a handler or the end of the gateway can break.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, Weak},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::net::TcpListener;

use super::{
    fault_switch::{FaultSwitch, StreamMode},
    faulty_stream::FaultyStream,
};
use crate::sync::lock;

/// A listener whose connections can be cut, all together or one by one.
pub(in crate::mock) struct FaultyListener {
    listener: TcpListener,
    connections: Arc<OpenConnections>,
}

/// All open connections.
#[derive(Default)]
pub(in crate::mock) struct OpenConnections(Mutex<Vec<Weak<FaultSwitch>>>);

/// A handler's handle on the connection of its request.
#[derive(Clone)]
pub(in crate::mock) struct Connection(Arc<FaultSwitch>);

impl FaultyListener {
    pub(in crate::mock) const fn new(
        listener: TcpListener,
        connections: Arc<OpenConnections>,
    ) -> Self {
        Self {
            listener,
            connections,
        }
    }
}

impl Listener for FaultyListener {
    type Io = FaultyStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (FaultyStream, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let switch = Arc::<FaultSwitch>::default();
        let mut connections = lock(&self.connections.0);
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(&switch));
        (FaultyStream::new(stream, switch), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl OpenConnections {
    pub(in crate::mock) fn cut(&self) {
        let connections = lock(&self.0);
        for switch in connections.iter().filter_map(Weak::upgrade) {
            switch.set(StreamMode::Cut);
        }
    }
}

impl Connection {
    /// Breaks the connection before the next byte is written.
    pub(in crate::mock) fn reset(&self) {
        self.0.set(StreamMode::Cut);
    }

    pub(in crate::mock) fn truncate_body(&self, length: usize) {
        self.0.set(StreamMode::Truncate(length));
    }

    pub(in crate::mock) fn drip_body(&self) {
        self.0.set(StreamMode::Drip);
    }
}

impl Connected<IncomingStream<'_, FaultyListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, FaultyListener>) -> Self {
        Self(Arc::clone(stream.io().switch()))
    }
}
