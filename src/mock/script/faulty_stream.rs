//! A TCP stream with the faults that its switch sets.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use super::fault_switch::{FaultSwitch, StreamMode};

/// One TCP connection.
pub(in crate::mock) struct FaultyStream {
    stream: TcpStream,
    switch: Arc<FaultSwitch>,
    head: Head,
    body_sent: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl FaultyStream {
    pub(in crate::mock) fn new(stream: TcpStream, switch: Arc<FaultSwitch>) -> Self {
        // It affects only when bytes are sent, so a failure does not matter.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            switch,
            head: Head::default(),
            body_sent: 0,
            pause: None,
        }
    }

    pub(in crate::mock) const fn switch(&self) -> &Arc<FaultSwitch> {
        &self.switch
    }

    fn broken(&self) -> io::Error {
        // Closing then sends a reset rather than an orderly end.
        let _ = self.stream.set_zero_linger();
        io::ErrorKind::ConnectionReset.into()
    }

    /// Returns how many bytes of the rest of the response may be sent now.
    fn allowance(&self, mode: StreamMode, rest: &[u8]) -> usize {
        match (self.head.rest(rest), mode) {
            (0, StreamMode::Truncate(length)) => length - self.body_sent.min(length),
            (0, StreamMode::Drip) => 1,
            (head, _) => head,
        }
    }

    fn poll_write_slowly(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mode: StreamMode,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let allowance = self.allowance(mode, buf).min(buf.len());
        if allowance == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let in_body = self.head.ended();
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..allowance]);
        if let Poll::Ready(Ok(length)) = written {
            if in_body {
                self.body_sent += length;
            } else {
                self.head.pass(&buf[..length]);
            }
            if matches!(mode, StreamMode::Drip) && self.head.ended() {
                self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_secs(1))));
            }
        }
        written
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.switch.mode() {
            StreamMode::Cut => Poll::Ready(Err(self.broken())),
            _ => Pin::new(&mut self.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.switch.mode() {
            StreamMode::Pass => Pin::new(&mut self.stream).poll_write(cx, buf),
            StreamMode::Cut => Poll::Ready(Err(self.broken())),
            mode => self.poll_write_slowly(cx, mode, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.switch.mode() {
            StreamMode::Cut => Poll::Ready(Err(self.broken())),
            _ => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}

/// How much of a response's head has been sent.
#[derive(Default)]
struct Head {
    matched: usize,
}

impl Head {
    const END: &[u8] = b"\r\n\r\n";

    const fn ended(&self) -> bool {
        self.matched == Self::END.len()
    }

    /// Returns how many of the next bytes still belong to the head.
    fn rest(&self, bytes: &[u8]) -> usize {
        let mut head = Self {
            matched: self.matched,
        };
        bytes.iter().take_while(|&&byte| head.step(byte)).count()
    }

    fn pass(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    /// Takes one byte. Returns false after the end of the head.
    const fn step(&mut self, byte: u8) -> bool {
        if self.ended() {
            return false;
        }
        self.matched = if byte == Self::END[self.matched] {
            self.matched + 1
        } else if byte == Self::END[0] {
            1
        } else {
            0
        };
        true
    }
}
