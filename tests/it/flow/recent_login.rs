//! Handlers that need a login of the last minutes.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use http::{Method, StatusCode};
use http_body::Frame;
use telenor_auth::{
    Clock, LoginTooOld, RecentLogin, RecentLoginLayer, TelenorAuthBuilder, TelenorUser,
    TelenorUserRejection, mock::MockGateway,
};

use super::refresh;
use crate::support::{
    App, MINUTE,
    app::builder,
    browser::{ORIGIN, navigation, request},
};

const FIVE: Duration = Duration::from_secs(300);

/// An app with each way to require a recent login, and its clock.
async fn app(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> (App, Clock) {
    at(MockGateway::start().await.unwrap(), settings)
}

fn at(
    gateway: MockGateway,
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) -> (App, Clock) {
    async fn called(user: TelenorUser) -> Result<&'static str, LoginTooOld> {
        user.require_recent_login(FIVE)?;
        Ok("recent")
    }
    let clock = Clock::manual();
    let auth = settings(builder(&gateway).clock(clock.clone()));
    let guarded = Router::new()
        .route("/layer", get(async || "recent").post(async || "recent"))
        .route_layer(RecentLoginLayer::new(FIVE));
    let router = Router::new()
        .route("/extractor", get(async |_: RecentLogin<5>| "recent"))
        .route("/extractor", post(async |_: RecentLogin<5>| "recent"))
        .route("/call", get(called).post(called))
        .route("/whoami", get(async |_: TelenorUser| "user"))
        .merge(guarded)
        .layer(auth.build().unwrap());
    (App::mounted(router, gateway), clock)
}

const WAYS: [&str; 3] = ["/extractor", "/call", "/layer"];

async fn old_login_leads_over_a_page_and_a_login_back(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let (app, clock) = app(settings).await;
    let mut browser = app.signed_in().await;
    for way in WAYS {
        let target = format!("{way}?a=1");
        clock.advance(FIVE);
        assert_eq!(browser.open(&target).await.body, "recent", "{way}");
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            browser.open("/whoami").await.body,
            "user",
            "still signed in"
        );
        let page = browser.send(navigation(&target)).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            page.header("www-authenticate"),
            Some("Telenor error=\"insufficient_user_authentication\", max_age=\"300\"")
        );
        assert!(
            page.body.contains("<h1>Logg inn på nytt</h1>"),
            "{}",
            page.body
        );
        let button = format!("/telenor/login?return_to=%2F{}%3Fa%3D1", &way[1..]);
        assert!(page.body.contains(&button), "{}", page.body);
        let mut pressed = navigation(&button);
        pressed
            .headers_mut()
            .insert("sec-fetch-site", "same-origin".parse().unwrap());
        let authorization = browser.send(pressed).await.location();
        let callback = app.gateway.allow(&authorization).unwrap();
        let back = browser.open(&callback).await.location();
        assert_eq!(back, format!("{ORIGIN}{target}"));
        assert_eq!(browser.open(&target).await.body, "recent");
    }
}

over_each_store! { builders: old_login_leads_over_a_page_and_a_login_back }

#[tokio::test]
async fn script_with_an_old_login_learns_what_to_do() {
    let (app, clock) = app(|builder| builder).await;
    let mut browser = app.signed_in().await;
    clock.advance(FIVE + MINUTE);
    for way in WAYS {
        for method in [Method::GET, Method::POST] {
            let headers = [
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-site", "same-origin"),
            ];
            let answer = browser.send(request(method, way, &headers)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["cause"], "insufficient_user_authentication");
            assert_eq!(problem["max_age"], 300);
            assert_eq!(problem["login"], format!("{ORIGIN}/telenor/login"));
        }
    }
    for way in WAYS {
        let ahead = [("sec-purpose", "prefetch"), ("sec-fetch-mode", "navigate")];
        let answer = browser.send(request(Method::GET, way, &ahead)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{way}");
    }
    let socket = [("connection", "upgrade"), ("upgrade", "websocket")];
    let answer = browser
        .send(request(Method::GET, "/extractor", &socket))
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(browser.pending().is_empty(), "no login starts by itself");
}

#[tokio::test]
async fn form_with_an_old_login_leads_to_the_page_that_says_so() {
    let (app, clock) = app(|builder| builder).await;
    let mut browser = app.signed_in().await;
    clock.advance(FIVE + MINUTE);
    for way in WAYS {
        let form = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-dest", "document"),
            ("accept", "text/html"),
            ("referer", "https://app.test/form?b=2"),
        ];
        let answer = browser.send(request(Method::POST, way, &form)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{way}");
        let page = browser.open(&answer.location()).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert!(
            page.body.contains("Skjemaet ble ikke sendt"),
            "{}",
            page.body
        );
        assert!(
            page.body.contains("return_to=%2Fform%3Fb%3D2"),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn htmx_opens_the_page_with_the_button() {
    let (app, clock) = app(|builder| builder).await;
    let mut browser = app.signed_in().await;
    clock.advance(FIVE + MINUTE);
    for (header, to) in [
        ("hx-request", "%2Fpage"),
        ("hx-boosted", "%2Fextractor%3Fa%3D1"),
    ] {
        let headers = [
            (header, "true"),
            ("hx-request", "true"),
            ("hx-current-url", "https://app.test/page"),
            ("sec-fetch-mode", "cors"),
        ];
        let headers = if header == "hx-request" {
            &headers[1..]
        } else {
            &headers
        };
        let answer = browser
            .send(request(Method::GET, "/extractor?a=1", headers))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let opens = answer.header("hx-redirect").unwrap();
        assert_eq!(
            opens,
            format!("{ORIGIN}/telenor/login?return_to={to}&ask=first")
        );
        let page = browser.open(opens).await;
        assert!(page.body.contains("class=\"primary\""), "{}", page.body);
    }
}

#[tokio::test]
async fn without_a_user_the_login_is_an_ordinary_one() {
    let (app, _clock) = app(|builder| builder.optional(true)).await;
    for way in WAYS {
        let answer = app.browser().send(navigation(way)).await;
        assert!(app.gateway.allow(&answer.location()).is_ok(), "{way}");
    }
}

#[tokio::test]
async fn route_without_the_layer_is_an_error() {
    let router = Router::new()
        .route("/", get(async || "recent"))
        .layer(RecentLoginLayer::new(FIVE));
    let app = App::mounted(router, MockGateway::start().await.unwrap());
    let answer = app.browser().open("/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let request = request(Method::GET, "/", &[]);
    let error = TelenorUser::of_request(&request).unwrap_err();
    assert!(matches!(error, TelenorUserRejection::MissingLayer(_)));
}

#[tokio::test]
async fn refresh_makes_no_login_recent() {
    let gateway = refresh::gateway(MockGateway::builder()).await;
    let (app, clock) = at(gateway, |builder| builder.refresh_tokens(true));
    let mut browser = app.signed_in().await;
    clock.advance(refresh::TOKEN + MINUTE);
    assert_eq!(browser.open("/whoami").await.body, "user");
    assert_eq!(app.token_requests(), 2, "the token was refreshed");
    let page = browser.open("/extractor").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn body_of_a_refused_form_is_read_away() {
    let (app, clock) = app(|builder| builder).await;
    let mut browser = app.signed_in().await;
    clock.advance(FIVE + MINUTE);
    let read = Arc::new(AtomicBool::new(false));
    let mut form = request(Method::POST, "/layer", &[("sec-fetch-mode", "cors")]);
    *form.body_mut() = Body::new(Frames {
        left: 3,
        read: Arc::clone(&read),
    });
    assert_eq!(browser.send(form).await.status, StatusCode::UNAUTHORIZED);
    assert!(read.load(Ordering::SeqCst), "to its end");
}

/// A body that notes when it was read to its end.
struct Frames {
    left: u8,
    read: Arc<AtomicBool>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"field=value")))))
            }
            None => {
                self.read.store(true, Ordering::SeqCst);
                Poll::Ready(None)
            }
        }
    }
}
