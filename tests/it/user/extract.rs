//! The user as an argument of a handler.

use std::sync::atomic::Ordering;

use axum::{Router, routing::get};
use http::{HeaderValue, Method, StatusCode, header};
use telenor_auth::{TelenorUser, mock::MockGateway};

use crate::support::{self, App, Hits, ORIGIN, builder, navigation, request};

#[tokio::test]
async fn optional_layer_leaves_policy_to_the_handlers() {
    let app = App::with(|builder| builder.optional(true)).await;
    let mut browser = app.browser();
    assert_eq!(browser.open("/perhaps").await.body, "anonymous");
    assert_eq!(browser.open("/private").await.body, "handler");
    assert_eq!(browser.open("/nowhere").await.status, StatusCode::NOT_FOUND);
    let hits = app.hits();
    let script = request(Method::GET, "/whoami", &[("accept", "*/*")]);
    assert_eq!(browser.send(script).await.status, StatusCode::UNAUTHORIZED);
    let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
    assert_eq!(app.hits(), hits, "the handler did not run");
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?a=1"));
    assert_eq!(browser.open("/perhaps").await.body, "user");
}

#[tokio::test]
async fn optional_user_is_none_for_anything_invalid() {
    let app = App::with(|builder| builder.optional(true)).await;
    for cookies in [
        "__Host-telenor-session=rubbish",
        "__Host-telenor-session=",
        "__Host-telenor-session=a; __Host-telenor-session=b",
        "telenor-session=a",
    ] {
        let mut nav = navigation("/perhaps");
        nav.headers_mut()
            .insert(header::COOKIE, HeaderValue::from_static(cookies));
        nav.headers_mut()
            .insert("x-msisdn", HeaderValue::from_static("4791234567"));
        assert_eq!(app.browser().send(nav).await.body, "anonymous", "{cookies}");
    }
}

#[tokio::test]
async fn handler_without_a_layer_is_not_run() {
    let hits = Hits::default();
    let app = App::mounted(support::routes(&hits), MockGateway::start().await.unwrap());
    for target in ["/whoami", "/perhaps"] {
        let answer = app.browser().open(target).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.body.contains("TelenorAuthLayer"));
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn debug_of_a_user_shows_no_token() {
    async fn shown(user: TelenorUser) -> String {
        format!("{user:?} {:?} {:#?}", user.access_token(), Some(&user))
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = Router::new().route("/shown", get(shown)).route(
        "/whoami",
        get(async |user: TelenorUser| user.access_token().secret().to_owned()),
    );
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let page = browser.open("/shown").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains(&token));
}
