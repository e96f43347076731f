//! The test kit for authors of apps, which opens no guarded route.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn, map_request},
    response::{AppendHeaders, Redirect},
    routing::get,
};
use http::{HeaderMap, Method, Response, StatusCode, header};
use telenor_auth::{
    ApiError, ApiErrorKind, RecentLogin, StartScript, TelenorAuthLayer, TelenorUser,
    mock::{
        Answer, Endpoint, MockError, MockGateway, SignedIn, SignedInLayer, Subscriber, TestUser,
    },
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Answer as Read, App, builder, navigation, routes};

// --- a user for a handler

#[tokio::test]
async fn handler_can_be_called_with_a_test_user() {
    async fn name(user: TelenorUser) -> Result<Option<String>, ApiError> {
        let info = user.info().await?;
        let name = info.name().and_then(|name| name.given_name());
        Ok(name.map(str::to_owned))
    }
    let kari = name(TelenorUser::for_test()).await.unwrap();
    assert_eq!(kari.as_deref(), Some("Kari"));
    let ola = name(TestUser::new(Subscriber::ola()).into()).await.unwrap();
    assert_eq!(ola.as_deref(), Some("Ola"));
}

#[test]
fn test_user_has_what_a_login_gives() {
    let hour_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let user = TestUser::default().signed_in_at(hour_ago);
    let user: TelenorUser = user.data(&17).unwrap().note("kurv").unwrap().into();
    assert_eq!(user.signed_in_at(), hour_ago);
    assert_eq!(user.data(), Ok(Some(17)));
    assert_eq!(user.note(), Ok(Some("kurv".to_owned())));
    assert!(user.require_recent_login(Duration::from_secs(300)).is_err());
    let user = TelenorUser::for_test();
    assert_eq!((user.data::<u8>(), user.note::<u8>()), (Ok(None), Ok(None)));
    assert!(user.require_recent_login(Duration::from_secs(300)).is_ok());
    assert!(TestUser::default().note(&"x".repeat(511)).is_err());
}

#[tokio::test]
async fn apis_answer_a_test_user_as_the_gateway_does() {
    async fn ask(user: TelenorUser) -> String {
        let mut shown = String::new();
        for (method, path) in [
            (Method::GET, "/user-info/v1/users"),
            (Method::GET, "/user-info/v1/users?x=1"),
            (Method::POST, "/user-info/v1/users"),
            (Method::GET, "/mobile-device-info/v1/device"),
            (Method::GET, "/mobile-messaging/v2/sms"),
            (Method::GET, "/user-info/v1/../v1/users"),
        ] {
            shown += &match user.request(method.clone(), path).send().await {
                Ok(answer) => {
                    let kind = &answer.headers()[header::CONTENT_TYPE];
                    let body = String::from_utf8_lossy(answer.bytes());
                    format!("{method} {path}: {} {kind:?} {body}\n", answer.status())
                }
                Err(error) => {
                    format!("{method} {path}: {error} {:?}\n", error.description())
                }
            };
        }
        shown
    }
    let gateway = MockGateway::start().await.unwrap();
    let app = Router::new()
        .route("/", get(ask))
        .layer(builder(&gateway).build().unwrap());
    let kari = gateway.login(&app, "/").await.unwrap();
    let by_network = open(&app, &kari, "/").await.body;
    assert_eq!(ask(TelenorUser::for_test()).await, by_network);
    assert!(by_network.contains("kari.nordmann@example.com"));
}

#[tokio::test]
async fn test_user_keeps_its_settings() {
    let user = TelenorUser::for_test();
    let left = user.expires_at().duration_since(SystemTime::now()).unwrap();
    assert!((3590..=3600).contains(&left.as_secs()), "{left:?}");
    assert_eq!(
        (user.scope(), user.logout_path()),
        (None, "/telenor/logout")
    );
    let other = TelenorUser::for_test();
    assert_ne!(user.access_token().secret(), other.access_token().secret());

    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let user = TestUser::default().scope("a.b c").expires_at(end);
    let user = TelenorUser::from(user);
    assert_eq!((user.scope(), user.expires_at()), (Some("a.b c"), end));
}

#[tokio::test(start_paused = true)]
async fn error_of_the_gateway_reaches_the_handler_and_its_answer() {
    for (code, kind, status) in [
        (40106, ApiErrorKind::Unauthorized, 401),
        (40301, ApiErrorKind::Forbidden, 502),
        (42901, ApiErrorKind::RateLimited, 503),
        (50001, ApiErrorKind::Unavailable, 503),
        (40401, ApiErrorKind::NotFound, 502),
    ] {
        let user = TelenorUser::from(TestUser::default().api_error(code));
        for error in [
            user.info().await.unwrap_err(),
            user.device().await.unwrap_err(),
            user.get("/some-product/v1").await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.code()), (kind, Some(code)));
            let response = axum::response::IntoResponse::into_response(error);
            let answer = Read::read(response).await;
            assert_eq!(answer.status, status, "{code}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
            let names_scheme = answer.header("www-authenticate") == Some("Telenor");
            assert_eq!(names_scheme, status == 401, "{code}");
            assert_eq!(answer.header("retry-after").is_some(), status == 503);
        }
    }
}

// --- a layer for routes

#[tokio::test]
async fn every_request_comes_from_the_user_of_the_layer() {
    let ola = TelenorUser::from(TestUser::new(Subscriber::ola()));
    let token = ola.access_token().secret().to_owned();
    let app = routes(&Arc::default()).layer(SignedInLayer::new(ola));
    for _ in 0..2 {
        let answer = anonymous(&app, "/whoami").await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::OK, token.clone())
        );
    }
    assert_eq!(anonymous(&app, "/name").await.body, "Ola");
    assert_eq!(anonymous(&app, "/perhaps").await.body, "user");
}

#[tokio::test]
async fn dead_token_behind_the_layer_is_401() {
    let user = TestUser::default().api_error(40106);
    let app = routes(&Arc::default()).layer(SignedInLayer::new(user));
    let answer = anonymous(&app, "/name").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(anonymous(&app, "/perhaps").await.body, "user", "still");
}

#[tokio::test]
async fn anonymous_layer_guards_routes() {
    let app = routes(&Arc::default()).layer(SignedInLayer::anonymous());
    assert_eq!(anonymous(&app, "/perhaps").await.body, "anonymous");
    let refused = anonymous(&app, "/whoami").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.header("content-type"),
        Some("application/problem+json")
    );
    assert!(refused.body.contains(r#""cause":"login_required""#));
}

/// What the layer notes of a request decides its answers to the same request later on.
#[tokio::test]
async fn each_answer_behind_the_layer_is_in_the_language_of_its_request() {
    async fn recent(RecentLogin(_): RecentLogin<5>) -> &'static str {
        "recent"
    }
    let routes = || routes(&Arc::default()).route("/recent", get(recent));
    let dead = TestUser::default().api_error(40106);
    let old = TestUser::default().signed_in_at(SystemTime::UNIX_EPOCH);
    let login = ["Please sign in", "Du må logge inn"];
    for (layer, target, titles) in [
        (SignedInLayer::new(dead), "/name", login),
        (
            SignedInLayer::new(old),
            "/recent",
            ["Please sign in again", "Logg inn på nytt"],
        ),
        (SignedInLayer::anonymous(), "/whoami", login),
    ] {
        // The handler does not see the language.
        let hide = map_request(async |mut request: Request| {
            request.headers_mut().remove(header::ACCEPT_LANGUAGE);
            request
        });
        let app = routes().layer(hide).layer(layer);
        for (language, title) in ["en", "nb"].into_iter().zip(titles) {
            let mut request = navigation(target);
            let language = language.parse().unwrap();
            request.headers_mut().insert("accept-language", language);
            let answer = Read::read(app.clone().oneshot(request).await.unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{target}");
            let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["title"], title, "{target}");
        }
    }
}

#[tokio::test]
async fn number_that_a_request_claims_is_removed_as_by_the_real_layer() {
    let shown = async |headers: HeaderMap| format!("{}", headers.contains_key("x-msisdn"));
    let app = Router::new()
        .route("/", get(shown))
        .layer(SignedInLayer::new(TelenorUser::for_test()));
    let mut request = navigation("/");
    let number = "4791234567".parse().unwrap();
    request.headers_mut().insert("x-msisdn", number);
    let answer = Read::read(app.oneshot(request).await.unwrap()).await;
    assert_eq!(answer.body, "false");
}

#[tokio::test]
async fn layer_for_tests_opens_nothing_that_the_real_one_guards() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = || builder(&gateway).build().unwrap();
    let optional = || builder(&gateway).optional(true).build().unwrap();
    let signed_in = || SignedInLayer::new(TelenorUser::for_test());
    let routes = || routes(&Arc::default());

    let outside = routes().layer(auth()).layer(signed_in());
    let inside = routes().layer(signed_in()).layer(auth());
    for app in [outside, inside] {
        for path in ["/whoami", "/private", "/perhaps"] {
            let sent = anonymous(&app, path).await;
            assert_eq!(sent.status, StatusCode::SEE_OTHER, "{path}");
        }
    }
    let outside = routes().layer(optional()).layer(signed_in());
    let inside = routes().layer(signed_in()).layer(optional());
    for app in [outside, inside] {
        assert_eq!(anonymous(&app, "/perhaps").await.body, "anonymous");
        let sent = anonymous(&app, "/whoami").await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
    }
}

// --- the whole flow

#[tokio::test]
async fn login_ends_with_a_cookie_that_the_app_accepts() {
    let app = App::start().await;
    let kari = app.gateway.login(&app.router, "/whoami?n=1").await.unwrap();
    assert_eq!(kari.page(), "/whoami?n=1");
    let answer = open(&app.router, &kari, kari.page()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(app.gateway.live_tokens(), 1);
    assert_eq!(open(&app.router, &kari, "/name").await.body, "Kari");
}

#[tokio::test]
async fn login_as_selects_the_subscriber() {
    let app = App::start().await;
    let kari = app.gateway.login(&app.router, "/").await.unwrap();
    let ola = app.gateway.login_as(&app.router, "/", "412 34 567").await;
    let ola = ola.unwrap();
    assert_eq!(open(&app.router, &kari, "/name").await.body, "Kari");
    assert_eq!(open(&app.router, &ola, "/name").await.body, "Ola");
    let stranger = app.gateway.login_as(&app.router, "/", "90000000").await;
    assert_eq!(stranger.unwrap_err(), MockError::UnknownSubscriber);
}

#[tokio::test]
async fn app_may_live_on_https_on_loopback_or_be_any_service() {
    let gateway = MockGateway::start().await.unwrap();
    for redirect_uri in [
        "https://shop.example:8443/a/back",
        "http://127.0.0.1:3000/back",
    ] {
        let auth =
            TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri);
        let auth = auth.gateway(gateway.base_url()).build().unwrap();
        let app = auth.layer(service_fn(async |_: Request| {
            Ok::<_, Infallible>(Response::new(Body::from("inner")))
        }));
        let kari = gateway.login(&app, "/").await.unwrap();
        let mut request = navigation("/");
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, kari.cookie_header());
        let answer = Read::read(app.oneshot(request).await.unwrap()).await;
        assert_eq!(answer.body, "inner", "{redirect_uri}");
    }
}

#[tokio::test]
async fn login_passes_the_plain_http_start_without_its_cookies() {
    let gateway = MockGateway::start().await.unwrap();
    let script = StartScript::inline("void 0").connect("http://line.example");
    let auth = builder(&gateway)
        .http_start("http://start.app.test")
        .start_script(script);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let spy = {
        let seen = Arc::clone(&seen);
        move |request: Request, next: Next| {
            let headers = request.headers();
            let host = headers.get(header::HOST);
            let host = host.map(|host| host.to_str().unwrap().to_owned());
            let cookies = headers.contains_key(header::COOKIE);
            seen.lock().unwrap().push((host, cookies));
            next.run(request)
        }
    };
    let app = routes(&Arc::default())
        .layer(auth.build().unwrap())
        .layer(from_fn(spy));
    let kari = gateway.login(&app, "/whoami").await.unwrap();
    let host = |host: &str| Some(host.to_owned());
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (None, false),
            (host("start.app.test"), false),
            (host("app.test"), true),
            (host("app.test"), true)
        ]
    );
    assert_eq!(open(&app, &kari, "/whoami").await.status, StatusCode::OK);
}

#[tokio::test]
async fn login_follows_the_app_to_its_login_and_keeps_what_it_set() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let basket = async |headers: HeaderMap| {
        let cookies = headers.get(header::COOKIE);
        cookies.map_or(String::new(), |line| line.to_str().unwrap().to_owned())
    };
    let enter = async || {
        let cookies = ["basket=sweater; Path=/", "gone=1", "gone=; Max-Age=0"];
        let cookies = AppendHeaders(cookies.map(|line| (header::SET_COOKIE, line)));
        (cookies, Redirect::to("/telenor/login?return_to=%2Fbasket"))
    };
    let app = Router::new()
        .route("/enter", get(enter))
        .route("/basket", get(basket))
        .layer(auth);
    let kari = gateway.login(&app, "/enter").await.unwrap();
    assert_eq!(kari.page(), "/basket");
    let sent = open(&app, &kari, "/basket").await.body;
    assert!(sent.contains("basket=sweater"), "{sent}");
    assert!(
        !sent.contains("gone") && !sent.contains("-login-"),
        "{sent}"
    );
}

#[tokio::test]
async fn session_of_a_login_ends_by_the_clock_and_by_the_gateway() {
    let app = App::start().await;
    let kari = app.gateway.login(&app.router, "/").await.unwrap();
    app.gateway
        .answer_next(Endpoint::UserInfo, Answer::gateway_error(40106));
    let dead = open(&app.router, &kari, "/name").await;
    assert_eq!(dead.status, StatusCode::SEE_OTHER);
    let gone = open(&app.router, &kari, "/whoami").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);

    let kari = app.gateway.login(&app.router, "/").await.unwrap();
    app.clock.advance(Duration::from_secs(3_600));
    let late = open(&app.router, &kari, "/whoami").await;
    assert_eq!(late.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn login_that_never_reaches_the_gateway_says_what_the_app_did() {
    let gateway = MockGateway::start().await.unwrap();
    let other = MockGateway::start().await.unwrap();
    let public = Router::new()
        .route("/", get(async || "public"))
        .route("/round", get(async || Redirect::to("/round")));
    let elsewhere = routes(&Arc::default()).layer(builder(&other).build().unwrap());
    let other_page = format!("{}/oauth/v2/authorize", other.base_url());
    for (app, path, expected, led_to) in [
        (&public, "/?token=canary", 200, "/"),
        (&public, "/missing", 404, "/missing"),
        (&public, "/round", 303, "/round"),
        (&elsewhere, "/whoami", 303, &other_page),
    ] {
        let error = gateway.login(app, path).await.unwrap_err();
        let text = error.to_string();
        assert!(
            format!("{error:?}") == format!("NotChallenged: {text}"),
            "{error:?}"
        );
        assert!(text.contains(led_to) && !text.contains("canary"), "{text}");
        assert!(!text.contains("state="), "{text}");
        let MockError::NotChallenged { status, page, .. } = error else {
            panic!("{path}: {error}");
        };
        assert_eq!((status, &*page), (expected, led_to), "{path}");
    }
    let error = gateway.login(&public, "http://[").await.unwrap_err();
    assert_eq!(error, MockError::InvalidPath);
    let broken =
        service_fn(async |_: Request| Err::<Response<Body>, _>(io::Error::other("broken")));
    let error = gateway.login(&broken, "/").await.unwrap_err();
    assert_eq!(error.to_string(), "the app failed: broken");
}

#[tokio::test]
async fn refused_callback_names_its_cause() {
    let app = App::start().await;
    app.gateway
        .answer_next(Endpoint::Token, Answer::status(401));
    let error = app.gateway.login(&app.router, "/").await.unwrap_err();
    let MockError::NotSignedIn { status, cause, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((status, cause.as_deref()), (502, Some("client_rejected")));

    let authorize = "oauth/v2/authorize?redirect_uri=https%3A%2F%2Fapp.test%2Fback&client_id";
    let (base, id) = (app.gateway.base_url(), app.gateway.client_id());
    let login = Redirect::to(&format!("{base}/{authorize}={id}"));
    let app_without_session = Router::new().route("/", get(login)).route(
        "/back",
        get((
            AppendHeaders([(header::SET_COOKIE, "a=1")]),
            Redirect::to("/"),
        )),
    );
    let error = app.gateway.login(&app_without_session, "/").await;
    let error = error.unwrap_err().to_string();
    assert_eq!(
        error,
        "the app refused the callback: 303: no cause is shown"
    );

    let gateway = MockGateway::builder().client("another", "secret");
    let gateway = gateway.start().await.unwrap();
    let auth = TelenorAuthLayer::builder("mistyped", "secret", "https://app.test/back");
    let auth = auth.gateway(gateway.base_url()).build().unwrap();
    let app = routes(&Arc::default()).layer(auth);
    let error = gateway.login(&app, "/whoami").await.unwrap_err();
    assert!(matches!(error, MockError::Refused { status: 401, .. }));
}

#[tokio::test]
async fn debug_shows_neither_person_nor_secret() {
    let app = App::start().await;
    let kari = app.gateway.login(&app.router, "/").await.unwrap();
    let user = TelenorUser::for_test();
    let layer = SignedInLayer::new(user.clone());
    let test_user = TestUser::default().scope("canary");
    let shown = format!(
        "{kari:?} {:?} {user:?} {layer:?} {:?} {test_user:?}",
        kari.cookie_header(),
        layer.layer(()),
    );
    let cookie = kari.cookie_header();
    let cookie = cookie.to_str().unwrap().split_once('=').unwrap().1;
    for secret in [cookie, user.access_token().secret(), "canary", "Kari"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("SignedIn {"), "{shown}");
}

// --- requests of a user

async fn open(app: &Router, user: &SignedIn, path: &str) -> Read {
    let mut request = navigation(path);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, user.cookie_header());
    Read::read(app.clone().oneshot(request).await.unwrap()).await
}

async fn anonymous(app: &Router, path: &str) -> Read {
    let request = navigation(path);
    Read::read(app.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn login_that_is_refused_returns_the_page_that_the_user_gets() {
    let app = App::start().await;
    let denied = app
        .gateway
        .login_denied(&app.router, "/whoami")
        .await
        .unwrap();
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
    let late = app
        .gateway
        .login_timed_out(&app.router, "/whoami")
        .await
        .unwrap();
    for (response, cause) in [(denied, "access_denied"), (late, "line_not_recognized")] {
        let page = axum::body::to_bytes(response.into_body(), 100_000)
            .await
            .unwrap();
        let page = String::from_utf8_lossy(&page);
        assert!(page.contains(&format!("<code>{cause}</code>")), "{page}");
    }
    let public = Router::new().route("/", get(async || "public"));
    let error = app.gateway.login_denied(&public, "/").await.unwrap_err();
    assert!(matches!(
        error,
        MockError::NotChallenged { status: 200, .. }
    ));
}
