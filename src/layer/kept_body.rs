//! Keeps the body of an anonymous request at hand while its handler runs.
//!
//! With an optional layer, the handler's extractor finds out that a login is needed. By then axum
//! has dropped the body, and a browser that still sends it would see a broken connection in place
//! of the answer. So the handler gets a share of the body, and the layer reads the rest away.

use std::{
    any::Any,
    mem,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum_core::body::Body as AxumBody;
use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};

use super::drain::Drain;
use crate::sync::lock;

/// A body that the layer and the handler share.
pub(super) struct SharedBody(Arc<Mutex<AxumBody>>);

/// Shares the body with the handler, if there is one, and it is of axum's type.
pub(super) fn keep<B: 'static>(request: &mut Request<B>) -> Option<Pin<Box<Drain<SharedBody>>>> {
    let body = request.body_mut() as &mut dyn Any;
    let body = body.downcast_mut::<AxumBody>()?;
    if body.is_end_stream() {
        return None;
    }
    let shared = Arc::new(Mutex::new(mem::take(body)));
    *body = AxumBody::new(SharedBody(Arc::clone(&shared)));
    let (method, version) = (request.method(), request.version());
    let drain = Drain::new(method, version, request.headers(), SharedBody(shared));
    Some(Box::pin(drain))
}

impl Body for SharedBody {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut *lock(&self.0)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).size_hint()
    }
}
