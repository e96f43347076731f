//! The service: looks at a request and takes one of four ways.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::Request;
use tower_service::Service;

use crate::{
    FailureCause, claimed_number,
    config::Route,
    flow::{Flow, Refusal},
    future::ResponseFuture,
    mount::Mount,
    session::{MemoryStore, Session, SessionStore, StoreError},
    user::{Guard, Identity},
    visit::{Visit, original_uri},
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
            return match admit(&self.flow, &self.mount, &mut request, None) {
                Ok(()) => ResponseFuture::inner(
                    self.inner.call(request),
                    self.flow.config.optional,
                    false,
                ),
                Err(answer) => ResponseFuture::answered(answer),
            };
        };
        let mut load = self.flow.store.load(&token);
        // A store in this process has its answer at once. Whoever must wait is polled again with the right waker.
        match Pin::new(&mut load).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(loaded) => match let_in(&self.flow, &self.mount, &mut request, loaded) {
                Ok(signed_in) => {
                    let vary = signed_in || self.flow.config.optional;
                    ResponseFuture::inner(self.inner.call(request), vary, signed_in)
                }
                Err(answer) => ResponseFuture::answered(answer),
            },
            Poll::Pending => {
                // Only the service that was polled ready may be called: it goes along, and its clone stays behind.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                let flow = Arc::clone(&self.flow);
                ResponseFuture::load(load, request, ready, flow, self.mount.clone())
            }
        }
    }
}

impl<S, Store: SessionStore> TelenorAuth<S, Store> {
    fn own_route<B>(&self, request: &Request<B>) -> Option<Route> {
        let uri = original_uri(request.extensions(), request.uri());
        self.flow.config.paths.route(uri.path())
    }
}

/// What a store answered, turned into a request that may go on, or an answer to it. The flag: is somebody signed in?
#[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
pub(crate) fn let_in<B, Store: SessionStore>(
    flow: &Arc<Flow<Store>>,
    mount: &Mount,
    request: &mut Request<B>,
    loaded: Result<Option<Session>, StoreError>,
) -> Result<bool, Response<Body>> {
    let session = match loaded {
        Ok(session) => session.filter(|session| flow.accepts(session)),
        Err(error) => return Err(flow.store_failed(&Visit::of_request(request), &error)),
    };
    let signed_in = session.is_some();
    admit(flow, mount, request, session).map(|()| signed_in)
}

#[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
fn admit<B, Store: SessionStore>(
    flow: &Arc<Flow<Store>>,
    mount: &Mount,
    request: &mut Request<B>,
    session: Option<Session>,
) -> Result<(), Response<Body>> {
    if session.is_none() {
        let original = original_uri(request.extensions(), request.uri());
        let (path, callback) = (request.uri().path(), &flow.config.paths.callback);
        if let Some(mistake) = mount.mistake(original.path(), path, callback) {
            tracing::error!("{mistake}");
            let visit = Visit::of_request(request);
            return Err(flow.refuse(&visit, Refusal::because(FailureCause::Internal)));
        }
        if !flow.config.optional {
            return Err(flow.challenge(&Visit::of_request(request)));
        }
    }
    claimed_number::remove(request.headers_mut());
    let guard: Arc<dyn Guard> = Arc::clone(flow) as _;
    request.extensions_mut().insert(Identity { guard, session });
    Ok(())
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
