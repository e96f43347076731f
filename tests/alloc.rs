//! What a signed-in request costs in allocations, counted against the bare router.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, Response, header};
use telenor_auth::{
    TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    mock::MockGateway,
    session::{CachedStore, MemoryStore, SessionStore},
};
use tower::{Layer, Service, ServiceExt};

fn builder(gateway: &MockGateway) -> TelenorAuthBuilder {
    let redirect_uri = "https://app.test/telenor/callback";
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
}

fn anonymous() -> Request<Body> {
    let request = Request::get("/plain").header(header::ACCEPT, "text/html");
    request.body(Body::empty()).unwrap()
}

/// A request as a server hands it over.
fn signed_in(cookie: &HeaderValue) -> Request<Body> {
    let mut request = anonymous();
    request.headers_mut().insert(header::COOKIE, cookie.clone());
    // Bytes that were parsed from a socket are shared already; these become so with their first clone.
    let _ = (request.uri().clone(), request.headers().clone());
    request
}

/// How many allocations one call makes, from the call to the finished response.
async fn count<S>(mut service: S, mut request: Request<Body>, target: &'static str) -> u64
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    *request.uri_mut() = http::Uri::from_static(target);
    let service = service.ready().await.unwrap();
    let mut status = None;
    let counted = allocation_counter::measure(|| {
        let call = pin!(service.call(request));
        if let Poll::Ready(Ok(response)) = call.poll(&mut Context::from_waker(Waker::noop())) {
            status = Some(response.status());
        }
    });
    assert_eq!(status, Some(http::StatusCode::OK), "answered at once");
    counted.count_total
}

async fn plain() -> &'static str {
    "plain"
}

async fn user(_: TelenorUser) -> &'static str {
    "user"
}

fn routes() -> Router {
    Router::new().route("/plain", get(plain))
}

/// As `axum::serve` does it once for all requests; a router without it puts its handlers together anew for each.
fn served(router: Router) -> Router {
    router.with_state(())
}

/// The session cookie of a login. What else a login leaves is gone by the time that anything is counted.
async fn cookie(gateway: &MockGateway, app: &Router) -> HeaderValue {
    let user = gateway.login(app, "/whoami").await.unwrap();
    let cookies = user.cookie_header().to_str().unwrap().to_owned();
    let mut cookies = cookies.split("; ");
    let session = cookies.find(|cookie| cookie.starts_with("__Host-telenor-session="));
    session.unwrap().parse().unwrap()
}

#[tokio::test]
async fn layer_adds_few_allocations_to_a_signed_in_request() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).build().unwrap();
    let with_user = routes().route("/user", get(user)).route(
        "/whoami",
        get(async |user: TelenorUser| user.access_token().secret().to_owned()),
    );
    let layered = served(with_user.clone().layer(auth.clone()));
    let cookie = cookie(&gateway, &layered).await;

    let any = served(routes().layer(tower::layer::util::Identity::new()));
    let any = count(any, signed_in(&cookie), "/plain").await;
    let bare = count(served(routes()), signed_in(&cookie), "/plain").await;
    let through_layer = count(layered.clone(), signed_in(&cookie), "/plain").await;
    let with_extractor = count(layered, signed_in(&cookie), "/user").await;
    let around = auth.layer(served(with_user));
    let wrapped = count(around.clone(), signed_in(&cookie), "/plain").await;
    let wrapped_extractor = count(around, signed_in(&cookie), "/user").await;
    println!(
        "bare {bare}, any layer {any}, Router::layer {through_layer} ({with_extractor} with TelenorUser), wrapped {wrapped} ({wrapped_extractor})"
    );
    assert!(through_layer <= bare + 4, "{through_layer} against {bare}");
    assert!(
        with_extractor <= bare + 4,
        "{with_extractor} against {bare}"
    );
    assert!(wrapped <= bare + 3, "{wrapped} against {bare}");
    assert!(
        wrapped_extractor <= bare + 3,
        "{wrapped_extractor} against {bare}"
    );
}

#[tokio::test]
async fn request_without_a_cookie_costs_no_more_where_it_may_pass() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let bare = count(served(routes()), anonymous(), "/plain").await;
    let wrapped = count(auth.layer(served(routes())), anonymous(), "/plain").await;
    println!("bare {bare}, wrapped {wrapped}");
    assert!(wrapped <= bare + 2, "{wrapped} against {bare}");
}

#[tokio::test]
async fn remembered_session_costs_no_more_than_one_in_memory() {
    async fn through<Store: SessionStore>(store: Store) -> u64 {
        let gateway = MockGateway::start().await.unwrap();
        let auth = builder(&gateway).session_store(store).build().unwrap();
        let layered = served(routes().route("/whoami", get(user)).layer(auth));
        let cookie = cookie(&gateway, &layered).await;
        count(layered, signed_in(&cookie), "/plain").await
    }
    let memory = through(MemoryStore::new()).await;
    let an_hour = std::time::Duration::from_secs(3_600);
    let remembered = through(CachedStore::new(MemoryStore::new()).with_staleness(an_hour)).await;
    println!("memory {memory}, remembered {remembered}");
    assert!(remembered <= memory, "{remembered} against {memory}");
}
