//! Logout, and the session and token that it ends.

use std::time::Duration;

use http::{Method, StatusCode};
use telenor_auth::mock::{Answer as Scripted, Endpoint, Gate};
use tokio::task::JoinHandle;

use crate::support::{App, ORIGIN, capture::capture, kept::Frozen, request};

over_each_store! {
    apps:
    logout_ends_the_session_here_and_at_the_gateway
    logout_needs_a_same_origin_request
    logout_waits_two_seconds_for_the_gateway_and_no_longer
    failure_of_the_gateway_does_not_stop_a_logout
    logout_leads_to_a_page_that_starts_no_login
    logout_ends_every_session_that_a_twin_names
}

/// S74, S79, S91.
async fn logout_ends_the_session_here_and_at_the_gateway(app: App) {
    let mut browser = app.signed_in().await;
    let token = browser.token().await.unwrap();
    let copied = browser.clone();
    let done = browser.log_out().await;
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
        "a copy of the cookie is invalid too"
    );
}

fn post_logout(headers: &[(&str, &str)]) -> http::Request<axum::body::Body> {
    request(Method::POST, "/telenor/logout", headers)
}

/// S90.
async fn logout_needs_a_same_origin_request(app: App) {
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

/// S91.
async fn logout_waits_two_seconds_for_the_gateway_and_no_longer(app: App) {
    let mut browser = app.signed_in().await;
    let copied = browser.clone();
    let gate = app.gateway.hold(Endpoint::Logout);
    let frozen = Frozen::start();
    let mut logout = tokio::spawn(async move { browser.log_out().await });
    asks_the_gateway(&gate, &mut logout).await;
    frozen.pass(Duration::from_millis(1_999)).await;
    assert!(!logout.is_finished(), "it gives the gateway two seconds");
    // A timer is late by less than a millisecond.
    frozen.pass(Duration::from_millis(2)).await;
    assert!(logout.is_finished(), "and no more");
    drop(frozen);
    assert_eq!(logout.await.unwrap().status, StatusCode::SEE_OTHER);
    assert!(copied.clone().token().await.is_none());
    gate.open();
}

/// S91.
async fn failure_of_the_gateway_does_not_stop_a_logout(app: App) {
    for answer in [Scripted::Reset, Scripted::status(500)] {
        let mut browser = app.signed_in().await;
        let copied = browser.clone();
        app.gateway.answer_next(Endpoint::Logout, answer);
        let done = browser.log_out().await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert!(copied.clone().token().await.is_none());
    }
}

#[tokio::test]
async fn token_that_the_gateway_does_not_end_is_in_the_log() {
    let app = App::start().await;
    for (answer, logged) in [
        (None, None),
        (Some(Scripted::status(204)), None),
        (Some(Scripted::status(403)), Some("answered 403 Forbidden")),
        (Some(Scripted::status(302)), Some("answered 302 Found")),
    ] {
        let mut browser = app.signed_in().await;
        if let Some(answer) = answer {
            app.gateway.answer_next(Endpoint::Logout, answer);
        }
        let (log, guard) = capture();
        browser.log_out().await;
        drop(guard);
        let of_logout = ["logged out here, but not at the gateway"];
        let lines = log.lines("WARN", &of_logout);
        assert_eq!(lines.len(), usize::from(logged.is_some()), "{}", log.text());
        let words = logged.unwrap_or_default();
        assert!(lines.iter().all(|line| line.contains(words)), "{lines:?}");
    }
}

/// S92.
async fn logout_leads_to_a_page_that_starts_no_login(app: App) {
    let mut browser = app.signed_in().await;
    let before = app.gateway.hits(Endpoint::Authorize);
    let done = browser.log_out().await;
    let page = browser.follow(&done.location()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(app.gateway.hits(Endpoint::Authorize), before);
    // A second logout, or one without a session, is not an error.
    let again = browser.log_out().await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

/// A sibling host has planted a twin of the session cookie.
async fn logout_ends_every_session_that_a_twin_names(app: App) {
    const SESSION: &str = "__Host-telenor-session";
    for planted in [
        &["planted"][..],
        &["our own"],
        &["another user's"],
        &["lower case"],
        &["planted", "another user's", "lower case", "our own"],
    ] {
        for (before, lines) in [(true, 1), (false, 1), (true, 2), (false, 2)] {
            let (browser, other) = (app.signed_in().await, app.signed_in().await);
            let (ours, foreign) = (browser.session().unwrap(), other.session().unwrap());
            let twins = planted.iter().map(|twin| match *twin {
                "our own" => format!("{SESSION}={ours}"),
                "another user's" => format!("{SESSION}={foreign}"),
                "lower case" => format!("{}={foreign}", SESSION.to_lowercase()),
                twin => format!("{SESSION}={twin}"),
            });
            let mut cookies: Vec<_> = twins.collect();
            let at = if before { cookies.len() } else { 0 };
            cookies.insert(at, format!("{SESSION}={ours}"));
            let send = async |method: Method| {
                let mut logout = request(
                    method,
                    "/telenor/logout",
                    &[("sec-fetch-site", "same-origin"), ("accept", "text/html")],
                );
                for line in cookies.chunks(cookies.len().div_ceil(lines)) {
                    let line = line.join("; ").parse().unwrap();
                    logout.headers_mut().append("cookie", line);
                }
                app.browser().send(logout).await
            };
            let page = send(Method::GET).await;
            assert!(page.body.contains("method=\"post\""), "{planted:?}");
            let done = send(Method::POST).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{planted:?}");
            assert!(done.set_cookies()[0].starts_with(&format!("{SESSION}=;")));
            assert!(browser.clone().token().await.is_none(), "{planted:?}");
            let page = send(Method::GET).await;
            assert!(!page.body.contains("method=\"post\""), "{planted:?}");
            let named = planted.contains(&"another user's");
            assert_eq!(other.clone().token().await.is_none(), named, "{planted:?}");
        }
    }
}

#[tokio::test]
async fn logout_that_cannot_end_every_twin_does_not_claim_so() {
    use telenor_auth::session::{Fault, FaultyStore, MemoryStore, Operation};
    let store = FaultyStore::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    let log_out = async |cookies: String| {
        let headers = [
            ("origin", ORIGIN),
            ("accept", "text/html"),
            ("cookie", &*cookies),
        ];
        let answer = app.browser().send(post_logout(&headers)).await;
        assert!(answer.set_cookies()[0].contains("Max-Age=0"));
        answer.status
    };
    let twins = |count| {
        let twins = (0..count).map(|twin| format!("__Host-telenor-session=planted{twin}; "));
        twins.collect::<String>()
    };
    let browser = app.signed_in().await;
    let ours = format!("__Host-telenor-session={}", browser.session().unwrap());
    assert_eq!(
        log_out(twins(8) + &ours).await,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert!(browser.clone().token().await.is_some());
    store.set_for(Operation::Remove, Fault::Error);
    assert_eq!(
        log_out(twins(2) + &ours).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    store.set(Fault::None);
    assert_eq!(log_out(twins(7) + &ours).await, StatusCode::SEE_OTHER);
    let copies = format!("{ours}; ").repeat(9);
    assert_eq!(log_out(copies).await, StatusCode::SEE_OTHER, "one session");
    assert!(browser.clone().token().await.is_none());
}

/// S92.
#[tokio::test]
async fn page_after_logout_is_never_a_challenge() {
    let app = App::with(|builder| builder.after_logout("/private")).await;
    let mut browser = app.signed_in().await;
    let done = browser.log_out().await;
    assert_eq!(done.location(), format!("{ORIGIN}/private"));
    let page = browser.open(&done.location()).await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "the page is guarded by mistake, so the layer shows its own"
    );
    assert_eq!(page.header("location"), None);
    for link in ["href=\"/\"", "href=\"/telenor/login?return_to=%2F\""] {
        assert!(page.body.contains(link), "{link}: {}", page.body);
    }
    browser.start("/whoami").await;
}

/// Waits until the logout has asked the gateway, which does not answer yet.
async fn asks_the_gateway<T>(gate: &Gate, logout: &mut JoinHandle<T>) {
    tokio::select! {
        () = gate.waiting(1) => {}
        _ = logout => panic!("the logout is over without the gateway"),
    }
}

/// S91.
#[tokio::test]
async fn logout_ends_the_session_before_it_asks_the_gateway() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let mut copied = browser.clone();
    let gate = app.gateway.hold(Endpoint::Logout);
    let mut logout = tokio::spawn(async move { browser.log_out().await.status });
    asks_the_gateway(&gate, &mut logout).await;
    assert!(
        copied.token().await.is_none(),
        "the session has ended before the gateway answers"
    );
    gate.open();
    assert_eq!(logout.await.unwrap(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn logout_completes_after_the_browser_hangs_up() {
    use telenor_auth::events::{Event, GatewayEndpoint as Called, GatewayOutcome};
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
    let mut logout = tokio::spawn(async move { browser.log_out().await });
    asks_the_gateway(&gate, &mut logout).await;
    logout.abort();
    assert!(logout.await.unwrap_err().is_cancelled());
    gate.open();
    let ended = tokio::time::timeout(Duration::from_secs(5), ended.recv()).await;
    assert_eq!(
        ended,
        Ok(Some(GatewayOutcome::Ok)),
        "the token ended at the gateway too"
    );
}

#[tokio::test]
async fn logout_clears_the_loop_detector_and_pages_kept_for_the_back_button() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let done = browser.log_out().await;
    assert_eq!(browser.cookie("-rounds"), None);
    let changed = done.set_cookies();
    let momentary = "__Host-telenor-out=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1";
    assert!(changed.iter().any(|line| line == momentary), "{changed:?}");
}

fn logout_form(page: &str) -> String {
    let form = page.split("action=\"").nth(1).expect("a form");
    form.split('"').next().unwrap().to_owned()
}

/// S90.
#[tokio::test]
async fn form_of_the_layer_logs_out_where_a_browser_states_nothing() {
    let app = App::start().await;
    for sent in [&[][..], &[("origin", "null")]] {
        let mut browser = app.signed_in().await;
        let mut other = app.signed_in().await;
        let page = browser.open("/telenor/logout").await;
        let action = logout_form(&page.body);
        let post = |action: &str| request(Method::POST, action, sent);
        let foreign = other.send(post(&action)).await;
        assert_eq!(
            foreign.status,
            StatusCode::FORBIDDEN,
            "the form of another session"
        );
        assert!(other.token().await.is_some());
        let (path, proof) = action.split_once("?form=").unwrap();
        for forged in [
            format!("{path}?form="),
            format!("{path}?form={}x", &proof[1..]),
        ] {
            let refused = browser.send(post(&forged)).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{sent:?}");
        }
        assert!(browser.token().await.is_some());
        let done = browser.send(post(&action)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{sent:?}");
        assert_eq!(browser.session(), None);
    }
}

#[tokio::test]
async fn refused_logout_has_a_form_that_works() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let html = ("accept", "text/html");
    let refused = browser.send(post_logout(&[html, ("origin", "null")])).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let action = logout_form(&refused.body);
    let done = browser.send(request(Method::POST, &action, &[html])).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let refused = browser.send(post_logout(&[html])).await;
    assert!(
        !refused.body.contains("<form"),
        "there is no session to end"
    );
    let link = "class=\"primary\" href=\"/telenor/logout\"";
    assert!(refused.body.contains(link), "{}", refused.body);
}

/// S98.
#[tokio::test]
async fn policy_of_the_logout_form_lets_the_app_lead_elsewhere() {
    let app = App::with(|builder| builder.after_logout("/goodbye")).await;
    let page = app.signed_in().await.open("/telenor/logout").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    let other = app.browser().open("/telenor/callback").await;
    let policy = other.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self';"), "{policy}");
}

over_http2! {
    logout_that_cannot_end_every_twin_does_not_claim_so
    page_after_logout_is_never_a_challenge
    logout_ends_the_session_before_it_asks_the_gateway
    logout_completes_after_the_browser_hangs_up
    logout_clears_the_loop_detector_and_pages_kept_for_the_back_button
    form_of_the_layer_logs_out_where_a_browser_states_nothing
    refused_logout_has_a_form_that_works
    policy_of_the_logout_form_lets_the_app_lead_elsewhere
    ; over_each_store:
    logout_ends_the_session_here_and_at_the_gateway
    logout_needs_a_same_origin_request
    logout_waits_two_seconds_for_the_gateway_and_no_longer
    failure_of_the_gateway_does_not_stop_a_logout
    logout_leads_to_a_page_that_starts_no_login
    logout_ends_every_session_that_a_twin_names
}
