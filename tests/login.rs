//! A login from the first page to the last, and everything that may come between.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod common;

use std::{collections::HashSet, time::Duration};

use common::{App, Browser, CALLBACK, ORIGIN, navigation, query, request};
use http::{Method, StatusCode};
use telenor_auth::mock::{Answer as Scripted, Endpoint};

const MINUTE: Duration = Duration::from_secs(60);

fn state_of(url: &str) -> String {
    query(url, "state").unwrap()
}

#[tokio::test]
async fn page_to_consent_to_handler() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?a=1"));
    assert_eq!(done.body, "");
    let page = browser.open(&done.location()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.is_empty());
    assert_eq!((app.token_requests(), app.hits()), (1, 1));
}

#[tokio::test]
async fn token_opens_the_mobile_user_api() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    let page = browser.open("/name").await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "Kari"));
}

// --- the way to the gateway

#[tokio::test]
async fn challenge_is_a_303_with_every_parameter_once() {
    let app = App::with(|builder| builder.scope("a b&c+å".replace('å', "d"))).await;
    let answer = app.browser().open("/private").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.body, "");
    let location = answer.location();
    assert!(location.starts_with(&format!("{}/oauth/v2/authorize?", app.gateway.base_url())));
    let url = url::Url::parse(&location).unwrap();
    let names: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let distinct: HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert_eq!(query(&location, "response_type").as_deref(), Some("code"));
    assert_eq!(
        query(&location, "client_id").as_deref(),
        Some(app.gateway.client_id())
    );
    assert_eq!(
        query(&location, "redirect_uri"),
        Some(format!("{ORIGIN}{CALLBACK}"))
    );
    assert_eq!(query(&location, "scope").as_deref(), Some("a b&c+d"));
    assert_eq!(
        query(&location, "code_challenge_method").as_deref(),
        Some("S256")
    );
    assert_eq!(query(&location, "code_challenge").unwrap().len(), 43);
    assert_eq!(state_of(&location).len(), 22);
}

#[tokio::test]
async fn redirect_uri_is_the_configured_one_whatever_the_request_claims() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut nav = navigation("/private");
    for (name, value) in [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.test;proto=http"),
    ] {
        nav.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = browser.send(nav).await;
    let configured = Some(format!("{ORIGIN}{CALLBACK}"));
    assert_eq!(query(&answer.location(), "redirect_uri"), configured);
    assert!(
        answer.set_cookies()[0].starts_with("__Host-"),
        "and cookies are as secure as ever"
    );

    let mut absolute = navigation("/private");
    *absolute.uri_mut() = "http://evil.test/private".parse().unwrap();
    let location = browser.send(absolute).await.location();
    assert_eq!(query(&location, "redirect_uri"), configured);
    let callback = app.gateway.allow(&location).unwrap();
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/private"));
    assert_eq!(
        app.gateway.requests(Endpoint::Token)[0].form("redirect_uri"),
        configured
    );
}

#[tokio::test]
async fn redirect_uri_is_left_out_of_both_requests_or_neither() {
    let app = App::with(|builder| builder.omit_redirect_uri(true)).await;
    let location = app.browser().start("/private").await;
    assert_eq!(query(&location, "redirect_uri"), None);
}

#[tokio::test]
async fn verifier_never_leaves_before_the_token_request() {
    let app = App::start().await;
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    let (_, cookie) = browser.pending().remove(0);
    let callback = app.gateway.allow(&location).unwrap();
    browser.open(&callback).await;
    let sent = &app.gateway.requests(Endpoint::Token)[0];
    let verifier = sent.form("code_verifier").unwrap();
    assert!((43..=128).contains(&verifier.len()));
    assert!(!location.contains(&verifier) && !cookie.contains(&verifier));
}

#[tokio::test]
async fn pkce_can_be_turned_off() {
    let app = App::with(|builder| builder.dangerous_disable_pkce(true)).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    assert!(!callback.contains("code_challenge"));
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        app.gateway.requests(Endpoint::Token)[0].form("code_verifier"),
        None
    );
}

// --- the pending login

#[tokio::test]
async fn pending_cookie_has_exactly_these_attributes() {
    let app = App::start().await;
    let answer = app.browser().open("/private").await;
    let [line] = &answer.set_cookies()[..] else {
        panic!("one cookie for one login");
    };
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-telenor-login-"));
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=300"
    );
    assert!(!line.contains("private"), "what is in it cannot be read");
}

#[tokio::test]
async fn state_of_another_browser_is_rejected() {
    let app = App::start().await;
    let (mut ours, mut other) = (app.browser(), app.browser());
    let callback = ours.callback_url(&app.gateway, "/whoami").await;
    other.start("/private").await;
    other.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
    assert_eq!(ours.open(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn cookie_of_one_login_does_not_stand_for_another() {
    let app = App::start().await;
    let (mut first, mut second) = (app.browser(), app.browser());
    let callback = first.callback_url(&app.gateway, "/private").await;
    second.start("/private").await;
    let (name, _) = first.pending().remove(0);
    let (_, value) = second.pending().remove(0);
    first.jar = vec![(name, value)];
    first.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn cookies_that_came_twice_are_rejected_in_either_order() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let good = browser.pending().remove(0);
    for twin in [
        (good.0.clone(), "evil".to_owned()),
        (good.0.to_uppercase(), good.1.clone()),
    ] {
        for jar in [
            vec![good.clone(), twin.clone()],
            vec![twin.clone(), good.clone()],
        ] {
            browser.jar = jar;
            browser.open(&callback).await.assert_safe_reject();
        }
    }
    browser.jar = vec![good];
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn neighbours_cookies_do_not_hide_ours() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut nav = navigation(&callback);
    let odd = http::HeaderValue::from_bytes(b"x=\xff; J\xf8rgen; =; ;;").unwrap();
    nav.headers_mut().insert("cookie", odd.clone());
    assert_eq!(browser.send(nav).await.status, StatusCode::SEE_OTHER);
    let mut nav = navigation("/whoami");
    nav.headers_mut().insert("cookie", odd);
    assert_eq!(browser.send(nav).await.status, StatusCode::OK);
}

#[tokio::test]
async fn pending_login_expires_by_our_clock() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami?a=1").await;
    app.clock.advance(5 * MINUTE);
    let late = browser.open(&callback).await;
    late.assert_safe_reject();
    assert!(
        late.body.contains("return_to=%2Fwhoami%3Fa%3D1"),
        "starts over at the same place"
    );
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn pending_login_from_the_future_is_rejected() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    app.clock.rewind(2 * MINUTE);
    browser.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn three_tabs_end_where_they_started() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for tab in 1..=3 {
        callbacks.push(
            browser
                .callback_url(&app.gateway, &format!("/private?n={tab}"))
                .await,
        );
    }
    for tab in [2, 1, 3] {
        let done = browser.open(&callbacks[tab - 1]).await;
        assert_eq!(done.location(), format!("{ORIGIN}/private?n={tab}"));
    }
    assert_eq!(browser.pending(), []);
}

#[tokio::test]
async fn at_most_five_logins_wait_and_the_oldest_go_first() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut callbacks = Vec::new();
    for _ in 0..100 {
        callbacks.push(browser.callback_url(&app.gateway, "/private").await);
        app.clock.advance(Duration::from_secs(1));
        let bytes: usize = browser
            .jar
            .iter()
            .map(|(name, value)| name.len() + value.len() + 3)
            .sum();
        assert!(
            browser.pending().len() <= 5 && bytes < 4096,
            "{bytes} bytes"
        );
    }
    let kept: HashSet<_> = browser
        .pending()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(kept.len(), 5);
    browser
        .clone()
        .open(&callbacks[94])
        .await
        .assert_safe_reject();
    for callback in &callbacks[95..] {
        assert_eq!(browser.open(callback).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn long_targets_do_not_overflow_the_header() {
    let app = App::start().await;
    let mut browser = app.browser();
    for n in 0..10 {
        browser
            .start(&format!("/private?n={n}&{}", "x".repeat(1_500)))
            .await;
        let bytes: usize = browser
            .jar
            .iter()
            .map(|(name, value)| name.len() + value.len() + 3)
            .sum();
        assert!(bytes < 4096, "{bytes} bytes");
    }
}

#[tokio::test]
async fn expired_and_unreadable_logins_are_swept() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.start("/private").await;
    let old = browser.pending().remove(0).0;
    let broken = format!("{}AAAAAAAAAAAA", &old[..old.len() - 12]);
    browser.jar.push((broken.clone(), "rubbish".to_owned()));
    app.clock.advance(5 * MINUTE);
    browser.start("/private").await;
    let names: Vec<_> = browser
        .pending()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.len(), 1);
    assert!(!names.contains(&old) && !names.contains(&broken));
}

#[tokio::test]
async fn starting_logins_leaves_nothing_on_the_server() {
    let app = App::start().await;
    let mut early = app.browser();
    let callback = early.callback_url(&app.gateway, "/whoami").await;
    for _ in 0..10_000 {
        app.browser().start("/private").await;
    }
    assert_eq!(early.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.token_requests(), 1);
}

// --- the callback

#[tokio::test]
async fn only_the_very_path_is_the_callback() {
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

#[tokio::test]
async fn other_methods_are_refused_and_burn_no_code() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    for method in [
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
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

#[tokio::test]
async fn loading_ahead_redeems_nothing() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    for (name, value) in [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let mut ahead = navigation(&callback);
        ahead.headers_mut().insert(name, value.parse().unwrap());
        let answer = browser.send(ahead).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    assert_eq!(app.token_requests(), 0);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// Every row is sent by a browser with a session and a login under way; both must survive it.
#[tokio::test]
async fn malformed_callbacks_change_nothing() {
    let app = App::start().await;
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
        format!("code=canary%FF%FE&state={state}"),
        format!("code=canary%00&state={state}"),
        format!("code=canary&x=%0d%0aSet-Cookie:a=b&state={state}"),
        format!("code=canary%zz&state={state}"),
        format!("code={}&state={state}", "c".repeat(2_049)),
        format!("code=canary&state={state}&x={}", "x".repeat(60_000)),
        "error=access_denied".into(),
        "error=canary&error_description=canary".into(),
    ] {
        let answer = browser.open(&format!("{CALLBACK}?{query}")).await;
        if query.contains("error=") && !query.contains("state=") {
            // Not every gateway sends state back with an error: the page is right and nothing else happens.
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
        "and the login too"
    );
}

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

#[tokio::test]
async fn forged_callbacks_reach_no_network() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.start("/private").await;
    for number in 0..10_000 {
        let forged = format!("{CALLBACK}?code=code{number}&state=forged{number}");
        browser.open(&forged).await.assert_safe_reject();
    }
    for endpoint in [Endpoint::Token, Endpoint::Authorize, Endpoint::UserInfo] {
        assert_eq!(app.gateway.hits(endpoint), 0);
    }
}

#[tokio::test]
async fn reload_and_back_on_the_callback_end_in_the_app() {
    let app = App::start().await;
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
    without_session.open(&callback).await.assert_safe_reject();
}

#[tokio::test]
async fn parallel_copies_of_a_callback_are_one_login() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let copies: Vec<_> = (0..20)
        .map(|_| {
            let (mut copy, callback) = (browser.clone(), callback.clone());
            tokio::spawn(async move {
                let done = copy.open(&callback).await;
                (done.status, copy.session())
            })
        })
        .collect();
    gate.waiting(1).await;
    gate.open();
    let mut sessions = HashSet::new();
    for copy in copies {
        let (status, session) = copy.await.unwrap();
        assert_eq!(status, StatusCode::SEE_OTHER);
        sessions.insert(session.unwrap());
    }
    assert_eq!((app.token_requests(), sessions.len()), (1, 1));
}

#[tokio::test]
async fn same_state_with_another_code_gets_the_first_answer() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let state = state_of(&callback);
    let before = browser.clone();
    browser.open(&callback).await;
    let mut copy = before;
    let answer = copy
        .open(&format!("{CALLBACK}?code=another&state={state}"))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(copy.session(), browser.session());
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn connection_dropped_during_the_exchange_loses_nothing() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    {
        let (mut dropped, callback) = (browser.clone(), callback.clone());
        let open = tokio::spawn(async move { dropped.open(&callback).await });
        gate.waiting(1).await;
        open.abort();
        assert!(open.await.unwrap_err().is_cancelled());
    }
    gate.open();
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn replay_after_the_answer_is_forgotten_sends_no_second_request() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let mut thief = browser.clone();
    browser.open(&callback).await;
    app.clock.advance(2 * MINUTE);
    let replayed = thief.open(&callback).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
    assert_eq!(thief.session(), None);
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn success_clears_the_login_it_ends_and_no_other() {
    let app = App::start().await;
    let mut browser = app.browser();
    let first = browser.callback_url(&app.gateway, "/private").await;
    let ended = browser.pending().remove(0).0;
    browser.start("/private").await;
    browser.open(&first).await;
    let left: Vec<_> = browser
        .pending()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(left.len(), 1);
    assert_ne!(left[0], ended);
}

#[tokio::test]
async fn refusal_ends_the_login_with_a_page_that_says_so() {
    let app = App::with(|builder| {
        builder
            .app_name("Fjellbua")
            .purpose(telenor_auth::Language::Bokmal, "fylle ut adressen din")
            .continue_without("/manual-form")
    })
    .await;
    let mut browser = app.browser();
    let location = browser.start("/private?n=1").await;
    let denied = app.gateway.deny(&location).unwrap();
    let page = browser.open(&denied).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        "Fjellbua",
        "fylle ut adressen din",
        "The resource owner denied the request",
        "/telenor/login?return_to=%2Fprivate%3Fn%3D1",
        "/manual-form",
        "access_denied",
    ] {
        assert!(page.body.contains(part), "{part}");
    }
    assert_eq!(browser.pending(), []);
    assert_eq!(app.token_requests(), 0);
    assert!(
        page.header("location").is_none(),
        "and nothing goes on by itself"
    );
}

#[tokio::test]
async fn unanswered_phone_ends_the_login_with_a_page_that_tells_what_to_do() {
    let app = App::with(|builder| builder.continue_without("/manual-form")).await;
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    let page = browser
        .open(&app.gateway.time_out(&location).unwrap())
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    for part in [
        "mobildata",
        "/telenor/login?return_to=%2Fprivate",
        "/manual-form",
        "line_not_recognized",
    ] {
        assert!(page.body.contains(part), "{part}");
    }
    assert_eq!(browser.pending(), []);
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn page_speaks_the_readers_language() {
    let app = App::start().await;
    for (accept, lang) in [
        ("nn-NO,nb;q=0.5", "nn"),
        ("en-GB,en", "en"),
        ("nb", "nb"),
        ("no", "nb"),
    ] {
        let mut browser = app.browser();
        let denied = app.gateway.deny(&browser.start("/private").await).unwrap();
        let mut nav = navigation(&denied);
        nav.headers_mut()
            .insert("accept-language", accept.parse().unwrap());
        let page = browser.send(nav).await;
        assert!(page.body.contains(&format!("lang=\"{lang}\"")), "{accept}");
        assert_eq!(page.header("content-language"), Some(lang));
    }
}

#[tokio::test]
async fn provider_errors_have_their_statuses() {
    let app = App::start().await;
    for (error, status) in [
        ("access_denied", 403),
        ("login_required", 403),
        ("interaction_required", 403),
        ("temporarily_unavailable", 503),
        ("server_error", 502),
        ("invalid_scope", 502),
        ("unauthorized_client", 502),
        ("something_new", 502),
    ] {
        let mut browser = app.browser();
        let location = browser.start("/private").await;
        let failed = app.gateway.fail(&location, error, None).unwrap();
        let page = browser.open(&failed).await;
        assert_eq!(page.status.as_u16(), status, "{error}");
        assert_eq!(browser.pending(), [], "{error} ends the login");
    }
}

#[tokio::test]
async fn what_the_gateway_says_is_escaped_cut_and_never_a_link() {
    let app = App::start().await;
    let mut browser = app.browser();
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img onerror=x>",
        "</title><b>",
    ] {
        let location = browser.start("/private").await;
        let long = format!("{hostile}{}", "x".repeat(600));
        let failed = app
            .gateway
            .fail(&location, "<b>bold</b>", Some(&long))
            .unwrap();
        let page = browser
            .open(&format!("{failed}&error_uri=https%3A%2F%2Fevil.test%2F"))
            .await;
        assert!(
            !page.body.contains(hostile) && !page.body.contains("<b>bold"),
            "{hostile}"
        );
        assert!(!page.body.contains("evil.test"));
        assert!(!page.body.contains(&"x".repeat(257)));
        assert!(page.body.contains(&"x".repeat(200)), "but shown");
    }
}

#[tokio::test]
async fn description_is_shown_only_for_a_login_of_this_browser() {
    let app = App::start().await;
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    let failed = app
        .gateway
        .fail(&location, "access_denied", Some("canary"))
        .unwrap();
    let page = app.browser().open(&failed).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(!page.body.contains("canary"));
    assert!(browser.open(&failed).await.body.contains("canary"));
}

#[tokio::test]
async fn browser_without_cookies_gets_a_page_and_no_loop() {
    let app = App::start().await;
    let mut forgetful = app.browser();
    let callback = forgetful.callback_url(&app.gateway, "/private").await;
    forgetful.jar.clear();
    let page = forgetful.open(&callback).await;
    page.assert_safe_reject();
    assert!(page.body.contains("state_unknown"));
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn browser_that_loses_its_session_is_told_after_three_rounds() {
    let app = App::start().await;
    let mut browser = app.browser();
    for _ in 0..3 {
        let callback = browser.callback_url(&app.gateway, "/private").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        browser.jar.retain(|(name, _)| !name.contains("-session"));
    }
    let page = browser.open("/private?n=1").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("login_loop"));
    assert!(
        page.body.contains("return_to=%2Fprivate%3Fn%3D1"),
        "with a way on"
    );
    app.clock.advance(MINUTE);
    browser.start("/private").await;
}

#[tokio::test]
async fn abandoned_logins_lock_nobody_out() {
    let app = App::start().await;
    let mut browser = app.browser();
    for _ in 0..20 {
        browser.start("/private").await;
    }
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
}

// --- the login route

#[tokio::test]
async fn login_route_starts_a_login_for_a_safe_target() {
    let app = App::start().await;
    for (target, lands) in [
        (
            "/telenor/login?return_to=%2Fprivate%3Fn%3D1",
            "/private?n=1",
        ),
        ("/telenor/login", "/"),
        ("/telenor/login?return_to=https%3A%2F%2Fevil.test%2F", "/"),
        ("/telenor/login?return_to=%2F%2Fevil.test%2F", "/"),
        ("/telenor/login?return_to=%2Ftelenor%2Flogout", "/"),
        (
            "/telenor/login?return_to=%2Ftelenor%2Flogin%3Freturn_to%3D%2F",
            "/",
        ),
    ] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, target).await;
        let done = browser.open(&callback).await;
        assert_eq!(done.location(), format!("{ORIGIN}{lands}"), "{target}");
    }
}

#[tokio::test]
async fn login_route_is_for_people() {
    let app = App::start().await;
    for headers in [
        &[("accept", "*/*")][..],
        &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
    ] {
        let answer = app
            .browser()
            .send(request(Method::GET, "/telenor/login", headers))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
}

#[tokio::test]
async fn login_page_starts_nothing_before_its_button_is_pressed() {
    let app = App::with(|builder| builder.login_page(true)).await;
    let mut browser = app.browser();
    let mut foreign = navigation("/private?n=1");
    foreign
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let page = browser.send(foreign).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        (page.header("location"), page.set_cookies().len()),
        (None, 0)
    );
    let button = "/telenor/login?return_to=%2Fprivate%3Fn%3D1";
    assert!(page.body.contains(button));

    for from in ["cross-site", "same-site", "none"] {
        let mut foreign = navigation(button);
        foreign
            .headers_mut()
            .insert("sec-fetch-site", from.parse().unwrap());
        assert_eq!(
            browser.send(foreign).await.header("location"),
            None,
            "{from}"
        );
    }
    let mut pressed = navigation(button);
    pressed
        .headers_mut()
        .insert("sec-fetch-site", "same-origin".parse().unwrap());
    assert_eq!(browser.send(pressed).await.status, StatusCode::SEE_OTHER);
}

// --- many at once

#[tokio::test]
async fn exchanges_beyond_the_limit_wait_and_their_logins_still_work() {
    let app = App::with(|builder| builder.max_token_requests(2)).await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        waiting.push((browser, callback));
    }
    let gate = app.gateway.hold(Endpoint::Token);
    let running: Vec<_> = waiting
        .drain(..2)
        .map(|(mut browser, callback)| {
            tokio::spawn(async move { browser.open(&callback).await.status })
        })
        .collect();
    gate.waiting(2).await;
    for (browser, callback) in &mut waiting {
        let busy = browser.open(callback).await;
        assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(busy.header("retry-after").is_some());
        assert_eq!(busy.set_cookies(), [""; 0]);
    }
    gate.open();
    for login in running {
        assert_eq!(login.await.unwrap(), StatusCode::SEE_OTHER);
    }
    for (browser, callback) in &mut waiting {
        assert_eq!(browser.open(callback).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(app.token_requests(), 5);
}

#[tokio::test]
async fn sixty_four_exchanges_run_at_once_unless_told_otherwise() {
    let app = App::start().await;
    let gate = app.gateway.hold(Endpoint::Token);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        running.spawn(async move { browser.open(&callback).await.status });
    }
    gate.waiting(64).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let busy = browser.open(&callback).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    gate.open();
    for status in running.join_all().await {
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn slow_gateway_does_not_slow_other_pages() {
    let app = App::start().await;
    let mut signed_in = app.signed_in().await;
    let mut slow = app.browser();
    let callback = slow.callback_url(&app.gateway, "/private").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let login = tokio::spawn(async move { slow.open(&callback).await.status });
    gate.waiting(1).await;
    assert!(
        signed_in.token().await.is_some(),
        "answered while the exchange waits"
    );
    gate.open();
    assert_eq!(login.await.unwrap(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn failed_exchange_is_not_repeated_by_reloading() {
    let app = App::start().await;
    app.gateway
        .answer_always(Endpoint::Token, Scripted::status(500));
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let before = browser.clone();
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::BAD_GATEWAY
    );
    let mut copy = before;
    assert_eq!(copy.open(&callback).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(app.token_requests(), 1);
}

trait Helpers {
    fn clone_signed_out(&self) -> Browser;
    async fn callback_url_into(self, other: &mut Browser, app: &App) -> String;
}

impl Helpers for Browser {
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

#[tokio::test]
async fn state_is_not_redeemed_twice_when_a_clock_steps_back() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let thief = browser.clone();
    app.clock.rewind(Duration::from_secs(40));
    browser.open(&callback).await;
    for seconds in [299, 2, 30, 30] {
        app.clock.advance(Duration::from_secs(seconds));
        thief.clone().open(&callback).await.assert_no_session();
    }
    assert_eq!(app.token_requests(), 1);
}

#[tokio::test]
async fn login_of_one_state_under_its_own_name_does_not_stand_for_another() {
    let app = App::start().await;
    let (mut first, mut second) = (app.browser(), app.browser());
    let callback = first.callback_url(&app.gateway, "/private").await;
    second.start("/private").await;
    first.jar = second.jar;
    first.open(&callback).await.assert_safe_reject();
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn cookies_that_a_flood_made_up_are_not_all_answered() {
    let app = App::start().await;
    let mut nav = navigation("/private");
    let flood: Vec<_> = (0..5_000)
        .map(|number| format!("__Host-telenor-login-{number:012}=x"))
        .collect();
    nav.headers_mut()
        .insert("cookie", flood.join("; ").parse().unwrap());
    let answer = app.browser().send(nav).await;
    assert!(
        answer.set_cookies().len() <= 21,
        "{}",
        answer.set_cookies().len()
    );
}

#[tokio::test]
async fn app_that_redirects_to_the_login_route_by_itself_makes_no_endless_loop() {
    let app = App::start().await;
    let mut browser = app.browser();
    for round in 0..10 {
        let answer = browser.open("/telenor/login?return_to=%2Fprivate").await;
        if answer.status != StatusCode::SEE_OTHER {
            assert!(answer.body.contains("login_loop"));
            assert!((3..=6).contains(&round), "{round}");
            return;
        }
        let callback = app.gateway.allow(&answer.location()).unwrap();
        browser.open(&callback).await;
        browser.jar.retain(|(name, _)| !name.contains("-session"));
    }
    panic!("goes round for ever");
}

#[tokio::test]
async fn old_tab_of_somebody_who_is_signed_in_leads_into_the_app() {
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
