//! Session cookies that are replaced, altered, or from another layer.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Method, StatusCode, header};
use telenor_auth::{
    Clock, Endpoints, TelenorAuthBuilder, TelenorAuthLayer,
    mock::{Endpoint, MockGateway},
    session::{MemoryStore, Session, SessionStore, SessionToken},
};

#[cfg(feature = "redis")]
use crate::support::each_store::in_redis;
use crate::support::{
    App, Browser, CALLBACK, Hits, builder, each_store::in_cookie, keys, request, routes,
};

const SESSION: &str = "__Host-telenor-session";

over_each_store! {
    apps:
    login_makes_a_new_session_and_ends_the_old
    login_ends_a_planted_session
    value_that_a_browser_brought_to_its_login_is_no_session
    altered_session_cookie_is_refused
}

/// Asserts that these tokens are all different, and that each of their 256 bits is random.
pub(super) fn assert_random(tokens: &[SessionToken]) {
    let mut different = HashSet::new();
    let mut ones = [0_u32; 256];
    for token in tokens {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.secret()).unwrap();
        assert_eq!(bytes.len(), 32);
        for (bit, ones) in ones.iter_mut().enumerate() {
            *ones += u32::from(bytes[bit / 8] >> (bit % 8) & 1);
        }
        assert!(different.insert(bytes), "the same token twice");
    }
    // Seven standard deviations.
    let (half, margin) = (
        tokens.len() as f64 / 2.0,
        3.5 * (tokens.len() as f64).sqrt(),
    );
    for (bit, ones) in ones.into_iter().enumerate() {
        let off = (f64::from(ones) - half).abs();
        assert!(
            off < margin,
            "bit {bit} is one in {ones} of {}",
            tokens.len()
        );
    }
}

/// S62.
#[tokio::test]
async fn token_is_256_random_bits_and_never_the_same() {
    let (store, now) = (MemoryStore::new(), SystemTime::now());
    let session = Session::new("token", now + Duration::from_secs(600));
    let mut tokens = Vec::new();
    for _ in 0..10_000 {
        tokens.push(store.save(session.clone(), now).await.unwrap());
    }
    assert_random(&tokens);
}

/// S61.
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

/// S61.
async fn login_ends_a_planted_session(app: App) {
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

/// S61.
async fn value_that_a_browser_brought_to_its_login_is_no_session(app: App) {
    let form = ("accept", "text/html");
    for planted in [&["A".repeat(43)][..], &["B".repeat(43), "x".to_owned()]] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
        let jar = planted
            .iter()
            .map(|value| (SESSION.to_owned(), value.clone()));
        browser.jar.extend(jar.clone());
        let done = browser.open(&callback).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert!(browser.token().await.is_some());
        assert!(!planted.contains(&browser.session().unwrap()));
        for one in jar {
            let mut attacker = app.browser();
            attacker.jar = vec![one];
            assert!(attacker.token().await.is_none());
        }
    }
    // Of several that are live, each has ended.
    let others = [app.signed_in().await, app.signed_in().await];
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
    let lines = others
        .iter()
        .map(|other| format!("{SESSION}={}", other.session().unwrap()));
    let lines = lines.collect::<Vec<_>>().join("; ");
    let headers = [form, ("sec-fetch-mode", "navigate"), ("cookie", &*lines)];
    let done = browser
        .send(request(Method::GET, &callback, &headers))
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    for other in others {
        assert!(other.clone().token().await.is_none());
    }
}

/// S68, S78.
async fn altered_session_cookie_is_refused(app: App) {
    let good = app.signed_in().await.session().unwrap();
    let name = SESSION.to_owned();
    let expected = app.browser().open("/whoami").await;
    let shape = |answer: &crate::support::Answer| {
        let names: HashSet<_> = answer.headers.keys().cloned().collect();
        let location = answer
            .header("location")
            .map(|url| url.split('?').next().unwrap().len());
        let cookies = answer
            .set_cookies()
            .iter()
            .map(String::len)
            .collect::<Vec<_>>();
        (answer.status, names, location, cookies, answer.body.clone())
    };
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
        // Other spellings of the same bytes.
        format!("{good}=="),
        good.replace('-', "+").replace('_', "/"),
        good.replace('-', "%2D").replace('_', "%5F"),
        other_last_character(&good),
        "x".repeat(300_000),
    ]);
    altered.retain(|value| *value != good);
    let hits = app.hits();
    for value in altered {
        let mut browser = app.browser();
        browser.jar = vec![(name.clone(), value.clone())];
        let answer = browser.open("/whoami").await;
        assert_eq!(shape(&answer), shape(&expected), "{value:.80}");
    }
    for twins in [[&good, "other"], ["other", &good]] {
        let mut browser = app.browser();
        browser.jar = twins.map(|value| (name.clone(), value.to_owned())).into();
        assert_eq!(browser.open("/whoami").await.status, expected.status);
    }
    assert_eq!(app.hits(), hits);
}

/// Base64 that is read carelessly ignores the last bits of a value whose length is no multiple of
/// four.
fn other_last_character(good: &str) -> String {
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['-', '_'])
        .collect();
    let at = alphabet.iter().position(|known| last.starts_with(*known));
    format!("{rest}{}", alphabet[at.unwrap() ^ 1])
}

/// Every cause of a cookie that cannot be opened is one to a script as well.
///
/// S68.
#[tokio::test]
async fn script_learns_nothing_of_why_a_sealed_session_does_not_open() {
    let app = App::with(in_cookie).await;
    let good = app.signed_in().await.session().unwrap();
    let mut answers = HashSet::new();
    let half = &good[..good.len() / 2];
    for value in [
        half,
        &other_last_character(&good),
        &format!("{good}="),
        "x",
        "",
    ] {
        let cookie = format!("{SESSION}={value}");
        let headers = [("accept", "application/json"), ("cookie", &*cookie)];
        let answer = app
            .browser()
            .send(request(Method::GET, "/whoami", &headers))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answers.insert(answer.body);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// There are no cookies in pieces: nothing is put together from several of them.
///
/// S77.
#[tokio::test]
async fn session_in_pieces_is_no_session() {
    let app = App::with(in_cookie).await;
    let good = app.signed_in().await.session().unwrap();
    let (first, second) = good.split_at(good.len() / 2);
    let hits = app.hits();
    for (zeroth, next) in [
        (".0", ".1"),
        ("_0", "_1"),
        ("-0", "-1"),
        ("", ".1"),
        (".1", ".2"),
    ] {
        for count in ["", "2", "99999999"] {
            let cookies = format!(
                "{SESSION}{zeroth}={first}; {SESSION}{next}={second}; {SESSION}_chunks={count}"
            );
            let mut nav = crate::support::navigation("/whoami");
            nav.headers_mut()
                .insert(header::COOKIE, cookies.parse().unwrap());
            assert_eq!(app.browser().send(nav).await.status, StatusCode::SEE_OTHER);
        }
    }
    let many: String = (0..200)
        .map(|at| format!("{SESSION}.{at}={good}; "))
        .collect();
    let mut nav = crate::support::navigation("/whoami");
    nav.headers_mut()
        .insert(header::COOKIE, many.parse().unwrap());
    let started = std::time::Instant::now();
    let answer = app.browser().send(nav).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert!(answer.location().starts_with(&app.gateway.base_url()));
    assert_eq!(app.hits(), hits);
}

/// A session and a login of one app, moved to apps that differ from it in one setting.
async fn move_to_other_apps(share: impl Fn(TelenorAuthBuilder) -> TelenorAuthBuilder) {
    let (gateway, other) = (gateway().await, gateway().await);
    let clock = Clock::manual();
    let app = |gateway: &MockGateway, id: &str, host: &str| {
        let redirect_uri = format!("https://{host}{CALLBACK}");
        let layer = TelenorAuthLayer::builder(id, gateway.client_secret(), redirect_uri)
            .gateway(gateway.base_url())
            .clock(clock.clone());
        let layer = share(layer).build().unwrap();
        let (router, jar) = (routes(&Hits::default()).layer(layer), Vec::new());
        Browser { router, jar }
    };
    let mut user = app(&gateway, "client", "app.test");
    let callback = user.callback_url(&gateway, "/private").await;
    user.open(&callback).await;
    let callback = user.callback_url(&gateway, "/telenor/login").await;
    let moved = |to: Browser| Browser {
        jar: user.jar.clone(),
        ..to
    };
    let mut same = moved(app(&gateway, "client", "app.test"));
    assert!(same.token().await.is_some(), "another instance of the app");
    for (what, to) in [
        ("client id", app(&gateway, "client2", "app.test")),
        ("redirect URI", app(&gateway, "client", "other.test")),
        ("gateway", app(&other, "client", "app.test")),
    ] {
        let mut moved = moved(to);
        assert_eq!(moved.token().await, None, "{what}");
        moved.open(&callback).await.assert_safe_reject();
    }
    let sent = [&gateway, &other].map(|gateway| gateway.hits(Endpoint::Token));
    assert_eq!(sent, [1, 0], "the first login alone");
    assert!(user.token().await.is_some());
    assert_eq!(user.open(&callback).await.status, StatusCode::SEE_OTHER);
}

async fn gateway() -> MockGateway {
    let gateway = MockGateway::builder().client("client", "secret");
    gateway.start().await.unwrap()
}

/// S21, S67.
#[tokio::test]
async fn apps_that_differ_in_one_setting_share_neither_sessions_nor_logins() {
    let store = MemoryStore::new();
    move_to_other_apps(|app| app.cookie_keys(keys(1)).session_store(store.clone())).await;
    move_to_other_apps(in_cookie).await;
    #[cfg(feature = "redis")]
    {
        let redis = crate::support::redis::Redis::start().await;
        move_to_other_apps(|app| in_redis(&redis, app)).await;
    }
}

/// S21.
#[tokio::test]
async fn token_reaches_no_endpoint_of_another_layer() {
    let app = App::with(in_cookie).await;
    let mut browser = app.signed_in().await;
    let authorization = browser.start("/telenor/login").await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let layer = |endpoints| {
        let layer = in_cookie(builder(&app.gateway).clock(app.clock.clone()));
        let layer = layer.endpoints(endpoints).build().unwrap();
        let (router, jar) = (routes(&Hits::default()).layer(layer), browser.jar.clone());
        Browser { router, jar }
    };
    assert!(
        layer(Endpoints::new()).token().await.is_some(),
        "the same layer"
    );
    let other = "https://other.test/x";
    for endpoints in [
        Endpoints::new().with_authorization(other),
        Endpoints::new().with_token(other),
        Endpoints::new().with_logout(other),
        Endpoints::new().with_user_info(other),
        Endpoints::new().with_device_info(other),
    ] {
        let mut other = layer(endpoints);
        assert!(other.token().await.is_none());
        other.open(&callback).await.assert_safe_reject();
    }
    assert_eq!(app.token_requests(), 1, "of the first login alone");
}

over_http2! {
    apps_that_differ_in_one_setting_share_neither_sessions_nor_logins
    token_reaches_no_endpoint_of_another_layer
    script_learns_nothing_of_why_a_sealed_session_does_not_open
    session_in_pieces_is_no_session
    ; over_each_store:
    login_makes_a_new_session_and_ends_the_old
    login_ends_a_planted_session
    value_that_a_browser_brought_to_its_login_is_no_session
    altered_session_cookie_is_refused
}
