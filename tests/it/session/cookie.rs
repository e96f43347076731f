//! Sessions in cookies.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use telenor_auth::{
    TelenorAuthBuilder,
    mock::{Answer as Scripted, Endpoint},
    session::{CookieStore, SessionStore, SessionToken},
};

use crate::support::{App, capture::capture, each_store::in_cookie, keys};

/// S76.
#[tokio::test]
async fn session_too_large_for_a_cookie_is_refused_and_makes_no_loop() {
    let app = App::with(in_cookie).await;
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
    let ended = async {
        while app.gateway.hits(Endpoint::Logout) == 0 {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(ended.is_ok(), "its token is ended at the gateway");
}

#[tokio::test]
async fn dropped_revocation_of_a_live_session_is_logged_once_a_minute() {
    let (log, _guard) = capture();
    let store = CookieStore::new(&keys(1)).with_max_revocations(1);
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // Each drops the one before it.
    for (now, until, warnings) in [
        (100, 200, 0),
        (100, 160, 1),
        (159, 400, 1),
        (160, 300, 2),
        // What has expired by now is no loss.
        (300, 500, 2),
        (400, 600, 3),
    ] {
        let id = SessionToken::random().id();
        store.revoke(id, at(until), at(now)).await.unwrap();
        let logged = log.lines("WARN", &["the revocation list for cookie sessions is full"]);
        assert_eq!(logged.len(), warnings, "{now}");
    }
}

/// The name and the value count. A session that may change keeps room for its number of changes.
///
/// S76.
#[tokio::test]
async fn session_cookie_is_as_long_as_browsers_allow() {
    const NAME: usize = "__Host-telenor-session".len();
    type Settings = fn(TelenorAuthBuilder) -> TelenorAuthBuilder;
    let renewable: Settings = |builder| in_cookie(builder.idle_timeout(Duration::from_secs(600)));
    for (settings, longest) in [(in_cookie as Settings, 4096), (renewable, 4090)] {
        let app = App::with(settings).await;
        let mut longest_so_far = 0;
        let mut tokens = 2_000..;
        loop {
            let token = "t".repeat(tokens.next().unwrap());
            let token = format!(r#"{{"access_token":"{token}"}}"#);
            app.gateway
                .answer_next(Endpoint::Token, Scripted::json(200, token));
            let mut browser = app.browser();
            let callback = browser.callback_url(&app.gateway, "/private").await;
            let page = browser.open(&callback).await;
            let Some(session) = browser.session() else {
                assert!(page.body.contains("session_too_large"), "{}", page.body);
                break;
            };
            longest_so_far = NAME + session.len();
            // Each byte of the token takes at most two characters.
            tokens.start += (longest - longest_so_far).saturating_sub(8) / 2;
        }
        assert_eq!(longest_so_far, longest);
    }
}
