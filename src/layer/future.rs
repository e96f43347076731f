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
    boxed::BoxFuture,
    flow::{Admitted, Flow, Turned, placement::Mount},
    session::{Session, SessionStore},
    user::Refreshed,
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
        /// The access token has run out.
        Refresh {
            refresh: BoxFuture<'static, Refreshed>,
            waiting: Option<Waiting<S, B, Store>>,
        },
        Inner {
            #[pin]
            future: S::Future,
            admitted: Option<Admitted<Store>>,
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
pub(crate) struct Waiting<S, B, Store> {
    pub request: Request<B>,
    pub ready: S,
    pub flow: Arc<Flow<Store>>,
    pub mount: Mount,
}

impl<S, B, Store> ResponseFuture<S, B, Store>
where
    S: Service<Request<B>>,
    Store: SessionStore,
{
    pub(crate) fn load(load: Store::Load, waiting: Waiting<S, B, Store>) -> Self {
        let waiting = Some(waiting);
        Self {
            state: State::Load { load, waiting },
        }
    }

    pub(crate) fn refresh(session: Session, waiting: Waiting<S, B, Store>) -> Self {
        Self {
            state: State::refresh(session, waiting),
        }
    }

    pub(crate) fn inner(future: S::Future, admitted: Admitted<Store>) -> Self {
        let admitted = Some(admitted);
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

impl<S, B, Store> State<S, B, Store>
where
    S: Service<Request<B>>,
    Store: SessionStore,
{
    fn refresh(session: Session, waiting: Waiting<S, B, Store>) -> Self {
        let token = waiting.flow.session_token(waiting.request.headers());
        let token = token
            .expect("a session was loaded by its token")
            .into_owned();
        Self::Refresh {
            refresh: Arc::clone(&waiting.flow).refreshed(token, session),
            waiting: Some(waiting),
        }
    }

    fn inner(mut waiting: Waiting<S, B, Store>, admitted: Admitted<Store>) -> Self {
        Self::Inner {
            future: waiting.ready.call(waiting.request),
            admitted: Some(admitted),
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
                    let mut waiting = waiting.take().expect("a session is loaded once");
                    let (flow, mount) = (&waiting.flow, &waiting.mount);
                    match flow.admit(mount, &mut waiting.request, loaded) {
                        Ok(admitted) => state.set(State::inner(waiting, admitted)),
                        Err(Turned::Stale(session)) => {
                            state.set(State::refresh(session, waiting));
                        }
                        Err(Turned::Away(answer)) => return Poll::Ready(Ok(answer)),
                    }
                }
                StateProj::Refresh { refresh, waiting } => {
                    let refreshed = ready!(refresh.as_mut().poll(cx));
                    let mut waiting = waiting.take().expect("a token is refreshed once");
                    let (flow, mount) = (&waiting.flow, &waiting.mount);
                    match flow.admit_refreshed(mount, &mut waiting.request, refreshed) {
                        Ok(admitted) => state.set(State::inner(waiting, admitted)),
                        Err(answer) => return Poll::Ready(Ok(answer)),
                    }
                }
                StateProj::Inner { future, admitted } => {
                    let mut response = ready!(future.poll(cx))?.into_response();
                    if let Some(admitted) = admitted.take() {
                        admitted.mark(&mut response);
                    }
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
