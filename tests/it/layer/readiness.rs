//! What a `/ready` route says of the store, the keys and the gateway, and what it costs.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use axum::{Router, routing::get};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Request, StatusCode};
use telenor_auth::{
    Clock, CookieKeys, GatewayState, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    events::{Event, GrantType},
    mock::{self, Endpoint, MockGateway},
    session::{Fault, FaultyStore, MemoryStore, Operation},
};
use tokio::{runtime::Handle, task::JoinSet, time::Instant};
use tower::ServiceExt;

use crate::support::{Answer, App, builder};

const REDIRECT_URI: &str = "https://app.test/telenor/callback";
const SECOND: Duration = Duration::from_secs(1);

fn lonely() -> TelenorAuthBuilder {
    TelenorAuthLayer::builder("client", "secret", REDIRECT_URI)
}

/// A layer over a store that fails on command, and how often the store was said to have failed.
fn failing() -> (TelenorAuthLayer, FaultyStore<MemoryStore>, Arc<AtomicUsize>) {
    let store = FaultyStore::new(MemoryStore::new());
    let failures = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&failures);
    let auth = lonely()
        .session_store(store.clone())
        .on_event(move |event| {
            if let Event::StoreFailed { .. } = event {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
    (auth.build().unwrap(), store, failures)
}

/// What a probe gets.
async fn probe(auth: &TelenorAuthLayer) -> Answer {
    let auth = auth.clone();
    let route = get(async move || auth.ready().await);
    let request = Request::get("/ready").body(axum::body::Body::empty());
    let response = Router::new().route("/ready", route);
    Answer::read(response.oneshot(request.unwrap()).await.unwrap()).await
}

async fn store_that_works_is_ready(set: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) {
    let auth = set(lonely()).build().unwrap();
    let readiness = auth.ready().await;
    assert!(readiness.is_ready() && readiness.is_store_reachable());
    assert_eq!(probe(&auth).await.status, StatusCode::OK);
}

over_each_store! { builders: store_that_works_is_ready }

#[tokio::test(start_paused = true)]
async fn store_that_is_away_makes_the_layer_unready_until_it_is_back() {
    let (auth, store, failures) = failing();
    store.set_for(Operation::Ping, Fault::Error);
    let answer = probe(&auth).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = r#"{"breakers":{"authorization_code":"closed","refresh_token":"closed"},"gateway":"not_asked","keys":"ok","ready":false,"store":"unreachable"}"#;
    assert_eq!(answer.body, expected);
    let readiness = auth.ready().await;
    assert!(!readiness.is_ready() && !readiness.is_store_reachable());
    assert!(readiness.to_string().starts_with("not ready"));
    assert_eq!(failures.load(Ordering::SeqCst), 1);

    store.set(Fault::None);
    tokio::time::advance(SECOND).await;
    let answer = probe(&auth).await;
    assert_eq!(answer.status, StatusCode::OK);
    let expected = expected
        .replace("false", "true")
        .replace("unreachable", "ok");
    assert_eq!(answer.body, expected);
    assert_eq!(auth.ready().await.to_string(), "ready");
}

#[tokio::test(start_paused = true)]
async fn store_that_hangs_is_away_after_two_seconds() {
    let (auth, store, _) = failing();
    store.set_for(Operation::Ping, Fault::Hang);
    let started = Instant::now();
    assert!(!auth.ready().await.is_ready());
    let took = started.elapsed();
    assert!(took >= 2 * SECOND && took < 3 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn hundred_probes_at_once_ask_the_store_once() {
    for fault in [Fault::Error, Fault::Hang] {
        let (auth, store, failures) = failing();
        store.set_for(Operation::Ping, fault);
        let started = Instant::now();
        let mut probes = JoinSet::new();
        for _ in 0..100 {
            let auth = auth.clone();
            probes.spawn(async move { auth.ready().await.is_ready() });
        }
        assert_eq!(probes.join_all().await, [false; 100]);
        assert_eq!(failures.load(Ordering::SeqCst), 1, "{fault:?}");
        assert!(started.elapsed() < 3 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn answer_is_kept_for_a_second() {
    let (auth, store, failures) = failing();
    assert!(auth.ready().await.is_ready());
    store.set_for(Operation::Ping, Fault::Error);
    tokio::time::advance(SECOND * 9 / 10).await;
    assert!(auth.ready().await.is_ready());
    tokio::time::advance(SECOND / 10).await;
    assert!(!auth.ready().await.is_ready());
    tokio::time::advance(SECOND * 9 / 10).await;
    store.set(Fault::None);
    assert!(!auth.ready().await.is_ready());
    assert_eq!(failures.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn probes_that_hang_up_start_nothing_over() {
    let (auth, store, failures) = failing();
    store.set_for(Operation::Ping, Fault::Hang);
    let started = Instant::now();
    for _ in 0..3 {
        let given_up = tokio::time::timeout(SECOND / 2, auth.ready()).await;
        assert!(given_up.is_err());
    }
    assert!(!auth.ready().await.is_ready());
    assert!(started.elapsed() < 3 * SECOND, "{:?}", started.elapsed());
    assert_eq!(failures.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn hundred_probes_that_hang_up_leave_one_ping_and_one_task() {
    let (auth, store, failures) = failing();
    store.set_for(Operation::Ping, Fault::Hang);
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..100 {
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(auth.ready()).poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), before + 1);
    tokio::time::sleep(2 * SECOND).await;
    assert!(!auth.ready().await.is_ready());
    assert_eq!(failures.load(Ordering::SeqCst), 1);
    assert_eq!(tasks(), before);
}

#[tokio::test]
async fn gateway_is_shown_and_never_makes_the_app_unready() {
    async fn name(user: TelenorUser) -> Result<&'static str, telenor_auth::ApiError> {
        user.info().await.map(|_| "name")
    }
    let gateway = MockGateway::start().await.unwrap();
    let clock = Clock::manual();
    let auth = builder(&gateway).clock(clock.clone()).build().unwrap();
    let router = Router::new()
        .route("/whoami", get(name))
        .layer(auth.clone());
    let app = App::mounted(router, gateway);
    assert_eq!(auth.ready().await.gateway(), GatewayState::NotAsked);
    let mut browser = app.signed_in().await;
    assert_eq!(auth.ready().await.gateway(), GatewayState::Answering);

    let failed = mock::Answer::status(500);
    app.gateway
        .answer_always(Endpoint::UserInfo, failed.clone());
    let since = clock.now();
    for _ in 0..2 {
        browser.open("/whoami").await;
        clock.advance(SECOND);
    }
    let readiness = auth.ready().await;
    let GatewayState::Failing { since: shown, .. } = readiness.gateway() else {
        panic!("{readiness:?}");
    };
    assert_eq!(shown, since);
    let seconds = since.duration_since(std::time::UNIX_EPOCH).unwrap();
    let answer = probe(&auth).await;
    assert_eq!(answer.status, StatusCode::OK);
    let expected = format!(
        r#""gateway":"failing","gateway_failing_since":{}"#,
        seconds.as_secs()
    );
    assert!(answer.body.contains(&expected), "{}", answer.body);

    app.gateway.answer_always(Endpoint::Token, failed);
    for _ in 0..11 {
        let mut other = app.browser();
        let callback = other.callback_url(&app.gateway, "/whoami").await;
        other.open(&callback).await;
        clock.advance(SECOND);
    }
    let readiness = auth.ready().await;
    assert!(readiness.is_breaker_open(GrantType::AuthorizationCode));
    assert!(!readiness.is_breaker_open(GrantType::RefreshToken));
    assert!(readiness.is_ready());
    let answer = probe(&auth).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.contains(r#""authorization_code":"open""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn keys_that_cannot_be_read_again_are_shown_and_stay_in_use() {
    let key = BASE64_STANDARD.encode(rand::random::<[u8; 32]>());
    let vault = Arc::new(AtomicUsize::new(0));
    let sealed = Arc::clone(&vault);
    let keys = CookieKeys::from_fn(move || match sealed.load(Ordering::SeqCst) {
        0 => Ok(key.clone()),
        _ => Err("the vault is sealed"),
    });
    let keys = keys.unwrap();
    let auth = lonely().cookie_keys(keys.clone()).build().unwrap();
    assert!(auth.ready().await.are_keys_current());
    vault.store(1, Ordering::SeqCst);
    assert!(keys.reload().is_err());
    let readiness = auth.ready().await;
    assert!(readiness.is_ready() && !readiness.are_keys_current());
    let answer = probe(&auth).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.contains(r#""keys":"not_read_again""#),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("vault"));
    vault.store(0, Ordering::SeqCst);
    keys.reload().unwrap();
    assert!(auth.ready().await.are_keys_current());
}
