//! Routes that need a login of the last minutes.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::drain::Drain;
use crate::user::check_recent_login;

/// Guards routes that need a login of the last minutes, inside a
/// [`TelenorAuthLayer`](crate::TelenorAuthLayer). [`RecentLogin`](crate::RecentLogin) says what a
/// user gets whose login is older.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::post};
/// use telenor_auth::{RecentLoginLayer, RouterExt, TelenorAuthLayer};
///
/// # fn app() -> Result<Router, telenor_auth::ConfigError> {
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
/// let app: Router = Router::new()
///     .route("/address", post(async || "changed"))
///     .route_layer(RecentLoginLayer::new(Duration::from_secs(300)))
///     .telenor_auth(auth);
/// # Ok(app) }
/// # app().unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct RecentLoginLayer {
    max_age: Duration,
}

impl RecentLoginLayer {
    /// Returns a layer for logins of at most this age, in whole seconds.
    pub const fn new(max_age: Duration) -> Self {
        Self { max_age }
    }
}

impl<S> Layer<S> for RecentLoginLayer {
    type Service = RecentLoginService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let max_age = self.max_age;
        RecentLoginService { inner, max_age }
    }
}

/// The service that [`RecentLoginLayer`] makes.
#[derive(Clone, Debug)]
pub struct RecentLoginService<S> {
    inner: S,
    max_age: Duration,
}

impl<S, B> Service<Request<B>> for RecentLoginService<S>
where
    S: Service<Request<B>>,
    S::Response: IntoResponse,
    B: Body,
{
    type Response = Response;
    type Error = S::Error;
    type Future = RecentLoginFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (extensions, uri) = (request.extensions(), request.uri());
        let state = match check_recent_login(extensions, uri, self.max_age) {
            Ok(()) => State::Forward {
                future: self.inner.call(request),
            },
            Err(rejection) => State::Respond {
                response: Some(rejection.into_response()),
                drain: Drain::of_request(request),
            },
        };
        RecentLoginFuture { state }
    }
}

pin_project! {
    /// The future of a [`RecentLoginService`].
    pub struct RecentLoginFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B> {
        Forward {
            #[pin]
            future: F,
        },
        /// The body of the request is read before the response goes out.
        Respond {
            response: Option<Response>,
            #[pin]
            drain: Drain<B>,
        },
    }
}

impl<F, B, R, E> Future for RecentLoginFuture<F, B>
where
    F: Future<Output = Result<R, E>>,
    R: IntoResponse,
    B: Body,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { future } => future.poll(cx).map_ok(IntoResponse::into_response),
            StateProj::Respond { response, drain } => {
                let response = ready!(drain.poll_response(response, cx));
                Poll::Ready(Ok(response.expect("a future is not polled after its end")))
            }
        }
    }
}

impl<F, B> fmt::Debug for RecentLoginFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentLoginFuture").finish_non_exhaustive()
    }
}
