//! Values that the layer seals into cookies and addresses.

use http::{Method, StatusCode};
use telenor_auth::{StartScript, TelenorAuthLayer};

use super::http_start::{authorization, link};
use crate::support::{App, Browser, Hits, ORIGIN, each_store::in_cookie, request, routes};

const SESSION: &str = "__Host-telenor-session";
const LOOP: &str = "__Host-telenor-loop";

/// Logs in over the start page. Returns the address of that page, the cookie of the login, and the
/// callback.
async fn log_in(app: &App, browser: &mut Browser) -> (String, (String, String), String) {
    let start = browser.start("/whoami").await;
    let pending = browser.pending().remove(0);
    let page = browser.open(&start).await;
    assert!(link(&page).contains("?go="));
    let authorization = authorization(browser, &page).await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    (start, pending, callback)
}

/// All are sealed with the same keys. Each is tried in the place of every other.
///
/// S67.
#[tokio::test]
async fn sealed_value_is_good_in_its_own_place_alone() {
    let script = StartScript::inline("document.getElementById('continue').click()");
    let app = App::with(|builder| in_cookie(builder.start_script(script))).await;
    let mut browser = app.browser();
    log_in(&app, &mut browser).await;
    browser.jar.retain(|(name, _)| name != SESSION);
    let (start, pending, callback) = log_in(&app, &mut browser).await;
    let ticket = start.split_once("?t=").unwrap().1.to_owned();
    let question = browser.clone().open("/telenor/logout").await.body;
    let form = question.split_once("?form=").expect("a form").1;
    let form = form.split('"').next().unwrap().to_owned();
    let values = [
        ("session", browser.session().unwrap()),
        ("pending", pending.1),
        ("loop", browser.cookie("-loop").unwrap()),
        ("ticket", ticket),
        ("form", form),
    ];
    let with = |name: &str, value: &String| {
        let mut other = app.browser();
        other.jar = vec![(name.to_owned(), value.clone())];
        other
    };
    for (kind, value) in &values {
        let signed_in = with(SESSION, value).token().await.is_some();
        assert_eq!(signed_in, *kind == "session", "{kind} as a session");
        let done = with(&pending.0, value).open(&callback).await.status;
        let begun = done == StatusCode::SEE_OTHER;
        assert_eq!(begun, *kind == "pending", "{kind} as a pending login");
        let counted = with(LOOP, value).open("/private").await.status;
        let stopped = counted == StatusCode::BAD_REQUEST;
        assert_eq!(stopped, *kind == "loop", "{kind} as a loop detector");
        let target = format!("/telenor/start?t={value}");
        let resume = app.browser().open(&target).await.location();
        let known = !resume.ends_with("?resume=");
        assert_eq!(known, *kind == "ticket", "{kind} as a ticket");
        let target = format!("/telenor/logout?form={value}");
        let log_out = request(Method::POST, &target, &[("accept", "text/html")]);
        let done = browser.clone().send(log_out).await.status;
        let logged_out = done == StatusCode::SEE_OTHER;
        assert_eq!(logged_out, *kind == "form", "{kind} as a form's proof");
    }
}

/// Two clients of one gateway share their keys and the names of their cookies, by mistake.
///
/// S67.
#[tokio::test]
async fn loop_cookie_of_another_client_counts_for_nothing() {
    let app = App::with(in_cookie).await;
    let mut browser = app.browser();
    for _ in 0..2 {
        let callback = browser.callback_url(&app.gateway, "/private").await;
        browser.open(&callback).await;
        browser.jar.retain(|(name, _)| name != SESSION);
    }
    let stopped = browser.open("/private").await.status;
    assert_eq!(stopped, StatusCode::BAD_REQUEST);
    let redirect_uri = format!("{ORIGIN}/telenor/callback");
    let other = TelenorAuthLayer::builder("other", "secret", redirect_uri);
    let other = in_cookie(other.gateway(app.gateway.base_url()));
    browser.router = routes(&Hits::default()).layer(other.build().unwrap());
    browser.start("/private").await;
}

over_http2! {
    sealed_value_is_good_in_its_own_place_alone
}
