//! Each login makes one token request, with any number of copies of its callback and of other
//! logins at the same time.

use std::{collections::HashSet, time::Duration};

use http::StatusCode;
use telenor_auth::mock::{Answer as Scripted, Endpoint};

use crate::support::{App, CALLBACK, MINUTE, state_of};

over_each_store! {
    apps:
    parallel_copies_of_a_callback_are_one_login
    replay_after_the_answer_is_forgotten_sends_no_second_request
}

/// S8.
async fn parallel_copies_of_a_callback_are_one_login(app: App) {
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let copies: Vec<_> = (0..20)
        .map(|_| {
            let (mut copy, callback) = (browser.clone(), callback.clone());
            tokio::spawn(async move {
                let done = copy.open(&callback).await;
                (done.status, copy.session())
            })
        })
        .collect();
    gate.waiting(1).await;
    gate.open();
    let mut sessions = HashSet::new();
    for copy in copies {
        let (status, session) = copy.await.unwrap();
        assert_eq!(status, StatusCode::SEE_OTHER);
        sessions.insert(session.unwrap());
    }
    assert_eq!((app.token_requests(), sessions.len()), (1, 1));
}

#[tokio::test]
async fn same_state_with_another_code_gets_the_first_answer() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let state = state_of(&callback);
    let before = browser.clone();
    browser.open(&callback).await;
    let mut copy = before;
    let answer = copy
        .open(&format!("{CALLBACK}?code=another&state={state}"))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(copy.session(), browser.session());
    assert_eq!(app.token_requests(), 1);
}

/// S37.
#[tokio::test]
async fn connection_dropped_during_the_exchange_loses_nothing() {
    let app = App::with(|builder| builder.max_token_requests(1)).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    {
        let (mut dropped, callback) = (browser.clone(), callback.clone());
        let open = tokio::spawn(async move { dropped.open(&callback).await });
        gate.waiting(1).await;
        open.abort();
        assert!(open.await.unwrap_err().is_cancelled());
    }
    gate.open();
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 1);
    app.signed_in().await;
}

/// S37.
#[tokio::test]
async fn connection_dropped_for_good_holds_no_place() {
    let app = App::with(|builder| builder.max_token_requests(1)).await;
    let gate = app.gateway.hold(Endpoint::Token);
    let mut dropped = app.browser();
    let callback = dropped.callback_url(&app.gateway, "/whoami").await;
    let open = tokio::spawn(async move { dropped.open(&callback).await });
    gate.waiting(1).await;
    open.abort();
    assert!(open.await.unwrap_err().is_cancelled());
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let busy = browser.open(&callback).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    gate.open();
    let in_time = tokio::time::timeout(Duration::from_secs(10), async {
        while browser.open(&callback).await.status != StatusCode::SEE_OTHER {
            tokio::task::yield_now().await;
        }
    });
    in_time.await.expect("the place is free again");
    assert_eq!(app.token_requests(), 2);
}

/// S8, S36.
async fn replay_after_the_answer_is_forgotten_sends_no_second_request(app: App) {
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let mut thief = browser.clone();
    browser.open(&callback).await;
    app.clock.advance(2 * MINUTE);
    let replayed = thief.open(&callback).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
    assert_eq!(thief.session(), None);
    assert_eq!(app.token_requests(), 1);
}

/// S14, S111.
#[tokio::test]
async fn exchange_beyond_the_limit_is_refused_at_once_and_goes_on_later() {
    let app = App::with(|builder| builder.max_token_requests(2)).await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        waiting.push((browser, callback));
    }
    let gate = app.gateway.hold(Endpoint::Token);
    let running: Vec<_> = waiting
        .drain(..2)
        .map(|(mut browser, callback)| {
            tokio::spawn(async move { browser.open(&callback).await.status })
        })
        .collect();
    gate.waiting(2).await;
    for (browser, callback) in &mut waiting {
        let busy = browser.open(callback).await;
        assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(busy.header("retry-after").is_some());
        assert_eq!(busy.set_cookies(), [""; 0]);
    }
    gate.open();
    for login in running {
        assert_eq!(login.await.unwrap(), StatusCode::SEE_OTHER);
    }
    for (browser, callback) in &mut waiting {
        assert_eq!(browser.open(callback).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(app.token_requests(), 5);
}

/// S111.
#[tokio::test]
async fn concurrent_exchanges_default_to_sixty_four() {
    let app = App::start().await;
    let mut user = app.signed_in().await;
    let gate = app.gateway.hold(Endpoint::Token);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        running.spawn(async move { browser.open(&callback).await.status });
    }
    tokio::select! {
        () = gate.waiting(64) => {}
        early = running.join_next() => panic!("fewer run at the same time: {early:?}"),
    }
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let busy = browser.open(&callback).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    // Meanwhile users keep what they have, and visitors are sent to log in.
    assert_eq!(user.open("/whoami").await.status, StatusCode::OK);
    assert_eq!(
        app.browser().open("/whoami").await.status,
        StatusCode::SEE_OTHER
    );
    gate.open();
    for status in running.join_all().await {
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// S8.
#[tokio::test]
async fn failed_exchange_is_not_repeated_by_reloading() {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::Token, Scripted::status(500));
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let before = browser.clone();
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::BAD_GATEWAY
    );
    let mut copy = before;
    assert_eq!(copy.open(&callback).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(app.token_requests(), 1);
}

/// S8.
#[tokio::test]
async fn state_is_not_redeemed_twice_when_a_clock_steps_back() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let thief = browser.clone();
    app.clock.rewind(Duration::from_secs(40));
    browser.open(&callback).await;
    for seconds in [299, 2, 30, 30] {
        app.clock.advance(Duration::from_secs(seconds));
        thief.clone().open(&callback).await.assert_no_session();
    }
    assert_eq!(app.token_requests(), 1);
}

over_http2! {
    exchange_beyond_the_limit_is_refused_at_once_and_goes_on_later
    concurrent_exchanges_default_to_sixty_four
    connection_dropped_during_the_exchange_loses_nothing
    connection_dropped_for_good_holds_no_place
    failed_exchange_is_not_repeated_by_reloading
    ; over_each_store:
    parallel_copies_of_a_callback_are_one_login
    replay_after_the_answer_is_forgotten_sends_no_second_request
}
