//! The allocations of a signed-in request, counted against the bare router.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::pin,
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Method, Request, Response, header};
use telenor_auth::{
    CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    mock::MockGateway,
    session::{
        CookieStore, MemoryStore, Session, SessionId, SessionStore, SessionToken, StoreError,
        SubjectId,
    },
};
use tower::{Layer, Service, ServiceExt};

const ORIGIN: &str = "https://app.test";

fn builder(gateway: &MockGateway) -> TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}/telenor/callback");
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
    // The header values of hyper share one buffer, so that a clone takes no memory. One that is
    // made from a string takes some at its first clone, which is this one, and none from then on.
    let _ = (request.uri().clone(), request.headers().clone());
    request
}

/// The same as a form on a page of the app sends it.
fn form_of_the_app(cookie: &HeaderValue) -> Request<Body> {
    let mut request = signed_in(cookie);
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(header::ORIGIN, HeaderValue::from_static(ORIGIN));
    let same_origin = HeaderValue::from_static("same-origin");
    headers.insert("sec-fetch-site", same_origin);
    request
}

/// How many allocations one call makes, from the call to the finished response, which is there at
/// once.
async fn count<S>(service: S, request: Request<Body>, target: &'static str) -> u64
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let (allocations, polls) = measure(service, request, target).await;
    assert_eq!(polls, 1, "answered at once");
    allocations
}

/// How many allocations one call makes, and how often it is polled until it has the response.
async fn measure<S>(mut service: S, mut request: Request<Body>, target: &'static str) -> (u64, u32)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    *request.uri_mut() = http::Uri::from_static(target);
    let service = service.ready().await.unwrap();
    let (mut status, mut polls) = (None, 0);
    let counted = allocation_counter::measure(|| {
        let mut call = pin!(service.call(request));
        while status.is_none() && polls < 10 {
            polls += 1;
            let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(Ok(response)) = polled {
                status = Some(response.status());
            }
        }
    });
    assert_eq!(status, Some(http::StatusCode::OK));
    (counted.count_total, polls)
}

async fn plain() -> &'static str {
    "plain"
}

async fn user(_: TelenorUser) -> &'static str {
    "user"
}

fn routes() -> Router {
    Router::new().route("/plain", get(plain).post(plain))
}

/// As `axum::serve` does it once for all requests. A router without it puts its handlers together
/// for each of them.
fn served(router: Router) -> Router {
    router.with_state(())
}

/// The session cookie of a login. The count starts after everything else that a login leaves is
/// gone.
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
    assert!(through_layer <= bare + 5, "{through_layer} against {bare}");
    assert!(wrapped <= bare + 3, "{wrapped} against {bare}");
    // The layer has made the user already, and all clones of it share one allocation.
    assert_eq!(with_extractor, through_layer);
    assert_eq!(wrapped_extractor, wrapped);
}

#[tokio::test]
async fn form_of_the_app_costs_no_more_than_a_page() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).build().unwrap();
    let with_user = routes().route("/whoami", get(user));
    let layered = served(with_user.clone().layer(auth.clone()));
    let cookie = cookie(&gateway, &layered).await;
    let around = auth.layer(served(with_user));

    let bare = count(served(routes()), form_of_the_app(&cookie), "/plain").await;
    let page = count(layered.clone(), signed_in(&cookie), "/plain").await;
    let form = count(layered, form_of_the_app(&cookie), "/plain").await;
    let page_wrapped = count(around.clone(), signed_in(&cookie), "/plain").await;
    let form_wrapped = count(around, form_of_the_app(&cookie), "/plain").await;
    println!("bare {bare}, page {page} ({page_wrapped}), form {form} ({form_wrapped})");
    assert_eq!((form, form_wrapped), (page, page_wrapped));
    assert!(form <= bare + 5, "{form} against {bare}");
    assert!(form_wrapped <= bare + 3, "{form_wrapped} against {bare}");
}

#[tokio::test]
async fn request_without_a_cookie_costs_no_more_where_it_may_pass() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let bare = count(served(routes()), anonymous(), "/plain").await;
    let wrapped = count(auth.layer(served(routes())), anonymous(), "/plain").await;
    println!("bare {bare}, wrapped {wrapped}");
    // As many as for a user: the facts of the request are kept for an extractor that asks for a
    // login.
    assert!(wrapped <= bare + 3, "{wrapped} against {bare}");
}

/// A layer with this store, and a request that is signed in.
async fn with_store(store: impl SessionStore) -> (Router, Request<Body>) {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).session_store(store).build().unwrap();
    let layered = served(routes().route("/whoami", get(user)).layer(auth));
    let cookie = cookie(&gateway, &layered).await;
    (layered, signed_in(&cookie))
}

/// As behind a network: a look-up waits once, and allocates nothing by itself.
struct Remote(MemoryStore);

impl SessionStore for Remote {
    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let mut waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.0.load(token, now).await
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        self.0.save(session, now).await
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        self.0.update(token, new, now).await
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        self.0.remove(token, now).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.0.revoke(id, until, now).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.0.revoke_subject(subject, until, now).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        self.0.revoke_all(now).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.0.find_ended(sessions, now).await
    }
}

#[tokio::test]
async fn store_behind_a_network_takes_one_box_more_than_one_in_memory() {
    let (layered, request) = with_store(MemoryStore::new()).await;
    let memory = count(layered, request, "/plain").await;
    let (layered, request) = with_store(Remote(MemoryStore::new())).await;
    let (remote, polls) = measure(layered, request, "/plain").await;
    println!("memory {memory}, remote {remote}");
    assert_eq!(polls, 2, "it waited once");
    assert_eq!(remote, memory + 1);
}

/// The session itself: it is opened on the stack, and short strings stand in it.
#[tokio::test]
async fn session_in_a_cookie_takes_one_allocation_more_than_one_in_memory() {
    let (layered, request) = with_store(MemoryStore::new()).await;
    let memory = count(layered, request, "/plain").await;
    let store = CookieStore::new(&CookieKeys::random());
    let (layered, request) = with_store(store).await;
    let cookie = count(layered, request, "/plain").await;
    println!("memory {memory}, cookie {cookie}");
    assert_eq!(cookie, memory + 1);
}

#[cfg(feature = "cached")]
#[tokio::test]
async fn remembered_session_costs_no_more_than_one_in_memory() {
    use telenor_auth::session::CachedStore;

    let (layered, request) = with_store(MemoryStore::new()).await;
    let memory = count(layered, request, "/plain").await;
    let an_hour = std::time::Duration::from_secs(3_600);
    let cached = CachedStore::new(MemoryStore::new()).with_staleness(an_hour);
    let (layered, request) = with_store(cached).await;
    let remembered = count(layered, request, "/plain").await;
    println!("memory {memory}, remembered {remembered}");
    assert!(remembered <= memory, "{remembered} against {memory}");
}

/// A pending login is kept by the browser alone.
/// S109.
#[tokio::test]
async fn login_that_starts_leaves_nothing_in_memory() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).build().unwrap();
    let mut around = auth.layer(served(routes()));
    let mut start = async |logins: usize| {
        let mut left = 0;
        for _ in 0..logins {
            let counted = allocation_counter::measure(|| {
                let mut call = pin!(around.call(anonymous()));
                let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                let Poll::Ready(Ok(response)) = polled else {
                    panic!("answered at once");
                };
                assert_eq!(response.status(), http::StatusCode::SEE_OTHER);
            });
            left += counted.bytes_current;
        }
        left
    };
    start(10).await;
    let left = start(1_000).await;
    assert!(left < 1_000, "{left} bytes are left of a thousand logins");
}
