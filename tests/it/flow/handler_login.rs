//! Logins that a handler starts, with a note and parameters of their own.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::request::Parts,
    response::IntoResponse,
    routing::{get, post},
};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use telenor_auth::{
    AppValueError, LoginMistake, TelenorAuthBuilder, TelenorAuthLayer, TelenorLogin, TelenorUser,
    events::Event, mock::MockGateway,
};

use crate::support::{
    App,
    app::builder,
    browser::{Browser, ORIGIN, navigation, request},
    capture,
    steps::query,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Basket {
    id: u64,
    text: String,
}

fn basket(len: usize) -> Basket {
    let text = "x".repeat(len);
    Basket { id: 17, text }
}

async fn pay(login: TelenorLogin) -> Result<TelenorLogin, LoginMistake> {
    login.return_to("/receipt?a=1").note(&basket(20))
}

async fn receipt(user: TelenorUser) -> Result<String, AppValueError> {
    let basket: Option<Basket> = user.note()?;
    Ok(basket.map_or("no basket".to_owned(), |basket| {
        format!("basket {}, login {}", basket.id, user.login_id())
    }))
}

fn routes() -> Router {
    let hint = async |login: TelenorLogin| {
        let login = login.parameter("login_hint", "a b")?;
        login.parameter("ui_locales", "en")
    };
    let wrong = async |user: TelenorUser| user.note::<u8>().map(|_| "a number");
    Router::new()
        .route("/pay", get(pay).post(pay))
        .route("/hint", get(hint))
        .route("/here", get(async |login: TelenorLogin| login))
        .route("/receipt", get(receipt))
        .route("/wrong", get(wrong))
        .route(
            "/link",
            get(async |login: TelenorLogin| login.path("/receipt?b=2")),
        )
}

async fn app(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> App {
    let gateway = MockGateway::start().await.unwrap();
    let auth = settings(builder(&gateway)).optional(true).build().unwrap();
    App::mounted(routes().layer(auth), gateway)
}

async fn sign_in(app: &App, browser: &mut Browser, target: &str) -> String {
    let challenge = browser.send(navigation(target)).await;
    assert_eq!(
        challenge.status,
        StatusCode::SEE_OTHER,
        "{}",
        challenge.body
    );
    let callback = app.gateway.allow(&challenge.location()).unwrap();
    browser.open(&callback).await.location()
}

async fn note_comes_back_with_the_user(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let app = app(settings).await;
    let mut browser = app.browser();
    let page = sign_in(&app, &mut browser, "/pay").await;
    assert_eq!(page, format!("{ORIGIN}/receipt?a=1"));
    let receipt = browser.open("/receipt").await.body;
    assert!(receipt.starts_with("basket 17, login "), "{receipt}");
    let wrong = browser.open("/wrong").await;
    assert_eq!(wrong.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(wrong.body, "");
}

over_each_store! { builders: note_comes_back_with_the_user }

#[tokio::test]
async fn login_without_a_note_has_none() {
    let app = app(|builder| builder).await;
    let mut browser = app.browser();
    sign_in(&app, &mut browser, "/here").await;
    assert_eq!(browser.open("/receipt").await.body, "no basket");
}

#[tokio::test]
async fn form_starts_the_login_of_its_handler() {
    let app = app(|builder| builder).await;
    let mut browser = app.browser();
    let form = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
    ];
    let challenge = browser.send(request(Method::POST, "/pay", &form)).await;
    assert_eq!(challenge.status, StatusCode::SEE_OTHER);
    let callback = app.gateway.allow(&challenge.location()).unwrap();
    let page = browser.open(&callback).await.location();
    assert_eq!(page, format!("{ORIGIN}/receipt?a=1"));
}

#[tokio::test]
async fn login_leads_to_the_page_of_its_request_by_default() {
    let app = app(|builder| builder).await;
    let page = sign_in(&app, &mut app.browser(), "/here?c=3").await;
    assert_eq!(page, format!("{ORIGIN}/here?c=3"));
}

#[tokio::test]
async fn scripts_start_no_login() {
    let app = app(|builder| builder).await;
    let mut browser = app.browser();
    for (headers, status) in [
        (vec![("sec-fetch-mode", "cors")], StatusCode::UNAUTHORIZED),
        (
            vec![("accept", "application/json")],
            StatusCode::UNAUTHORIZED,
        ),
        (
            vec![("sec-purpose", "prefetch"), ("sec-fetch-mode", "navigate")],
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (
            vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let answer = browser.send(request(Method::GET, "/pay", &headers)).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert!(browser.pending().is_empty(), "{headers:?}");
    }
}

#[tokio::test]
async fn htmx_opens_the_login_of_a_handler_with_its_note() {
    let app = app(|builder| builder).await;
    let mut browser = app.browser();
    let htmx = [
        ("hx-request", "true"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = browser.send(request(Method::POST, "/pay", &htmx)).await;
    let callback = app.gateway.allow(answer.header("hx-redirect").unwrap());
    browser.open(&callback.unwrap()).await;
    assert!(browser.open("/receipt").await.body.starts_with("basket 17"));
}

#[tokio::test]
async fn parameters_are_of_one_login() {
    let app = app(|builder| builder.authorization_parameter("ui_locales", "nb")).await;
    let mut browser = app.browser();
    for (target, hint, locales) in [("/hint", Some("a b"), "en"), ("/here", None, "nb")] {
        let url = browser.start(target).await;
        assert_eq!(query(&url, "login_hint").as_deref(), hint);
        assert_eq!(query(&url, "ui_locales").as_deref(), Some(locales));
    }
}

#[tokio::test]
async fn parameters_of_one_login_pass_the_start_page() {
    let app = app(|builder| builder.http_start("http://start.app.test")).await;
    let start = app.browser().start("/hint").await;
    assert!(!start.contains("login_hint"), "sealed: {start}");
    let mut page = navigation(start.strip_prefix("http://start.app.test").unwrap());
    let host = HeaderValue::from_static("start.app.test");
    page.headers_mut().insert("host", host);
    let page = app.browser().send(page).await.body;
    assert!(!page.contains("login_hint"), "sealed: {page}");
    let (_, token) = page.split_once("/telenor/start?go=").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let go = format!("/telenor/start?go={token}&login_hint=evil");
    let url = app.browser().open(&go).await.location();
    assert_eq!(query(&url, "login_hint").as_deref(), Some("a b"));
    assert!(!url.contains("evil"), "{url}");
}

#[tokio::test]
async fn mistakes_of_a_handler_are_errors() {
    let app = app(|builder| builder).await;
    let parts = parts("/pay");
    let auth = builder(&app.gateway).build().unwrap();
    let login = || auth.login(&parts);
    for name in ["state", "redirect_uri", "code_challenge", "scope", ""] {
        let mistake = login().parameter(name, "x").unwrap_err();
        assert_eq!(mistake, LoginMistake::ReservedParameter(name.to_owned()));
    }
    assert!(login().note(&"x".repeat(510)).is_ok());
    let mistake = login().note(&"x".repeat(511)).unwrap_err();
    assert!(matches!(
        mistake,
        LoginMistake::Note(AppValueError::TooLarge { .. })
    ));
    assert_eq!(
        mistake.into_response().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    let long = login().parameter("login_hint", "x".repeat(1_014));
    let mistake = long.unwrap().parameter("a", "b").unwrap_err();
    assert_eq!(mistake, LoginMistake::ParametersTooLong);
}

#[tokio::test]
async fn links_and_the_layer_start_logins_on_public_routes() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let public = async |State(auth): State<TelenorAuthLayer>, parts: Parts| {
        auth.login(&parts).return_to("/receipt").note(&basket(1))
    };
    assert_eq!(auth.login_path("/receipt?b=2"), link("/receipt?b=2"));
    for target in ["https://evil.example/", "//evil.example", "/telenor/logout"] {
        assert_eq!(auth.login_path(target), link("/"), "{target}");
    }
    let router = routes().layer(auth.clone());
    let router = router.route("/public", get(public).with_state(auth));
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let path = browser.open("/link").await.body;
    assert_eq!(path, link("/receipt?b=2"));
    sign_in(&app, &mut browser, "/public").await;
    assert!(browser.open("/receipt").await.body.starts_with("basket 17"));
}

fn link(return_to: &str) -> String {
    let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
    format!("/telenor/login?return_to={query}")
}

fn parts(target: &str) -> Parts {
    navigation(target).into_parts().0
}

#[tokio::test]
async fn login_of_a_handler_cannot_go_round_without_end() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let router = Router::new().route("/", get(async |login: TelenorLogin| login));
    let app = App::mounted(router.layer(auth), gateway);
    let mut browser = app.browser();
    let mut logins = 0;
    let page = loop {
        let answer = browser.send(navigation("/")).await;
        if answer.status != StatusCode::SEE_OTHER {
            break answer;
        }
        let callback = app.gateway.allow(&answer.location()).unwrap();
        browser.open(&callback).await;
        logins += 1;
        assert!(logins < 20);
    };
    assert!(page.body.contains("login_loop"));
}

/// Rooms in the cookies of five logins, with notes of the largest size.
#[tokio::test]
async fn note_is_never_dropped_alone() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let note = async |parts: Parts, login: TelenorLogin| {
        let note = parts.uri.query().unwrap_or_default().len();
        let place = format!("/receipt?{}", "p".repeat(600));
        login.return_to(place).note(&basket(note))
    };
    let router = Router::new()
        .route("/note", post(note).get(note))
        .route("/receipt", get(receipt));
    let app = App::mounted(router.layer(auth), gateway);
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for _ in 0..8 {
        let url = browser.start(&format!("/note?{}", "n".repeat(480))).await;
        callbacks.push(app.gateway.allow(&url).unwrap());
        let pairs = browser.jar.iter();
        let bytes: usize = pairs
            .map(|(name, value)| name.len() + value.len() + 3)
            .sum();
        assert!(bytes < 4_000, "{bytes}");
        assert!(!browser.pending().is_empty());
    }
    let kept = browser.pending().len();
    assert!((3..=5).contains(&kept), "{kept}");
    let mut signed_in = 0;
    for callback in callbacks {
        let mut browser = browser.clone();
        let answer = browser.open(&callback).await;
        if answer.status == StatusCode::SEE_OTHER {
            signed_in += 1;
            let receipt = browser.open("/receipt").await.body;
            assert!(receipt.starts_with("basket 17"), "{receipt}");
        }
    }
    assert_eq!(signed_in, kept);
}

#[tokio::test]
async fn place_goes_before_a_login_does() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let note = async |login: TelenorLogin| {
        let place = format!("/receipt?{}", "p".repeat(1_500));
        login.return_to(place).note(&basket(100))
    };
    let router = Router::new()
        .route("/note", get(note))
        .route("/receipt", get(receipt));
    let app = App::mounted(router.layer(auth), gateway);
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for _ in 0..5 {
        let url = browser.start("/note").await;
        callbacks.push(app.gateway.allow(&url).unwrap());
    }
    assert_eq!(
        browser.pending().len(),
        5,
        "all five logins have room without their places"
    );
    for callback in callbacks {
        let mut browser = browser.clone();
        browser.open(&callback).await;
        assert!(browser.open("/receipt").await.body.starts_with("basket 17"));
    }
}

/// A first login with a long place, and later ones with notes that leave it no room.
#[tokio::test]
async fn places_of_older_logins_go_before_a_login_does() {
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).optional(true).build().unwrap();
    let long = async |login: TelenorLogin| login.return_to(format!("/x?{}", "p".repeat(1_900)));
    let note = async |login: TelenorLogin| login.return_to("/receipt").note(&basket(450));
    let router = Router::new()
        .route("/long", get(long))
        .route("/note", get(note))
        .route("/receipt", get(receipt));
    let app = App::mounted(router.layer(auth), gateway);
    let mut browser = app.browser();
    let first = browser.start("/long").await;
    let first = app.gateway.allow(&first).unwrap();
    let kept = browser.pending().remove(0);
    let mut notes = Vec::new();
    for _ in 0..3 {
        let url = browser.start("/note").await;
        notes.push(app.gateway.allow(&url).unwrap());
    }
    assert_eq!(browser.pending().len(), 4, "no login is gone");
    let shorter = browser.pending().remove(0);
    assert!(browser.pending().iter().any(|(name, _)| *name == kept.0));
    assert!(
        browser
            .pending()
            .iter()
            .all(|(_, value)| value.len() < kept.1.len()),
        "{shorter:?}"
    );
    let mut older = browser.clone();
    assert_eq!(older.open(&first).await.location(), format!("{ORIGIN}/"));
    for callback in notes {
        let mut browser = browser.clone();
        browser.open(&callback).await;
        assert!(browser.open("/receipt").await.body.starts_with("basket 17"));
    }
}

#[tokio::test]
async fn link_of_another_site_ends_no_session_by_a_handler() {
    let from = |site: &'static str| {
        let mut request = navigation("/pay?a=1");
        let site = HeaderValue::from_static(site);
        request.headers_mut().insert("sec-fetch-site", site);
        request
    };
    let app = app(|builder| builder).await;
    let anonymous = app.browser().send(from("cross-site")).await;
    assert_eq!(anonymous.status, StatusCode::SEE_OTHER, "nothing can end");
    let mut browser = app.browser();
    sign_in(&app, &mut browser, "/here").await;
    for site in ["cross-site", "same-site"] {
        let page = browser.send(from(site)).await;
        assert_eq!(page.status, StatusCode::OK, "{site}");
        assert!(
            page.body.contains("class=\"primary\" href=\"/pay?a=1\""),
            "{}",
            page.body
        );
        assert!(browser.pending().is_empty());
    }
    for site in ["same-origin", "none"] {
        let start = browser.send(from(site)).await;
        assert_eq!(start.status, StatusCode::SEE_OTHER, "{site}");
    }
}

#[tokio::test]
async fn login_page_comes_before_the_login_of_a_handler() {
    let app = app(|builder| builder.login_page(true)).await;
    let page = app.browser().send(navigation("/pay")).await;
    assert!(
        page.body.contains("class=\"primary\" href=\"/pay\""),
        "{}",
        page.body
    );
    let mut pressed = navigation("/pay");
    let site = HeaderValue::from_static("same-origin");
    pressed.headers_mut().insert("sec-fetch-site", site);
    let start = app.browser().send(pressed).await;
    assert_eq!(start.status, StatusCode::SEE_OTHER);
}

/// What one login is known by, from its start to its callback.
#[tokio::test]
async fn one_id_is_in_every_event_log_line_span_and_page() {
    type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;
    let (log, _guard) = capture::capture();
    let seen = Seen::default();
    let sink = Arc::clone(&seen);
    let app = app(|builder| {
        builder.on_event(move |event| {
            let name = format!("{event:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
            let id = match *event {
                Event::LoginStarted {
                    login_id,
                    path,
                    trigger,
                    ..
                } => {
                    assert_eq!((path, trigger.as_str()), ("/receipt", "handler"));
                    Some(login_id)
                }
                Event::LoginSucceeded { login_id, .. } => Some(login_id),
                Event::LoginFailed { login_id, .. } | Event::GatewayCall { login_id, .. } => {
                    login_id
                }
                _ => None,
            };
            sink.lock().unwrap().push((name, id.map(str::to_owned)));
        })
    })
    .await;
    let traced = tower::ServiceBuilder::new()
        .layer(
            tower_http::trace::TraceLayer::new_for_http()
                .make_span_with(telenor_auth::request_span),
        )
        .service(app.router.clone());
    let mut browser = app.browser();
    browser.router = Router::new().fallback_service(traced);
    let url = browser.start("/pay").await;
    browser.open(&app.gateway.allow(&url).unwrap()).await;
    let receipt = browser.open("/receipt").await.body;
    let id = receipt.rsplit(' ').next().unwrap().to_owned();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let names: Vec<_> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["LoginStarted", "GatewayCall", "LoginSucceeded"]);
    assert!(
        seen.iter().all(|(_, known)| known.as_ref() == Some(&id)),
        "{seen:?}"
    );
    let text = log.text();
    for line in ["login started", "gateway called", "login succeeded"] {
        let lines = text.lines().filter(|logged| logged.contains(line));
        for logged in lines {
            assert!(logged.contains(&id), "{logged}");
        }
    }
    // The span of the request, and the span of the login in it.
    let spans = log.lines("INFO", &["login succeeded", &id]);
    assert!(spans[0].contains("login{login_id="), "{}", spans[0]);
    // The page of a login that fails, and the answer to a script.
    let url = browser.start("/pay").await;
    let denied = browser.open(&app.gateway.deny(&url).unwrap()).await;
    let failed = log.lines("INFO", &["login failed"]);
    let failed = failed[0]
        .split("login_id=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    assert!(denied.body.contains(failed.unwrap()), "{}", denied.body);
}
