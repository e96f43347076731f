//! Requests to the callback: valid ones end a login, others change nothing.

use std::time::Duration;

use http::{Method, StatusCode};
use telenor_auth::{
    mock::{Answer as Scripted, Endpoint},
    session::{Fault, FaultyStore, MemoryStore},
};
use tokio::time::timeout;

use crate::support::{
    App, Browser, CALLBACK, MINUTE, ORIGIN, capture::capture, navigation, query, request, state_of,
    stores::Blocking,
};

over_each_store! {
    apps:
    finished_login_is_an_empty_redirect_that_names_nothing_of_it
    malformed_callbacks_change_nothing
    reload_and_back_on_the_callback_end_in_the_app
}

/// S31.
async fn finished_login_is_an_empty_redirect_that_names_nothing_of_it(app: App) {
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami?n=1").await;
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(
        (done.body.as_str(), done.header("content-type")),
        ("", None)
    );
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?n=1"));
    assert_eq!(done.header("cache-control"), Some("no-store"));
    assert_eq!(done.header("referrer-policy"), Some("no-referrer"));
    let token = browser.token().await.unwrap();
    let code = query(&callback, "code").unwrap();
    for secret in [code, state_of(&callback), token] {
        // Some stores have the token in the cookie, sealed.
        for (name, value) in &done.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains(&secret), "{name}");
        }
    }
}

/// S31.
#[tokio::test]
async fn page_at_an_address_with_a_code_loads_nothing_and_repeats_nothing() {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::Token, Scripted::status(500));
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for source in ["script", "img", "connect", "frame-src", "http"] {
        assert!(!policy.contains(source), "{policy}");
    }
    for part in ["<script", "<link", "<img", "src=", "http://", "https://"] {
        assert!(!page.body.contains(part), "{part}: {}", page.body);
    }
    for secret in [query(&callback, "code").unwrap(), state_of(&callback)] {
        assert!(!page.body.contains(&secret));
    }
}

/// S23.
#[tokio::test]
async fn only_the_exact_path_is_the_callback() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let query = callback.split_once('?').unwrap().1.to_owned();
    for path in [
        "/telenor/callback/",
        "/telenor/CALLBACK",
        "/telenor/%63allback",
        "//telenor/callback",
        "/x/telenor/callback",
        "/callback",
    ] {
        browser.clone().open(&format!("{path}?{query}")).await;
        assert_eq!(app.token_requests(), 0, "{path}");
    }
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// S24.
#[tokio::test]
async fn other_methods_are_refused_and_redeem_no_code() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    for method in [
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
        Method::TRACE,
        Method::from_bytes(b"QUERY").unwrap(),
    ] {
        let answer = browser
            .send(request(method, &callback, &[("accept", "text/html")]))
            .await;
        answer.assert_safe_reject();
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), Some("GET"));
    }
    assert_eq!(app.token_requests(), 0);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// S17.
#[tokio::test]
async fn prefetch_redeems_no_code_and_starts_no_login() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    for (name, value) in [
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("x-purpose", "preview"),
    ] {
        let mut ahead = navigation(&callback);
        ahead.headers_mut().insert(name, value.parse().unwrap());
        let answer = browser.send(ahead).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.set_cookies(), [""; 0]);
        let mut login = navigation("/telenor/login");
        login.headers_mut().insert(name, value.parse().unwrap());
        let answer = browser.send(login).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    assert_eq!(app.token_requests(), 0);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// The browser has a session and a pending login. Both survive each of these queries.
///
/// S10, S14, S25, S26, S27, S28, S29, S35, S110.
async fn malformed_callbacks_change_nothing(app: App) {
    let mut browser = app.signed_in().await;
    let callback = browser
        .clone_signed_out()
        .callback_url_into(&mut browser, &app)
        .await;
    let state = state_of(&callback);
    let before = browser.jar.clone();
    let redeemed = app.token_requests();
    let altered = {
        let last = if state.ends_with('A') { 'B' } else { 'A' };
        format!("{}{last}", &state[..state.len() - 1])
    };
    for query in [
        String::new(),
        "&".into(),
        "&&&".into(),
        "code=canary".into(),
        "code=canary&state=".into(),
        format!("code=canary&state={altered}"),
        format!("code=canary&state={}", "s".repeat(1_000)),
        format!("state={state}"),
        format!("code=&state={state}"),
        format!("code&state={state}"),
        format!("code=canary&code=b&state={state}"),
        format!("code=canary&code=canary&state={state}"),
        format!("code=canary&state={state}&state={state}"),
        format!("code=canary&error=access_denied&state={state}"),
        format!("error=canary&error=canary&state={state}"),
        format!("error=canary&error_description=a&error_description=a&state={state}"),
        format!("code=canary&iss=a&iss=a&state={state}"),
        format!("code=canary%FF%FE&state={state}"),
        format!("code=canary%00&state={state}"),
        format!("code=canary&iss=%0d%0aSet-Cookie:a=b&state={state}"),
        format!("code=canary&iss=%FF&state={state}"),
        format!("code=canary&state={state}%00"),
        format!("error=access_denied%0d%0aX&state={state}"),
        format!("error=access_denied%FF&state={state}"),
        format!("error=&state={state}"),
        format!("code=canary%zz&state={state}"),
        format!("code={}&state={state}", "c".repeat(2_049)),
        format!("code=canary&state={state}&x={}", "x".repeat(60_000)),
        "error=access_denied".into(),
        "error=canary&error_description=canary".into(),
    ] {
        let answer = browser.open(&format!("{CALLBACK}?{query}")).await;
        if query.contains("error=") && !query.contains("state=") {
            // Not every gateway returns the state with an error. The page is right, and nothing
            // else happens.
            assert!(answer.set_cookies().is_empty());
        } else {
            answer.assert_safe_reject();
        }
        assert!(!answer.body.contains("canary"), "{query:.80} is echoed");
        assert_eq!(browser.jar, before, "{query:.80}");
    }
    assert_eq!(app.token_requests(), redeemed);
    assert!(browser.token().await.is_some(), "the session survived");
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::SEE_OTHER,
        "the login survived"
    );
}

#[tokio::test]
async fn callback_without_a_login_leads_a_user_who_is_signed_in_to_the_app() {
    let app = App::start().await;
    let user = app.signed_in().await;
    let state = state_of(&app.browser().start("/private").await);
    for query in ["code=a", "error=server_error"] {
        let callback = format!("{CALLBACK}?{query}&state={state}");
        for (mut browser, href) in [
            (user.clone(), "/"),
            (app.browser(), "/telenor/login?return_to=%2F"),
        ] {
            let page = browser.open(&callback).await;
            let button = format!("class=\"primary\" href=\"{href}\"");
            assert!(page.body.contains(&button), "{query}: {}", page.body);
        }
    }
}

/// S28.
#[tokio::test]
async fn unknown_parameters_are_ignored_and_the_code_arrives_unchanged() {
    let app = App::start().await;
    let mut browser = app.browser();
    let state = state_of(&browser.start("/private").await);
    browser
        .open(&format!(
            "{CALLBACK}?foo=bar&code=a%2Bb%2Fc%3D%26%25&state={state}&scope=x"
        ))
        .await;
    assert_eq!(
        app.gateway.requests(Endpoint::Token)[0]
            .form("code")
            .as_deref(),
        Some("a+b/c=&%")
    );
}

/// The layer knows one gateway, and has no setting for an issuer (RFC 9207).
/// S20.
#[tokio::test]
async fn issuer_decides_nothing() {
    let app = App::start().await;
    for beside in [
        format!("iss={}", app.gateway.base_url()),
        "iss=https%3A%2F%2Fother.test".to_owned(),
        "iss=".to_owned(),
        "iss".to_owned(),
        "foo=bar&foo=bar&Iss=a&ISS=b".to_owned(),
    ] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        let done = browser.open(&format!("{callback}&{beside}")).await;
        assert_eq!(done.location(), format!("{ORIGIN}/private"), "{beside}");
    }
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let logins = app.token_requests();
    for beside in ["iss=a&iss=a", "iss=&iss=a", "iss=%zz", "iss=%00"] {
        let refused = browser.open(&format!("{callback}&{beside}")).await;
        refused.assert_safe_reject();
    }
    assert_eq!(app.token_requests(), logins);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// S30.
#[tokio::test]
async fn long_query_is_refused_before_the_store_is_asked() {
    let store = FaultyStore::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    let mut browser = app.signed_in().await;
    let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
    store.set(Fault::Error);
    let asked = browser.open(&format!("{callback}&x=y")).await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE);
    let fill = |bytes: usize| {
        let query = callback.split_once('?').unwrap().1.len();
        format!("{callback}&x={}", "x".repeat(bytes - query - 3))
    };
    store.set(Fault::Hang);
    for bytes in [8 * 1024 + 1, 60_000] {
        let long = fill(bytes);
        let refused = timeout(Duration::from_secs(10), browser.open(&long)).await;
        let refused = refused.expect("it waits for no store");
        refused.assert_safe_reject();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    store.set(Fault::None);
    let done = browser.open(&fill(8 * 1024)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
}

/// S28.
#[tokio::test]
async fn code_of_any_printable_characters_arrives_unchanged() {
    let app = App::start().await;
    let printable: String = (' '..='~').collect();
    let longest = "c".repeat(2_048);
    for code in [printable.as_str(), " a ", "%2B", &longest] {
        let mut browser = app.browser();
        let state = state_of(&browser.start("/private").await);
        let encoded: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();
        browser
            .open(&format!("{CALLBACK}?code={encoded}&state={state}"))
            .await;
        let sent = app.gateway.requests(Endpoint::Token).pop().unwrap();
        assert_eq!(sent.form("code").as_deref(), Some(code));
    }
    let mut browser = app.browser();
    let state = state_of(&browser.start("/private").await);
    let sent = app.token_requests();
    for code in ["%C3%A5", "%7F", "%1F", "%C2%A0"] {
        let callback = format!("{CALLBACK}?code={code}&state={state}");
        browser.open(&callback).await.assert_safe_reject();
    }
    assert_eq!(app.token_requests(), sent);
}

/// S14, S79.
#[tokio::test]
async fn failed_login_removes_its_own_cookie_and_no_other() {
    let app = App::start().await;
    let mut browser = app.browser();
    let first = browser.callback_url(&app.gateway, "/private").await;
    let kept = browser.pending().remove(0);
    for error in ["access_denied", "server_error", "anything"] {
        let state = state_of(&browser.start("/private").await);
        let ended = browser.pending().into_iter().find(|login| *login != kept);
        let (ended, _) = ended.unwrap();
        let answer = browser
            .open(&format!("{CALLBACK}?error={error}&state={state}"))
            .await;
        let attributes = "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
        let removed = format!("{ended}=; {attributes}");
        assert_eq!(answer.set_cookies(), [removed], "{error}");
        assert_eq!(browser.pending(), std::slice::from_ref(&kept));
    }
    // A code that Telenor refuses ends the login as well.
    app.gateway
        .answer_next(Endpoint::Token, Scripted::status(400));
    let refused = browser.callback_url(&app.gateway, "/private").await;
    let answer = browser.open(&refused).await;
    assert_eq!(answer.set_cookies().len(), 1);
    assert_eq!(browser.pending(), [kept]);
    assert_eq!(browser.open(&first).await.status, StatusCode::SEE_OTHER);
}

/// S110.
#[tokio::test]
async fn forged_callbacks_reach_neither_the_network_nor_the_store() {
    let store = Blocking::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    let mut browser = app.browser();
    browser.start("/private").await;
    for number in 0..1_000 {
        let forged = format!("{CALLBACK}?code=code{number}&state=forged{number}");
        browser.open(&forged).await.assert_safe_reject();
    }
    assert_eq!(store.calls(), 0);
    for endpoint in [Endpoint::Token, Endpoint::Authorize, Endpoint::UserInfo] {
        assert_eq!(app.gateway.hits(endpoint), 0);
    }
}

/// S36.
async fn reload_and_back_on_the_callback_end_in_the_app(app: App) {
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private?n=1").await;
    browser.open(&callback).await;
    app.clock.advance(20 * MINUTE);
    for _ in 0..3 {
        let again = browser.open(&callback).await;
        assert_eq!(again.location(), format!("{ORIGIN}/private?n=1"));
        assert_eq!(again.set_cookies(), [""; 0]);
    }
    assert_eq!(app.token_requests(), 1);
    let mut without_session = app.browser();
    let page = without_session.open(&callback).await;
    page.assert_safe_reject();
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("href=\"/telenor/login"), "{}", page.body);
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn old_tab_of_a_signed_in_user_leads_into_the_app() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let page = browser
        .open(&format!("{CALLBACK}?code=old&state=gone"))
        .await;
    page.assert_safe_reject();
    assert!(
        page.body.contains("class=\"primary\" href=\"/\""),
        "{}",
        page.body
    );
}

trait BrowserExt {
    fn clone_signed_out(&self) -> Browser;
    async fn callback_url_into(self, other: &mut Browser, app: &App) -> String;
}

impl BrowserExt for Browser {
    fn clone_signed_out(&self) -> Browser {
        let mut browser = self.clone();
        browser.jar.clear();
        browser
    }

    /// Begins a login in a browser that has a session already.
    async fn callback_url_into(mut self, other: &mut Browser, app: &App) -> String {
        let callback = self.callback_url(&app.gateway, "/private").await;
        other.jar.extend(self.jar);
        callback
    }
}

/// S29.
#[tokio::test]
async fn odd_bytes_beside_the_code_end_no_login() {
    let app = App::start().await;
    for beside in [
        "utm_campaign=50%",
        "q=%E5%F8",
        "x=a%0Ab",
        "%00=%00",
        "error_description=%0d%0a",
        "session_state=%zz&x&&=",
    ] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        let done = browser.open(&format!("{callback}&{beside}")).await;
        assert_eq!(
            done.status,
            StatusCode::SEE_OTHER,
            "{beside}: {}",
            done.body
        );
        assert!(browser.token().await.is_some(), "{beside}");
    }
}

/// S29.
#[tokio::test]
async fn words_of_the_gateway_are_cleaned_and_stand_on_the_page_alone() {
    let (log, _guard) = capture();
    let app = App::start().await;
    for (sent, shown) in [
        ("Nei%0D%0Atakk", "Neitakk"),
        ("Nei%E5+takk", "Nei\u{fffd} takk"),
        ("Kari+Nordmann+4791234567", "Kari Nordmann 4791234567"),
        ("50%", "50%"),
        ("%E2%80%AEabc", "abc"),
    ] {
        let mut browser = app.browser();
        let state = state_of(&browser.start("/private").await);
        let denied = format!("{CALLBACK}?error=access_denied&error_description={sent}");
        let page = browser.open(&format!("{denied}&state={state}")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{sent}");
        assert!(page.body.contains(shown), "{sent}: {}", page.body);
    }
    assert!(log.text().contains("access_denied"));
    assert!(!log.text().contains("Kari") && !log.text().contains("4791234567"));
}

#[tokio::test]
async fn error_without_a_login_says_nothing_about_the_gateway() {
    let (log, _guard) = capture();
    let app = App::start().await;
    for error in [
        "server_error",
        "temporarily_unavailable",
        "access_denied",
        "anything",
    ] {
        for state in ["", "&state=abc"] {
            let answer = app
                .browser()
                .open(&format!("{CALLBACK}?error={error}{state}"))
                .await;
            answer.assert_safe_reject();
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{error}");
            assert!(answer.body.contains("error_without_login"), "{error}");
        }
    }
    assert_eq!(log.lines("ERROR", &[]), [""; 0]);
    assert_eq!(log.lines("INFO", &["error_without_login"]).len(), 8);
}

#[tokio::test]
async fn answer_that_took_too_long_is_still_explained() {
    let app = App::start().await;
    let mut browser = app.browser();
    let state = state_of(&browser.start("/private").await);
    app.clock.advance(6 * MINUTE);
    let denied = format!("{CALLBACK}?error=access_denied&state={state}");
    let page = browser.open(&denied).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("access_denied"));
}

#[tokio::test]
async fn refusal_without_a_state_is_explained_where_a_login_is_in_progress() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    for (error, status) in [
        ("access_denied", StatusCode::FORBIDDEN),
        ("login_required", StatusCode::FORBIDDEN),
        ("server_error", StatusCode::BAD_REQUEST),
    ] {
        let page = browser.open(&format!("{CALLBACK}?error={error}")).await;
        assert_eq!(page.status, status, "{error}");
        assert_eq!(page.set_cookies(), [""; 0]);
    }
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn refusal_of_a_login_that_a_fast_clock_began_is_explained() {
    let app = App::start().await;
    let mut browser = app.browser();
    let state = state_of(&browser.start("/private").await);
    app.clock.rewind(2 * MINUTE);
    let denied = format!("{CALLBACK}?error=access_denied&state={state}");
    assert_eq!(browser.open(&denied).await.status, StatusCode::FORBIDDEN);
}

over_http2! {
    forged_callbacks_reach_neither_the_network_nor_the_store
    only_the_exact_path_is_the_callback
    other_methods_are_refused_and_redeem_no_code
    prefetch_redeems_no_code_and_starts_no_login
    unknown_parameters_are_ignored_and_the_code_arrives_unchanged
    old_tab_of_a_signed_in_user_leads_into_the_app
    odd_bytes_beside_the_code_end_no_login
    words_of_the_gateway_are_cleaned_and_stand_on_the_page_alone
    answer_that_took_too_long_is_still_explained
    refusal_without_a_state_is_explained_where_a_login_is_in_progress
    refusal_of_a_login_that_a_fast_clock_began_is_explained
    issuer_decides_nothing
    long_query_is_refused_before_the_store_is_asked
    code_of_any_printable_characters_arrives_unchanged
    failed_login_removes_its_own_cookie_and_no_other
    page_at_an_address_with_a_code_loads_nothing_and_repeats_nothing
    ; over_each_store:
    finished_login_is_an_empty_redirect_that_names_nothing_of_it
    malformed_callbacks_change_nothing
    reload_and_back_on_the_callback_end_in_the_app
}
