//! The contract of tower for a middleware.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use http::{Request, Response, StatusCode};
use telenor_auth::{
    RecentLoginLayer, TelenorAuth, TelenorAuthLayer,
    mock::MockGateway,
    session::{Fault, FaultyStore, MemoryStore},
};
use tower::{Layer, Service, ServiceExt};

use crate::support::{self, App, Browser, builder, navigation};

/// Counts its calls, and panics when it is called before it is ready. A clone starts unready.
#[derive(Debug)]
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self {
            ready: false,
            calls: Arc::clone(&self.calls),
        }
    }
}

impl Service<Request<Body>> for Strict {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called without being ready"
        );
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Body::empty())))
    }
}

/// Answers as a store behind a network does: not at once.
fn slow() -> FaultyStore<MemoryStore> {
    let store = FaultyStore::new(MemoryStore::new());
    store.set(Fault::Slow);
    store
}

async fn with_session(auth: &TelenorAuthLayer, gateway: MockGateway) -> (Browser, MockGateway) {
    let router = support::routes(&support::Hits::default()).layer(auth.clone());
    let app = App::mounted(router, gateway);
    (app.signed_in().await, app.gateway)
}

async fn only_the_ready_service_is_called(auth: TelenorAuthLayer, gateway: MockGateway) {
    let (browser, _gateway) = with_session(&auth, gateway).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let mut service = auth.layer(Strict {
        ready: false,
        calls: Arc::clone(&calls),
    });
    for expected in 1..=3 {
        let mut nav = navigation("/private");
        let cookie = format!("__Host-telenor-session={}", browser.session().unwrap());
        nav.headers_mut().insert("cookie", cookie.parse().unwrap());
        let response = service.ready().await.unwrap().call(nav).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(calls.load(Ordering::SeqCst), expected);
    }
    let response = service
        .ready()
        .await
        .unwrap()
        .call(navigation("/private"))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn only_the_ready_service_is_called_with_a_store_in_the_process() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).build().unwrap();
    only_the_ready_service_is_called(auth, gateway).await;
}

#[tokio::test]
async fn only_the_ready_service_is_called_with_a_store_behind_a_network() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).session_store(slow()).build().unwrap();
    only_the_ready_service_is_called(auth, gateway).await;
}

#[tokio::test]
async fn store_behind_a_network_works_through_a_router() {
    let app = App::with(|builder| builder.session_store(slow())).await;
    let mut browser = app.signed_in().await;
    assert!(browser.token().await.is_some());
    browser.jar.clear();
    assert_eq!(browser.open("/whoami").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn readiness_and_errors_of_the_inner_service_pass_through() {
    #[derive(Clone)]
    struct Failing(Arc<AtomicBool>);
    impl Service<Request<Body>> for Failing {
        type Response = Response<Body>;
        type Error = &'static str;
        type Future = Ready<Result<Response<Body>, &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            if self.0.load(Ordering::SeqCst) {
                Poll::Ready(Err("not ready"))
            } else {
                Poll::Ready(Ok(()))
            }
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            ready(Err("broken"))
        }
    }
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let unready = Arc::new(AtomicBool::new(false));
    let mut service: TelenorAuth<Failing> = auth.layer(Failing(Arc::clone(&unready)));
    let error = service
        .ready()
        .await
        .unwrap()
        .call(navigation("/private"))
        .await
        .unwrap_err();
    assert_eq!(error, "broken");
    let guard = RecentLoginLayer::new(Duration::from_secs(300));
    let mut guarded = guard.layer(Failing(Arc::clone(&unready)));
    let mut guarded_is_ready = async || {
        let ready = ServiceExt::<Request<Body>>::ready(&mut guarded).await;
        ready.map(drop)
    };
    assert_eq!(guarded_is_ready().await, Ok(()));
    unready.store(true, Ordering::SeqCst);
    assert_eq!(service.ready().await.err(), Some("not ready"));
    assert_eq!(guarded_is_ready().await, Err("not ready"));
}
