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
    AppValueError, Clock, LoginMistake, TelenorAuthBuilder, TelenorAuthLayer, TelenorLogin,
    TelenorUser,
    events::Event,
    mock::MockGateway,
    session::{Fault, FaultyStore, MemoryStore, Operation},
};

use crate::support::{
    App, MINUTE,
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
        let login = login.parameter("Login_Hint", "replaced")?;
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

/// S17.
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
        (
            vec![("connection", "upgrade"), ("upgrade", "websocket")],
            StatusCode::UNAUTHORIZED,
        ),
        (
            vec![
                ("sec-fetch-mode", "same-origin"),
                ("sec-fetch-dest", "empty"),
                ("accept", "text/html,*/*;q=0.8"),
            ],
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let answer = browser.send(request(Method::GET, "/pay", &headers)).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert!(browser.pending().is_empty(), "{headers:?}");
    }
    let page = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
        ("accept", "text/html"),
    ];
    let page = browser.send(request(Method::GET, "/pay", &page)).await;
    let button = "href=\"/telenor/login?return_to=%2Freceipt%3Fa%3D1\"";
    assert!(page.body.contains(button), "{}", page.body);
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

/// S2.
#[tokio::test]
async fn parameters_are_of_one_login() {
    let app = app(|builder| builder.authorization_parameter("ui_locales", "nb")).await;
    let mut browser = app.browser();
    for (target, hint, locales) in [("/hint", Some("a b"), "en"), ("/here", None, "nb")] {
        let url = browser.start(target).await;
        assert_eq!(query(&url, "login_hint").as_deref(), hint);
        assert!(!url.contains("Login_Hint"), "{url}");
        assert_eq!(query(&url, "ui_locales").as_deref(), Some(locales));
    }
}

#[tokio::test]
async fn parameters_of_one_login_pass_the_start_page() {
    let app = app(|builder| builder.http_start("http://start.app.test")).await;
    let mut browser = app.browser();
    let start = browser.start("/hint").await;
    assert!(!start.contains("login_hint"), "sealed: {start}");
    let mut page = navigation(start.strip_prefix("http://start.app.test").unwrap());
    let host = HeaderValue::from_static("start.app.test");
    page.headers_mut().insert("host", host);
    let page = app.browser().send(page).await.body;
    assert!(!page.contains("login_hint"), "sealed: {page}");
    let (_, token) = page.split_once("/telenor/start?go=").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let go = format!("/telenor/start?go={token}&login_hint=evil");
    let url = browser.open(&go).await.location();
    assert_eq!(query(&url, "login_hint").as_deref(), Some("a b"));
    assert!(!url.contains("evil"), "{url}");
}

#[tokio::test]
async fn mistakes_of_a_handler_are_errors() {
    let app = app(|builder| builder).await;
    let parts = parts("/pay");
    let auth = builder(&app.gateway).build().unwrap();
    let login = || auth.login(&parts);
    let reserved = ["state", "redirect_uri", "code_challenge", "scope", ""];
    let replacing = [
        "request",
        "request_uri",
        "response_mode",
        "nonce",
        "dpop_jkt",
    ];
    let other_case = ["Redirect_URI", "STATE", "Request"];
    for name in [&reserved[..], &replacing, &other_case].concat() {
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
    let login = async |login: TelenorLogin| login.return_to("/receipt");
    let router = Router::new().route("/", get(login));
    let app = App::mounted(router.layer(auth), gateway);
    for (site, allowed) in [("none", 2), ("same-origin", 6)] {
        let mut browser = app.browser();
        let mut logins = 0;
        let page = loop {
            let mut request = navigation("/");
            let site = HeaderValue::from_static(site);
            request.headers_mut().insert("sec-fetch-site", site);
            let answer = browser.send(request).await;
            if answer.status != StatusCode::SEE_OTHER {
                break answer;
            }
            let callback = app.gateway.allow(&answer.location()).unwrap();
            browser.open(&callback).await;
            logins += 1;
            assert!(logins < 20);
        };
        assert_eq!(logins, allowed, "{site}");
        assert!(page.body.contains("login_loop"));
        let button = "href=\"/telenor/login?return_to=%2Freceipt\"";
        assert!(page.body.contains(button), "{}", page.body);
    }
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
/// S13.
#[tokio::test]
async fn places_of_older_logins_go_before_a_login_does() {
    let gateway = MockGateway::start().await.unwrap();
    let clock = Clock::manual();
    let auth = builder(&gateway).optional(true).clock(clock.clone());
    let auth = auth.build().unwrap();
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
    clock.advance(MINUTE);
    let (mut notes, mut set_again) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let answer = browser.open("/note").await;
        notes.push(app.gateway.allow(&answer.location()).unwrap());
        let lines = answer.set_cookies().into_iter();
        set_again.extend(lines.filter(|line| line.starts_with(&kept.0)));
    }
    assert!(!set_again.is_empty());
    for line in set_again {
        assert!(line.ends_with("Max-Age=240"), "not for longer: {line}");
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

/// S22.
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
    let request = format!("login_id=\"{id}\"}}");
    for callback in log.lines(
        "",
        &["finished processing request", "path=\"/telenor/callback\""],
    ) {
        assert!(callback.contains(&request), "{callback}");
    }
    let started = log.lines("", &["finished processing request", "path=\"/pay\""]);
    assert!(started[0].contains(&request), "{}", started[0]);
    // The page of a login that fails, and the answer to a script.
    for accept in ["text/html", "application/json"] {
        let callback = app.gateway.deny(&browser.start("/pay").await).unwrap();
        let headers = [("accept", accept), ("accept-language", "en")];
        let denied = browser.send(request_of(&callback, &headers)).await;
        let failed = log.lines("INFO", &["login failed"]).pop().unwrap();
        let failed = failed.rsplit("login_id=\"").next().unwrap();
        let failed = failed.split('"').next().unwrap();
        if accept == "text/html" {
            assert!(
                denied.body.contains(&format!("<code>{failed}</code>")),
                "{}",
                denied.body
            );
        } else {
            let problem: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
            assert_eq!(problem["login_id"], failed);
        }
    }
}

fn request_of(target: &str, headers: &[(&str, &str)]) -> http::Request<axum::body::Body> {
    request(Method::GET, target, headers)
}

/// A login whose store fails, or which comes back too late, is known by its id too.
#[tokio::test]
async fn store_failure_and_late_login_have_the_id_of_the_login() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let (sink, clock) = (Arc::clone(&seen), Clock::manual());
    let app = app(|builder| {
        let builder = builder.session_store(faulty.clone()).clock(clock.clone());
        builder.on_event(move |event| match *event {
            Event::StoreFailed { login_id, .. } | Event::LoginFailed { login_id, .. } => {
                sink.lock().unwrap().push(login_id.map(str::to_owned));
            }
            _ => {}
        })
    })
    .await;
    let mut browser = app.browser();
    sign_in(&app, &mut browser, "/here").await;
    let callback = browser.callback_url(&app.gateway, "/pay").await;
    let id = |page: &str| {
        let id = page.split("<code>").nth(1).unwrap();
        Some(id.split('<').next().unwrap().to_owned())
    };
    faulty.set_for(Operation::Load, Fault::Error);
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(seen.lock().unwrap().pop(), Some(id(&page.body)));
    faulty.set(Fault::None);
    clock.advance(5 * MINUTE);
    let page = browser.open(&callback).await;
    assert!(page.body.contains("state_expired"), "{}", page.body);
    assert_eq!(seen.lock().unwrap().pop(), Some(id(&page.body)));
}

/// An app with the extractor at `/pay` and the layer's own call at `/public`.
async fn two_ways(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> App {
    let gateway = MockGateway::start().await.unwrap();
    let auth = settings(builder(&gateway)).optional(true).build().unwrap();
    let public = async |State(auth): State<TelenorAuthLayer>, parts: Parts| {
        auth.login(&parts).return_to("/receipt").note(&basket(1))
    };
    let router = Router::new().route("/pay", get(pay).post(pay));
    let router = router.route("/receipt", get(receipt)).layer(auth.clone());
    let public = get(public).post(public).with_state(auth);
    App::mounted(router.route("/public", public), gateway)
}

fn form_of(target: &str, sent: &[(&'static str, &'static str)]) -> http::Request<axum::body::Body> {
    let own = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
    let mut headers = own.to_vec();
    headers.extend_from_slice(sent);
    request(Method::POST, target, &headers)
}

#[tokio::test]
async fn form_of_another_origin_starts_no_login_of_a_handler() {
    let foreign: [&[_]; 5] = [
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.app.test"),
        ],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
    ];
    for login_page in [false, true] {
        let app = two_ways(|builder| builder.login_page(login_page)).await;
        let mut signed_in = app.browser();
        let login = "/telenor/login?return_to=%2Freceipt";
        let mut pressed = navigation(login);
        let same = HeaderValue::from_static("same-origin");
        pressed.headers_mut().insert("sec-fetch-site", same);
        let url = signed_in.send(pressed).await.location();
        signed_in.open(&app.gateway.allow(&url).unwrap()).await;
        for target in ["/pay", "/public"] {
            for sent in foreign {
                for browser in [&mut app.browser(), &mut signed_in] {
                    let answer = browser.send(form_of(target, sent)).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{target} {sent:?}");
                    assert!(answer.body.contains("cross_origin_request"));
                    assert!(browser.pending().is_empty(), "{target} {sent:?}");
                }
            }
            let own = form_of(target, &[("sec-fetch-site", "same-origin")]);
            assert_eq!(app.browser().send(own).await.status, StatusCode::SEE_OTHER);
        }
        assert_eq!(signed_in.open("/receipt").await.body, "no basket");
    }
}

#[tokio::test]
async fn form_of_a_trusted_origin_starts_a_login() {
    let app = two_ways(|builder| builder.trusted_origin("https://pay.example")).await;
    let sent = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://pay.example"),
    ];
    for target in ["/pay", "/public"] {
        let answer = app.browser().send(form_of(target, &sent)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{target}");
    }
}

#[tokio::test]
async fn plain_http_starts_no_login_of_a_handler() {
    let app = two_ways(|builder| builder.http_start("http://start.app.test")).await;
    for target in ["/pay", "/public"] {
        let mut page = navigation(target);
        let host = HeaderValue::from_static("start.app.test");
        page.headers_mut().insert("host", host);
        let answer = app.browser().send(page).await;
        assert_eq!(answer.location(), format!("{ORIGIN}{target}"));
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
}

/// A browser without Fetch metadata proves by a cookie that its button was pressed.
#[tokio::test]
async fn button_before_the_login_of_a_handler_can_be_pressed_in_every_browser() {
    let page = |target: &str| request(Method::GET, target, &[("accept", "text/html")]);
    let app = two_ways(|builder| builder.login_page(true)).await;
    let mut browser = app.browser();
    let asked = browser.send(page("/pay?a=1")).await;
    assert_eq!(asked.status, StatusCode::OK);
    let button = asked
        .body
        .split("class=\"primary\" href=\"")
        .nth(1)
        .unwrap();
    let button = button.split('"').next().unwrap().replace("&#38;", "&");
    assert!(button.starts_with("/pay?a=1&button="), "{button}");
    assert_eq!(
        browser.clone().send(page(&button)).await.status,
        StatusCode::SEE_OTHER
    );
    // A link of another site does not know the value.
    for forged in ["/pay?button=AAAAAAAAAAAAAAAAAAAAAA", "/pay?button="] {
        assert_eq!(
            browser.clone().send(page(forged)).await.status,
            StatusCode::OK
        );
    }
    let without_cookies = app.browser().send(page(&button)).await;
    assert!(
        without_cookies.body.contains("login_loop"),
        "{}",
        without_cookies.body
    );
}

/// S22.
#[tokio::test]
async fn part_of_a_page_by_htmx_waits_for_the_button_where_the_app_wants_one() {
    let app = two_ways(|builder| builder.login_page(true)).await;
    let headers = [("hx-request", "true"), ("sec-fetch-mode", "cors")];
    let mut browser = app.browser();
    let answer = browser.send(request(Method::GET, "/pay", &headers)).await;
    let opens = answer.header("hx-redirect").unwrap();
    assert!(
        opens.ends_with("/telenor/login?return_to=%2Freceipt%3Fa%3D1&ask=first"),
        "{opens}"
    );
    assert!(browser.pending().is_empty());
}
