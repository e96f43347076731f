//! Tokens that are refreshed while their session lasts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use telenor_auth::{
    Clock, ConfigError, TelenorAuthBuilder,
    events::Event,
    mock::{Answer as Scripted, Endpoint, MockGateway, MockGatewayBuilder},
    session::{Fault, FaultyStore, MemoryStore, Operation, SessionStore},
};

use crate::support::{
    self, Answer, App, MINUTE, builder,
    each_store::in_cookie,
    kept::Keeper,
    keys, navigation,
    stores::{Blocking, Gate},
};

over_each_store! {
    builders:
    refresh_tokens_are_ignored_by_default
}

/// An app that refreshes tokens. They last for ten minutes at the gateway, and nine and a half in
/// the layer, which refreshes them in the last minute.
pub async fn refreshing() -> App {
    let gateway = gateway(MockGateway::builder()).await;
    App::at(gateway, |builder| builder.refresh_tokens(true))
}

/// A gateway that issues refresh tokens.
pub(super) async fn gateway(builder: MockGatewayBuilder) -> MockGateway {
    let gateway = builder.refresh_tokens(true).start().await.unwrap();
    gateway.set_expires_in(600);
    gateway
}

pub const TOKEN: Duration = Duration::from_secs(570);

/// Waits until `done` returns true. The work runs beside the requests.
pub(super) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let all = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert!(waited.is_ok(), "{what}");
}

#[tokio::test]
async fn token_is_refreshed_in_its_last_minute_without_a_wait() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE - Duration::from_secs(1));
    browser.token().await;
    tokio::task::yield_now().await;
    assert_eq!(app.token_requests(), 1, "the token is still fresh");

    app.clock.advance(Duration::from_secs(1));
    let gate = app.gateway.hold(Endpoint::Token);
    assert_eq!(
        browser.token().await,
        first,
        "the gateway does not answer yet"
    );
    gate.waiting(1).await;
    assert_eq!(browser.token().await, first);
    gate.open();
    until("a new token is there", async || {
        browser.token().await != first
    })
    .await;
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn requests_with_an_expired_token_share_one_refresh() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await.unwrap();
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let tabs = (0..50).map(|_| {
        let mut tab = browser.clone();
        tokio::spawn(async move { tab.token().await })
    });
    let tabs: Vec<_> = tabs.collect();
    gate.waiting(1).await;
    gate.open();
    let mut tokens = Vec::new();
    for tab in tabs {
        tokens.push(tab.await.unwrap().expect("signed in"));
    }
    assert!(
        tokens
            .iter()
            .all(|token| *token == tokens[0] && *token != first)
    );
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn refresh_beyond_the_limit_is_refused_and_made_later() {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).max_token_requests(1)
    });
    let (mut first, mut second) = (app.signed_in().await, app.signed_in().await);
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let refreshed = tokio::spawn(async move { first.token().await });
    gate.waiting(1).await;
    let busy = second.open("/whoami").await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(busy.body.contains("too_many_logins"), "{}", busy.body);
    gate.open();
    assert!(refreshed.await.unwrap().is_some());
    assert!(second.token().await.is_some());
}

/// S72.
#[tokio::test]
async fn refreshed_session_lasts_until_the_maximum() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    for _ in 0..8 * 6 - 1 {
        app.clock.advance(10 * MINUTE);
        assert!(browser.token().await.is_some());
    }
    app.clock.advance(10 * MINUTE);
    assert!(browser.token().await.is_none(), "eight hours have passed");
    assert_eq!(app.token_requests(), 8 * 6);
}

/// S73.
#[tokio::test]
async fn failed_refresh_keeps_a_valid_token_and_refuses_an_expired_one() {
    let failed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failed);
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).on_event(move |event| {
            if let Event::RefreshFailed { .. } = event {
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let tried = async |times| failed.load(Ordering::SeqCst) == times;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.gateway
        .answer_always(Endpoint::Token, Scripted::status(500));
    app.clock.advance(TOKEN - MINUTE);
    assert_eq!(browser.token().await, first);
    until("it was tried", async || tried(1).await).await;
    app.clock.advance(MINUTE - Duration::from_secs(1));
    assert_eq!(browser.token().await, first, "still good");
    until("it was tried again", async || tried(2).await).await;

    app.clock.advance(Duration::from_secs(5));
    let hits = app.hits();
    assert_waits(&browser.open("/whoami").await);
    assert_waits(&browser.open("/perhaps").await);
    assert_eq!(app.token_requests(), 4, "one try in five seconds");
    assert_eq!(app.hits(), hits, "no handler runs");

    app.gateway.answer_normally(Endpoint::Token);
    app.clock.advance(Duration::from_secs(5));
    let token = browser.token().await;
    assert!(token.is_some() && token != first);
}

#[track_caller]
fn assert_waits(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.set_cookies(), [""; 0]);
}

#[tokio::test]
async fn only_a_dead_grant_ends_the_session() {
    for rfc in [false, true] {
        let builder = MockGateway::builder();
        let gateway = gateway(builder.rfc_errors(rfc)).await;
        let app = App::at(gateway, |builder| builder.refresh_tokens(true));
        let mut browser = app.signed_in().await;
        app.gateway.revoke_tokens();
        app.clock.advance(TOKEN);
        let answer = browser.open("/whoami").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.open("/whoami").await;
        assert_eq!(app.token_requests(), 2, "a dead grant is not used twice");
    }
}

#[tokio::test]
async fn other_refusals_of_a_refresh_end_no_session() {
    for (status, error) in [
        (400, "invalid_client"),
        (400, "invalid_request"),
        (400, "unsupported_grant_type"),
        (401, "invalid_client"),
        (403, "access_denied"),
        (404, "not_found"),
        (429, "slow_down"),
        (200, "neither_an_error_nor_a_token"),
    ] {
        let app = refreshing().await;
        let mut browser = app.signed_in().await;
        let body = format!(r#"{{"error":"{error}"}}"#);
        app.gateway
            .answer_next(Endpoint::Token, Scripted::json(status, body));
        app.clock.advance(TOKEN);
        assert_waits(&browser.open("/whoami").await);
        app.clock.advance(Duration::from_secs(5));
        assert!(browser.token().await.is_some(), "{status} {error}");
    }
}

#[tokio::test]
async fn logout_during_a_refresh_is_final() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let (mut tab, mut other) = (browser.clone(), browser.clone());
    let (answer, ()) = tokio::join!(tab.open("/whoami"), async {
        gate.waiting(1).await;
        other.log_out().await;
        gate.open();
    });
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "to log in");
    assert!(browser.token().await.is_none());
    assert_eq!(app.gateway.live_tokens(), 0, "the new token is revoked");
}

/// An app that refreshes tokens, with a store that fails on demand and counts its writes.
struct Failing {
    app: App,
    store: MemoryStore,
    faulty: FaultyStore<MemoryStore>,
    writes: Arc<Gate>,
}

impl Failing {
    async fn start(settings: fn(TelenorAuthBuilder) -> TelenorAuthBuilder) -> Self {
        let clock = Clock::manual();
        let store = MemoryStore::new();
        let faulty = FaultyStore::new(store.clone());
        let blocking = Blocking::new(faulty.clone());
        let writes = Arc::clone(&blocking.writes);
        let gateway = gateway(MockGateway::builder()).await;
        let mut app = App::at(gateway, |builder| {
            let builder = settings(builder.refresh_tokens(true).clock(clock.clone()));
            builder.session_store(blocking)
        });
        app.clock = clock;
        Self {
            app,
            store,
            faulty,
            writes,
        }
    }
}

#[tokio::test]
async fn short_store_outage_loses_no_rotated_token() {
    let failing = Failing::start(|builder| builder).await;
    let (app, faulty) = (&failing.app, &failing.faulty);
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let waits = tokio::spawn(async move { browser.token().await });
    gate.waiting(1).await;
    faulty.set(Fault::Error);
    gate.open();
    failing.writes.came(3).await;
    faulty.set(Fault::None);
    let token = waits.await.unwrap();
    assert!(token.is_some() && token != first);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn session_changed_during_a_store_outage_keeps_its_new_token() {
    let failing = Failing::start(|builder| builder.idle_timeout(9 * MINUTE)).await;
    let (app, faulty) = (&failing.app, &failing.faulty);
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE);
    let gate = app.gateway.hold(Endpoint::Token);
    assert_eq!(browser.token().await, first);
    gate.waiting(1).await;
    app.clock.advance(Duration::from_secs(9 * 60 / 10));
    assert_eq!(browser.token().await, first, "this touches the session");
    let before = failing.writes.count();
    faulty.set_for(Operation::Load, Fault::Error);
    gate.open();
    failing.writes.came(before + 2).await;
    faulty.set(Fault::None);
    until("the new token is there", async || {
        browser.token().await != first
    })
    .await;
    assert_eq!(app.token_requests(), 2);
}

/// Two instances whose store has no leases, so that both may refresh the token.
#[tokio::test]
async fn slower_instance_takes_the_token_of_the_faster_one() {
    let failing = Failing::start(|builder| builder.cookie_keys(keys(1))).await;
    let (app, faulty, writes) = (&failing.app, &failing.faulty, &failing.writes);
    let auth = builder(&app.gateway).clock(app.clock.clone());
    let auth = auth.cookie_keys(keys(1)).refresh_tokens(true);
    let auth = auth.session_store(failing.store.clone()).build().unwrap();
    let mut browser = app.signed_in().await;
    let mut elsewhere = browser.clone();
    elsewhere.router = support::routes(&support::Hits::default()).layer(auth);
    let first = browser.token().await;
    app.clock.advance(TOKEN);

    faulty.set_for(Operation::Update, Fault::Error);
    let waits = tokio::spawn(async move { browser.token().await });
    writes.came(2).await;
    let slower = tokio::spawn(async move { elsewhere.token().await });
    until("the other one was refused", async || {
        app.token_requests() == 3
    })
    .await;
    let tried = writes.count();
    writes.came(tried + 3).await;
    faulty.set(Fault::None);
    let token = waits.await.unwrap();
    assert!(token.is_some() && token != first);
    assert_eq!(slower.await.unwrap(), token);
}

/// By the user, or by an operator, of whom the gateway knows nothing.
async fn new_token_of_a_session_that_ends_meanwhile_is_ended(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let gateway = gateway(MockGateway::builder()).await;
    let clock = Clock::manual();
    let auth = builder(&gateway).clock(clock.clone()).refresh_tokens(true);
    let auth = settings(auth).build().unwrap();
    let router = support::routes(&support::Hits::default()).layer(auth.clone());
    let app = App::mounted(router, gateway);
    for by_operator in [false, true] {
        let mut browser = app.signed_in().await;
        // Also a gateway at which the refresh token outlasts a logout.
        let body = r#"{"access_token":"new","expires_in":"600"}"#;
        app.gateway
            .answer_next(Endpoint::Token, Scripted::json(200, body));
        clock.advance(TOKEN);
        let before = app.gateway.hits(Endpoint::Logout);
        let gate = app.gateway.hold(Endpoint::Token);
        let (mut tab, mut waits) = (browser.clone(), browser.clone());
        let waits = tokio::spawn(async move { waits.token().await });
        gate.waiting(1).await;
        if by_operator {
            auth.revoke_all().await.unwrap();
        } else {
            tab.log_out().await;
        }
        gate.open();
        assert_eq!(waits.await.unwrap(), None);
        assert_eq!(browser.token().await, None);
        until("the new token is ended", async || {
            let sent = app.gateway.requests(Endpoint::Logout);
            let mut since = sent[before..].iter();
            since.any(|sent| sent.headers()["authorization"] == "Bearer new")
        })
        .await;
    }
}

/// S75.
#[tokio::test]
async fn new_token_of_a_session_that_ends_meanwhile_is_ended_in_memory() {
    let settings = |builder: TelenorAuthBuilder| builder.session_store(MemoryStore::new());
    new_token_of_a_session_that_ends_meanwhile_is_ended(settings).await;
}

/// S75.
#[cfg(feature = "redis")]
#[tokio::test]
async fn new_token_of_a_session_that_ends_meanwhile_is_ended_in_redis() {
    use crate::support::{each_store::in_redis, redis::Redis};

    let redis = Redis::start().await;
    let settings = |builder| in_redis(&redis, builder);
    new_token_of_a_session_that_ends_meanwhile_is_ended(settings).await;
}

/// S75.
#[cfg(feature = "cached")]
#[tokio::test]
async fn new_token_of_a_session_that_ends_meanwhile_is_ended_in_a_cache() {
    let settings = crate::support::each_store::in_cache;
    new_token_of_a_session_that_ends_meanwhile_is_ended(settings).await;
}

/// Ended by an operator, of whom the gateway knows nothing.
#[tokio::test]
async fn token_for_a_session_that_was_ended_meanwhile_is_ended() {
    let failing = Failing::start(|builder| builder).await;
    let app = &failing.app;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let waits = tokio::spawn(async move { browser.token().await });
    gate.waiting(1).await;
    failing.store.revoke_all(app.clock.now()).await.unwrap();
    gate.open();
    assert_eq!(waits.await.unwrap(), None);
    until("the token is ended", async || {
        app.gateway.hits(Endpoint::Logout) == 1
    })
    .await;
}

/// By its user or an operator, while the gateway makes the token.
async fn token_refreshed_for_an_ended_session_is_ended(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let gateway = gateway(MockGateway::builder()).await;
    let settings = |builder: TelenorAuthBuilder| store(builder.refresh_tokens(true));
    let keeper = Keeper::at(gateway, Clock::manual(), settings);
    let app = &keeper.app;
    for (by_operator, new) in [(false, "first-new"), (true, "second-new")] {
        let mut browser = app.signed_in().await;
        app.clock.advance(TOKEN);
        // The mock would make none for a user who has logged out.
        let body = format!(r#"{{"access_token":"{new}","expires_in":"600"}}"#);
        app.gateway
            .answer_next(Endpoint::Token, Scripted::json(200, body));
        let gate = app.gateway.hold(Endpoint::Token);
        let mut tab = browser.clone();
        let waits = tokio::spawn(async move { tab.token().await });
        gate.waiting(1).await;
        if by_operator {
            keeper.auth.revoke_all().await.unwrap();
        } else {
            browser.log_out().await;
        }
        let before = app.gateway.hits(Endpoint::Logout);
        gate.open();
        assert_eq!(waits.await.unwrap(), None);
        until("the new token is ended", async || {
            app.gateway.hits(Endpoint::Logout) > before
        })
        .await;
        let ended = app.gateway.requests(Endpoint::Logout).pop().unwrap();
        let bearer = format!("Bearer {new}");
        assert_eq!(ended.headers()["authorization"], bearer.as_str());
    }
}

/// S91.
#[tokio::test]
async fn token_refreshed_for_an_ended_session_is_ended_in_memory() {
    token_refreshed_for_an_ended_session_is_ended(|builder| builder).await;
}

/// S91.
#[cfg(feature = "redis")]
#[tokio::test]
async fn token_refreshed_for_an_ended_session_is_ended_in_redis() {
    use crate::support::{each_store::in_redis, redis::Redis};

    let redis = Redis::start().await;
    token_refreshed_for_an_ended_session_is_ended(|builder| in_redis(&redis, builder)).await;
}

/// S91.
#[cfg(feature = "cached")]
#[tokio::test]
async fn token_refreshed_for_an_ended_session_is_ended_in_a_cache() {
    token_refreshed_for_an_ended_session_is_ended(crate::support::each_store::in_cache).await;
}

#[tokio::test]
async fn token_that_cannot_be_stored_is_ended() {
    let failing = Failing::start(|builder| builder).await;
    let app = &failing.app;
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    failing.faulty.set_for(Operation::Update, Fault::Error);
    let before = failing.writes.count();
    let waits = tokio::spawn(async move { browser.token().await });
    failing.writes.came(before + 1).await;
    tokio::time::pause();
    assert_eq!(waits.await.unwrap(), None);
    // The refresh goes on without the request.
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    until("the token is ended", async || {
        app.gateway.hits(Endpoint::Logout) == 1
    })
    .await;
}

/// Two instances whose store has no leases, and a gateway that gives each a token.
#[tokio::test]
async fn token_of_the_slower_instance_is_ended() {
    let failing = Failing::start(|builder| builder.cookie_keys(keys(1))).await;
    let (app, faulty, writes) = (&failing.app, &failing.faulty, &failing.writes);
    let auth = builder(&app.gateway).clock(app.clock.clone());
    let store = Blocking::new(faulty.clone());
    let slower_writes = Arc::clone(&store.writes);
    let auth = auth.cookie_keys(keys(1)).refresh_tokens(true);
    let auth = auth.session_store(store).build().unwrap();
    let mut browser = app.signed_in().await;
    let mut elsewhere = browser.clone();
    elsewhere.router = support::routes(&support::Hits::default()).layer(auth);
    app.clock.advance(TOKEN);

    for token in ["first-new", "second-new"] {
        let body = format!(r#"{{"access_token":"{token}","expires_in":"600"}}"#);
        app.gateway
            .answer_next(Endpoint::Token, Scripted::json(200, body));
    }
    faulty.set_for(Operation::Update, Fault::Error);
    let before = writes.count();
    let waits = tokio::spawn(async move { browser.token().await });
    writes.came(before + 1).await;
    let slower = tokio::spawn(async move { elsewhere.token().await });
    slower_writes.came(1).await;
    faulty.set(Fault::None);
    let kept = waits.await.unwrap().unwrap();
    assert_eq!(slower.await.unwrap().as_ref(), Some(&kept));
    until("the other token is ended", async || {
        app.gateway.hits(Endpoint::Logout) == 1
    })
    .await;
    let sent = app.gateway.requests(Endpoint::Logout);
    let ended = sent[0].headers()["authorization"].to_str().unwrap();
    assert!(
        ended.ends_with("-new") && !ended.ends_with(&kept),
        "{ended}"
    );
}

#[tokio::test]
async fn refresh_completes_after_the_browser_hangs_up() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN);
    let gate = app.gateway.hold(Endpoint::Token);
    let mut tab = browser.clone();
    let request = tokio::spawn(async move { tab.open("/whoami").await });
    gate.waiting(1).await;
    request.abort();
    gate.open();
    let token = browser.token().await;
    assert!(token.is_some() && token != first);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn touch_and_refresh_do_not_overwrite_each_other() {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).idle_timeout(20 * MINUTE)
    });
    let mut browser = app.signed_in().await;
    let first = browser.token().await;
    app.clock.advance(TOKEN - MINUTE);
    let gate = app.gateway.hold(Endpoint::Token);
    assert_eq!(browser.token().await, first, "this touches the session");
    gate.waiting(1).await;
    gate.open();
    until("a new token is there", async || {
        browser.token().await != first
    })
    .await;
    app.clock.advance(MINUTE);
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn refresh_token_that_is_not_replaced_is_used_again() {
    let app = refreshing().await;
    let mut browser = app.signed_in().await;
    let body = r#"{"access_token":"second","expires_in":"600"}"#;
    app.gateway
        .answer_next(Endpoint::Token, Scripted::json(200, body));
    app.clock.advance(TOKEN);
    assert_eq!(browser.token().await.as_deref(), Some("second"));
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_some());
    let sent = app.gateway.requests(Endpoint::Token);
    let tokens: Vec<_> = sent
        .iter()
        .filter_map(|sent| sent.form("refresh_token"))
        .collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_its_token() {
    let app = App::with(|builder| builder.refresh_tokens(true)).await;
    app.gateway.set_expires_in(600);
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_none());
    assert_eq!(app.token_requests(), 1);
}

/// S58.
async fn refresh_tokens_are_ignored_by_default(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, store);
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    assert!(browser.token().await.is_none());
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn script_gets_the_info_with_a_refreshed_token() {
    let gateway = gateway(MockGateway::builder()).await;
    let app = App::at(gateway, |builder| {
        builder.refresh_tokens(true).script_api(true)
    });
    let mut browser = app.signed_in().await;
    app.clock.advance(TOKEN);
    let mut script = navigation("/telenor/user-info");
    script
        .headers_mut()
        .insert("sec-fetch-site", "same-origin".parse().unwrap());
    assert_eq!(browser.send(script).await.status, StatusCode::OK);
    assert_eq!(app.token_requests(), 2);
}

#[tokio::test]
async fn sessions_in_cookies_cannot_be_refreshed() {
    let gateway = MockGateway::start().await.unwrap();
    let refused = in_cookie(builder(&gateway)).refresh_tokens(true).build();
    assert_eq!(refused.unwrap_err(), ConfigError::RefreshNeedsServer);
}
