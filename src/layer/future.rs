//! The future of a request: it waits for its session, its handler, or a step of a login.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum_core::response::{IntoResponse, Response};
use http::{Method, Request};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    drain::{Drain, leave_out_body},
    kept_body::{SharedBody, keep},
};
use crate::{
    boxed::BoxFuture,
    browser::request::RequestInfo,
    flow::{Admission, Answer, Flow, Look, OnResponse, placement::Placement},
    response::is_for_handler,
    session::{SessionToken, erased::Loaded},
    user::{CurrentSession, RefreshOutcome},
};

pin_project! {
    /// The future of [`TelenorAuth`](crate::TelenorAuth).
    ///
    /// For a request with a session that is at hand, nothing in it is boxed. A step of a login is,
    /// and a look-up in a store behind a network.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        /// The store is behind a network.
        Load {
            load: BoxFuture<'static, Loaded>,
            look: Look,
            token: Option<SessionToken>,
            parked: Option<ParkedRequest<S, B>>,
        },
        /// The access token has expired.
        Refresh {
            refresh: BoxFuture<'static, RefreshOutcome>,
            token: Option<SessionToken>,
            parked: Option<ParkedRequest<S, B>>,
        },
        Forward {
            #[pin]
            future: S::Future,
            on_response: Option<OnResponse>,
            kept: Option<Pin<Box<Drain<SharedBody>>>>,
            is_head: bool,
        },
        OwnRoute {
            route: BoxFuture<'static, Response>,
            drain: Option<Drain<B>>,
        },
        /// The body of the request is read before the response goes out.
        Respond {
            response: Option<Response>,
            #[pin]
            drain: Drain<B>,
        },
        /// The same, after a handler that needs a login.
        RespondForHandler {
            response: Option<Response>,
            kept: Pin<Box<Drain<SharedBody>>>,
        },
    }
}

/// A request that waits, with what it needs to go on.
pub(crate) struct ParkedRequest<S, B> {
    pub request: Request<B>,
    pub inner: S,
    pub flow: Arc<Flow>,
    pub placement: Placement,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(crate) fn load(
        load: BoxFuture<'static, Loaded>,
        token: SessionToken,
        parked: ParkedRequest<S, B>,
    ) -> Self {
        let (token, parked) = (Some(token), Some(parked));
        let state = State::Load {
            load,
            look: Look::First,
            token,
            parked,
        };
        Self { state }
    }

    pub(crate) fn look_again(token: SessionToken, parked: ParkedRequest<S, B>) -> Self {
        let state = State::look_again(token, parked);
        Self { state }
    }

    pub(crate) fn refresh(current: CurrentSession, parked: ParkedRequest<S, B>) -> Self {
        let state = State::refresh(current, parked);
        Self { state }
    }

    pub(super) fn forward(
        future: S::Future,
        on_response: OnResponse,
        kept: Option<Pin<Box<Drain<SharedBody>>>>,
        is_head: bool,
    ) -> Self {
        let on_response = Some(on_response);
        let state = State::Forward {
            future,
            on_response,
            kept,
            is_head,
        };
        Self { state }
    }

    pub(super) fn own_route(route: BoxFuture<'static, Response>, drain: Drain<B>) -> Self {
        let drain = Some(drain);
        let state = State::OwnRoute { route, drain };
        Self { state }
    }

    pub(super) fn respond(response: Response, drain: Drain<B>) -> Self {
        let response = Some(response);
        let state = State::Respond { response, drain };
        Self { state }
    }
}

impl<S, B> State<S, B>
where
    S: Service<Request<B>>,
{
    fn refresh(current: CurrentSession, parked: ParkedRequest<S, B>) -> Self {
        Self::Refresh {
            token: Some(current.token.clone()),
            refresh: Arc::clone(&parked.flow).refreshed(current),
            parked: Some(parked),
        }
    }

    fn look_again(token: SessionToken, parked: ParkedRequest<S, B>) -> Self {
        Self::Load {
            load: Arc::clone(&parked.flow).look_again(token.clone()),
            look: Look::Again,
            token: Some(token),
            parked: Some(parked),
        }
    }

    fn go_on(admission: Admission, mut parked: ParkedRequest<S, B>) -> Self
    where
        B: 'static,
    {
        match admission {
            Admission::Forward(on_response) => {
                let kept = on_response
                    .is_anonymous()
                    .then(|| keep(&mut parked.request));
                Self::Forward {
                    is_head: *parked.request.method() == Method::HEAD,
                    future: parked.inner.call(parked.request),
                    on_response: Some(on_response),
                    kept: kept.flatten(),
                }
            }
            Admission::Respond(response) => Self::Respond {
                response: Some(response),
                drain: Drain::of_request(parked.request),
            },
            Admission::Refresh(current) => Self::refresh(current, parked),
            Admission::LookAgain(token) => Self::look_again(token, parked),
        }
    }
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
    S::Response: IntoResponse,
    B: Body + 'static,
{
    type Output = Result<Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Load {
                    load,
                    look,
                    token,
                    parked,
                } => {
                    let loaded = ready!(load.as_mut().poll(cx));
                    let (mut parked, token) = parked.take().zip(token.take()).expect(ONCE);
                    let (flow, request) = (&parked.flow, &mut parked.request);
                    let now = flow.config.clock.seconds();
                    let (placement, info) = (&parked.placement, RequestInfo::of_request(request));
                    let answer = Answer {
                        loaded,
                        look: *look,
                    };
                    let admission = flow.admit(placement, request, info, token, answer, now);
                    state.set(State::go_on(admission, parked));
                }
                StateProj::Refresh {
                    refresh,
                    token,
                    parked,
                } => {
                    let outcome = ready!(refresh.as_mut().poll(cx));
                    let (mut parked, token) = parked.take().zip(token.take()).expect(ONCE);
                    let (flow, request) = (&parked.flow, &mut parked.request);
                    let now = flow.config.clock.seconds();
                    let placement = &parked.placement;
                    let admission = flow.admit_refreshed(placement, request, token, outcome, now);
                    state.set(State::go_on(admission, parked));
                }
                StateProj::Forward {
                    future,
                    on_response,
                    kept,
                    is_head,
                } => {
                    let mut response = ready!(future.poll(cx))?.into_response();
                    if let Some(on_response) = on_response.take() {
                        on_response.finish_response(&mut response);
                    }
                    // Any other response is the handler's own, which had the body.
                    let kept = kept.take().filter(|_| is_for_handler(&response));
                    let Some(kept) = kept else {
                        if *is_head && is_for_handler(&response) {
                            leave_out_body(&mut response);
                        }
                        return Poll::Ready(Ok(response));
                    };
                    let response = Some(response);
                    state.set(State::RespondForHandler { response, kept });
                }
                StateProj::OwnRoute { route, drain } => {
                    let response = Some(ready!(route.as_mut().poll(cx)));
                    let drain = drain.take().expect(ONCE);
                    state.set(State::Respond { response, drain });
                }
                StateProj::Respond { response, drain } => {
                    let response = ready!(drain.poll_response(response, cx));
                    return Poll::Ready(Ok(response.expect(ONCE)));
                }
                StateProj::RespondForHandler { response, kept } => {
                    let response = ready!(kept.as_mut().poll_response(response, cx));
                    return Poll::Ready(Ok(response.expect(ONCE)));
                }
            }
        }
    }
}

const ONCE: &str = "a future is not polled after it was ready";

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
