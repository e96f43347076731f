//! Nothing secret or personal is logged at any level, and a failure is one line with its cause.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body};
use base64::{Engine, prelude::*};
use http::{HeaderValue, Method, Request, StatusCode};
use telenor_auth::{
    CookieKeys, TelenorUser,
    events::Event,
    mock::{Answer, Endpoint, MockGateway, SignedInLayer},
    session::{Fault, FaultyStore, MemoryStore},
};

use crate::support::{
    self, App, CALLBACK, builder,
    capture::{capture, capture_from},
    navigation, query, request, routes,
};

/// The spellings in which a mistake could log the same bytes.
fn spellings(secret: &str) -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let base64 = BASE64_STANDARD.encode(secret);
    // Inside a longer text base64 starts at another place: leave out what depends on the
    // neighbors.
    let inside = |skip: usize| {
        let shifted = BASE64_STANDARD.encode(format!("{}{secret}", "x".repeat(skip)));
        shifted[4..shifted.len() - 4].to_owned()
    };
    let all = vec![
        secret.to_owned(),
        encoded,
        base64[..base64.len() - 4].to_owned(),
        inside(1),
        inside(2),
    ];
    all.into_iter()
        .filter(|spelling| spelling.len() >= 6)
        .collect()
}

/// S15, S57, S114.
#[tokio::test]
async fn nothing_secret_or_personal_is_logged() {
    let (log, guard) = capture();
    let app = App::start().await;
    let mut browser = app.browser();
    let mut secrets = vec![
        app.gateway.client_secret().to_owned(),
        "4791234567".into(),
        "91234567".into(),
        "Nordmann".into(),
    ];

    for target in ["/name?phone=4791234567", "/whoami"] {
        let login = format!("/telenor/login?return_to={target}");
        let callback = browser.callback_url(&app.gateway, &login).await;
        secrets.extend([
            query(&callback, "code").unwrap(),
            query(&callback, "state").unwrap(),
        ]);
        secrets.extend(browser.jar.iter().map(|(_, value)| value.clone()));
        browser.open(&callback).await;
        browser.open(&callback).await;
        browser.open(target).await;
        secrets.push(browser.token().await.unwrap());
        secrets.extend(browser.jar.iter().map(|(_, value)| value.clone()));
    }
    for endpoint in [Endpoint::Token, Endpoint::UserInfo, Endpoint::Logout] {
        for answer in [
            Answer::status(500),
            Answer::Reset,
            Answer::json(
                401,
                r#"{"error":"canary-body","ErrorCode":"canary-body","errorCode":40106}"#,
            ),
            Answer::json(200, r#"{"access_token":"canary-body\u0000"}"#),
        ] {
            app.gateway.answer_next(endpoint, answer);
            let mut other = browser.clone();
            match endpoint {
                Endpoint::Token => {
                    let callback = other.callback_url(&app.gateway, "/telenor/login").await;
                    other.open(&callback).await;
                }
                Endpoint::UserInfo => drop(other.open("/name").await),
                _ => {
                    let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
                    other
                        .send(request(Method::POST, "/telenor/logout", &headers))
                        .await;
                    browser = app.signed_in().await;
                }
            }
        }
    }
    browser
        .open(&format!("{CALLBACK}?code=canary-code&state=canary-state"))
        .await;
    browser
        .open(&format!(
            "{CALLBACK}?error=canary-error&error_description=canary-text&state=x"
        ))
        .await;
    let mut odd = navigation("/private");
    odd.headers_mut().insert(
        "cookie",
        "__Host-telenor-session=canary-cookie".parse().unwrap(),
    );
    app.browser().send(odd).await;
    for sent in app.gateway.requests(Endpoint::Token) {
        secrets.extend(sent.form("code_verifier"));
        secrets.extend(sent.form("code"));
    }
    drop(guard);

    let log = log.text();
    assert!(
        log.contains("login succeeded") && log.contains("login failed"),
        "the events are in the log"
    );
    secrets.push("canary".into());
    for secret in &secrets {
        for spelling in spellings(secret) {
            let line = log.lines().find(|line| line.contains(&spelling));
            assert_eq!(line, None, "{spelling} is logged");
        }
    }
}

/// S34.
#[tokio::test]
async fn error_code_in_the_log_is_short_and_printable() {
    let details = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&details);
    let app = App::with(|builder| {
        builder.on_event(move |event| {
            if let Event::LoginFailed { detail, .. } = *event {
                seen.lock().unwrap().push(detail.to_owned());
            }
        })
    })
    .await;
    let (log, guard) = capture();
    let long = "x".repeat(3_000);
    for (sent, shown) in [
        ("a_new_code".to_owned(), "a_new_code".to_owned()),
        (
            format!("b%E2%80%AE%E2%80%8B{long}"),
            format!("b{}", &long[..255]),
        ),
        (format!("c%C3%B8{long}"), format!("c\u{f8}{}", &long[..254])),
    ] {
        let mut browser = app.browser();
        let state = query(&browser.start("/private").await, "state").unwrap();
        let failed = format!("{CALLBACK}?error={sent}&error_description={long}&state={state}");
        let page = browser.open(&failed).await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
        assert_eq!(details.lock().unwrap().pop().unwrap(), shown);
    }
    // Control characters end the login before anything is logged of the code.
    for sent in ["d%0aINFO+forged", "d%1b[2J", "d%00", "d%c2%85"] {
        let mut browser = app.browser();
        let state = query(&browser.start("/private").await, "state").unwrap();
        let failed = format!("{CALLBACK}?error={sent}&state={state}");
        let page = browser.open(&failed).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            details.lock().unwrap().pop().unwrap(),
            "the query is malformed"
        );
    }
    drop(guard);
    let failed = log.lines("ERROR", &["login failed"]);
    assert_eq!(failed.len(), 3, "one line each");
    assert!(
        failed
            .iter()
            .all(|line| line.len() < 600 && !line.contains('\u{1b}'))
    );
    assert!(!log.text().contains("forged"));
}

/// S34.
#[tokio::test]
async fn failed_login_is_one_line_with_cause_and_login_id() {
    let (log, guard) = capture();
    let app = App::start().await;
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    let state = query(&location, "state").unwrap();
    let describe = |description: &str| {
        let description: String =
            url::form_urlencoded::byte_serialize(description.as_bytes()).collect();
        format!("{CALLBACK}?error=access_denied&error_description={description}&state={state}")
    };
    browser.open(&describe("a\nINFO forged\u{1b}[2J")).await;
    let page = browser
        .open(&describe(&format!("gjemt\u{202e}{}", "x".repeat(5_000))))
        .await;
    drop(guard);
    let log = log.text();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("access_denied"))
        .collect();
    let [line] = &lines[..] else {
        panic!("one line: {lines:#?}")
    };
    assert!(
        line.len() < 600 && !line.contains("gjemt"),
        "the page has the words"
    );
    assert!(!log.contains("forged") && !log.contains('\u{1b}'));
    let started = log
        .lines()
        .find(|line| line.contains("login started"))
        .unwrap();
    let login_id = started
        .split("login_id=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .trim_matches('"');
    assert!(line.contains(login_id), "the same id from start to end");
    assert!(page.body.contains(login_id), "the page shows it too");
}

#[tokio::test]
async fn store_failure_is_one_line_with_its_cause() {
    let store = FaultyStore::new(MemoryStore::new());
    let faulty = store.clone();
    let gateway = MockGateway::start().await.unwrap();
    let auth = builder(&gateway).session_store(store).build().unwrap();
    let router = routes(&support::Hits::default()).layer(auth.clone());
    let app = App::mounted(router, gateway);
    let mut browser = app.signed_in().await;
    faulty.set(Fault::Error);
    let (log, guard) = capture();
    let page = browser.open("/private").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    auth.revoke_all().await.unwrap_err();
    drop(guard);
    let log = log.text();
    let lines = log.lines().filter(|line| line.contains("ERROR"));
    let words = [
        "session store failed",
        "store_unavailable",
        "the test has set Fault::Error",
    ];
    let lines: Vec<_> = lines
        .filter(|line| words.iter().all(|word| line.contains(word)))
        .collect();
    assert_eq!(lines.len(), 2, "{log}");
}

#[tokio::test]
async fn gateway_outage_and_recovery_are_one_line_each() {
    let (log, guard) = capture();
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::Token, Answer::status(500));
    for after in [0, 10].into_iter().chain([0; 12]).chain([10; 3]) {
        app.clock.advance(Duration::from_secs(after));
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        browser.open(&callback).await;
    }
    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(Duration::from_secs(10));
    app.signed_in().await;
    app.signed_in().await;
    drop(guard);
    let log = log.text();
    let mut lines = log.lines().filter(|line| {
        let name = [
            "token endpoint breaker opened",
            "token endpoint breaker closed",
        ];
        name.iter().any(|name| line.contains(name))
    });
    let (down, back) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(
        down.contains("WARN")
            && down.contains("breaker opened grant=\"authorization_code\" failures=11"),
        "{down}"
    );
    assert!(
        back.contains("INFO")
            && back.contains("breaker closed grant=\"authorization_code\" failures=14"),
        "{back}"
    );
    assert_eq!(lines.next(), None);
}

#[tokio::test(start_paused = true)]
async fn changed_or_missing_keys_are_one_line() {
    let key = |seed: u8| {
        let key = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[seed]);
        BASE64_STANDARD.encode(key)
    };
    let (log, _guard) = capture();
    let held = Arc::new(Mutex::new(Ok(key(1))));
    let read = Arc::clone(&held);
    let keys = CookieKeys::from_fn(move || read.lock().unwrap().clone()).unwrap();
    let every = Duration::from_secs(10);
    tokio::spawn(keys.follow(every));
    let mut seen = 0;
    for (holds, line) in [
        (Ok(key(1)), None),
        (Ok(format!("{},{}", key(1), key(2))), Some("INFO")),
        (Err("the vault is sealed"), Some("ERROR")),
        (Ok(format!("{},hunter2", key(3))), None),
        (Ok(format!("{},{}", key(1), key(2))), None),
        (Ok("hunter2".to_owned()), Some("ERROR")),
        (Ok(key(3)), Some("INFO")),
    ] {
        *held.lock().unwrap() = holds;
        tokio::time::sleep(3 * every + every / 2).await;
        let text = log.text();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.contains("cookie keys"))
            .collect();
        let new = &lines[seen..];
        assert_eq!(new.len(), usize::from(line.is_some()), "{new:?}");
        assert!(new.iter().all(|new| new.contains(line.unwrap())), "{new:?}");
        seen = lines.len();
    }
    let text = log.text();
    assert!(
        text.contains("keys=2") && text.contains("the vault is sealed"),
        "{text}"
    );
    for secret in [key(1), key(2), key(3), "hunter2".to_owned()] {
        assert!(!text.contains(&secret), "{text}");
    }
}

#[test]
fn layer_that_signs_in_every_request_logs_a_warning() {
    let (log, _guard) = capture();
    let anonymous = SignedInLayer::anonymous();
    assert_eq!(log.text(), "", "{anonymous:?} opens nothing");
    let signed_in = SignedInLayer::new(TelenorUser::for_test());
    let text = log.text();
    assert!(
        text.contains("WARN") && text.contains("For tests only"),
        "{signed_in:?}: {text}"
    );
}

/// S114.
#[tokio::test]
async fn trace_layer_with_our_span_logs_no_code() {
    let (log, guard) = capture();
    let mut app = App::start().await;
    app.router = traced(app.router);
    let mut browser = app.browser();
    let callback = browser
        .callback_url(&app.gateway, "/whoami?phone=4791234567")
        .await;
    browser.open(&callback).await;
    drop(guard);
    let log = log.text();
    assert!(
        log.contains("path=\"/telenor/callback\""),
        "requests are traced"
    );
    for secret in [
        query(&callback, "code").unwrap(),
        query(&callback, "state").unwrap(),
        "4791234567".into(),
    ] {
        assert!(!log.contains(&secret), "{secret}");
    }
}

/// A request whose span has this id.
fn with_id(mut request: Request<Body>, id: &str) -> Request<Body> {
    let id = HeaderValue::from_bytes(id.as_bytes()).unwrap();
    request.headers_mut().insert("x-request-id", id);
    request
}

fn traced(router: Router) -> Router {
    let trace = tower_http::trace::TraceLayer::new_for_http();
    router.layer(trace.make_span_with(telenor_auth::request_span))
}

#[tokio::test]
async fn work_in_a_task_of_its_own_is_logged_in_the_span_of_its_request() {
    let (log, guard) = capture_from(tracing::Level::DEBUG);
    let gateway = MockGateway::builder().refresh_tokens(true).start().await;
    let gateway = gateway.unwrap();
    gateway.set_expires_in(600);
    let mut app = App::at(gateway, |builder| builder.refresh_tokens(true));
    app.router = traced(app.router);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    browser
        .send(with_id(navigation(&callback), "the-login"))
        .await;
    app.clock.advance(Duration::from_secs(575));
    let page = browser
        .send(with_id(navigation("/whoami"), "the-refresh"))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    app.gateway
        .answer_always(Endpoint::Logout, Answer::status(500));
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let logout = request(Method::POST, "/telenor/logout", &headers);
    browser.send(with_id(logout, "the-logout")).await;
    app.gateway
        .answer_next(Endpoint::Token, Answer::status(500));
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    browser
        .send(with_id(navigation(&callback), "the-failure"))
        .await;
    drop(guard);
    let log = log.text();
    for (event, id) in [
        ("login succeeded", "the-login"),
        ("token refreshed", "the-refresh"),
        ("logged out", "the-logout"),
        ("logged out here, but not at the gateway", "the-logout"),
        ("login failed", "the-failure"),
    ] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(event)).collect();
        assert!(!lines.is_empty(), "{event}: {log}");
        let id = format!("request_id=\"{id}\"");
        assert!(lines.iter().all(|line| line.contains(&id)), "{lines:#?}");
    }
    let calls: Vec<_> = log
        .lines()
        .filter(|line| line.contains("gateway called"))
        .collect();
    assert_eq!(calls.len(), 4, "{calls:#?}");
    assert!(
        calls.iter().all(|call| call.contains("request_id=\"the-")),
        "{calls:#?}"
    );
}

#[tokio::test]
async fn span_has_the_id_of_the_login_that_the_request_begins_or_ends() {
    let (log, guard) = capture();
    let mut app = App::start().await;
    app.router = traced(app.router);
    app.signed_in().await;
    drop(guard);
    let log = log.text();
    for event in ["login started", "login succeeded"] {
        let line = log.lines().find(|line| line.contains(event)).expect(event);
        let (_, span) = line.split_once("request{").expect("a span");
        let (span, _) = span.split_once('}').expect("its end");
        assert!(span.contains("login_id=\""), "{line}");
    }
}

/// An app without a span for each request finds by it what belongs to one login.
#[tokio::test]
async fn exchange_of_a_code_is_logged_in_the_span_of_its_login() {
    let (log, guard) = capture();
    App::start().await.signed_in().await;
    drop(guard);
    let calls = log.lines("DEBUG", &["gateway called"]);
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert!(calls[0].contains("login{login_id="), "{calls:#?}");
}

#[tokio::test]
async fn span_has_the_id_of_its_request_at_the_level_of_production() {
    let long = "x".repeat(128);
    for (id, shown) in [
        ("0f8fad5b-d9cb-469f-a165-70867728950e", true),
        (&*long, true),
        (&*format!("{long}x"), false),
        ("two words", false),
        ("bl\u{e5}b\u{e6}r", false),
        ("", false),
    ] {
        let (log, guard) = capture_from(tracing::Level::INFO);
        let mut app = App::start().await;
        app.router = traced(app.router);
        let forged = format!("{CALLBACK}?error=access_denied&state=x");
        app.browser().send(with_id(navigation(&forged), id)).await;
        drop(guard);
        let log = log.text();
        let line = log
            .lines()
            .find(|line| line.contains("login failed"))
            .unwrap();
        assert!(line.contains("path=\"/telenor/callback\""), "{line}");
        let field = format!("request_id=\"{id}\"");
        assert_eq!(line.contains(&field), shown, "{line}");
        assert_eq!(line.contains("request_id"), shown, "{line}");
    }
}

/// S57.
#[tokio::test]
async fn rejection_shows_neither_state_nor_cookie() {
    async fn debugged(
        user: Result<telenor_auth::TelenorUser, telenor_auth::TelenorUserRejection>,
    ) -> String {
        format!("{:?}", user.err())
    }
    let gateway = telenor_auth::mock::MockGateway::start().await.unwrap();
    let auth = support::builder(&gateway).optional(true).build().unwrap();
    let router = axum::Router::new()
        .route("/debugged", axum::routing::get(debugged))
        .layer(auth);
    let app = App::mounted(router, gateway);
    let page = app.browser().open("/debugged").await;
    assert!(page.body.contains("LoginRequired"), "{}", page.body);
    assert!(
        !page.body.contains("state=") && !page.body.contains("__Host-"),
        "{}",
        page.body
    );
}

over_http2! {
    trace_layer_with_our_span_logs_no_code
}
