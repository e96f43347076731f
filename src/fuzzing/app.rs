//! An app behind the layer, and a browser that is signed in. Nothing listens, and no network is
//! needed.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use axum_core::{body::Body, response::Response};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use tokio::runtime::{self, Runtime};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    clock::unix_seconds,
    key::CookieKeys,
    layer::TelenorAuthLayer,
    session::{CookieStore, Record, Session, SessionStore, SessionToken},
};

pub(super) const ORIGIN: &str = "https://shop.example";
/// Where a login leads to.
const AUTHORIZATION: &str = "https://gateway.example/oauth/v2/authorize?";
/// Longer than any run.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

thread_local! {
    static APP: App = App::new();
}

pub(super) struct App {
    runtime: Runtime,
    layer: TelenorAuthLayer,
    store: CookieStore,
}

/// The app itself. It has an answer that nothing else has.
#[derive(Clone)]
struct Teapot;

impl App {
    fn new() -> Self {
        let keys = keys();
        let store = CookieStore::new(&keys);
        let redirect_uri = format!("{ORIGIN}/telenor/callback");
        let layer = TelenorAuthLayer::builder("client", "secret", redirect_uri)
            .gateway("https://gateway.example")
            .session_store(store.clone())
            .build()
            .expect("a valid configuration");
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        Self {
            runtime: runtime.expect("a runtime of this thread"),
            layer,
            store,
        }
    }

    /// Runs with the one of this thread.
    pub(super) fn with<T>(run: impl FnOnce(&Self) -> T) -> T {
        APP.with(run)
    }

    /// The response to a request without a body.
    pub(super) fn respond(&self, method: Method, uri: Uri, headers: HeaderMap) -> Response {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let response = self.layer.layer(Teapot).call(request);
        let Ok(response) = self.block_on(response);
        response
    }

    pub(super) fn body_of(&self, response: Response) -> Vec<u8> {
        let body = self.block_on(response.into_body().collect());
        body.expect("a body in memory").to_bytes().into()
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The session of another login, as it is in a cookie.
    pub(super) fn sign_in(&self) -> SessionToken {
        let now = SystemTime::now();
        let record = Record {
            instance: self.layer.instance(),
            issued_at: unix_seconds(now),
            ..Session::new("token", now + YEAR).record().clone()
        };
        let saved = self.store.save(Session::of(record), now);
        self.block_on(saved).expect("a session that fits")
    }
}

impl Service<Request<Body>> for Teapot {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        ready(Ok(response))
    }
}

/// The same keys in each process, so that a finding can be run again.
pub(super) fn keys() -> CookieKeys {
    ring(37)
}

/// Keys that seal nothing. A fuzzer learns what is compared, so it brings values that were sealed
/// under the others.
pub(super) fn unused_keys() -> CookieKeys {
    ring(41)
}

fn ring(step: u8) -> CookieKeys {
    let key: Vec<u8> = (0..32_u8).map(|at| at.wrapping_mul(step) ^ 0x9d).collect();
    CookieKeys::new([key]).expect("a key with enough different bytes")
}

/// Whether the app itself answered, which needs a session.
pub(super) fn is_from_app(response: &Response) -> bool {
    response.status() == StatusCode::IM_A_TEAPOT
}

/// Whether the response begins a login: it has a cookie for one, or leads to Telenor.
pub(super) fn begins_login(response: &Response) -> bool {
    let starts = |name: &str, start: &str| {
        let mut values = response.headers().get_all(name).iter();
        values.any(|value| value.as_bytes().starts_with(start.as_bytes()))
    };
    starts("location", AUTHORIZATION)
        || starts("hx-redirect", AUTHORIZATION)
        || starts("set-cookie", "__Host-telenor-login-")
}

/// Asserts that no redirect leads to anything but the app and Telenor.
pub(super) fn assert_safe_redirect(response: &Response) {
    let own = format!("{ORIGIN}/");
    for name in [header::LOCATION.as_str(), "hx-redirect"] {
        for location in response.headers().get_all(name) {
            let known = [&own, AUTHORIZATION];
            let safe = known.map(|start| location.as_bytes().starts_with(start.as_bytes()));
            assert!(safe.contains(&true), "{name}: {location:?}");
        }
    }
}
