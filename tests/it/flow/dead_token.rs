//! Tokens that an API no longer accepts.

use http::{Method, StatusCode};
use telenor_auth::mock::{Answer as Scripted, Endpoint};

use super::refresh::{TOKEN, refreshing, until};
use crate::support::{App, MINUTE, ORIGIN, navigation, request};

over_each_store! {
    apps:
    dead_token_ends_the_session
}

async fn dead_token_ends_the_session(app: App) {
    for answer in [
        Scripted::gateway_error(40105),
        Scripted::gateway_error(40106),
        Scripted::fault(401, "keymanagement.service.access_token_expired"),
        Scripted::fault(500, "keymanagement.service.access_token_expired"),
    ] {
        let mut browser = app.signed_in().await;
        let copied = browser.clone();
        app.gateway.answer_next(Endpoint::UserInfo, answer.clone());
        let page = browser.open("/name?n=1").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert!(
            copied.clone().token().await.is_none(),
            "no copy of the session is valid"
        );
        let callback = app.gateway.allow(&page.location()).unwrap();
        let back = browser.follow(&callback).await;
        assert_eq!((back.status, back.body.as_str()), (StatusCode::OK, "Kari"));

        app.gateway.answer_next(Endpoint::UserInfo, answer);
        let script = request(Method::GET, "/name", &[("accept", "application/json")]);
        let answer_to_script = browser.send(script).await;
        assert_eq!(answer_to_script.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer_to_script.header("location"), None);
    }
}

#[tokio::test]
async fn other_api_errors_keep_the_session() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    for (answer, status) in [
        (Scripted::gateway_error(40301), 502),
        (Scripted::gateway_error(40103), 502),
        (Scripted::gateway_error(42901), 503),
        (Scripted::gateway_error(50001), 503),
        (Scripted::json(200, "[]"), 502),
        (Scripted::Reset, 503),
    ] {
        app.gateway
            .answer_always(Endpoint::UserInfo, answer.clone());
        let page = browser.open("/name").await;
        assert_eq!(page.status.as_u16(), status, "{answer:?}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(browser.token().await.is_some());
    }
}

#[tokio::test]
async fn form_with_a_dead_token_leads_to_a_page_and_is_not_repeated() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::gateway_error(40106));
    let mut form = navigation("/name");
    *form.method_mut() = Method::POST;
    form.headers_mut()
        .insert("referer", format!("{ORIGIN}/form?step=2").parse().unwrap());
    let answer = browser.send(form).await;
    assert!(browser.token().await.is_none(), "the session has ended");
    let page = browser.open(&answer.location()).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("form_not_sent"));
    assert!(page.body.contains("return_to=%2Fform%3Fstep%3D2"));
}

#[tokio::test]
async fn token_replaced_by_a_refresh_ends_no_session() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let gate = app.gateway.hold(Endpoint::UserInfo);
    let mut tab = browser.clone();
    let slow = tokio::spawn(async move { tab.open("/name").await });
    gate.waiting(1).await;
    app.clock.advance(TOKEN);
    let refreshed = browser.token().await.unwrap();
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::status(401));
    gate.open();
    let answer = slow.await.unwrap();
    assert_eq!(answer.body, "Kari", "with the new token");
    assert_eq!(
        browser.token().await,
        Some(refreshed),
        "the session continues"
    );
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn token_that_dies_during_its_refresh_ends_no_session() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE);
    let token = app.gateway.hold(Endpoint::Token);
    let mut tab = browser.clone();
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::status(401));
    let slow = tokio::spawn(async move { tab.open("/name").await });
    token.waiting(1).await;
    until("the call was refused", async || {
        app.gateway.hits(Endpoint::UserInfo) == 1
    })
    .await;
    token.open();
    let answer = slow.await.unwrap();
    assert_eq!(answer.body, "Kari", "with the new token");
    let refreshed = browser.token().await;
    assert!(refreshed.is_some() && refreshed != first);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn api_that_refuses_the_new_token_ends_the_session_after_one_refresh() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::status(401));
    let mut form = request(Method::POST, "/name", &[("accept", "text/html")]);
    form.headers_mut().insert("origin", ORIGIN.parse().unwrap());
    let answer = browser.send(form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 2);
    assert_eq!(app.token_requests(), 2, "a login, and one refresh");
    assert!(browser.token().await.is_none());
}

#[tokio::test]
async fn failed_refresh_of_a_dead_token_ends_no_session() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let token = browser.token().await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::status(401));
    app.gateway
        .answer_next(Endpoint::Token, Scripted::status(500));
    browser.open("/name").await;
    assert_eq!(browser.token().await, token);
}

#[tokio::test]
async fn refused_refresh_of_a_dead_token_ends_its_session() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.gateway.revoke_tokens();
    let answer = browser.open("/name").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(browser.token().await.is_none());
}
