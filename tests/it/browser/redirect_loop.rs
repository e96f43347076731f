//! Redirect loops, which end on a page.

use http::StatusCode;
use telenor_auth::{
    mock::{Answer as Scripted, Endpoint, MockGateway},
    session::CookieStore,
};

use crate::support::{self, App, Browser, MINUTE, builder, capture::capture, keys};

/// S113.
#[tokio::test]
async fn browser_without_cookies_gets_a_page_and_no_loop() {
    let app = App::start().await;
    let mut forgetful = app.browser();
    let callback = forgetful.callback_url(&app.gateway, "/private").await;
    forgetful.jar.clear();
    let page = forgetful.open(&callback).await;
    page.assert_safe_reject();
    assert!(page.body.contains("state_unknown"));
    assert_eq!(app.token_requests(), 0);
}

/// S113.
#[tokio::test]
async fn browser_that_loses_its_session_gets_a_page_after_two_logins() {
    let app = App::start().await;
    let mut browser = app.browser();
    for _ in 0..2 {
        let callback = browser.callback_url(&app.gateway, "/private").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        browser.jar.retain(|(name, _)| !name.contains("-session"));
    }
    let page = browser.open("/private?n=1").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(
        page.body
            .contains("<code>login_loop</code> <code>no_cookie</code>")
    );
    assert!(page.body.contains("informasjonskapsler"));
    assert!(
        page.body.contains("return_to=%2Fprivate%3Fn%3D1"),
        "the page links to the login"
    );
    app.clock.advance(MINUTE);
    browser.start("/private").await;
}

#[tokio::test]
async fn cookie_of_another_app_is_no_loop_and_is_logged() {
    let (log, guard) = capture();
    let app = App::start().await;
    let mut browser = app.browser();
    let foreign = ("__Host-telenor-loop".to_owned(), "Zm9yZWlnbg".to_owned());
    browser.jar.push(foreign);
    browser.start("/private").await;
    drop(guard);
    let log = log.text();
    assert!(log.contains("cannot be opened"), "{log}");
}

#[tokio::test]
async fn abandoned_logins_block_no_later_login() {
    let app = App::start().await;
    let mut browser = app.browser();
    for _ in 0..20 {
        browser.start("/private").await;
    }
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
}

#[tokio::test]
async fn app_that_redirects_to_the_login_route_makes_no_endless_loop() {
    let app = App::start().await;
    let mut browser = app.browser();
    for round in 0..10 {
        let answer = browser.open("/telenor/login?return_to=%2Fprivate").await;
        if answer.status != StatusCode::SEE_OTHER {
            assert!(answer.body.contains("login_loop"));
            assert!((3..=6).contains(&round), "{round}");
            return;
        }
        let callback = app.gateway.allow(&answer.location()).unwrap();
        browser.open(&callback).await;
        browser.jar.retain(|(name, _)| !name.contains("-session"));
    }
    panic!("the loop does not end");
}

#[tokio::test]
async fn gateway_that_rejects_every_token_makes_no_loop() {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::gateway_error(40105));
    let mut browser = app.signed_in().await;
    for _ in 0..10 {
        let page = browser.open("/name").await;
        if page.status != StatusCode::SEE_OTHER {
            assert!(page.body.contains("login_loop"));
            return;
        }
        let callback = app.gateway.allow(&page.location()).unwrap();
        browser.open(&callback).await;
    }
    panic!("the loop does not end");
}

/// Two instances whose clocks are minutes apart, behind a balancer that alternates between them.
#[tokio::test]
async fn clocks_that_disagree_make_no_loop() {
    for minutes in [2, 4, 30] {
        let gateway = MockGateway::start().await.unwrap();
        let instance = |clock: &telenor_auth::Clock| {
            let keys = keys(1);
            let store = CookieStore::new(&keys);
            let layer = builder(&gateway)
                .cookie_keys(keys)
                .session_store(store)
                .clock(clock.clone());
            support::routes(&support::Hits::default()).layer(layer.build().unwrap())
        };
        let (ahead, behind) = (telenor_auth::Clock::manual(), telenor_auth::Clock::manual());
        ahead.advance(minutes * MINUTE);
        let (ahead, behind) = (instance(&ahead), instance(&behind));
        let mut browser = Browser {
            router: behind.clone(),
            jar: Vec::new(),
        };
        let mut rounds = 0;
        let page = loop {
            browser.router = behind.clone();
            let page = browser.open("/private").await;
            if page.status != StatusCode::SEE_OTHER {
                break page;
            }
            rounds += 1;
            assert!(
                rounds <= 2,
                "the loop does not end, {minutes} minutes apart"
            );
            let callback = gateway.allow(&page.location()).unwrap();
            browser.router = ahead.clone();
            let done = browser.open(&callback).await;
            if done.status != StatusCode::SEE_OTHER {
                break done;
            }
        };
        assert!(
            page.body.contains("class=\"primary\""),
            "{minutes} minutes apart: a page with a button"
        );
        if minutes < 5 {
            assert!(
                page.body
                    .contains("<code>login_loop</code> <code>from_future</code>")
            );
            assert!(!page.body.contains("informasjonskapsler"));
        }
    }
}

over_http2! {
    browser_without_cookies_gets_a_page_and_no_loop
    browser_that_loses_its_session_gets_a_page_after_two_logins
    cookie_of_another_app_is_no_loop_and_is_logged
    abandoned_logins_block_no_later_login
    app_that_redirects_to_the_login_route_makes_no_endless_loop
    gateway_that_rejects_every_token_makes_no_loop
    clocks_that_disagree_make_no_loop
}
