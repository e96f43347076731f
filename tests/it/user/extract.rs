//! The user as an argument of a handler.

use std::{convert::Infallible, sync::atomic::Ordering};

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use telenor_auth::{TelenorUser, TelenorUserRejection, mock::MockGateway};
use tower::{Layer, service_fn};

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

/// S118.
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

/// S118.
#[tokio::test]
async fn handler_without_a_layer_is_not_run() {
    let hits = Hits::default();
    let app = App::mounted(support::routes(&hits), MockGateway::start().await.unwrap());
    for target in ["/whoami?token=canary", "/perhaps"] {
        let answer = app.browser().open(target).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.body.contains("TelenorAuthLayer"));
        let path = target.split('?').next().unwrap();
        assert!(answer.body.contains(path), "{}", answer.body);
        assert!(!answer.body.contains("canary"), "{}", answer.body);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

/// S118.
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

/// So that no handler sends a token by mistake.
///
/// S118.
#[test]
fn user_and_token_cannot_be_serialized() {
    use std::marker::PhantomData;

    use telenor_auth::{
        AccessToken, UserInfo,
        session::{Session, SessionToken},
    };

    struct Probe<T>(PhantomData<T>);
    impl<T: serde::Serialize> Probe<T> {
        fn is_serialize(&self) -> bool {
            true
        }
    }
    trait Otherwise {
        fn is_serialize(&self) -> bool;
    }
    impl<T> Otherwise for &Probe<T> {
        fn is_serialize(&self) -> bool {
            false
        }
    }
    // The method of the type itself comes first, where it has one.
    macro_rules! is_serialize {
        ($type:ty) => {
            (&Probe::<$type>(PhantomData)).is_serialize()
        };
    }
    assert!(is_serialize!(String));
    assert!(!is_serialize!(TelenorUser));
    assert!(!is_serialize!(UserInfo));
    assert!(!is_serialize!(Session));
    assert!(!is_serialize!(SessionToken));
    assert!(!is_serialize!(AccessToken));
}

/// A service that is not axum's, and finds the user by itself.
fn plain(request: &Request<Body>) -> Result<Response<String>, TelenorUserRejection> {
    let user = TelenorUser::of_request(request)?;
    Ok(Response::new(user.access_token().secret().to_owned()))
}

#[tokio::test]
async fn plain_service_finds_the_user_without_an_extractor() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let service = service_fn(async |request: Request<Body>| {
        let (parts, body) = request.into_parts();
        let by_parts = TelenorUser::of_parts(&parts).is_ok();
        let request = Request::from_parts(parts, body);
        let found = plain(&request);
        assert_eq!(found.is_ok(), by_parts);
        Ok::<_, Infallible>(found)
    });
    let app = App::mounted(Router::new().fallback_service(auth.layer(service)), gateway);
    let callback = app.browser().open("/account").await;
    assert_eq!(
        callback.status,
        StatusCode::SEE_OTHER,
        "a page is challenged"
    );
    let script = request(Method::GET, "/account", &[("accept", "*/*")]);
    let answer = app.browser().send(script).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let mut browser = app.signed_in().await;
    let page = browser.open("/account").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.body.len(), 40, "a token of the mock");
}

#[test]
fn plain_service_without_a_layer_is_an_error_that_names_its_path() {
    let request = Request::get("/account?x=canary")
        .body(Body::empty())
        .unwrap();
    let error = plain(&request).unwrap_err();
    assert!(matches!(error, TelenorUserRejection::MissingLayer(_)));
    let text = error.to_string();
    assert!(
        text.contains("/account") && !text.contains("canary"),
        "{text}"
    );
}

#[tokio::test]
async fn login_starts_when_the_rejection_becomes_a_response() {
    async fn own(user: Result<TelenorUser, telenor_auth::TelenorUserRejection>) -> &'static str {
        if user.is_ok() { "user" } else { "anonymous" }
    }
    let started = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let gateway = MockGateway::start().await.unwrap();
    let auth = {
        let started = std::sync::Arc::clone(&started);
        let count = move |event: &telenor_auth::events::Event<'_>| {
            if let telenor_auth::events::Event::LoginStarted { .. } = event {
                started.fetch_add(1, Ordering::SeqCst);
            }
        };
        builder(&gateway)
            .optional(true)
            .on_event(count)
            .build()
            .unwrap()
    };
    let routes = Router::new()
        .route("/own", get(own))
        .route("/needed", get(async |_: TelenorUser| "user"));
    let app = App::mounted(routes.layer(auth), gateway);
    let page = app.browser().open("/own").await;
    assert_eq!(
        (page.body.as_str(), page.set_cookies().len()),
        ("anonymous", 0)
    );
    assert_eq!(started.load(Ordering::SeqCst), 0);
    app.browser().start("/needed").await;
    assert_eq!(started.load(Ordering::SeqCst), 1);
}

over_http2! {
    optional_layer_leaves_policy_to_the_handlers
    optional_user_is_none_for_anything_invalid
    handler_without_a_layer_is_not_run
    debug_of_a_user_shows_no_token
    plain_service_finds_the_user_without_an_extractor
    login_starts_when_the_rejection_becomes_a_response
}
