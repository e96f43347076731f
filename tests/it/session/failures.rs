//! Stores that fail.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use telenor_auth::{
    mock::{Answer as Scripted, Endpoint},
    session::{
        CookieStore, Fault, FaultyStore, MemoryStore, Operation, SessionStore, SessionToken,
    },
};
use tokio::time::{Instant, timeout};

use crate::support::{
    Answer, App, Browser, MINUTE,
    capture::capture,
    keys,
    stores::{Blocking, Deadline, Gate},
};

/// A guarded route, one that takes `Option<TelenorUser>`, and those of the layer that need to know
/// of a session.
const ASKING: [&str; 5] = [
    "/private",
    "/perhaps",
    "/telenor/session",
    "/telenor/logout",
    "/telenor/callback?code=a&state=b",
];

/// A store in which one operation fails.
fn broken(operation: Operation) -> FaultyStore<MemoryStore> {
    let store = FaultyStore::new(MemoryStore::new());
    store.set_for(operation, Fault::Error);
    store
}

/// S113, S117.
#[tokio::test]
async fn store_failure_is_503_and_never_anonymous() {
    for optional in [false, true] {
        let app = App::with(|builder| {
            builder
                .session_store(broken(Operation::Load))
                .optional(optional)
        })
        .await;
        let mut browser = app.browser();
        browser.jar = vec![("__Host-telenor-session".into(), "token".into())];
        for target in ASKING {
            let answer = browser.open(target).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
            assert!(answer.header("retry-after").is_some());
            assert!(answer.header("location").is_none());
        }
        assert_eq!(app.hits(), 0);
    }
}

/// S117.
#[tokio::test]
async fn store_that_panics_is_503_and_runs_no_handler() {
    for (optional, at_hand) in [(false, false), (false, true), (true, false), (true, true)] {
        let store = Blocking {
            at_hand,
            ..Blocking::new(MemoryStore::new())
        };
        let loads = Arc::clone(&store.loads);
        let app = App::with(|builder| builder.session_store(store).optional(optional)).await;
        let mut browser = app.signed_in().await;
        loads.panics(true);
        for target in ASKING {
            let before = loads.count();
            let answer = browser.open(target).await;
            let case = format!("{target}, optional: {optional}, at hand: {at_hand}");
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{case}");
            assert_eq!(answer.header("location"), None, "{case}");
            assert_eq!(answer.set_cookies(), [""; 0], "{case}");
            assert!(loads.count() > before, "{case}");
        }
        assert_eq!(app.hits(), 0);
        loads.panics(false);
        assert!(browser.token().await.is_some(), "the session goes on");
    }
}

/// The app of a store, in which ten minutes without use end a session.
async fn idle(store: impl SessionStore) -> App {
    let app = App::with(|builder| builder.session_store(store).idle_timeout(10 * MINUTE)).await;
    app.gateway.set_expires_in(1_000_000);
    app
}

/// S117.
#[tokio::test]
async fn response_arrives_where_the_write_of_its_session_panics() {
    let at_hand = Blocking {
        at_hand: true,
        ..Blocking::new(MemoryStore::new())
    };
    let looked_up = Blocking::new(MemoryStore::new());
    let in_cookie = Blocking::new(CookieStore::new(&keys(1)));
    let writes = [&at_hand.writes, &looked_up.writes, &in_cookie.writes].map(Arc::clone);
    let apps = [
        idle(at_hand).await,
        idle(looked_up).await,
        idle(in_cookie).await,
    ];
    for (app, writes) in apps.iter().zip(writes) {
        let mut browser = app.signed_in().await;
        writes.panics(true);
        app.clock.advance(5 * MINUTE);
        let (before, hits) = (writes.count(), app.hits());
        let answer = browser.open("/private").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert_eq!((writes.count(), app.hits()), (before + 1, hits + 1));
        writes.panics(false);
        assert!(browser.token().await.is_some(), "the session goes on");
    }
}

/// S117.
#[tokio::test]
async fn logout_whose_store_panics_is_503() {
    let store = Blocking::new(MemoryStore::new());
    let endings = Arc::clone(&store.endings);
    let app = App::with(|builder| builder.session_store(store)).await;
    let mut browser = app.signed_in().await;
    endings.panics(true);
    let answer = browser.log_out().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.session(), None, "this browser has no session left");
}

/// S117.
#[tokio::test]
async fn panic_about_why_there_is_no_session_leads_to_a_login() {
    for at_hand in [false, true] {
        let store = Blocking {
            at_hand,
            ..Blocking::new(MemoryStore::new())
        };
        let refusals = Arc::clone(&store.refusals);
        refusals.panics(true);
        let app = App::with(|builder| builder.session_store(store)).await;
        let mut browser = app.browser();
        let unknown = SessionToken::random().secret().to_owned();
        browser.jar = vec![("__Host-telenor-session".into(), unknown)];
        let answer = browser.open("/private").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "at hand: {at_hand}");
        assert_eq!((refusals.count(), app.hits()), (1, 0));
    }
}

/// S117.
#[tokio::test]
async fn login_sends_no_code_while_the_leases_panic() {
    let store = Blocking::new(MemoryStore::new());
    let leases = Arc::clone(&store.leases);
    let app = App::with(|builder| builder.session_store(store)).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    leases.panics(true);
    let answer = browser.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.token_requests(), 0);
    leases.panics(false);
    let answer = browser.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
}

/// The layer has no limit for a look-up: a store behind a network has its own.
/// S117.
#[tokio::test]
async fn store_that_never_answers_runs_no_handler_and_is_503_by_its_own_limit() {
    for optional in [false, true] {
        let store = FaultyStore::new(MemoryStore::new());
        let limited = Deadline(store.clone());
        let limited = App::with(|builder| builder.session_store(limited).optional(optional)).await;
        let endless = store.clone();
        let endless = App::with(|builder| builder.session_store(endless).optional(optional)).await;
        let (mut browser, mut waits) = (limited.signed_in().await, endless.signed_in().await);
        store.set_for(Operation::Load, Fault::Hang);
        tokio::time::pause();
        for target in ASKING {
            let started = Instant::now();
            let answer = browser.open(target).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
            assert_eq!(answer.header("location"), None, "{target}");
            assert_eq!(started.elapsed().as_millis() / 10, 100, "{target}");
            let answer = timeout(MINUTE, waits.open(target)).await;
            assert!(answer.is_err(), "{target}");
        }
        tokio::time::resume();
        assert_eq!((limited.hits(), endless.hits()), (0, 0));
        store.set(Fault::None);
        assert!(browser.token().await.is_some() && waits.token().await.is_some());
    }
}

/// An app whose store fails at the first save of a login, and that login, which waits.
struct Saving {
    app: App,
    faulty: FaultyStore<MemoryStore>,
    writes: Arc<Gate>,
    login: tokio::task::JoinHandle<(Browser, Answer)>,
}

impl Saving {
    async fn start(fails: impl FnOnce(&FaultyStore<MemoryStore>, &Gate)) -> Self {
        let faulty = FaultyStore::new(MemoryStore::new());
        let store = Blocking::new(faulty.clone());
        let writes = Arc::clone(&store.writes);
        let app = App::with(|builder| builder.session_store(store)).await;
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        fails(&faulty, &writes);
        let login = tokio::spawn(async move {
            let answer = browser.open(&callback).await;
            (browser, answer)
        });
        writes.came(1).await;
        Self {
            app,
            faulty,
            writes,
            login,
        }
    }
}

/// Waits for what a task does that nothing waits for.
async fn live_tokens(app: &App, count: usize) {
    let all = async {
        while app.gateway.live_tokens() != count {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert!(waited.is_ok(), "{} tokens live", app.gateway.live_tokens());
}

#[tokio::test]
async fn login_outlasts_a_short_outage_of_the_store() {
    let (log, _guard) = capture();
    let saving = Saving::start(|faulty, _| faulty.set_for(Operation::Save, Fault::Error)).await;
    saving.writes.came(3).await;
    saving.faulty.set(Fault::None);
    let (mut browser, answer) = saving.login.await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    assert_eq!(
        (
            saving.app.token_requests(),
            saving.app.gateway.live_tokens()
        ),
        (1, 1)
    );
    assert_eq!(saving.app.gateway.hits(Endpoint::Logout), 0);
    let lines = log.lines("WARN", &["a session is not saved yet"]);
    assert_eq!(lines.len(), 1, "{}", log.text());
}

#[tokio::test]
async fn save_that_hangs_is_given_up_and_made_again() {
    let saving = Saving::start(|_, writes| writes.shut()).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    saving.writes.came(2).await;
    saving.writes.open();
    let (mut browser, answer) = saving.login.await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    assert_eq!(saving.app.gateway.live_tokens(), 1);
}

#[tokio::test]
async fn login_that_cannot_be_saved_is_503_and_its_token_is_ended() {
    let saving = Saving::start(|faulty, _| faulty.set_for(Operation::Save, Fault::Error)).await;
    tokio::time::pause();
    let (browser, answer) = saving.login.await.unwrap();
    tokio::time::resume();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.session(), None);
    live_tokens(&saving.app, 0).await;
}

/// S117.
#[tokio::test]
async fn login_whose_save_panics_ends_its_token() {
    let saving = Saving::start(|_, writes| writes.panics(true)).await;
    let (_, answer) = saving.login.await.unwrap();
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    live_tokens(&saving.app, 0).await;
}

#[tokio::test]
async fn full_store_refuses_a_login_at_once_and_ends_its_token() {
    let store = MemoryStore::with_capacity(1);
    let app = App::with(|builder| builder.session_store(store)).await;
    let mut first = app.signed_in().await;
    let mut second = app.browser();
    let callback = second.callback_url(&app.gateway, "/whoami").await;
    let started = std::time::Instant::now();
    let refused = second.open(&callback).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(started.elapsed() < Duration::from_secs(5));
    live_tokens(&app, 1).await;
    assert!(first.token().await.is_some(), "which never suffers");
}

/// Eight tabs of one browser, which all asked for a login before the first came back.
#[tokio::test]
async fn new_login_ends_the_token_of_the_session_that_it_replaces() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for _ in 0..5 {
        callbacks.push(browser.callback_url(&app.gateway, "/whoami").await);
    }
    for callback in &callbacks {
        assert_eq!(browser.open(callback).await.status, StatusCode::SEE_OTHER);
    }
    live_tokens(&app, 1).await;
    // For the loop detector.
    app.clock.advance(MINUTE);
    for _ in 0..3 {
        let login = browser.open("/telenor/login").await;
        let callback = app.gateway.allow(&login.location()).unwrap();
        // A twin must not save the old one.
        let twin = browser.session().unwrap();
        browser.jar.push(("__Host-telenor-session".into(), twin));
        browser
            .jar
            .push(("__Host-telenor-session".into(), "planted".into()));
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        live_tokens(&app, 1).await;
    }
    assert!(browser.token().await.is_some());
}

#[tokio::test]
async fn gateway_that_grants_the_same_token_again_keeps_it() {
    let app = App::start().await;
    let same = r#"{"access_token":"same","expires_in":"600"}"#;
    app.gateway
        .answer_always(Endpoint::Token, Scripted::json(200, same));
    let mut browser = app.signed_in().await;
    let login = browser.open("/telenor/login").await;
    browser
        .open(&app.gateway.allow(&login.location()).unwrap())
        .await;
    let signed_in = browser.log_out().await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_eq!(app.gateway.hits(Endpoint::Logout), 1, "the logout's own");
}

/// S91.
#[tokio::test]
async fn logout_that_cannot_be_saved_is_503() {
    let app = App::with(|builder| builder.session_store(broken(Operation::Remove))).await;
    let mut browser = app.signed_in().await;
    let answer = browser.log_out().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.session(), None, "this browser has no session left");
}

over_http2! {
    store_failure_is_503_and_never_anonymous
    store_that_panics_is_503_and_runs_no_handler
    response_arrives_where_the_write_of_its_session_panics
    logout_whose_store_panics_is_503
    panic_about_why_there_is_no_session_leads_to_a_login
    login_sends_no_code_while_the_leases_panic
    store_that_never_answers_runs_no_handler_and_is_503_by_its_own_limit
    logout_that_cannot_be_saved_is_503
}
