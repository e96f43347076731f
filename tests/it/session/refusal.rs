//! Why a session cookie is no good: the same answer in the event, in the log and on the page.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use telenor_auth::{
    Clock, TelenorAuthBuilder, TelenorAuthLayer,
    events::{Event, SessionRefusal},
    mock::{Answer as Scripted, Endpoint, MockGateway},
    session::{CookieStore, MemoryStore},
};

use crate::support::{
    self, App, Browser, CALLBACK, Hits, MINUTE, ORIGIN, builder, keys, navigation, request,
    stores::Blocking,
};

const SESSION: &str = "__Host-telenor-session";

/// The reasons in the events of a layer.
#[derive(Clone, Default)]
struct Reasons(Arc<Mutex<Vec<SessionRefusal>>>);

impl Reasons {
    fn of(&self, builder: TelenorAuthBuilder) -> TelenorAuthBuilder {
        let reasons = self.clone();
        builder.on_event(move |event| {
            if let Event::SessionRefused { reason, .. } = event {
                reasons.0.lock().unwrap().push(*reason);
            }
        })
    }

    fn take(&self) -> Vec<SessionRefusal> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn script(app: &App, cookies: &str) -> support::Answer {
    let headers = [("cookie", cookies), ("accept", "application/json")];
    app.browser()
        .send(request(http::Method::GET, "/whoami", &headers))
        .await
}

#[tokio::test]
async fn reason_is_in_the_event_and_in_the_problem_document() {
    let reasons = Reasons::default();
    let app = App::with(|builder| reasons.of(builder.idle_timeout(MINUTE * 5))).await;
    let browser = app.signed_in().await;
    let ours = format!("{SESSION}={}", browser.session().unwrap());
    let unknown = "A".repeat(43);
    let unknown = format!("{SESSION}={unknown}");
    for (cookies, reason) in [
        ("other=1".to_owned(), SessionRefusal::NoCookie),
        (format!("{ours}; {SESSION}=x"), SessionRefusal::CookieTwice),
        (
            format!("{ours}; {}=x", SESSION.to_lowercase()),
            SessionRefusal::CookieTwice,
        ),
        (format!("{SESSION}="), SessionRefusal::CookieUnreadable),
        (format!("{SESSION}=x"), SessionRefusal::CookieUnreadable),
        (unknown, SessionRefusal::UnknownSession),
    ] {
        let answer = script(&app, &cookies).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["reason"], reason.as_str());
        let emitted = match reason {
            SessionRefusal::NoCookie => vec![],
            reason => vec![reason],
        };
        assert_eq!(reasons.take(), emitted);
    }
    app.clock.rewind(2 * MINUTE);
    script(&app, &ours).await;
    app.clock.advance(2 * MINUTE + 5 * MINUTE);
    script(&app, &ours).await;
    assert_eq!(
        reasons.take(),
        [SessionRefusal::FromFuture, SessionRefusal::Idle]
    );
}

#[tokio::test]
async fn cookie_that_holds_the_session_says_whether_it_can_be_opened() {
    let (reasons, keys) = (Reasons::default(), keys(1));
    let app = App::with(|builder| {
        let store = CookieStore::new(&keys);
        reasons
            .of(builder)
            .cookie_keys(keys.clone())
            .session_store(store)
    })
    .await;
    let browser = app.signed_in().await;
    let ours = format!("{SESSION}={}", browser.session().unwrap());
    script(&app, &format!("{ours}x")).await;
    app.clock.advance(60 * MINUTE);
    script(&app, &ours).await;
    assert_eq!(
        reasons.take(),
        [SessionRefusal::CookieUnreadable, SessionRefusal::Expired]
    );
}

#[tokio::test]
async fn store_that_lags_for_a_moment_costs_the_user_nothing() {
    let store = Blocking::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    for target in ["/whoami", "/telenor/session"] {
        let mut browser = app.signed_in().await;
        store.loads.misses(3);
        let answer = browser.open(target).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(!answer.body.contains("false"), "{}", answer.body);
    }
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn store_that_never_knows_the_session_costs_one_more_login_and_then_says_so() {
    let store = Blocking::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    let mut browser = app.browser();
    store.loads.misses(usize::MAX);
    for _ in 0..2 {
        let callback = browser.callback_url(&app.gateway, "/private").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }
    let page = browser.open("/private").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let small_print = "<code>login_loop</code> <code>unknown_session</code>";
    assert!(page.body.contains(small_print), "{}", page.body);
    assert!(page.body.contains("en feil hos oss") && !page.body.contains("informasjonskapsler"));
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn session_that_has_ended_leads_to_a_login_at_once() {
    let store = Blocking::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    let mut browser = app.signed_in().await;
    // A restart, an eviction or a revocation: not just after the login, or without its mark.
    let mut without = browser.clone();
    without.jar.retain(|(name, _)| !name.contains("-loop"));
    app.clock.advance(Duration::from_secs(10));
    for browser in [&mut browser, &mut without] {
        store.loads.misses(usize::MAX);
        let before = store.loads.count();
        browser.start("/private").await;
        assert_eq!(store.loads.count(), before + 1);
        browser.open("/telenor/session").await;
        assert_eq!(store.loads.count(), before + 2);
    }
}

#[tokio::test]
async fn two_session_cookies_cost_one_more_login_and_then_the_page_says_so() {
    let app = App::start().await;
    let mut browser = app.browser();
    for _ in 0..2 {
        let location = browser.open("/private").await.location();
        browser.jar.retain(|(_, value)| value != "planted");
        browser.open(&app.gateway.allow(&location).unwrap()).await;
        browser.jar.push((SESSION.into(), "planted".into()));
    }
    let page = browser.open("/private").await;
    let small_print = "<code>login_loop</code> <code>cookie_twice</code>";
    assert!(page.body.contains(small_print), "{}", page.body);
}

#[tokio::test]
async fn token_that_the_gateway_rejects_is_the_reason_of_the_loop() {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::gateway_error(40105));
    let mut browser = app.signed_in().await;
    let location = browser.open("/name").await.location();
    browser.open(&app.gateway.allow(&location).unwrap()).await;
    let page = browser.open("/name").await;
    let small_print = "<code>login_loop</code> <code>token_expired</code>";
    assert!(page.body.contains(small_print), "{}", page.body);
}

/// Begun at an instance whose clock is ahead, and ended at another one.
#[tokio::test]
async fn login_from_the_future_is_not_one_that_took_too_long() {
    let gateway = MockGateway::start().await.unwrap();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let instance = |clock: &Clock| {
        let (keys, failed) = (keys(1), Arc::clone(&reasons));
        let layer = builder(&gateway)
            .clock(clock.clone())
            .on_event(move |event| {
                if let Event::LoginFailed { reason, .. } = event {
                    failed.lock().unwrap().push(*reason);
                }
            });
        let layer = layer
            .session_store(CookieStore::new(&keys))
            .cookie_keys(keys);
        support::routes(&Hits::default()).layer(layer.build().unwrap())
    };
    let (ahead, behind) = (Clock::manual(), Clock::manual());
    ahead.advance(Duration::from_secs(90));
    let mut browser = Browser {
        router: instance(&ahead),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/private").await;
    browser.router = instance(&behind);
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let small_print = "<code>state_expired</code> <code>from_future</code>";
    assert!(page.body.contains(small_print), "{}", page.body);
    assert!(page.body.contains("en feil hos oss") && !page.body.contains("for lang tid"));
    assert_eq!(*reasons.lock().unwrap(), [Some(SessionRefusal::FromFuture)]);
}

/// Two apps on one host with one store and, by mistake, one cookie name.
#[tokio::test]
async fn session_of_another_app_is_refused_with_one_warning() {
    let (gateway, reasons) = (MockGateway::start().await.unwrap(), Reasons::default());
    let store = MemoryStore::new();
    let [first, second] = [CALLBACK, "/other/callback"].map(|callback| {
        let redirect_uri = format!("{ORIGIN}{callback}");
        let (id, secret) = (gateway.client_id(), gateway.client_secret());
        let layer = TelenorAuthLayer::builder(id, secret, redirect_uri)
            .gateway(gateway.base_url())
            .cookie_name("two-apps")
            .session_store(store.clone());
        let layer = reasons.of(layer).build().unwrap();
        support::routes(&Hits::default()).layer(layer)
    });
    let mark = support::log::mark();
    let mut browser = Browser {
        router: first.clone(),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/private").await;
    browser.open(&callback).await;
    browser.router = second;
    for _ in 0..3 {
        let refused = browser.send(navigation("/private")).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(reasons.take(), [SessionRefusal::OtherApp; 3]);
    let log = support::log::since(mark);
    let warnings = log.lines().filter(|line| {
        line.contains("names a session of another app") && line.contains("two-apps")
    });
    let ours: Vec<_> = warnings.collect();
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(ours[0].contains("WARN") && ours[0].contains("cookie_name"));
    // A login at the second app leaves the session of the first as it is.
    let old = browser.clone();
    let callback = browser.callback_url(&gateway, "/private").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(gateway.live_tokens(), 2);
    let mut old = Browser {
        router: first,
        ..old
    };
    assert!(old.token().await.is_some());
}
