//! The attributes of cookies, and the cookies in a request.

use http::{Method, StatusCode};
use telenor_auth::{CookiePrefix, session::MemoryStore};

use crate::support::{
    App, Browser, MINUTE, capture::capture, each_store::in_cookie, navigation, request,
    stores::Blocking,
};

/// S63.
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

/// There is no mode in which one is `Strict`: a browser would not send it after the gateway.
///
/// S63, S64.
#[tokio::test]
async fn every_cookie_of_the_layer_is_lax_whatever_is_set() {
    let app = App::with(|builder| {
        let builder = in_cookie(builder.cookie_prefix(CookiePrefix::HostHttp));
        let builder = builder.cookie_name("shop").idle_timeout(10 * MINUTE);
        builder.login_page(true).optional(true).home("/shop")
    })
    .await;
    let mut lines = Vec::new();
    let mut browser = app.browser();
    // A browser that does not say where it was: the button has a cookie.
    let unstated = [("accept", "text/html")];
    let page = request(Method::GET, "/whoami", &unstated);
    lines.extend(browser.send(page).await.set_cookies());
    for _ in 0..6 {
        let begun = request(
            Method::GET,
            "/telenor/login?return_to=/whoami",
            &[
                ("accept", "text/html"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
                ("sec-fetch-site", "same-origin"),
            ],
        );
        let begun = browser.send(begun).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        lines.extend(begun.set_cookies());
        if lines.len() > 6 {
            let callback = app.gateway.allow(&begun.location()).unwrap();
            lines.extend(browser.open(&callback).await.set_cookies());
        }
    }
    app.clock.advance(5 * MINUTE);
    lines.extend(browser.open("/whoami").await.set_cookies());
    lines.extend(browser.log_out().await.set_cookies());
    let mut names = std::collections::BTreeSet::new();
    for line in &lines {
        let (pair, attributes) = line.split_once("; ").unwrap();
        let (name, _) = pair.split_once('=').unwrap();
        let kind = name.strip_prefix("__Host-Http-shop-").expect(line);
        names.insert(kind.split('-').next().unwrap().to_owned());
        let seconds = attributes.strip_prefix("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=");
        let seconds = seconds.expect(line);
        assert!(seconds.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
    }
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(all, ["button", "login", "loop", "out", "session"]);
}

/// S63.
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

/// A network attacker can set cookies from plain http, though none with the prefix `__Host-`.
/// S102.
#[tokio::test]
async fn cookie_under_the_name_for_plain_http_counts_for_nothing() {
    let app = App::start().await;
    let renamed = |jar: &[(String, String)]| {
        let renamed = jar.iter().flat_map(|(name, value)| {
            let base = name.strip_prefix("__Host-").expect("a secure name");
            ["dev-", ""].map(|prefix| (format!("{prefix}{base}"), value.clone()))
        });
        renamed.collect()
    };
    let signed_in = app.signed_in().await;
    let mut planted = app.browser();
    planted.jar = renamed(&signed_in.jar);
    assert!(planted.token().await.is_none());

    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut planted = app.browser();
    planted.jar = renamed(&browser.jar);
    planted.open(&callback).await.assert_safe_reject();
    // Beside the real one it does no harm.
    browser.jar.extend(planted.jar);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert!(browser.token().await.is_some());
}

/// S78.
#[tokio::test]
async fn duplicate_cookies_are_rejected_in_either_order() {
    let (log, _guard) = capture();
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
    let twice = ["cookie_twice", "the cookie of the login came twice"];
    assert_eq!(log.lines("login failed", &twice).len(), 4);
    browser.jar = vec![good];
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

/// As some proxies do: on one line, or on two.
///
/// S78.
#[tokio::test]
async fn login_works_with_every_cookie_sent_twice() {
    for lines in [1, 2] {
        let app = App::start().await;
        let mut browser = app.browser();
        let mut open = async |target: &str| {
            let cookies = browser
                .jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let cookies = cookies.collect::<Vec<_>>().join("; ");
            let mut nav = navigation(target);
            if !cookies.is_empty() && lines == 1 {
                let jar = browser.jar.clone();
                browser.jar.extend(jar);
            } else if !cookies.is_empty() {
                nav.headers_mut().insert("cookie", cookies.parse().unwrap());
            }
            let answer = browser.send(nav).await;
            let mut names = std::collections::HashSet::new();
            browser.jar.retain(|(name, _)| names.insert(name.clone()));
            answer
        };
        let mut callbacks = Vec::new();
        // Five logins at once, all of which live.
        for _ in 0..5 {
            let challenge = open("/whoami").await;
            callbacks.push(app.gateway.allow(&challenge.location()).unwrap());
        }
        for callback in &callbacks {
            assert_eq!(open(callback).await.status, StatusCode::SEE_OTHER);
            assert_eq!(open("/whoami").await.status, StatusCode::OK);
        }
    }
}

/// The cookies of a browser, as it sends them.
fn cookie_line(browser: &Browser) -> String {
    let pairs = browser.jar.iter();
    let pairs = pairs.map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("; ")
}

/// S39.
#[tokio::test]
async fn cookies_are_found_on_any_line_and_in_any_order() {
    let app = App::start().await;
    let odd = http::HeaderValue::from_bytes(b"x=\xff; J\xf8rgen; =; ;;").unwrap();
    let mut browser = app.signed_in().await;
    let one_line = [odd.as_bytes(), b"; ", cookie_line(&browser).as_bytes()].concat();
    let mut nav = navigation("/whoami");
    let one_line = http::HeaderValue::from_bytes(&one_line).unwrap();
    nav.headers_mut().insert("cookie", one_line);
    browser.jar.clear();
    assert_eq!(browser.send(nav).await.status, StatusCode::OK);
    for reversed in [false, true] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        for (target, status) in [
            (&*callback, StatusCode::SEE_OTHER),
            ("/whoami", StatusCode::OK),
        ] {
            let mut lines: Vec<http::HeaderValue> = browser
                .jar
                .iter()
                .map(|(name, value)| format!("{name}={value}").parse().unwrap())
                .collect();
            lines.insert(0, odd.clone());
            lines.push("theme=dark".parse().unwrap());
            if reversed {
                lines.reverse();
            }
            let mut nav = navigation(target);
            for line in lines {
                nav.headers_mut().append("cookie", line);
            }
            let mut bare = app.browser();
            let answer = bare.send(nav).await;
            assert_eq!(answer.status, status, "{target}");
            for line in answer.set_cookies() {
                browser.keep(&line);
            }
        }
    }
}

/// One cookie a line, as HTTP/2 may carry them.
/// S39.
#[tokio::test]
async fn every_cookie_of_the_layer_is_found_on_lines_of_their_own() {
    let app = App::start().await;
    let open = async |browser: &mut Browser, mut sent: http::Request<axum::body::Body>| {
        for (name, value) in std::mem::take(&mut browser.jar) {
            let line: http::HeaderValue = format!("{name}={value}").parse().unwrap();
            sent.headers_mut().append("cookie", line);
            browser.jar.push((name, value));
        }
        let mut bare = app.browser();
        let answer = bare.send(sent).await;
        for line in answer.set_cookies() {
            browser.keep(&line);
        }
        answer
    };
    let mut browser = app.signed_in().await;
    browser.jar.insert(0, ("theme".into(), "dark".into()));
    let mut begun = app.browser();
    for _ in 0..7 {
        open(&mut begun, navigation("/private")).await;
    }
    assert_eq!(begun.pending().len(), 5, "a browser keeps five logins");
    let copied = browser.clone();
    let headers = [("sec-fetch-site", "same-origin")];
    let logout = request(Method::POST, "/telenor/logout", &headers);
    open(&mut browser, logout).await;
    assert!(copied.clone().token().await.is_none(), "the session ended");
}

/// S39.
#[tokio::test]
async fn cookies_of_other_apps_do_not_hide_ours() {
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

/// S112.
#[tokio::test]
async fn cookie_that_is_too_long_is_looked_up_nowhere() {
    const SESSION: &str = "__Host-telenor-session";
    let store = Blocking::new(MemoryStore::new());
    let app = App::with(|builder| builder.session_store(store.clone())).await;
    let log_out = || {
        let headers = &[("sec-fetch-site", "same-origin"), ("accept", "text/html")];
        request(Method::POST, "/telenor/logout", headers)
    };
    for (excess, asked) in [(0, true), (1, false), (300_000, false)] {
        let value = "a".repeat(4096 - SESSION.len() + excess);
        for sent in [
            navigation("/private"),
            navigation("/telenor/session"),
            navigation("/telenor/logout"),
            navigation("/telenor/callback?code=a&state=b"),
            log_out(),
        ] {
            let (before, case) = (store.calls(), format!("{} {excess}", sent.uri()));
            let mut browser = app.browser();
            browser.jar = vec![(SESSION.to_owned(), value.clone())];
            browser.send(sent).await;
            assert_eq!(store.calls() > before, asked, "{case}");
        }
    }
    // The cookie of a login, in a browser that has no session.
    let before = store.calls();
    for excess in [0, 1, 300_000] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, "/private").await;
        let (name, value) = &mut browser.jar[0];
        *value = "a".repeat(4096 - name.len() + excess);
        browser.open(&callback).await.assert_safe_reject();
    }
    assert_eq!((store.calls(), app.token_requests()), (before, 0));
}

/// S12.
#[tokio::test]
async fn flood_of_forged_cookies_is_answered_with_few_cookies() {
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

over_http2! {
    every_cookie_of_the_layer_is_found_on_lines_of_their_own
    cookie_that_is_too_long_is_looked_up_nowhere
    cookies_are_found_on_any_line_and_in_any_order
    session_cookie_has_exactly_these_attributes
    every_cookie_of_the_layer_is_lax_whatever_is_set
    http_prefix_is_offered
    cookie_under_the_name_for_plain_http_counts_for_nothing
    duplicate_cookies_are_rejected_in_either_order
    login_works_with_every_cookie_sent_twice
    cookies_of_other_apps_do_not_hide_ours
    flood_of_forged_cookies_is_answered_with_few_cookies
}
