//! Reads away the body of a request that the layer answers itself.
//!
//! A server that closes a connection whose client still sends resets it. A browser then shows an
//! error in place of the answer (RFC 9112 section 9.6). A body that a handler gets is not touched.
//! The answer to a HEAD request loses its own body here.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum_core::{body::Body as AnswerBody, response::Response};
use bytes::Buf;
use http::{HeaderMap, HeaderValue, Method, Request, Version, header, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::{
    runtime::Handle,
    time::{Sleep, sleep},
};

const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(10);
/// A body that is always ready lets other tasks run after so many frames.
const FRAMES_AT_ONCE: usize = 32;

pin_project! {
    /// A body that is read to its end, within limits.
    pub(super) struct Drain<B> {
        #[pin]
        body: B,
        bytes_left: usize,
        // It starts when the client lets the body wait.
        timer: Option<Pin<Box<Sleep>>>,
        is_left_unread: bool,
        is_http1: bool,
        is_head: bool,
    }
}

/// How the reading of a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    Whole,
    /// A part of the body is unread, so an HTTP/1 connection cannot carry another request.
    Partly,
}

impl<B> Drain<B> {
    pub(super) fn new(method: &Method, version: Version, headers: &HeaderMap, body: B) -> Self {
        Self {
            body,
            bytes_left: MAX_BYTES,
            timer: None,
            // A tunnel has no body that ends.
            is_left_unread: *method == Method::CONNECT || expects_continue(version, headers),
            is_http1: version < Version::HTTP_2,
            is_head: *method == Method::HEAD,
        }
    }

    pub(super) fn of_parts(parts: &Parts, body: B) -> Self {
        Self::new(&parts.method, parts.version, &parts.headers, body)
    }

    pub(super) fn of_request(request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        Self::of_parts(&parts, body)
    }
}

impl<B: Body> Drain<B> {
    /// Reads the body away, and then returns the response.
    pub(super) fn poll_response(
        mut self: Pin<&mut Self>,
        response: &mut Option<Response>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Response>> {
        let drained = std::task::ready!(self.as_mut().poll_drained(cx));
        let mut response = response.take();
        if let Some(response) = &mut response {
            if drained == Drained::Partly && self.is_http1 {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            if self.is_head {
                leave_out_body(response);
            }
        }
        Poll::Ready(response)
    }

    fn poll_drained(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Drained> {
        let mut this = self.project();
        if this.body.is_end_stream() {
            return Poll::Ready(Drained::Whole);
        }
        if *this.is_left_unread {
            return Poll::Ready(Drained::Partly);
        }
        for _ in 0..FRAMES_AT_ONCE {
            match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(Drained::Whole),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Drained::Partly),
                Poll::Ready(Some(Ok(frame))) => {
                    let read = frame.data_ref().map_or(0, Buf::remaining);
                    match this.bytes_left.checked_sub(read) {
                        Some(left) => *this.bytes_left = left,
                        None => return Poll::Ready(Drained::Partly),
                    }
                }
                Poll::Pending => return poll_timer(this.timer, cx),
            }
        }
        cx.waker().wake_by_ref();
        poll_timer(this.timer, cx)
    }
}

/// The answer to a HEAD request (RFC 9110 section 9.3.2). Over HTTP/2, hyper sends the body that a
/// service returns, and the client sees a broken stream.
pub(super) fn leave_out_body(response: &mut Response) {
    let length = response.body().size_hint().exact();
    if let Some(length) = length.filter(|&length| length > 0) {
        let headers = response.headers_mut();
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert(length.into());
    }
    *response.body_mut() = AnswerBody::empty();
}

/// Waits for more of the body until the time is over. Without a runtime there is no timer, and so
/// no wait.
fn poll_timer(timer: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<Drained> {
    if timer.is_none() && Handle::try_current().is_err() {
        return Poll::Ready(Drained::Partly);
    }
    let timer = timer.get_or_insert_with(|| Box::pin(sleep(MAX_TIME)));
    timer.as_mut().poll(cx).map(|()| Drained::Partly)
}

/// Whether the client sends its body only when it is asked to (RFC 9110 section 10.1.1). The final
/// answer in place of `100 Continue` spares the body.
fn expects_continue(version: Version, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::EXPECT).iter();
    version > Version::HTTP_10
        && values.any(|value| {
            let mut members = value.as_bytes().split(|byte| *byte == b',');
            members.any(|member| member.trim_ascii().eq_ignore_ascii_case(b"100-continue"))
        })
}
