//! The app's hook between the token and the session.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, response::IntoResponse, routing::get};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use telenor_auth::{
    AppValueError, Clock, ConfigError, Language, LoginError, NewLogin, TelenorAuthBuilder,
    TelenorLogin, TelenorUser,
    events::Event,
    mock::{Answer, Endpoint, MockGateway},
    session::SubjectId,
};

use super::refresh;
use crate::support::{
    Answer as Response, App,
    app::{builder, keys},
    browser::request,
    capture,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Customer {
    id: u64,
    name: String,
}

/// An app whose handlers show what the session has.
async fn app(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> App {
    let gateway = MockGateway::start().await.unwrap();
    let auth = settings(builder(&gateway)).build().unwrap();
    App::mounted(routes().layer(auth), gateway)
}

fn routes() -> Router {
    async fn whoami(user: TelenorUser) -> Result<String, AppValueError> {
        let customer: Option<Customer> = user.data()?;
        Ok(customer.map_or("no customer".to_owned(), |customer| {
            format!("customer {} {}", customer.id, customer.name)
        }))
    }
    let noted = async |login: TelenorLogin| login.return_to("/whoami").note("a note");
    Router::new()
        .route("/whoami", get(whoami))
        .route(
            "/wrong",
            get(async |user: TelenorUser| user.data::<u8>().map(|_| "a number")),
        )
        .route("/noted", get(noted))
}

async fn log_in(app: &App) -> Response {
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let answer = browser.open(&callback).await;
    assert_eq!(
        browser.session().is_some(),
        answer.status == StatusCode::SEE_OTHER
    );
    answer
}

/// The access token of a login that failed is ended at the gateway, in a task of its own.
async fn token_is_ended(app: &App) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while app.gateway.hits(Endpoint::Logout) == 0 {
        assert!(Instant::now() < deadline, "the token is ended");
        tokio::task::yield_now().await;
    }
}

async fn attach(login: NewLogin) -> Result<NewLogin, LoginError> {
    let info = login.info().await?;
    let name = info
        .name()
        .and_then(|name| name.given_name())
        .unwrap_or_default();
    let customer = Customer {
        id: 17,
        name: name.to_owned(),
    };
    Ok(login.data(&customer)?)
}

async fn hook_attaches_a_value_to_the_session(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let app = app(|builder| settings(builder.on_login(attach))).await;
    let mut browser = app.signed_in().await;
    assert_eq!(browser.open("/whoami").await.body, "customer 17 Kari");
    let wrong = browser.open("/wrong").await;
    assert_eq!(wrong.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn value_and_subject_stay_through_a_refresh() {
    let gateway = refresh::gateway(MockGateway::builder()).await;
    let (clock, subject) = (Clock::manual(), SubjectId::new(&keys(1), "customer 17"));
    let auth = builder(&gateway)
        .clock(clock.clone())
        .refresh_tokens(true)
        .on_login(move |login| async move { Ok(attach(login).await?.subject(subject)) })
        .build()
        .unwrap();
    let app = App::mounted(routes().layer(auth.clone()), gateway);
    let mut browser = app.signed_in().await;
    clock.advance(2 * refresh::TOKEN);
    assert_eq!(browser.open("/whoami").await.body, "customer 17 Kari");
    assert_eq!(app.token_requests(), 2, "the token was refreshed");
    auth.revoke_subject(subject).await.unwrap();
    assert_eq!(browser.open("/whoami").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn hook_reads_what_traveled_with_the_login() {
    let app = app(|builder| {
        builder.optional(true).on_login(async |login: NewLogin| {
            assert_eq!(login.note::<String>()?.as_deref(), Some("a note"));
            assert_eq!(login.return_to(), "/whoami");
            assert_eq!(login.login_id().len(), 8);
            assert_eq!(login.language(), Language::Bokmal);
            assert!(login.access_token().secret().len() > 8);
            let device = login.device().await?;
            assert!(device.model().is_some());
            login.get("/user-info/v1/users").await?;
            Ok(login)
        })
    })
    .await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/noted").await;
    let answer = browser.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

#[tokio::test]
async fn refusal_is_a_page_with_the_words_of_the_app() {
    let app = app(|builder| {
        builder.on_login(async |login: NewLogin| {
            Err(login.refuse("Du er ikke kunde <her>", "Ring oss på 02000."))
        })
    })
    .await;
    let page = log_in(&app).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.body
            .contains("<h1>Du er ikke kunde &#60;her&#62;</h1>"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Ring oss på 02000."));
    assert!(page.body.contains("login_refused"));
    token_is_ended(&app).await;
}

/// S60.
#[tokio::test]
async fn app_can_refuse_a_login_that_lacks_a_scope() {
    let app = app(|builder| {
        builder.on_login(async |login: NewLogin| {
            let mut granted = login.scope().unwrap_or_default().split(' ');
            if granted.any(|scope| scope == "address") {
                return Ok(login);
            }
            Err(login.refuse("Adressen mangler", "Du delte ikke adressen din."))
        })
    })
    .await;
    let granted = |scope: &str| {
        app.gateway.answer_next(
            Endpoint::Token,
            Answer::json(200, format!(r#"{{"access_token":"token"{scope}}}"#)),
        );
    };
    granted(r#","scope":"name address""#);
    assert_eq!(log_in(&app).await.status, StatusCode::SEE_OTHER);
    for narrower in ["", r#","scope":"name""#, r#","scope":null"#] {
        granted(narrower);
        let page = log_in(&app).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{narrower}");
        assert!(page.body.contains("Du delte ikke adressen din."));
    }
    token_is_ended(&app).await;
}

#[tokio::test]
async fn refusal_for_a_script_has_the_words_of_the_app() {
    let app = app(|builder| {
        builder.on_login(async |login: NewLogin| Err(login.refuse("Ikke kunde", "Ring oss.")))
    })
    .await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let script = request(Method::GET, &callback, &[("accept", "application/json")]);
    let answer = browser.send(script).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["cause"], "login_refused");
    assert_eq!(
        (&problem["title"], &problem["detail"]),
        (&"Ikke kunde".into(), &"Ring oss.".into())
    );
}

#[tokio::test]
async fn refused_login_leaves_the_session_before_it_and_no_login() {
    let accepts = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&accepts);
    let app = app(|builder| {
        builder.on_login(move |login: NewLogin| {
            let accepts = seen.load(Ordering::SeqCst);
            async move {
                if accepts {
                    Ok(login)
                } else {
                    Err(login.refuse("Nei", "Ikke nå."))
                }
            }
        })
    })
    .await;
    let mut browser = app.signed_in().await;
    let session = browser.session();
    accepts.store(false, Ordering::SeqCst);
    let login = "/telenor/login?return_to=%2Fwhoami";
    let callback = browser.callback_url(&app.gateway, login).await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::FORBIDDEN);
    assert!(browser.pending().is_empty());
    assert_eq!(browser.session(), session);
    assert_eq!(browser.open("/whoami").await.status, StatusCode::OK);
}

#[tokio::test]
async fn failures_of_the_hook_end_the_token_and_leave_no_session() {
    let logged = |hook: fn(NewLogin) -> Result<NewLogin, LoginError>| async move {
        let (log, _guard) = capture::capture();
        let app = app(|builder| builder.on_login(move |login| async move { hook(login) })).await;
        let page = log_in(&app).await;
        token_is_ended(&app).await;
        let lines = log.lines("ERROR", &["login failed"]);
        (page, lines.join("\n"))
    };
    let (page, log) = logged(|_| Err(std::io::Error::other("no database").into())).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("login_hook_failed") && !page.body.contains("no database"));
    assert!(log.contains("no database"), "{log}");
    let (page, log) = logged(|_| panic!("a mistake")).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(log.contains("panicked"), "{log}");
    let (page, _) = logged(|_| Err(LoginError::failed("a text"))).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    let (page, log) = logged(|login| Ok(login.data(&"x".repeat(1_023))?)).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(log.contains("1024"), "{log}");
}

#[tokio::test]
async fn error_of_an_api_call_keeps_its_cause() {
    let app = app(|builder| builder.on_login(attach)).await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Answer::gateway_error(40301));
    let page = log_in(&app).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.body.contains("provider_refused"), "{}", page.body);
    app.gateway
        .answer_always(Endpoint::UserInfo, Answer::gateway_error(40105));
    let page = log_in(&app).await;
    assert!(
        page.body.contains("provider_error"),
        "no login starts: {}",
        page.body
    );
    token_is_ended(&app).await;
}

/// A hook may make a response of the error, which starts no login.
#[tokio::test]
async fn error_of_a_call_in_the_hook_is_no_challenge() {
    let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let hook = move |login: NewLogin| {
        let sender = sender.clone();
        async move {
            let error = login.info().await.unwrap_err();
            let response = IntoResponse::into_response(error);
            sender.send(Response::read(response).await).unwrap();
            Ok(login)
        }
    };
    let app = app(|builder| builder.on_login(hook)).await;
    for (code, cause) in [(40105, "provider_error"), (40301, "provider_refused")] {
        app.gateway
            .answer_always(Endpoint::UserInfo, Answer::gateway_error(code));
        assert_eq!(log_in(&app).await.status, StatusCode::SEE_OTHER);
        let answer = answers.recv().await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert!(answer.body.contains(cause), "{}", answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn hook_has_a_deadline() {
    for (set, seconds) in [(None, 5), (Some(2), 2)] {
        let (log, _guard) = capture::capture();
        let app = app(|builder| {
            let builder = builder.on_login(async |login| {
                std::future::pending::<()>().await;
                Ok(login)
            });
            match set {
                Some(set) => builder.on_login_timeout(Duration::from_secs(set)),
                None => builder,
            }
        })
        .await;
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        let started = tokio::time::Instant::now();
        let page = browser.open(&callback).await;
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(started.elapsed().as_secs(), seconds);
        let lines = log.lines("ERROR", &["login failed", "on_login_timeout"]);
        assert_eq!(lines.len(), 1);
        token_is_ended(&app).await;
    }
}

#[tokio::test]
async fn deadline_has_limits() {
    let gateway = MockGateway::start().await.unwrap();
    for seconds in [0, 61] {
        let timeout = Duration::from_secs(seconds);
        let built = builder(&gateway).on_login_timeout(timeout).build();
        assert!(matches!(
            built.unwrap_err(),
            ConfigError::InvalidDuration { .. }
        ));
    }
}

#[tokio::test]
async fn hook_runs_once_for_a_login() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let app = app(move |builder| {
        builder.on_login(move |login| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(login) }
        })
    })
    .await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut tabs: Vec<_> = (0..4).map(|_| browser.clone()).collect();
    let opened = tabs.iter_mut().map(|tab| tab.open(&callback));
    let opened: Vec<_> = opened.collect();
    for answer in join_all(opened).await {
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn join_all<F: Future<Output = Response>>(all: Vec<F>) -> Vec<Response> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                done.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        match all.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done
}

#[tokio::test]
async fn login_of_another_visitor_is_not_accepted() {
    let kept: Arc<tokio::sync::Mutex<Option<NewLogin>>> = Arc::default();
    let app = app(move |builder| {
        builder.on_login(move |login| {
            let kept = Arc::clone(&kept);
            async move { Ok(kept.lock().await.replace(login).ok_or(Missing)?) }
        })
    })
    .await;
    for _ in 0..2 {
        assert_eq!(log_in(&app).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[derive(Debug)]
struct Missing;
impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no login yet")
    }
}
impl std::error::Error for Missing {}

/// S74, S84.
async fn sessions_of_a_subject_end_together(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let gateway = MockGateway::start().await.unwrap();
    let subject = SubjectId::new(&keys(1), "customer 17");
    let events = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&events);
    let auth = settings(builder(&gateway))
        .on_login(move |login| async move { Ok(login.subject(subject)) })
        .on_event(move |event| {
            if let Event::SessionsRevoked {
                subject: Some(_),
                session_id: None,
                ..
            } = event
            {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        })
        .build()
        .unwrap();
    let app = App::mounted(routes().layer(auth.clone()), gateway);
    let mut tabs = [app.signed_in().await, app.signed_in().await];
    for tab in &mut tabs {
        assert_eq!(tab.open("/whoami").await.status, StatusCode::OK);
    }
    if let Some(known) = auth.sessions_of(subject).await.unwrap() {
        assert_eq!(known.len(), 2);
    }
    let other = SubjectId::new(&keys(1), "customer 18");
    auth.revoke_subject(other).await.unwrap();
    assert_eq!(tabs[0].open("/whoami").await.status, StatusCode::OK);
    auth.revoke_subject(subject).await.unwrap();
    for tab in &mut tabs {
        assert_eq!(tab.open("/whoami").await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(events.load(Ordering::SeqCst), 2);
}

over_each_store! {
    builders:
        hook_attaches_a_value_to_the_session
        sessions_of_a_subject_end_together
}
