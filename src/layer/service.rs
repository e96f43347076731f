//! The service: looks at a request and takes one of four ways.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use tower_service::Service;

use crate::{
    browser::request::{Visit, original_uri},
    flow::{Flow, Turned, placement::Mount, routes::Route},
    layer::future::{ResponseFuture, Waiting},
    session::{MemoryStore, SessionStore},
};

/// The service that [`TelenorAuthLayer`](crate::TelenorAuthLayer) makes.
pub struct TelenorAuth<S, Store = MemoryStore> {
    inner: S,
    flow: Arc<Flow<Store>>,
    mount: Mount,
}

impl<S, Store: SessionStore> TelenorAuth<S, Store> {
    pub(crate) fn new(inner: S, flow: Arc<Flow<Store>>, mount: Mount) -> Self {
        Self { inner, flow, mount }
    }
}

impl<S, B, Store> Service<Request<B>> for TelenorAuth<S, Store>
where
    S: Service<Request<B>> + Clone,
    S::Response: IntoResponse,
    Store: SessionStore,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, Store>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let flow = &self.flow;
        if flow.is_clear_text(request.extensions(), request.uri(), request.headers()) {
            let (parts, _) = request.into_parts();
            return ResponseFuture::answered(flow.on_clear_text(&parts, &Visit::of(&parts)));
        }
        if let Some(route) = self.own_route(&request) {
            let (parts, _) = request.into_parts();
            let visit = Visit::of(&parts);
            let flow = Arc::clone(&self.flow);
            return ResponseFuture::flow(Box::pin(flow.own_route(route, parts, visit)));
        }
        let Some(token) = self.flow.session_token(request.headers()) else {
            return match self.flow.admit_anonymous(&self.mount, &mut request) {
                Ok(admitted) => ResponseFuture::inner(self.inner.call(request), admitted),
                Err(answer) => ResponseFuture::answered(answer),
            };
        };
        let mut load = self.flow.store.load(&token);
        // A store in this process has its answer at once. Whoever must wait is polled again with the right waker.
        match Pin::new(&mut load).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(loaded) => match self.flow.admit(&self.mount, &mut request, loaded) {
                Ok(admitted) => ResponseFuture::inner(self.inner.call(request), admitted),
                Err(Turned::Away(answer)) => ResponseFuture::answered(answer),
                Err(Turned::Stale(session)) => {
                    ResponseFuture::refresh(session, self.waiting(request))
                }
            },
            Poll::Pending => ResponseFuture::load(load, self.waiting(request)),
        }
    }
}

impl<S, Store: SessionStore> TelenorAuth<S, Store> {
    /// What it takes to go on with a request later.
    fn waiting<B>(&mut self, request: Request<B>) -> Waiting<S, B, Store>
    where
        S: Clone,
    {
        // Only the service that was polled ready may be called: it goes along, and its clone stays behind.
        let clone = self.inner.clone();
        Waiting {
            request,
            ready: mem::replace(&mut self.inner, clone),
            flow: Arc::clone(&self.flow),
            mount: self.mount.clone(),
        }
    }

    fn own_route<B>(&self, request: &Request<B>) -> Option<Route> {
        let uri = original_uri(request.extensions(), request.uri());
        self.flow.config.paths.route(uri.path())
    }
}

impl<S: Clone, Store> Clone for TelenorAuth<S, Store> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            flow: Arc::clone(&self.flow),
            mount: self.mount.clone(),
        }
    }
}

impl<S: fmt::Debug, Store> fmt::Debug for TelenorAuth<S, Store> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorAuth")
            .field("inner", &self.inner)
            .field("config", &self.flow.config)
            .finish_non_exhaustive()
    }
}
