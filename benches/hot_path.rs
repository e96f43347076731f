//! The time of a signed-in request, against the bare router in the same run.
//!
//! Machines are noisy, so the two are measured in turn and the ratio of the medians is what counts.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::{convert::Infallible, hint::black_box, time::Instant};

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, Response, header};
use telenor_auth::{
    CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser, mock::MockGateway,
    session::CookieStore,
};
use tower::{Layer, Service, ServiceExt};

const ROUNDS: usize = 41;
const REQUESTS: u32 = 20_000;
const ORIGIN: &str = "https://app.test";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gateway = MockGateway::start().await?;
    compare("memory", &gateway, builder(&gateway)).await?;
    let keys = CookieKeys::random();
    let store = CookieStore::new(&keys);
    compare(
        "cookie",
        &gateway,
        builder(&gateway).cookie_keys(keys).session_store(store),
    )
    .await
}

/// Times a router in the layer against the bare one, turn by turn.
async fn compare(
    store: &str,
    gateway: &MockGateway,
    builder: TelenorAuthBuilder,
) -> Result<(), Box<dyn std::error::Error>> {
    let auth = builder.build()?;
    let router = served(routes());
    let mut layered = auth.layer(router.clone());
    let mut bare = router;
    let session = sign_in(gateway, &mut layered).await?;
    for (handler, path) in [
        ("handler ignores the user", "/plain"),
        ("handler takes TelenorUser", "/user"),
    ] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(measure(&mut bare, &session, "/plain").await);
            with.push(measure(&mut layered, &session, path).await);
        }
        let (without, with) = (median(&mut without), median(&mut with));
        let (added, ratio) = (with - without, with / without);
        println!(
            "{store} store, {handler:25} {with:6.0} ns, bare {without:6.0} ns, {added:+6.0} ns, ratio {ratio:.2}"
        );
    }
    Ok(())
}

fn builder(gateway: &MockGateway) -> TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}/telenor/callback");
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
}

async fn plain() -> &'static str {
    "plain"
}

async fn user(_: TelenorUser) -> &'static str {
    "user"
}

fn routes() -> Router {
    Router::new()
        .route("/plain", get(plain))
        .route("/user", get(user))
}

/// As `axum::serve` prepares it.
fn served(router: Router) -> Router {
    router.with_state(())
}

/// The session cookie of a browser that is signed in.
async fn sign_in<S>(
    gateway: &MockGateway,
    app: &mut S,
) -> Result<HeaderValue, Box<dyn std::error::Error>>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let challenge = app
        .ready()
        .await?
        .call(request("/plain", &HeaderValue::from_static(""))?)
        .await?;
    let callback = gateway.allow(challenge.headers()[header::LOCATION].to_str()?)?;
    let pending = cookies(&challenge).parse()?;
    let callback = request(callback.trim_start_matches(ORIGIN), &pending)?;
    let cookies = cookies(&app.ready().await?.call(callback).await?);
    let session = cookies
        .split("; ")
        .find(|cookie| cookie.contains("-session="));
    Ok(session.ok_or("no session")?.parse()?)
}

fn cookies(response: &Response<Body>) -> String {
    let lines = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}

/// The header values of hyper share one buffer. So do the clones of one that was made from a
/// string, from the first of them on.
fn request(target: &str, cookies: &HeaderValue) -> Result<Request<Body>, http::Error> {
    Request::get(target)
        .header("accept", "text/html")
        .header("cookie", cookies.clone())
        .body(Body::empty())
}

/// Nanoseconds for one request.
async fn measure<S>(app: &mut S, session: &HeaderValue, path: &'static str) -> f64
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let requests: Vec<_> = (0..REQUESTS)
        .filter_map(|_| request(path, session).ok())
        .collect();
    let started = Instant::now();
    for request in requests {
        let Ok(response) = app.call(request).await;
        assert!(response.status().is_success() || path != "/plain");
        black_box(response);
    }
    started.elapsed().as_nanos() as f64 / f64::from(REQUESTS)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
