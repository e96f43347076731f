//! An app whose Redis is away, and what it asks of one that is there.

use std::time::Instant;

use http::StatusCode;
use redis::cmd;
use telenor_auth::{
    TelenorAuthBuilder, TelenorAuthLayer,
    mock::Endpoint,
    session::{Fault, FaultyStore, Operation, RedisStore},
};

use super::{SOON, assert_unavailable, eventually, hasty, revocations::sharing, store};
use crate::support::{App, Browser, fault_proxy::FaultProxy, keys, redis::Redis, stores::Blocking};

fn with(store: RedisStore) -> impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder {
    |builder| builder.cookie_keys(keys(1)).session_store(store)
}

#[tokio::test]
async fn app_starts_while_redis_is_down_and_works_once_it_is_up() {
    let mut redis = Redis::start().await;
    redis.kill();
    let app = App::with(with(hasty(&redis.url()))).await;
    let mut browser = app.browser();
    browser.jar = vec![("__Host-telenor-session".into(), "token".into())];
    assert_unavailable(&browser.open("/whoami").await);
    redis.restart().await;
    eventually("it works", async || {
        browser.open("/whoami").await.status == StatusCode::SEE_OTHER
    })
    .await;
    assert!(app.signed_in().await.token().await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_is_503_for_every_browser_and_ends_when_redis_is_back() {
    let mut redis = Redis::durable().await;
    let app = App::with(with(hasty(&redis.url()))).await;
    let mut browsers = Vec::new();
    for _ in 0..5 {
        browsers.push(app.signed_in().await);
    }
    let open_all = async |browsers: &[Browser]| {
        let mut tasks = tokio::task::JoinSet::new();
        for browser in browsers.iter().cycle().take(50) {
            let mut browser = browser.clone();
            tasks.spawn(async move {
                let started = Instant::now();
                (browser.open("/whoami").await, started.elapsed())
            });
        }
        tasks.join_all().await
    };
    for round in 0..2 {
        let hits = app.hits();
        redis.kill();
        for _ in 0..3 {
            for (answer, took) in open_all(&browsers).await {
                assert_unavailable(&answer);
                assert!(took < SOON, "{took:?}");
            }
        }
        assert_eq!(app.hits(), hits);
        redis.restart().await;
        let up = Instant::now();
        let mut first = browsers[round].clone();
        eventually("the first is admitted", async || {
            first.open("/whoami").await.status == StatusCode::OK
        })
        .await;
        assert!(up.elapsed() < SOON, "{:?}", up.elapsed());
        for (answer, _) in open_all(&browsers).await {
            assert_eq!(answer.status, StatusCode::OK, "with the session of before");
        }
    }
}

#[tokio::test]
async fn hanging_redis_is_503_in_time() {
    let redis = Redis::start().await;
    let app = App::with(with(hasty(&redis.url()))).await;
    let mut browser = app.signed_in().await;
    let callback = app.browser().callback_url(&app.gateway, "/whoami").await;
    redis.hang();
    for target in ["/whoami", "/perhaps", "/telenor/session", &callback] {
        let started = Instant::now();
        assert_unavailable(&browser.open(target).await);
        assert!(started.elapsed() < SOON, "{target}");
    }
    redis.go_on();
    eventually("it is back", async || browser.token().await.is_some()).await;
}

#[tokio::test]
async fn login_that_met_a_hanging_redis_goes_on_when_it_is_back() {
    let redis = Redis::start().await;
    let app = App::with(with(hasty(&redis.url()))).await;
    app.signed_in().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    redis.hang();
    assert_unavailable(&browser.open(&callback).await);
    redis.go_on();
    // What it was asked in between it does now: it takes the login's lease for no caller, and
    // releases it.
    let started = Instant::now();
    eventually("it goes on", async || {
        let answer = browser.open(&callback).await;
        answer.status == StatusCode::SEE_OTHER
    })
    .await;
    assert!(started.elapsed() < 4 * SOON, "{:?}", started.elapsed());
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn request_costs_one_command_and_a_login_four() {
    let redis = Redis::start().await;
    let app = App::with(with(store(&redis))).await;
    let reset = || {
        let () = redis.ask(cmd("CONFIG").arg("RESETSTAT"));
    };
    reset();
    let mut browser = app.signed_in().await;
    // The login's lease is acquired, its code about to be sent, its session saved, and the lease
    // completed.
    assert_eq!(redis.calls(), [("set".to_owned(), 4)]);
    reset();
    for _ in 0..10 {
        assert!(browser.token().await.is_some());
    }
    assert_eq!(redis.calls(), [("get".to_owned(), 10)]);
}

/// From the answer of the gateway on, until the second attempt to save the session.
#[tokio::test]
async fn login_outlasts_an_outage_after_its_code_was_sent() {
    let redis = Redis::start().await;
    let proxy = FaultProxy::start(redis.address()).await;
    let store = Blocking::new(hasty(&format!("redis://{}", proxy.address)));
    let writes = std::sync::Arc::clone(&store.writes);
    let app = App::with(|builder| builder.cookie_keys(keys(1)).session_store(store)).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let login = tokio::spawn(async move {
        let answer = browser.open(&callback).await;
        (browser, answer.status)
    });
    gate.waiting(1).await;
    proxy.set(Fault::Error);
    gate.open();
    writes.came(2).await;
    proxy.set(Fault::None);
    let (mut browser, status) = login.await.unwrap();
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    assert_eq!((app.token_requests(), app.gateway.live_tokens()), (1, 1));
}

#[tokio::test]
async fn callback_repeated_while_the_store_is_away_shuts_out_no_login() {
    let redis = Redis::start().await;
    let faulty = FaultyStore::new(super::store(&redis));
    let settings = |builder: TelenorAuthBuilder| {
        let builder = builder.cookie_keys(keys(1));
        builder.session_store(faulty.clone())
    };
    let app = App::with(settings).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    faulty.set_for(Operation::AcquireLease, Fault::Error);
    for _ in 0..300 {
        assert_unavailable(&browser.open(&callback).await);
    }
    faulty.set(Fault::None);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(app.signed_in().await.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn layer_is_ready_while_redis_answers() {
    let mut redis = Redis::start().await;
    redis.kill();
    let hasty = hasty(&redis.url());
    let stores = |builder: TelenorAuthBuilder, shared: bool| match shared {
        true => builder.session_store(sharing(&hasty)),
        false => builder.session_store(hasty.clone()),
    };
    let layer = |shared| {
        let builder = TelenorAuthLayer::builder("id", "secret", "https://app.test/callback");
        stores(builder.cookie_keys(keys(1)), shared)
            .build()
            .unwrap()
    };
    // Sessions in cookies need the list of those that have ended.
    let layers = [layer(false), layer(true)];
    for auth in &layers {
        let started = Instant::now();
        assert!(!auth.ready().await.is_ready());
        assert!(started.elapsed() < SOON);
    }
    redis.restart().await;
    for auth in &layers {
        eventually("it is ready", async || auth.ready().await.is_ready()).await;
    }
    redis.hang();
    eventually("it is not ready", async || {
        !layers[0].ready().await.is_ready()
    })
    .await;
    assert!(
        layers[1].ready().await.is_ready(),
        "it knows the list for a while"
    );
    redis.go_on();
    eventually("it is ready again", async || {
        layers[0].ready().await.is_ready()
    })
    .await;
}
