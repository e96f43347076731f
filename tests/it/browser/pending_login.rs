//! The cookies of pending logins.

use std::{collections::HashSet, time::Duration};

use http::StatusCode;

use crate::support::{App, MINUTE, each_store::in_cookie};

/// S13.
#[tokio::test]
async fn pending_cookie_has_exactly_these_attributes() {
    let app = App::start().await;
    let answer = app.browser().open("/private").await;
    let [line] = &answer.set_cookies()[..] else {
        panic!("one cookie for one login");
    };
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-telenor-login-"));
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=300"
    );
    assert!(!line.contains("private"), "its content is sealed");
}

over_each_store! {
    apps:
    state_of_another_browser_is_rejected
}

/// S6.
async fn state_of_another_browser_is_rejected(app: App) {
    let (mut ours, mut other) = (app.browser(), app.browser());
    let callback = ours.callback_url(&app.gateway, "/whoami").await;
    other.start("/private").await;
    other.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
    assert_eq!(ours.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// S7.
#[tokio::test]
async fn cookie_of_one_login_is_rejected_for_another() {
    let app = App::start().await;
    let (mut first, mut second) = (app.browser(), app.browser());
    let callback = first.callback_url(&app.gateway, "/private").await;
    second.start("/private").await;
    let (name, _) = first.pending().remove(0);
    let (_, value) = second.pending().remove(0);
    first.jar = vec![(name, value)];
    first.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
}

/// S9, S110.
#[tokio::test]
async fn pending_login_expires_by_our_clock() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
    app.clock.advance(5 * MINUTE);
    let late = browser.open(&callback).await;
    late.assert_safe_reject();
    assert!(
        late.body.contains("return_to=%2Fwhoami%3Fa%3D1"),
        "a new login has the same target"
    );
    assert_eq!(app.token_requests(), 0);
}

/// S9.
#[tokio::test]
async fn pending_login_from_the_future_is_rejected() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    app.clock.rewind(2 * MINUTE);
    browser.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
}

/// S12.
#[tokio::test]
async fn browser_keeps_five_pending_logins_and_drops_the_oldest() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for _ in 0..100 {
        callbacks.push(browser.callback_url(&app.gateway, "/private").await);
        app.clock.advance(Duration::from_secs(1));
        let bytes: usize = browser
            .jar
            .iter()
            .map(|(name, value)| name.len() + value.len() + 3)
            .sum();
        assert!(
            browser.pending().len() <= 5 && bytes < 4096,
            "{bytes} bytes"
        );
    }
    let kept: HashSet<_> = browser
        .pending()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(kept.len(), 5);
    browser
        .clone()
        .open(&callbacks[94])
        .await
        .assert_safe_reject();
    for callback in &callbacks[95..] {
        assert_eq!(browser.open(callback).await.status, StatusCode::SEE_OTHER);
    }
}

/// S12.
#[tokio::test]
async fn long_targets_do_not_overflow_the_header() {
    let app = App::start().await;
    let mut browser = app.browser();
    for n in 0..10 {
        browser
            .start(&format!("/private?n={n}&{}", "x".repeat(1_500)))
            .await;
        let bytes: usize = browser
            .jar
            .iter()
            .map(|(name, value)| name.len() + value.len() + 3)
            .sum();
        assert!(bytes < 4096, "{bytes} bytes");
    }
}

/// S12.
#[tokio::test]
async fn expired_and_unreadable_logins_are_removed() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.start("/private").await;
    let old = browser.pending().remove(0).0;
    let broken = format!("{}AAAAAAAAAAAA", &old[..old.len() - 12]);
    browser.jar.push((broken.clone(), "rubbish".to_owned()));
    app.clock.advance(5 * MINUTE);
    browser.start("/private").await;
    let names: Vec<_> = browser
        .pending()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.len(), 1);
    assert!(!names.contains(&old) && !names.contains(&broken));
}

/// S12.
#[tokio::test]
async fn cookies_of_other_names_are_neither_removed_nor_counted() {
    let app = App::start().await;
    let mut browser = app.browser();
    let names = [
        "__Host-telenor-login-",
        "__Host-telenor-login-AAAAAAAAAAA",
        "__Host-telenor-login-AAAAAAAAAAAAA",
        "__Host-telenor-login-AAAAAAAAAAA.",
        "__Host-telenor-login-AAAAAAAAAAA%",
        "__Host-telenor-loginAAAAAAAAAAAAA",
        "__Host-other-login-AAAAAAAAAAAA",
        "telenor-login-AAAAAAAAAAAA",
    ];
    let foreign = names.map(|name| (name.to_owned(), "x".to_owned()));
    browser.jar = foreign.to_vec();
    let mut callbacks = Vec::new();
    for _ in 0..5 {
        let answer = browser.open("/private").await;
        assert_eq!(answer.set_cookies().len(), 1, "its own");
        callbacks.push(app.gateway.allow(&answer.location()).unwrap());
    }
    for callback in &callbacks {
        assert_eq!(browser.open(callback).await.status, StatusCode::SEE_OTHER);
    }
    assert!(foreign.iter().all(|cookie| browser.jar.contains(cookie)));
}

/// S109.
#[tokio::test]
async fn starting_logins_leaves_nothing_on_the_server() {
    let app = App::start().await;
    let mut early = app.browser();
    let callback = early.callback_url(&app.gateway, "/whoami").await;
    for _ in 0..10_000 {
        app.browser().start("/private").await;
    }
    assert_eq!(early.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.token_requests(), 1);
}

/// S14.
#[tokio::test]
async fn login_clears_its_own_pending_cookie_and_no_other() {
    let app = App::start().await;
    let mut browser = app.browser();
    let first = browser.callback_url(&app.gateway, "/private").await;
    let ended = browser.pending().remove(0).0;
    browser.start("/private").await;
    browser.open(&first).await;
    let left: Vec<_> = browser
        .pending()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(left.len(), 1);
    assert_ne!(left[0], ended);
}

#[tokio::test]
async fn pending_login_and_session_do_not_replace_each_other() {
    let app = App::with(in_cookie).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let (pending_name, pending) = browser.pending().remove(0);
    let mut forged = app.browser();
    forged.jar = vec![("__Host-telenor-session".into(), pending)];
    assert!(forged.token().await.is_none());
    let session = app.signed_in().await.session().unwrap();
    forged.jar = vec![(pending_name, session)];
    forged.open(&callback).await.assert_safe_reject();
}

/// S12.
#[tokio::test]
async fn long_addresses_lose_the_place_and_no_login() {
    let app = App::start().await;
    let browser = app.browser();
    let long = |n: u8, len: usize| format!("/private?n={n}&{}", "x".repeat(len));
    for (first, second) in [
        (1_300, 1_300),
        (2_000, 2_000),
        (10, 2_000),
        (2_000, 1_000),
        (10, 500),
    ] {
        let mut browser = app.browser();
        let one = browser.callback_url(&app.gateway, &long(1, first)).await;
        app.clock.advance(Duration::from_secs(1));
        let two = browser.callback_url(&app.gateway, &long(2, second)).await;
        let done = browser.clone().open(&one).await;
        assert!(
            done.location().contains("n=1"),
            "{first} {second}: {}",
            done.location()
        );
        let done = browser.open(&two).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{first} {second}");
        let kept = done.location().contains("n=2");
        assert_eq!(kept, first + second < 2_015, "{first} {second}");
    }
    // Another site opens pages with long addresses while a login is in progress.
    for place in [10, 250, 600, 1_200, 2_000] {
        for address in [700, 1_250, 1_700, 2_030] {
            let mut browser = browser.clone();
            let ours = browser.callback_url(&app.gateway, &long(9, place)).await;
            for n in 0..4 {
                app.clock.advance(Duration::from_secs(1));
                browser.start(&long(n, address)).await;
            }
            let done = browser.open(&ours).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{place} {address}");
            assert!(done.location().contains("n=9"), "{place} {address}");
        }
    }
}

over_http2! {
    pending_cookie_has_exactly_these_attributes
    cookie_of_one_login_is_rejected_for_another
    pending_login_expires_by_our_clock
    pending_login_from_the_future_is_rejected
    browser_keeps_five_pending_logins_and_drops_the_oldest
    long_targets_do_not_overflow_the_header
    expired_and_unreadable_logins_are_removed
    login_clears_its_own_pending_cookie_and_no_other
    pending_login_and_session_do_not_replace_each_other
    long_addresses_lose_the_place_and_no_login
    cookies_of_other_names_are_neither_removed_nor_counted
    ; over_each_store:
    state_of_another_browser_is_rejected
}
