//! The service: looks at a request and takes one of four ways.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use axum_core::response::{IntoResponse, Response};
use http::{Method, Request};
use http_body::Body;
use tower_service::Service;

use super::{
    drain::Drain,
    future::{ParkedRequest, ResponseFuture},
    kept_body::keep,
};
use crate::{
    browser::request::RequestInfo,
    clock::system_time,
    flow::{Admission, Answer, Flow, Look, placement::Placement},
};

/// The service that [`TelenorAuthLayer`](crate::TelenorAuthLayer) makes.
#[derive(Clone, Debug)]
pub struct TelenorAuth<S> {
    inner: S,
    flow: Arc<Flow>,
    placement: Placement,
}

impl<S> TelenorAuth<S> {
    pub(crate) fn new(inner: S, flow: Arc<Flow>, placement: Placement) -> Self {
        Self {
            inner,
            flow,
            placement,
        }
    }
}

impl<S, B> Service<Request<B>> for TelenorAuth<S>
where
    S: Service<Request<B>> + Clone,
    S::Response: IntoResponse,
    B: Body + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let flow = &self.flow;
        if flow.is_plain_http(request.extensions(), request.uri(), request.headers()) {
            let (parts, body) = request.into_parts();
            let response = flow.on_plain_http(&parts);
            return ResponseFuture::respond(response, Drain::of_parts(&parts, body));
        }
        let info = RequestInfo::of_request(&request);
        if let Some(route) = flow.config.paths.route(info.uri.path()) {
            let (parts, body) = request.into_parts();
            let drain = Drain::of_parts(&parts, body);
            let response = Arc::clone(flow).own_route(route, info, parts);
            return ResponseFuture::own_route(Box::pin(response), drain);
        }
        let placement = &self.placement;
        let admission = match flow.session_token(info.cookies()) {
            Err(refusal) => flow.admit_anonymous(placement, &mut request, info, refusal),
            Ok(token) => {
                let now = flow.config.clock.seconds();
                // A store in this process has the session at hand.
                let Some(loaded) = flow.store.try_load(&token, system_time(now)) else {
                    let load = flow.store.load_owned(token.clone(), system_time(now));
                    return ResponseFuture::load(load, token, self.park(request));
                };
                let answer = Answer {
                    loaded,
                    look: Look::AtHand,
                };
                flow.admit(placement, &mut request, info, token, answer, now)
            }
        };
        self.go_on(admission, request)
    }
}

impl<S> TelenorAuth<S> {
    fn go_on<B>(&mut self, admission: Admission, mut request: Request<B>) -> ResponseFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
        B: 'static,
    {
        match admission {
            Admission::Forward(on_response) => {
                let kept = on_response.is_anonymous().then(|| keep(&mut request));
                let is_head = *request.method() == Method::HEAD;
                let future = self.inner.call(request);
                ResponseFuture::forward(future, on_response, kept.flatten(), is_head)
            }
            Admission::Respond(response) => {
                ResponseFuture::respond(response, Drain::of_request(request))
            }
            Admission::Refresh(current) => ResponseFuture::refresh(current, self.park(request)),
            Admission::LookAgain(token) => ResponseFuture::look_again(token, self.park(request)),
        }
    }

    /// A request that goes on later.
    fn park<B>(&mut self, request: Request<B>) -> ParkedRequest<S, B>
    where
        S: Clone,
    {
        // Only the service that was polled ready may be called. It goes along, and its clone stays.
        let clone = self.inner.clone();
        ParkedRequest {
            request,
            inner: mem::replace(&mut self.inner, clone),
            flow: Arc::clone(&self.flow),
            placement: self.placement.clone(),
        }
    }
}
