//! Calls to the APIs, and their errors.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use telenor_auth::{
    ApiError, ApiErrorKind, TelenorAuthBuilder, TelenorUser,
    mock::{Answer, Endpoint, MockGateway},
};

use crate::support::{self, App, Browser, Hits, builder, request};

/// The result of a call as text, for a test to compare.
fn outcome<T>(answer: Result<T, ApiError>, show: impl FnOnce(T) -> String) -> String {
    match answer {
        Ok(answer) => show(answer),
        Err(error) => format!(
            "{:?} {:?} {:?}",
            error.kind(),
            error.code(),
            error.retry_after()
        ),
    }
}

async fn name(user: TelenorUser) -> String {
    outcome(user.info().await, |info| {
        info.name()
            .and_then(|name| name.given_name())
            .unwrap_or("no name")
            .to_owned()
    })
}

async fn device(user: TelenorUser) -> String {
    outcome(user.device().await, |device| {
        format!("{:?} {:?}", device.model().is_some(), device.lte())
    })
}

async fn call(user: TelenorUser, query: axum::extract::RawQuery) -> String {
    let path = query.0.unwrap_or_default();
    outcome(user.get(&path).await, |answer| answer.status().to_string())
}

/// With headers that would stand in place of the user's token, or beside it.
async fn authorized(user: TelenorUser) -> String {
    let evil = HeaderValue::from_static("Bearer evil");
    let mut outcomes = Vec::new();
    for method in [Method::GET, Method::POST] {
        let call = user
            .request(method, "/user-info/v1/users")
            .header(header::AUTHORIZATION, evil.clone())
            .header(
                HeaderName::from_bytes(b"AUTHORIZATION").unwrap(),
                evil.clone(),
            );
        outcomes.push(outcome(call.send().await, |answer| {
            answer.status().to_string()
        }));
    }
    outcomes.join(", ")
}

async fn post(user: TelenorUser) -> String {
    let sent = user
        .request(Method::POST, "/user-info/v1/users")
        .json(&["x"])
        .send();
    outcome(sent.await, |answer| answer.status().to_string())
}

fn routes() -> Router {
    support::routes(&Hits::default())
        .route("/info", get(name))
        .route("/device", get(device))
        .route("/call", get(call))
        .route("/post", get(post))
        .route("/authorized", get(authorized))
}

async fn with(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> (App, Browser) {
    let gateway = MockGateway::start().await.unwrap();
    let router = routes().layer(settings(builder(&gateway)).build().unwrap());
    let app = App::mounted(router, gateway);
    let browser = app.signed_in().await;
    (app, browser)
}

async fn ask(browser: &mut Browser, path: &str) -> String {
    browser.open(path).await.body
}

#[tokio::test]
async fn device_info_is_read() {
    let (app, mut browser) = with(|builder| builder).await;
    assert_eq!(ask(&mut browser, "/device").await, "true Some(true)");
    assert_eq!(app.gateway.hits(Endpoint::DeviceInfo), 1);
}

#[tokio::test]
async fn only_safe_reads_are_retried() {
    let (app, mut browser) = with(|builder| builder).await;
    for _ in 0..2 {
        app.gateway
            .answer_next(Endpoint::UserInfo, Answer::status(503));
    }
    assert_eq!(ask(&mut browser, "/info").await, "Kari");
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 3);

    app.gateway
        .answer_always(Endpoint::UserInfo, Answer::status(500));
    assert_eq!(ask(&mut browser, "/info").await, "Unavailable None None");
    assert_eq!(
        app.gateway.hits(Endpoint::UserInfo),
        6,
        "three tries and no more"
    );
    for (answer, kind, calls) in [
        (
            Answer::gateway_error(42901).with_header("retry-after", "7"),
            "RateLimited Some(42901) Some(7s)",
            1,
        ),
        (
            Answer::gateway_error(40301),
            "Forbidden Some(40301) None",
            1,
        ),
        // Once over a kept connection, once over a fresh one.
        (Answer::Reset, "Unavailable None None", 2),
        (Answer::Huge, "Unexpected None None", 1),
        (
            Answer::Redirect {
                status: 302,
                location: "http://127.0.0.1:9/".into(),
            },
            "Unexpected None None",
            1,
        ),
    ] {
        let before = app.gateway.hits(Endpoint::UserInfo);
        app.gateway.answer_always(Endpoint::UserInfo, answer);
        assert_eq!(ask(&mut browser, "/info").await, kind);
        assert_eq!(
            app.gateway.hits(Endpoint::UserInfo),
            before + calls,
            "{kind}"
        );
    }
    app.gateway
        .answer_always(Endpoint::UserInfo, Answer::status(500));
    let before = app.gateway.hits(Endpoint::UserInfo);
    ask(&mut browser, "/post").await;
    assert!(app.gateway.hits(Endpoint::UserInfo) <= before + 1);
}

#[tokio::test]
async fn authorization_header_of_the_app_does_not_replace_the_users_token() {
    let (app, mut browser) = with(|builder| builder).await;
    let token = browser.token().await.unwrap();
    let answers = ask(&mut browser, "/authorized").await;
    assert!(answers.starts_with("200 OK, "), "{answers}");
    let requests = app.gateway.requests(Endpoint::UserInfo);
    assert_eq!(requests.len(), 2);
    for request in requests {
        let sent: Vec<_> = request.headers().get_all("authorization").iter().collect();
        assert_eq!(sent, [&*format!("Bearer {token}")]);
    }
}

#[tokio::test]
async fn expired_token_with_status_500_is_not_retried() {
    let (app, mut browser) = with(|builder| builder).await;
    app.gateway.answer_always(
        Endpoint::UserInfo,
        Answer::fault(500, "keymanagement.service.access_token_expired"),
    );
    assert!(ask(&mut browser, "/info").await.starts_with("Unauthorized"));
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 1);
}

#[tokio::test]
async fn any_path_of_the_gateway_can_be_called_and_no_other() {
    let (app, mut browser) = with(|builder| builder).await;
    assert_eq!(
        ask(&mut browser, "/call?/user-info/v1/users").await,
        "200 OK"
    );
    assert_eq!(
        ask(&mut browser, "/call?/nowhere/v1").await,
        "NotFound Some(40401) None"
    );
    let before = app.gateway.hits(Endpoint::UserInfo);
    for path in [
        "//127.0.0.1:9/",
        "http://127.0.0.1:9/",
        "@127.0.0.1:9/",
        "/../user-info/v1/users",
        "/nowhere/..%2fuser-info/v1/users",
        "/nowhere/%2e%2e/user-info/v1/users",
        "/nowhere/..;/user-info/v1/users",
        "/nowhere%5c..%5cuser-info",
        "/user-info/v1/users%00",
        "user-info",
    ] {
        assert_eq!(
            ask(&mut browser, &format!("/call?{path}")).await,
            "InvalidRequest None None",
            "{path}"
        );
    }
    assert_eq!(
        app.gateway.hits(Endpoint::UserInfo),
        before,
        "nothing was sent"
    );
}

#[tokio::test]
async fn cached_user_info_is_fetched_once_and_expires() {
    let gateway = MockGateway::start().await.unwrap();
    let clock = telenor_auth::Clock::manual();
    let auth = builder(&gateway)
        .clock(clock.clone())
        .cache_user_info(Duration::from_secs(60));
    let app = App::mounted(routes().layer(auth.build().unwrap()), gateway);
    let browser = app.signed_in().await;
    let gate = app.gateway.hold(Endpoint::UserInfo);
    let herd: Vec<_> = (0..20)
        .map(|_| {
            let mut browser = browser.clone();
            tokio::spawn(async move { ask(&mut browser, "/info").await })
        })
        .collect();
    gate.waiting(1).await;
    gate.open();
    for one in herd {
        assert_eq!(one.await.unwrap(), "Kari");
    }
    assert_eq!(
        app.gateway.hits(Endpoint::UserInfo),
        1,
        "concurrent requests share one call"
    );
    clock.advance(Duration::from_secs(60));
    ask(&mut browser.clone(), "/info").await;
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 2);
    // Another session has a cache entry of its own.
    ask(&mut app.signed_in().await, "/info").await;
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 3);
}

#[tokio::test]
async fn user_info_is_not_cached_by_default() {
    let (app, mut browser) = with(|builder| builder).await;
    ask(&mut browser, "/info").await;
    ask(&mut browser, "/info").await;
    assert_eq!(app.gateway.hits(Endpoint::UserInfo), 2);
}

#[tokio::test]
async fn scripts_of_the_apps_own_pages_get_the_data_and_no_token() {
    let (app, mut browser) = with(|builder| builder.script_api(true)).await;
    let token = browser.token().await.unwrap();
    let fetch = |method, path: &str, site: &str| {
        let headers = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
        ];
        request(method, path, &headers)
    };
    for (path, part) in [
        ("/telenor/user-info", "Kari"),
        ("/telenor/device-info", "capabilities"),
    ] {
        let answer = browser.send(fetch(Method::GET, path, "same-origin")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.body.contains(part) && !answer.body.contains(&token));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let calls = app.gateway.hits(Endpoint::UserInfo) + app.gateway.hits(Endpoint::DeviceInfo);
        for site in ["cross-site", "same-site", "none"] {
            assert_eq!(
                browser.send(fetch(Method::GET, path, site)).await.status,
                StatusCode::FORBIDDEN,
                "{site}"
            );
        }
        assert_eq!(
            browser.send(request(Method::GET, path, &[])).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            browser
                .send(fetch(Method::POST, path, "same-origin"))
                .await
                .status,
            StatusCode::METHOD_NOT_ALLOWED
        );
        let after = app.gateway.hits(Endpoint::UserInfo) + app.gateway.hits(Endpoint::DeviceInfo);
        assert_eq!(after, calls, "refused before the gateway is asked");
        let anonymous = app
            .browser()
            .send(fetch(Method::GET, path, "same-origin"))
            .await;
        assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    }
    let (_, mut without) = with(|builder| builder).await;
    let answer = without
        .send(fetch(Method::GET, "/telenor/user-info", "same-origin"))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "off by default");
}

#[tokio::test]
async fn events_of_one_login_share_an_id() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&events);
    let (app, mut browser) = with(|builder| {
        builder.on_event(move |event| recorded.lock().unwrap().push(format!("{event:?}")))
    })
    .await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Answer::gateway_error(40301));
    ask(&mut browser, "/info").await;
    let denied = app
        .gateway
        .deny(&app.browser().start("/private").await)
        .unwrap();
    app.browser().open(&denied).await;
    browser.jar[0].1 = "stale".into();
    browser
        .send(request(Method::GET, "/private", &[("accept", "*/*")]))
        .await;
    let events = events.lock().unwrap().clone();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event.split([' ', '{']).next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "LoginStarted",
            "GatewayCall",
            "LoginSucceeded",
            "GatewayCall",
            "LoginStarted",
            "LoginFailed",
            "SessionRefused"
        ]
    );
    let id = |at: usize| events[at].split('"').nth(1).unwrap().to_owned();
    assert_eq!(id(0), id(2));
    assert!(
        events[3].contains("Api") && events[3].contains("Refused"),
        "{}",
        events[3]
    );
}

#[tokio::test]
async fn script_gets_an_api_error_as_problem_json() {
    async fn info(user: TelenorUser) -> Result<String, ApiError> {
        let error = user.info().await.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::RateLimited);
        Err(error)
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default()).route("/limited", get(info));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    app.gateway.answer_next(
        Endpoint::UserInfo,
        Answer::gateway_error(42902).with_header("retry-after", "9"),
    );
    let answer = browser
        .send(request(
            Method::GET,
            "/limited",
            &[("accept", "application/json")],
        ))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("9"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
}

/// An app's own error, which has lost the type of its cause.
struct Anything(Box<dyn Error + Send + Sync>);

impl IntoResponse for Anything {
    fn into_response(self) -> Response {
        let other = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
        ApiError::response_for(&*self.0).unwrap_or_else(other)
    }
}

/// An error with a cause.
#[derive(Debug)]
struct Wrapped(Box<dyn Error + Send + Sync>);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the basket cannot be shown")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test]
async fn dead_token_in_an_error_of_the_app_still_leads_to_a_login() {
    async fn page(user: TelenorUser, query: axum::extract::RawQuery) -> Result<String, Anything> {
        let error = match user.info().await {
            Ok(_) => "no API was called".into(),
            Err(error) => Box::<dyn Error + Send + Sync>::from(error),
        };
        Err(Anything(match query.0.as_deref() {
            Some("io") => Box::new(io::Error::other(error)),
            Some("wrapped") => Box::new(Wrapped(Box::new(io::Error::other(Wrapped(error))))),
            Some("other") => Box::new(Wrapped("another cause".into())),
            _ => error,
        }))
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default()).route("/page", get(page));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    for (target, status) in [
        ("/page", 303),
        ("/page?io", 303),
        ("/page?wrapped", 303),
        ("/page?other", 500),
    ] {
        let mut browser = app.signed_in().await;
        app.gateway
            .answer_next(Endpoint::UserInfo, Answer::gateway_error(40106));
        let answer = browser.open(target).await;
        assert_eq!(answer.status.as_u16(), status, "{target}");
        if status == 303 {
            assert!(
                answer.location().contains("/oauth/v2/authorize"),
                "{target}"
            );
        }
    }
}

#[tokio::test]
async fn data_in_another_encoding_is_read() {
    #[derive(serde::Deserialize)]
    struct Place {
        town: String,
    }
    async fn town(user: TelenorUser) -> Result<String, ApiError> {
        let place: Place = user.get("/user-info/v1/users").await?.json()?;
        Ok(place.town)
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = routes().route("/town", get(town));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    for (content_type, body) in [
        (
            "application/json;charset=ISO-8859-1",
            &b"{\"town\":\"Troms\xf8\"}"[..],
        ),
        ("application/json", b"{\"town\":\"Troms\xf8\"}"),
        (
            "application/json",
            b"\xef\xbb\xbf{\"town\":\"Troms\xc3\xb8\"}",
        ),
    ] {
        let answer = Answer::Respond {
            status: 200,
            content_type: Some(content_type.to_owned()),
            body: body.to_vec(),
        };
        app.gateway.answer_next(Endpoint::UserInfo, answer);
        assert_eq!(browser.open("/town").await.body, "Troms\u{f8}");
    }
}

#[tokio::test]
async fn invalid_call_says_what_to_change_and_sends_nothing() {
    async fn refused(user: TelenorUser) -> String {
        let mut texts = Vec::new();
        for path in ["nix", "/a/..%2fb", "/a%00"] {
            let error = user.get(path).await.unwrap_err();
            assert_eq!(error.kind(), ApiErrorKind::InvalidRequest);
            texts.push(error.to_string());
        }
        let connect = user.request(Method::CONNECT, "/a").send().await;
        texts.push(connect.unwrap_err().to_string());
        texts.join("\n")
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default()).route("/refused", get(refused));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    let named = ["/a", "/a%00", "/b"].map(Endpoint::Api);
    assert_eq!(named.map(|api| app.gateway.hits(api)), [0; 3]);
    let texts = browser.open("/refused").await.body;
    let texts: Vec<_> = texts.lines().collect();
    assert!(texts[0].contains("one slash first"), "{texts:?}");
    assert!(
        texts[1].contains("`..`") && texts[2].contains("control"),
        "{texts:?}"
    );
    assert!(texts[3].contains("CONNECT"), "{texts:?}");
    assert_eq!(named.map(|api| app.gateway.hits(api)), [0; 3]);
}

#[tokio::test]
async fn any_path_can_be_scripted() {
    const PRODUCT: Endpoint = Endpoint::Api("/some-product/v1/things");
    let (app, mut browser) = with(|builder| builder).await;
    app.gateway.answer_next(PRODUCT, Answer::json(200, "{}"));
    let path = "/call?/some-product/v1/things?page=2";
    assert_eq!(ask(&mut browser, path).await, "200 OK");
    assert_eq!(ask(&mut browser, path).await, "NotFound Some(40401) None");
    let [request, _] = &app.gateway.requests(PRODUCT)[..] else {
        panic!("two requests");
    };
    assert_eq!(request.query("page").as_deref(), Some("2"));
    assert!(request.headers().contains_key("authorization"));
}
