//! What a session is worth, how it ends, and how one logs out; over each store.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::time::Duration;

use common::{App, Browser, ORIGIN, builder, keys, navigation, request, stores::Deadline};
use http::{Method, StatusCode};
use telenor_auth::{
    CookiePrefix, TelenorAuthBuilder,
    mock::{Answer as Scripted, Endpoint, MockGateway},
    session::{
        CachedStore, CookieStore, Fault, FaultyStore, MemoryStore, Operation, check_store,
        check_store_faults,
    },
};

const MINUTE: Duration = Duration::from_secs(60);

/// Runs a test over every store in this crate.
macro_rules! over_each_store {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::in_memory().await).await;
            })*
        }
        mod cookie {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::in_cookie().await).await;
            })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[tokio::test]
            async fn $name() {
                let redis = super::common::redis::Redis::start().await;
                super::$name(super::in_redis(&redis).await).await;
            })*
        }
        mod cached {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::in_cache().await).await;
            })*
        }
    };
}

async fn in_memory() -> App {
    App::start().await
}

async fn in_cookie() -> App {
    App::with(with_cookie_store).await
}

#[cfg(feature = "redis")]
async fn in_redis(redis: &common::redis::Redis) -> App {
    let store = telenor_auth::session::RedisStore::new(&redis.url(), &keys(1)).unwrap();
    // For a machine that has a lot to do.
    let store = store.timeout(Duration::from_secs(5));
    App::with(|builder| builder.session_store(store)).await
}

async fn in_cache() -> App {
    App::with(|builder| builder.session_store(CachedStore::new(MemoryStore::new()))).await
}

fn with_cookie_store(builder: TelenorAuthBuilder) -> TelenorAuthBuilder<CookieStore> {
    let keys = keys(1);
    let store = CookieStore::new(&keys);
    builder.cookie_keys(keys).session_store(store)
}

over_each_store! {
    session_lasts_as_long_as_its_token
    session_is_never_longer_than_the_maximum
    session_from_the_future_is_none
    login_makes_a_new_session_and_ends_the_old
    planted_session_is_worth_nothing_after_a_login
    altered_session_cookie_is_none
    logout_ends_the_session_here_and_at_the_gateway
    logout_needs_the_browsers_word_that_it_is_ours
    logout_does_not_wait_for_the_gateway
    logout_lands_where_nobody_is_signed_in_again
    dead_token_ends_the_session
    status_tells_no_token
}

#[tokio::test]
async fn stores_keep_the_rules() {
    check_store(MemoryStore::new()).await;
    check_store(CookieStore::new(&keys(1))).await;
    check_store(FaultyStore::new(MemoryStore::new())).await;
}

#[tokio::test(start_paused = true)]
async fn store_behind_a_network_keeps_the_rules_when_its_server_fails() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let store = Deadline(faulty.clone());
    check_store_faults(store.clone(), async |fault| faulty.set(fault)).await;
    faulty.set(Fault::Slow);
    check_store(store).await;
}

async fn session_lasts_as_long_as_its_token(app: App) {
    app.gateway.set_expires_in(60);
    let mut browser = app.signed_in().await;
    app.clock.advance(Duration::from_secs(29));
    assert!(browser.token().await.is_some());
    app.clock.advance(Duration::from_secs(1));
    let hits = app.hits();
    assert_eq!(
        browser.open("/whoami").await.status,
        StatusCode::SEE_OTHER,
        "a page logs in again"
    );
    let script = request(Method::GET, "/whoami", &[("accept", "application/json")]);
    assert_eq!(
        browser.send(script).await.status,
        StatusCode::UNAUTHORIZED,
        "a script is told"
    );
    assert_eq!(app.hits(), hits, "and no handler sees a dead token");
}

async fn session_is_never_longer_than_the_maximum(app: App) {
    app.gateway.set_expires_in(1_000_000_000);
    let mut browser = app.signed_in().await;
    app.clock.advance(8 * 60 * MINUTE - MINUTE);
    assert!(browser.token().await.is_some());
    app.clock.advance(MINUTE);
    assert!(browser.token().await.is_none());
}

async fn session_from_the_future_is_none(app: App) {
    let mut browser = app.signed_in().await;
    app.clock.rewind(2 * MINUTE);
    let hits = app.hits();
    assert_eq!(browser.open("/whoami").await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.hits(), hits);
}

async fn login_makes_a_new_session_and_ends_the_old(app: App) {
    let mut browser = app.signed_in().await;
    let old = browser.session().unwrap();
    let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
    browser.open(&callback).await;
    let new = browser.session().unwrap();
    assert_ne!(old, new);
    assert!(browser.token().await.is_some());
    let mut with_old = app.browser();
    with_old.jar = vec![("__Host-telenor-session".into(), old)];
    assert!(with_old.token().await.is_none());
}

async fn planted_session_is_worth_nothing_after_a_login(app: App) {
    let attacker = app.signed_in().await;
    let planted = attacker.session().unwrap();
    let mut victim = app.browser();
    victim.jar = attacker.jar.clone();
    let callback = victim.callback_url(&app.gateway, "/telenor/login").await;
    victim.open(&callback).await;
    assert_ne!(victim.session().unwrap(), planted);
    let mut attacker = attacker;
    assert!(attacker.token().await.is_none());
    assert!(victim.token().await.is_some());
}

async fn altered_session_cookie_is_none(app: App) {
    let good = app.signed_in().await.session().unwrap();
    let name = "__Host-telenor-session".to_owned();
    let expected = app.browser().open("/whoami").await;
    let mut altered: Vec<String> = (0..good.len()).map(|cut| good[..cut].to_owned()).collect();
    for at in (0..good.len().min(64)).chain(good.len().saturating_sub(64)..good.len()) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        altered.push(String::from_utf8(bytes).unwrap());
    }
    altered.extend([
        format!("{good}="),
        format!("{good}A"),
        format!("\"{good}\""),
        "x".repeat(300_000),
    ]);
    let hits = app.hits();
    for value in altered {
        let mut browser = app.browser();
        browser.jar = vec![(name.clone(), value.clone())];
        let answer = browser.open("/whoami").await;
        assert_eq!(answer.status, expected.status, "{value:.80}");
        assert_eq!(
            answer.headers.len(),
            expected.headers.len(),
            "the causes look alike"
        );
    }
    for twins in [[&good, "other"], ["other", &good], [&good, &good]] {
        let mut browser = app.browser();
        browser.jar = twins.map(|value| (name.clone(), value.to_owned())).into();
        assert_eq!(browser.open("/whoami").await.status, expected.status);
    }
    assert_eq!(app.hits(), hits);
}

fn post_logout(headers: &[(&str, &str)]) -> http::Request<axum::body::Body> {
    request(Method::POST, "/telenor/logout", headers)
}

const SAME_ORIGIN: &[(&str, &str)] = &[
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

async fn logout_ends_the_session_here_and_at_the_gateway(app: App) {
    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let copied = browser.clone();
    let done = browser.send(post_logout(SAME_ORIGIN)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let line = done.set_cookies().remove(0);
    assert_eq!(
        line,
        "__Host-telenor-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
    );
    assert_eq!(browser.session(), None);
    let sent = app.gateway.requests(Endpoint::Logout);
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].headers()["authorization"],
        format!("Bearer {token}")
    );
    let mut copied = copied;
    assert!(
        copied.token().await.is_none(),
        "a copy of the cookie is dead as well"
    );
}

async fn logout_needs_the_browsers_word_that_it_is_ours(app: App) {
    let mut browser = app.signed_in().await;
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://app.test")],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
    ] {
        let refused = browser.send(post_logout(headers)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(refused.set_cookies(), [""; 0]);
    }
    let page = browser.open("/telenor/logout").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("<form") && page.body.contains("method=\"post\""),
        "GET asks first"
    );
    assert!(browser.token().await.is_some());
    let done = browser.send(post_logout(&[("origin", ORIGIN)])).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
}

/// Takes the two seconds that logging out may wait at most.
async fn logout_does_not_wait_for_the_gateway(app: App) {
    for answer in [Scripted::Never, Scripted::Reset, Scripted::status(500)] {
        let mut browser = app.signed_in().await;
        let copied = browser.clone();
        app.gateway.answer_next(Endpoint::Logout, answer);
        let started = std::time::Instant::now();
        let done = browser.send(post_logout(SAME_ORIGIN)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{:?}",
            started.elapsed()
        );
        assert!(copied.clone().token().await.is_none());
    }
}

async fn logout_lands_where_nobody_is_signed_in_again(app: App) {
    let mut browser = app.signed_in().await;
    let before = app.gateway.hits(Endpoint::Authorize);
    let done = browser.send(post_logout(SAME_ORIGIN)).await;
    let page = browser.follow(&done.location()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(app.gateway.hits(Endpoint::Authorize), before);
    // Logging out again, or without a session, is no error.
    let again = browser.send(post_logout(SAME_ORIGIN)).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

async fn dead_token_ends_the_session(app: App) {
    for answer in [
        Scripted::gateway_error(40105),
        Scripted::gateway_error(40106),
        Scripted::fault(401, "keymanagement.service.access_token_expired"),
        Scripted::fault(500, "keymanagement.service.access_token_expired"),
    ] {
        let mut browser = app.signed_in().await;
        let copied = browser.clone();
        app.gateway.answer_next(Endpoint::UserInfo, answer.clone());
        let page = browser.open("/name?n=1").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert!(
            copied.clone().token().await.is_none(),
            "the session is gone for every copy"
        );
        let callback = app.gateway.allow(&page.location()).unwrap();
        let back = browser.follow(&callback).await;
        assert_eq!((back.status, back.body.as_str()), (StatusCode::OK, "Kari"));

        app.gateway.answer_next(Endpoint::UserInfo, answer);
        let script = request(Method::GET, "/name", &[("accept", "application/json")]);
        let told = browser.send(script).await;
        assert_eq!(told.status, StatusCode::UNAUTHORIZED);
        assert_eq!(told.header("location"), None);
    }
}

async fn status_tells_no_token(app: App) {
    let ask = || {
        request(
            Method::GET,
            "/telenor/session",
            &[("accept", "application/json")],
        )
    };
    let nobody = app.browser().send(ask()).await;
    assert_eq!(nobody.status, StatusCode::OK);
    assert_eq!(nobody.header("cache-control"), Some("no-store"));
    let json: serde_json::Value = serde_json::from_str(&nobody.body).unwrap();
    assert_eq!(json["signed_in"], false);
    assert_eq!(json["login"], format!("{ORIGIN}/telenor/login"));

    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let somebody = browser.send(ask()).await;
    let json: serde_json::Value = serde_json::from_str(&somebody.body).unwrap();
    assert_eq!(json["signed_in"], true);
    assert!((1..3_600).contains(&json["seconds_left"].as_u64().unwrap()));
    assert!(!somebody.body.contains(&token));
}

#[tokio::test]
async fn other_api_errors_keep_the_session() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    for (answer, status) in [
        (Scripted::gateway_error(40301), 502),
        (Scripted::gateway_error(40103), 502),
        (Scripted::gateway_error(42901), 503),
        (Scripted::gateway_error(50001), 503),
        (Scripted::json(200, "[]"), 502),
        (Scripted::Reset, 503),
    ] {
        app.gateway
            .answer_always(Endpoint::UserInfo, answer.clone());
        let page = browser.open("/name").await;
        assert_eq!(page.status.as_u16(), status, "{answer:?}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(browser.token().await.is_some());
    }
}

#[tokio::test]
async fn gateway_that_always_says_dead_makes_no_loop() {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::gateway_error(40105));
    let mut browser = app.signed_in().await;
    for _ in 0..10 {
        let page = browser.open("/name").await;
        if page.status != StatusCode::SEE_OTHER {
            assert!(page.body.contains("login_loop"));
            return;
        }
        let callback = app.gateway.allow(&page.location()).unwrap();
        browser.open(&callback).await;
    }
    panic!("goes round for ever");
}

#[tokio::test]
async fn form_whose_token_is_dead_is_told_and_not_repeated() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::gateway_error(40106));
    let mut form = navigation("/name");
    *form.method_mut() = Method::POST;
    form.headers_mut()
        .insert("referer", format!("{ORIGIN}/form?step=2").parse().unwrap());
    let answer = browser.send(form).await;
    assert!(browser.token().await.is_none(), "the session is over");
    let page = browser.open(&answer.location()).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("form_not_sent"));
    assert!(page.body.contains("return_to=%2Fform%3Fstep%3D2"));
}

#[tokio::test]
async fn session_cookie_has_exactly_these_attributes() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let done = browser.open(&callback).await;
    let line = done.set_cookies().remove(0);
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-telenor-session="));
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3569"
    );
}

#[tokio::test]
async fn http_prefix_is_offered() {
    let app = App::with(|builder| builder.cookie_prefix(CookiePrefix::HostHttp)).await;
    let browser = app.signed_in().await;
    assert!(
        browser
            .jar
            .iter()
            .any(|(name, _)| name == "__Host-Http-telenor-session")
    );
}

#[tokio::test]
async fn sessions_do_not_pass_between_layers() {
    let apps = [
        App::with(with_cookie_store).await,
        App::with(|builder| with_cookie_store(builder.scope("other"))).await,
    ];
    let mut browser = apps[0].signed_in().await;
    let authorization = browser.start("/telenor/login").await;
    let callback = apps[0].gateway.allow(&authorization).unwrap();
    let mut moved = apps[1].browser();
    moved.jar = browser.jar.clone();
    assert!(
        moved.token().await.is_none(),
        "a session for another gateway is none"
    );
    moved.open(&callback).await.assert_safe_reject();
    assert!(browser.token().await.is_some());
}

#[tokio::test]
async fn pending_login_is_no_session_and_the_other_way_round() {
    let app = App::with(with_cookie_store).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let (pending_name, pending) = browser.pending().remove(0);
    let mut forged = app.browser();
    forged.jar = vec![("__Host-telenor-session".into(), pending)];
    assert!(forged.token().await.is_none());
    let session = app.signed_in().await.session().unwrap();
    forged.jar = vec![(pending_name, session)];
    forged.open(&callback).await.assert_safe_reject();
}

#[tokio::test]
async fn keys_can_be_changed_without_logging_anyone_out() {
    let gateway = MockGateway::start().await.unwrap();
    let raw = |number: u8| {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[number])
            .as_ref()
            .to_vec()
    };
    let app = |ring: &[u8]| {
        let keys = telenor_auth::CookieKeys::new(ring.iter().map(|number| raw(*number))).unwrap();
        let store = CookieStore::new(&keys);
        let layer = builder(&gateway)
            .cookie_keys(keys)
            .session_store(store)
            .build()
            .unwrap();
        common::routes(&common::Hits::default()).layer(layer)
    };
    let mut browser = Browser {
        router: app(&[1]),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/private").await;
    browser.open(&callback).await;
    browser.router = app(&[2, 1]);
    assert!(browser.token().await.is_some());
    browser.router = app(&[2]);
    assert!(browser.token().await.is_none());
}

#[tokio::test]
async fn session_too_large_for_a_cookie_is_refused_and_makes_no_loop() {
    let app = App::with(with_cookie_store).await;
    let token = format!(r#"{{"access_token":"{}"}}"#, "t".repeat(5_000));
    app.gateway
        .answer_always(Endpoint::Token, Scripted::json(200, token));
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("session_too_large"));
    assert_eq!(browser.session(), None);
    assert_eq!(page.header("location"), None);
}

#[tokio::test]
async fn page_after_logout_is_never_a_challenge() {
    let app = App::with(|builder| builder.after_logout("/private")).await;
    let mut browser = app.signed_in().await;
    let done = browser.send(post_logout(SAME_ORIGIN)).await;
    assert_eq!(done.location(), format!("{ORIGIN}/private"));
    let page = browser.open(&done.location()).await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "the page is guarded by mistake, so ours is shown"
    );
    assert_eq!(page.header("location"), None);
    browser.start("/whoami").await;
}

#[tokio::test]
async fn full_memory_store_is_503_and_keeps_the_live() {
    let app = App::with(|builder| builder.session_store(MemoryStore::new().capacity(1))).await;
    let mut first = app.signed_in().await;
    let mut second = app.browser();
    let callback = second.callback_url(&app.gateway, "/private").await;
    let page = second.open(&callback).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.header("retry-after").is_some());
    assert!(first.token().await.is_some());
}

/// Does all but this one thing.
fn broken(operation: Operation) -> FaultyStore<MemoryStore> {
    let store = FaultyStore::new(MemoryStore::new());
    store.set_for(operation, Fault::Error);
    store
}

#[tokio::test]
async fn store_failure_is_503_and_never_anonymous() {
    for optional in [false, true] {
        let app = App::with(|builder| {
            let builder = builder.session_store(broken(Operation::Load));
            if optional {
                builder.optional(true)
            } else {
                builder
            }
        })
        .await;
        let mut browser = app.browser();
        browser.jar = vec![("__Host-telenor-session".into(), "token".into())];
        for target in ["/private", "/perhaps", "/telenor/session"] {
            let answer = browser.open(target).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
            assert!(answer.header("retry-after").is_some());
            assert!(answer.header("location").is_none());
        }
        assert_eq!(app.hits(), 0);
    }
}

#[tokio::test]
async fn login_that_cannot_be_saved_is_503() {
    let app = App::with(|builder| builder.session_store(broken(Operation::Save))).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn logout_that_cannot_be_done_says_so() {
    let app = App::with(|builder| builder.session_store(broken(Operation::Remove))).await;
    let mut browser = app.signed_in().await;
    let answer = browser.send(post_logout(SAME_ORIGIN)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        browser.session(),
        None,
        "but this browser is signed in no longer"
    );
}

#[tokio::test]
async fn logout_ends_the_session_before_it_asks_the_gateway() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let mut copied = browser.clone();
    let gate = app.gateway.hold(Endpoint::Logout);
    let logout = tokio::spawn(async move { browser.send(post_logout(SAME_ORIGIN)).await.status });
    gate.waiting(1).await;
    assert!(
        copied.token().await.is_none(),
        "dead while the gateway takes its time"
    );
    gate.open();
    assert_eq!(logout.await.unwrap(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn logout_by_somebody_who_hangs_up_is_still_done() {
    use telenor_auth::events::{Endpoint as Called, Event, Outcome};
    let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let app = App::with(|builder| {
        builder.on_event(move |event| {
            if let Event::GatewayCall {
                endpoint: Called::Logout,
                outcome,
                ..
            } = event
            {
                sender.send(*outcome).unwrap();
            }
        })
    })
    .await;
    let mut browser = app.signed_in().await;
    let gate = app.gateway.hold(Endpoint::Logout);
    let logout = tokio::spawn(async move { browser.send(post_logout(SAME_ORIGIN)).await });
    gate.waiting(1).await;
    logout.abort();
    assert!(logout.await.unwrap_err().is_cancelled());
    gate.open();
    let ended = tokio::time::timeout(Duration::from_secs(5), ended.recv()).await;
    assert_eq!(
        ended,
        Ok(Some(Outcome::Ok)),
        "the token ended at the gateway too"
    );
}

#[tokio::test]
async fn logout_forgets_the_rounds_and_drops_pages_kept_for_the_back_button() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let done = browser.send(post_logout(SAME_ORIGIN)).await;
    assert_eq!(browser.cookie("-rounds"), None);
    let changed = done.set_cookies();
    let momentary = "__Host-telenor-out=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1";
    assert!(changed.iter().any(|line| line == momentary), "{changed:?}");
}

#[tokio::test]
async fn failed_api_call_leads_back_to_the_page_and_not_to_a_login() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::status(503));
    let page = browser.open("/name?n=1").await;
    assert!(page.body.contains("href=\"/name?n=1\""), "{}", page.body);
    let mut form = navigation("/name");
    *form.method_mut() = Method::POST;
    form.headers_mut().insert(
        "referer",
        format!("{ORIGIN}/private?step=2").parse().unwrap(),
    );
    let page = browser.send(form).await;
    assert!(
        page.body.contains("href=\"/private?step=2\""),
        "{}",
        page.body
    );
}

/// Two instances behind a balancer that sends every other request to the other one, minutes apart by their clocks.
#[tokio::test]
async fn clocks_that_disagree_end_on_a_page_and_in_no_loop() {
    for minutes in [2, 4, 30] {
        let gateway = MockGateway::start().await.unwrap();
        let instance = |clock: &telenor_auth::Clock| {
            let keys = keys(1);
            let store = CookieStore::new(&keys).clock(clock.clone());
            let layer = builder(&gateway)
                .cookie_keys(keys)
                .session_store(store)
                .clock(clock.clone());
            common::routes(&common::Hits::default()).layer(layer.build().unwrap())
        };
        let (ahead, behind) = (telenor_auth::Clock::manual(), telenor_auth::Clock::manual());
        ahead.advance(minutes * MINUTE);
        let (ahead, behind) = (instance(&ahead), instance(&behind));
        let mut browser = Browser {
            router: behind.clone(),
            jar: Vec::new(),
        };
        let mut rounds = 0;
        let page = loop {
            browser.router = behind.clone();
            let page = browser.open("/private").await;
            if page.status != StatusCode::SEE_OTHER {
                break page;
            }
            rounds += 1;
            assert!(rounds <= 3, "goes round for ever, {minutes} minutes apart");
            let callback = gateway.allow(&page.location()).unwrap();
            browser.router = ahead.clone();
            let done = browser.open(&callback).await;
            if done.status != StatusCode::SEE_OTHER {
                break done;
            }
        };
        assert!(
            page.body.contains("class=\"primary\""),
            "{minutes} minutes apart: a page with a button"
        );
    }
}
