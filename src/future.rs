//! What a request waits for: its session, its handler, or a step of the login.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    flow::{Admitted, Flow},
    mount::Mount,
    session::SessionStore,
};

pin_project! {
    /// The future of [`TelenorAuth`](crate::TelenorAuth).
    ///
    /// Nothing in it is boxed on the way of a request that has a session; a step of the login is.
    pub struct ResponseFuture<S, B, Store>
    where
        S: Service<Request<B>>,
        Store: SessionStore,
    {
        #[pin]
        state: State<S, B, Store>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, Store>
    where
        S: Service<Request<B>>,
        Store: SessionStore,
    {
        /// The store is behind a network.
        Load {
            #[pin]
            load: Store::Load,
            waiting: Option<Waiting<S, B, Store>>,
        },
        Inner {
            #[pin]
            future: S::Future,
            admitted: Admitted,
        },
        Flow {
            step: BoxedStep,
        },
        Answered {
            response: Option<Response>,
        },
    }
}

type BoxedStep = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What goes on once the session is there.
struct Waiting<S, B, Store> {
    request: Request<B>,
    ready: S,
    flow: Arc<Flow<Store>>,
    mount: Mount,
}

impl<S, B, Store> ResponseFuture<S, B, Store>
where
    S: Service<Request<B>>,
    Store: SessionStore,
{
    pub(crate) fn load(
        load: Store::Load,
        request: Request<B>,
        ready: S,
        flow: Arc<Flow<Store>>,
        mount: Mount,
    ) -> Self {
        let waiting = Some(Waiting {
            request,
            ready,
            flow,
            mount,
        });
        Self {
            state: State::Load { load, waiting },
        }
    }

    pub(crate) fn inner(future: S::Future, admitted: Admitted) -> Self {
        Self {
            state: State::Inner { future, admitted },
        }
    }

    pub(crate) fn flow(step: BoxedStep) -> Self {
        Self {
            state: State::Flow { step },
        }
    }

    pub(crate) fn answered(response: Response) -> Self {
        Self {
            state: State::Answered {
                response: Some(response),
            },
        }
    }
}

impl<S, B, Store> Future for ResponseFuture<S, B, Store>
where
    S: Service<Request<B>>,
    S::Response: IntoResponse,
    Store: SessionStore,
{
    type Output = Result<Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Load { load, waiting } => {
                    let loaded = ready!(load.poll(cx));
                    let Waiting {
                        mut request,
                        mut ready,
                        flow,
                        mount,
                    } = waiting.take().expect("a session is loaded once");
                    match flow.admit(&mount, &mut request, loaded) {
                        Ok(admitted) => {
                            let future = ready.call(request);
                            state.set(State::Inner { future, admitted });
                        }
                        Err(answer) => return Poll::Ready(Ok(answer)),
                    }
                }
                StateProj::Inner { future, admitted } => {
                    let mut response = ready!(future.poll(cx))?.into_response();
                    admitted.mark(response.headers_mut());
                    return Poll::Ready(Ok(response));
                }
                StateProj::Flow { step } => return step.as_mut().poll(cx).map(Ok),
                StateProj::Answered { response } => {
                    let response = response.take();
                    return Poll::Ready(Ok(response.expect("polled after it was done")));
                }
            }
        }
    }
}

impl<S, B, Store> fmt::Debug for ResponseFuture<S, B, Store>
where
    S: Service<Request<B>>,
    Store: SessionStore,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
