//! The minimum: what an app must do for each request of a signed-in user, written by hand.
//!
//! It finds the session cookie and no twin of it, looks the session up or opens its seal, checks
//! that it has not expired, compares its own routes, removes headers that claim a number, puts the
//! user into the extensions, and marks the response as private. It has no settings, and only one
//! answer for each failure. Every figure of the layer is a ratio to this, so it never changes.

mod challenge;
mod cookie;
mod login;
mod seal;
mod session;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, request},
};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub use self::session::{Session, Sessions};

pub const COOKIE_NAME: &str = "__Host-telenor-session";

/// The layer by hand.
#[derive(Clone)]
pub struct ByHand(Arc<Shared>);

struct Shared {
    sessions: Sessions,
    challenge: challenge::Challenge,
    routes: [String; 5],
}

impl ByHand {
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        let routes = ["callback", "login", "logout", "session", "start"];
        Self(Arc::new(Shared {
            sessions,
            challenge: challenge::Challenge::new(),
            routes: routes.map(|route| format!("/telenor/{route}")),
        }))
    }
}

impl<S> Layer<S> for ByHand {
    type Service = ByHandService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let shared = Arc::clone(&self.0);
        ByHandService { inner, shared }
    }
}

/// The user, as a handler takes it.
#[derive(Clone)]
pub struct User(Arc<Session>);

impl User {
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.0.access_token
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, StatusCode> {
        let user = parts.extensions.get().cloned();
        user.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[derive(Clone)]
pub struct ByHandService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B> Service<Request<B>> for ByHandService<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ByHandFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shared = &*self.shared;
        let path = request.uri().path();
        if shared.routes.iter().any(|route| route == path) {
            let response = Response::builder().status(StatusCode::NOT_FOUND);
            return ByHandFuture::respond(response.body(Body::empty()).expect("no bad part"));
        }
        let session = cookie::find(request.headers(), COOKIE_NAME)
            .and_then(|token| shared.sessions.load(token))
            .filter(|session| SystemTime::now() < session.expires_at);
        let Some(session) = session else {
            return ByHandFuture::respond(shared.challenge.respond(&request));
        };
        remove_claimed_numbers(request.headers_mut());
        request.extensions_mut().insert(User(session));
        ByHandFuture {
            state: State::Inner {
                future: self.inner.call(request),
            },
        }
    }
}

const CLAIMED: [HeaderName; 7] = [
    HeaderName::from_static("msisdn"),
    HeaderName::from_static("x-msisdn"),
    HeaderName::from_static("x_msisdn"),
    HeaderName::from_static("x-nokia-msisdn"),
    HeaderName::from_static("x_nokia_msisdn"),
    HeaderName::from_static("x-up-calling-line-id"),
    HeaderName::from_static("x_up_calling_line_id"),
];

fn remove_claimed_numbers(headers: &mut HeaderMap) {
    for name in &CLAIMED {
        headers.remove(name);
    }
}

fn mark_private(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CACHE_CONTROL) {
        let private = HeaderValue::from_static("private, no-store");
        headers.insert(header::CACHE_CONTROL, private);
    }
    headers.append(header::VARY, HeaderValue::from_static("Cookie"));
}

pin_project! {
    pub struct ByHandFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Inner {
            #[pin]
            future: F,
        },
        Respond {
            response: Option<Response<Body>>,
        },
    }
}

impl<F> ByHandFuture<F> {
    fn respond(response: Response<Body>) -> Self {
        let response = Some(response);
        Self {
            state: State::Respond { response },
        }
    }
}

impl<F, E> Future for ByHandFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Inner { future } => {
                let mut response = ready!(future.poll(cx))?;
                mark_private(response.headers_mut());
                Poll::Ready(Ok(response))
            }
            StateProj::Respond { response } => {
                Poll::Ready(Ok(response.take().expect("polled once")))
            }
        }
    }
}
