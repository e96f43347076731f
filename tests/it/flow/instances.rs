//! How long one instance of the app waits for another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use http::StatusCode;
use telenor_auth::{
    Clock, FailureCause, NewLogin,
    events::Event,
    mock::{Endpoint, MockGateway},
    session::check_store,
};
use tokio::time::{Instant, sleep};

use super::refresh;
use crate::support::{Browser, Hits, MINUTE, builder, kept::Frozen, keys, leased::Leased, routes};

const HOOK: Duration = Duration::from_secs(50);
const SECOND: Duration = Duration::from_secs(1);

/// Two instances whose hook takes almost as long as it may, and how often it ran.
fn two_instances(gateway: &MockGateway, accepts: bool) -> ([Router; 2], Arc<AtomicUsize>) {
    let (store, runs) = (Leased::default(), Arc::<AtomicUsize>::default());
    let instance = || {
        let runs = Arc::clone(&runs);
        let hook = move |login: NewLogin| {
            runs.fetch_add(1, Ordering::SeqCst);
            async move {
                sleep(HOOK).await;
                match accepts {
                    true => Ok(login),
                    false => Err(login.refuse("Kontoen er sperret", "Ring oss.")),
                }
            }
        };
        let auth = builder(gateway)
            .cookie_keys(keys(1))
            .session_store(store.clone())
            .on_login(hook)
            .on_login_timeout(MINUTE);
        routes(&Hits::default()).layer(auth.build().unwrap())
    };
    ([instance(), instance()], runs)
}

#[tokio::test(start_paused = true)]
async fn instance_waits_for_another_as_long_as_the_hook_may_take() {
    for accepts in [true, false] {
        let gateway = MockGateway::start().await.unwrap();
        let (routers, runs) = two_instances(&gateway, accepts);
        let [mut first, mut second] = routers.map(|router| Browser {
            router,
            jar: Vec::new(),
        });
        let callback = first.callback_url(&gateway, "/whoami").await;
        second.jar = first.jar.clone();
        let started = Instant::now();
        let (one, other) = tokio::join!(first.open(&callback), second.open(&callback));
        for answer in [one, other] {
            if accepts {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
                let heading = "<h1>Kontoen er sperret</h1>";
                assert!(answer.body.contains(heading), "{}", answer.body);
            }
        }
        assert!(started.elapsed() >= HOOK, "{:?}", started.elapsed());
        assert_eq!(first.session(), second.session());
        assert_eq!(first.session().is_some(), accepts);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(gateway.hits(Endpoint::Token), 1);
    }
}

/// S116.
#[tokio::test]
async fn callback_that_comes_again_at_another_instance_is_an_event() {
    let (store, clock) = (Leased::default(), Clock::manual());
    let failed = Arc::<AtomicUsize>::default();
    let gateway = MockGateway::start().await.unwrap();
    let instance = || {
        let failed = Arc::clone(&failed);
        let note = move |event: &Event<'_>| {
            if let Event::LoginFailed {
                login_id: Some(_),
                cause: FailureCause::CodeReplayed,
                ..
            } = event
            {
                failed.fetch_add(1, Ordering::SeqCst);
            }
        };
        let auth = builder(&gateway)
            .clock(clock.clone())
            .cookie_keys(keys(1))
            .session_store(store.clone())
            .on_event(note);
        routes(&Hits::default()).layer(auth.build().unwrap())
    };
    let mut browser = Browser {
        router: instance(),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/whoami").await;
    let mut thief = browser.clone();
    browser.open(&callback).await;
    assert_eq!(failed.load(Ordering::SeqCst), 0);
    // The outcome is known for a minute.
    clock.advance(MINUTE);
    thief.router = instance();
    let replayed = thief.open(&callback).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
    assert_eq!(failed.load(Ordering::SeqCst), 1);
    assert_eq!(gateway.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn instance_waits_for_the_refresh_of_another() {
    let gateway = refresh::gateway(MockGateway::builder()).await;
    let (store, clock) = (Leased::default(), Clock::manual());
    let instance = || {
        let auth = builder(&gateway).clock(clock.clone()).cookie_keys(keys(1));
        let auth = auth.refresh_tokens(true).session_store(store.clone());
        routes(&Hits::default()).layer(auth.build().unwrap())
    };
    let mut first = Browser {
        router: instance(),
        jar: Vec::new(),
    };
    let callback = first.callback_url(&gateway, "/whoami").await;
    first.open(&callback).await;
    let old = first.token().await;
    let mut second = first.clone();
    second.router = instance();
    clock.advance(refresh::TOKEN);
    let gate = gateway.hold(Endpoint::Token);
    let refreshes = tokio::spawn(async move { first.token().await });
    gate.waiting(1).await;
    let waits = tokio::spawn(async move { second.token().await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!waits.is_finished(), "the other one is still at it");
    gate.open();
    let new = refreshes.await.unwrap();
    assert!(new.is_some() && new != old);
    assert_eq!(waits.await.unwrap(), new);
    assert_eq!(gateway.hits(Endpoint::Token), 2);
}

/// As long as its login can come back, with the skew of the clocks, and no longer.
#[tokio::test]
async fn mark_of_a_code_that_was_sent_lasts_as_long_as_its_login() {
    const LOGIN: Duration = Duration::from_secs(300);
    let gateway = MockGateway::start().await.unwrap();
    for (passed, sent) in [(LOGIN + MINUTE - SECOND, 1), (LOGIN + MINUTE + SECOND, 2)] {
        let (store, clock) = (Leased::default(), Clock::manual());
        let instance = || {
            let auth = builder(&gateway).clock(clock.clone());
            let auth = auth.cookie_keys(keys(1)).login_timeout(LOGIN);
            let auth = auth.session_store(store.clone()).build().unwrap();
            routes(&Hits::default()).layer(auth)
        };
        let mut browser = Browser {
            router: instance(),
            jar: Vec::new(),
        };
        let callback = browser.callback_url(&gateway, "/whoami").await;
        let mut thief = browser.clone();
        let before = gateway.hits(Endpoint::Token);
        let frozen = Frozen::start();
        browser.open(&callback).await;
        // The time of the leases alone: by its own clock, the cookie of the login is still good.
        frozen.pass(passed).await;
        clock.advance(MINUTE);
        thief.router = instance();
        thief.open(&callback).await;
        let hits = gateway.hits(Endpoint::Token) - before;
        assert_eq!(hits, sent, "{passed:?}");
    }
}

/// A proof with a store that is wrong would prove nothing.
#[tokio::test]
async fn store_of_these_tests_meets_the_contract() {
    check_store(Leased::default()).await;
}
