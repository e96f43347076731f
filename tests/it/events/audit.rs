//! What is left of each login and each session in the record: one event and one line, with a cause.

use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use telenor_auth::{
    TelenorAuthBuilder,
    events::Event,
    mock::{Answer, Endpoint},
};

use crate::support::{App, MINUTE, capture::capture, request};

/// The events so far, as text.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    async fn app(&self, settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> App {
        let record = Arc::clone(&self.0);
        let note = move |event: &Event<'_>| {
            let text = match event {
                Event::LoginStarted { login_id, .. } => format!("started {login_id}"),
                Event::LoginSucceeded { login_id, .. } => format!("succeeded {login_id}"),
                Event::LoginFailed {
                    login_id, cause, ..
                } => format!("failed {cause} {}", login_id.unwrap_or("-")),
                Event::LoggedOut => "logged out".to_owned(),
                Event::CrossOriginRefused { .. } => "cross-origin".to_owned(),
                Event::SessionRefused { reason, .. } => format!("refused {reason}"),
                _ => return,
            };
            record.lock().unwrap().push(text);
        };
        App::with(|builder| settings(builder.on_event(note))).await
    }

    /// Asserts that these are all since the last call.
    #[track_caller]
    fn assert_is(&self, expected: &[&str]) {
        assert_eq!(*self.take(), *expected);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The id of the login that has just started.
    #[track_caller]
    fn started(&self) -> String {
        let events = self.take();
        let [started] = &events[..] else {
            panic!("one login has started: {events:?}")
        };
        started.strip_prefix("started ").unwrap().to_owned()
    }
}

/// S116.
#[tokio::test]
async fn each_end_of_a_login_and_of_a_session_is_one_event_with_its_cause() {
    let (log, guard) = capture();
    let record = Record::default();
    let app = record.app(|builder| builder.max_token_requests(1)).await;
    let mut browser = app.browser();

    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let login = record.started();
    let thief = browser.clone();
    app.browser().open(&callback).await.assert_safe_reject();
    record.assert_is(&[&format!("failed state_unknown {login}")]);
    browser.open(&callback).await;
    record.assert_is(&[&format!("succeeded {login}")]);
    app.clock.advance(2 * MINUTE);
    let replayed = thief.clone().open(&callback).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
    record.assert_is(&[&format!("failed code_replayed {login}")]);

    let foreign = [("origin", "https://evil.test")];
    browser.send(request(Method::POST, "/form", &foreign)).await;
    record.assert_is(&["cross-origin"]);
    let copied = browser.clone();
    browser.log_out().await;
    record.assert_is(&["logged out"]);
    let script = request(Method::GET, "/whoami", &[("accept", "*/*")]);
    copied.clone().send(script).await;
    record.assert_is(&["refused unknown_session"]);
    browser.log_out().await;
    record.assert_is(&[]);

    let denied = app.gateway.deny(&browser.start("/private").await).unwrap();
    let login = record.started();
    browser.open(&denied).await;
    record.assert_is(&[&format!("failed access_denied {login}")]);
    app.gateway
        .answer_next(Endpoint::Token, Answer::status(500));
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let login = record.started();
    browser.open(&callback).await;
    record.assert_is(&[&format!("failed provider_error {login}")]);
    browser.open("/telenor/callback?code=a&code=b").await;
    record.assert_is(&["failed callback_malformed -"]);

    // The limit is one exchange at a time.
    let mut second = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let first_login = record.started();
    let too_many = second.callback_url(&app.gateway, "/private").await;
    let login = record.started();
    let gate = app.gateway.hold(Endpoint::Token);
    let first = tokio::spawn(async move { browser.open(&callback).await.status });
    gate.waiting(1).await;
    second.open(&too_many).await;
    record.assert_is(&[&format!("failed too_many_logins {login}")]);
    gate.open();
    assert_eq!(first.await.unwrap(), StatusCode::SEE_OTHER);
    record.assert_is(&[&format!("succeeded {first_login}")]);

    drop(guard);
    let count = |words: &[&str]| log.lines("INFO", words).len() + log.lines("ERROR", words).len();
    assert_eq!(count(&["login succeeded"]), 2);
    assert_eq!(count(&["login failed"]), 6);
    for cause in [
        "state_unknown",
        "code_replayed",
        "access_denied",
        "provider_error",
        "callback_malformed",
        "too_many_logins",
    ] {
        assert_eq!(count(&["login failed", cause]), 1, "{cause}");
    }
    assert_eq!(count(&["login failed", &login, "too_many_logins"]), 1);
    assert_eq!(count(&["logged out"]), 1);
    assert_eq!(count(&["cross-origin request refused"]), 1);
}

/// S116.
#[tokio::test]
async fn browser_that_loses_its_session_is_one_event_with_its_cause() {
    let record = Record::default();
    let app = record.app(|builder| builder).await;
    let mut browser = app.browser();
    for _ in 0..2 {
        let callback = browser.callback_url(&app.gateway, "/private").await;
        browser.open(&callback).await;
        browser.jar.retain(|(name, _)| !name.contains("-session"));
    }
    record.take();
    browser.open("/private").await;
    record.assert_is(&["failed login_loop -"]);
}

/// S116.
#[tokio::test]
async fn hook_that_panics_is_logged_and_changes_no_response() {
    let app = App::with(|builder| builder.on_event(|_| panic!("the app's hook panics"))).await;
    let (log, _guard) = capture();
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    assert_eq!(browser.log_out().await.status, StatusCode::SEE_OTHER);
    let page = browser.open("/telenor/callback?code=a&state=b").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let events = [
        "login started",
        "login succeeded",
        "logged out",
        "login failed",
    ];
    let count = |level: &str, text: &str| log.lines(level, &[text]).len();
    assert!(events.iter().all(|event| count("", event) == 1));
    assert!(count("ERROR", "on_event panicked") >= events.len());
}

over_http2! {
    hook_that_panics_is_logged_and_changes_no_response
}
