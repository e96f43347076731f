//! How a handler, or the end of the gateway, gets at a TCP connection.

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
    switch::{Mode, Switch},
    wire::Wire,
};
use crate::mock::lock::lock;

/// A listener whose connections can be cut, all at once or one by one.
pub(in crate::mock) struct WiredListener {
    listener: TcpListener,
    wires: Arc<Wires>,
}

/// Every connection that is open.
#[derive(Default)]
pub(in crate::mock) struct Wires(Mutex<Vec<Weak<Switch>>>);

/// A handler's hold on the connection that its request came by.
#[derive(Clone)]
pub(in crate::mock) struct Connection(Arc<Switch>);

impl WiredListener {
    pub(in crate::mock) const fn new(listener: TcpListener, wires: Arc<Wires>) -> Self {
        Self { listener, wires }
    }
}

impl Listener for WiredListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let switch = Arc::<Switch>::default();
        let mut wires = lock(&self.wires.0);
        wires.retain(|wire| wire.strong_count() > 0);
        wires.push(Arc::downgrade(&switch));
        (Wire::new(stream, switch), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Wires {
    pub(in crate::mock) fn cut(&self) {
        let wires = lock(&self.0);
        for switch in wires.iter().filter_map(Weak::upgrade) {
            switch.set(Mode::Cut);
        }
    }
}

impl Connection {
    /// Breaks the connection before another byte is written.
    pub(in crate::mock) fn reset(&self) {
        self.0.set(Mode::Cut);
    }

    pub(in crate::mock) fn truncate_body(&self, length: usize) {
        self.0.set(Mode::Truncate(length));
    }

    pub(in crate::mock) fn drip_body(&self) {
        self.0.set(Mode::Drip);
    }
}

impl Connected<IncomingStream<'_, WiredListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, WiredListener>) -> Self {
        Self(Arc::clone(stream.io().switch()))
    }
}
