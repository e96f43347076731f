//! A TCP connection that does what its switch says.

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

use super::switch::{Mode, Switch};

/// One TCP connection.
pub(in crate::mock) struct Wire {
    stream: TcpStream,
    switch: Arc<Switch>,
    head: Head,
    body_sent: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(in crate::mock) fn new(stream: TcpStream, switch: Arc<Switch>) -> Self {
        // Without effect on what is sent, only on when; failing to set it is no loss.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            switch,
            head: Head::default(),
            body_sent: 0,
            pause: None,
        }
    }

    pub(in crate::mock) const fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    fn broken(&self) -> io::Error {
        // So that closing sends a reset rather than an orderly end.
        let _ = self.stream.set_zero_linger();
        io::ErrorKind::ConnectionReset.into()
    }

    /// How much of `rest_of_answer` may go out now.
    fn allowance(&self, mode: Mode, rest_of_answer: &[u8]) -> usize {
        match (self.head.rest(rest_of_answer), mode) {
            (0, Mode::Truncate(length)) => length - self.body_sent.min(length),
            (0, Mode::Drip) => 1,
            (head, _) => head,
        }
    }

    fn poll_write_slowly(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mode: Mode,
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
            if matches!(mode, Mode::Drip) && self.head.ended() {
                self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_secs(1))));
            }
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.switch.mode() {
            Mode::Cut => Poll::Ready(Err(self.broken())),
            _ => Pin::new(&mut self.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.switch.mode() {
            Mode::Pass => Pin::new(&mut self.stream).poll_write(cx, buf),
            Mode::Cut => Poll::Ready(Err(self.broken())),
            mode => self.poll_write_slowly(cx, mode, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.switch.mode() {
            Mode::Cut => Poll::Ready(Err(self.broken())),
            _ => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}

/// How far an answer's head has gone out.
#[derive(Default)]
struct Head {
    matched: usize,
}

impl Head {
    const END: &[u8] = b"\r\n\r\n";

    const fn ended(&self) -> bool {
        self.matched == Self::END.len()
    }

    /// How many of the coming bytes still belong to the head.
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

    /// Takes one byte; false once the head is over.
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
