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

use crate::support::{Browser, Hits, MINUTE, builder, keys, leased::Leased, routes};

const HOOK: Duration = Duration::from_secs(50);

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

/// A proof with a store that is wrong would prove nothing.
#[tokio::test]
async fn store_of_these_tests_meets_the_contract() {
    check_store(Leased::default()).await;
}
