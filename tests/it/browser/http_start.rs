//! Logins that start on plain http.

use std::time::Duration;

use http::{Method, StatusCode};
use telenor_auth::{ConfigError, StartScript, TelenorAuthBuilder, mock::Endpoint};

use crate::support::{Answer, App, Browser, ORIGIN, capture::capture, navigation, query, request};

const START: &str = "http://start.app.test";

async fn app() -> App {
    App::with(|builder| builder.http_start(START)).await
}

/// What a browser gets on the plain-http host: its jar for https is never sent there.
async fn on_http(app: &App, url: &str) -> Answer {
    let mut browser = app.browser();
    let mut nav = request(
        Method::GET,
        url.strip_prefix(START).unwrap(),
        &[("accept", "text/html")],
    );
    nav.headers_mut()
        .insert("host", "start.app.test".parse().unwrap());
    browser.send(nav).await
}

/// The address that the page leads on to.
pub(super) fn link(page: &Answer) -> String {
    let (_, link) = page
        .body
        .split_once("id=\"continue\" href=\"")
        .expect("a link that continues");
    let (href, _) = link.split_once('"').unwrap();
    href.replace("&#38;", "&")
}

/// The authorization URL that the page leads on to, in the browser of the login.
pub(super) async fn authorization(browser: &mut Browser, page: &Answer) -> String {
    let link = link(page);
    assert!(link.starts_with(&format!("{ORIGIN}/telenor/start?go=")));
    let on = browser.open(&link).await;
    assert_eq!(on.status, StatusCode::SEE_OTHER, "{}", on.body);
    assert_eq!(on.set_cookies(), [""; 0]);
    on.location()
}

/// S103.
#[tokio::test]
async fn login_passes_over_plain_http_and_ends_on_https() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami?n=1").await;
    assert!(
        start.starts_with("http://start.app.test/telenor/start?t="),
        "{start}"
    );
    assert_eq!(browser.pending().len(), 1, "the cookie was set on https");

    let page = on_http(&app, &start).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.set_cookies(), [""; 0]);
    let authorization = authorization(&mut browser, &page).await;
    assert!(
        page.body
            .contains("http-equiv=\"refresh\" content=\"0;url="),
        "it continues by itself"
    );
    assert!(authorization.starts_with(&app.gateway.base_url()));
    assert_eq!(query(&authorization, "code_challenge").unwrap().len(), 43);

    let callback = app.gateway.allow(&authorization).unwrap();
    assert!(callback.starts_with("https://"));
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?n=1"));
    assert!(browser.token().await.is_some());
}

/// S105.
#[tokio::test]
async fn plain_http_carries_no_secret_and_no_personal_data() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami?phone=4791234567").await;
    let page = on_http(&app, &start).await;
    let late = on_http(&app, &start).await;
    let clear = format!("{start} {page:?} {late:?}");
    let authorization = authorization(&mut browser, &page).await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let code = query(&callback, "code").unwrap();
    browser.open(&callback).await;
    let verifier = app.gateway.requests(Endpoint::Token)[0]
        .form("code_verifier")
        .unwrap();
    for secret in [
        code,
        verifier,
        "4791234567".into(),
        "whoami".into(),
        browser.session().unwrap(),
        browser.token().await.unwrap(),
    ] {
        assert!(!clear.contains(&secret), "{secret}");
    }
    for open in ["state", "code_challenge"] {
        let value = query(&authorization, open).unwrap();
        assert!(!clear.contains(&value), "{open}");
    }
}

/// S101.
#[tokio::test]
async fn start_page_is_shown_once_and_within_a_minute() {
    let app = app().await;
    let mut browser = app.browser();
    let seen = browser.start("/whoami?n=1").await;
    assert_eq!(on_http(&app, &seen).await.status, StatusCode::OK);
    let twice = on_http(&app, &seen).await;
    assert!(twice.location().contains("/telenor/login?resume="));
    let late = browser.start("/whoami?n=2").await;
    app.clock.advance(Duration::from_secs(60));
    for (start, target) in [(seen, "/whoami?n=1"), (late, "/whoami?n=2")] {
        let refused = on_http(&app, &start).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER);
        let login = refused.location();
        assert!(
            login.starts_with("https://app.test/telenor/login?resume="),
            "{login}"
        );
        // Over https the cookie holds the target of this login. The button prevents a loop.
        let button = browser.open(&login).await;
        assert_eq!(button.status, StatusCode::OK);
        assert!(
            button.body.contains(
                &target
                    .replace('/', "%2F")
                    .replace('?', "%3F")
                    .replace('=', "%3D")
            )
        );
        let again = browser
            .start(&format!(
                "/telenor/login?return_to={}",
                target.replace('?', "%3F").replace('=', "%3D")
            ))
            .await;
        let page = on_http(&app, &again).await;
        let callback = app
            .gateway
            .allow(&authorization(&mut browser, &page).await)
            .unwrap();
        assert_eq!(
            browser.open(&callback).await.location(),
            format!("{ORIGIN}{target}")
        );
    }
}

#[tokio::test]
async fn invalid_start_address_leads_to_a_page_and_makes_no_loop() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/private").await;
    let (kept, changed) = start.split_at(start.len() - 10);
    let other = if changed.starts_with('A') { 'B' } else { 'A' };
    let altered = format!("{kept}{other}{}", &changed[1..]);
    for url in [
        altered.as_str(),
        "http://start.app.test/telenor/start",
        "http://start.app.test/telenor/start?t=",
        "http://start.app.test/telenor/start?x=%0d%0a",
        "http://start.app.test/telenor/start?t=x&form=1&return_to=/a",
    ] {
        let refused = on_http(&app, url).await;
        assert!(
            refused.location().ends_with("/telenor/login?resume="),
            "no part of the address is passed on"
        );
        let page = browser.open(&refused.location()).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{url}");
        assert!(
            page.body.contains("/telenor/login"),
            "with a button to start over"
        );
    }
    assert_eq!(app.gateway.hits(Endpoint::Authorize), 0);
}

/// S101.
#[tokio::test]
async fn start_ticket_does_not_replace_the_cookie() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/private").await;
    let page = on_http(&app, &start).await;
    let callback = app
        .gateway
        .allow(&authorization(&mut browser, &page).await)
        .unwrap();
    let mut with_a_login = app.browser();
    with_a_login.start("/private").await;
    for mut other in [app.browser(), with_a_login] {
        other.open(&callback).await.assert_safe_reject();
    }
    assert_eq!(app.token_requests(), 0);
}

/// S101.
#[tokio::test]
async fn reader_of_the_page_learns_nothing_by_its_link() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami?n=1").await;
    let page = on_http(&app, &start).await;
    let mut with_a_login = app.browser();
    with_a_login.start("/whoami?n=2").await;
    for mut reader in [app.browser(), with_a_login] {
        let answer = reader.open(&format!("{}&line=x", link(&page))).await;
        let resume = answer.location();
        let (login, token) = resume.split_once("?resume=").unwrap();
        assert_eq!(login, format!("{ORIGIN}/telenor/login"));
        assert!(start.ends_with(token), "what it knew before");
        assert_eq!(answer.set_cookies(), [""; 0]);
        let button = reader.open(&resume).await;
        assert_eq!(button.status, StatusCode::OK);
        assert!(!button.body.contains("whoami"), "{}", button.body);
    }
    let authorization = authorization(&mut browser, &page).await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?n=1"));
}

/// S101.
#[tokio::test]
async fn link_ends_with_the_cookie_of_its_login() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami").await;
    let page = on_http(&app, &start).await;
    let callback = authorization(&mut browser, &page).await;
    let callback = app.gateway.allow(&callback).unwrap();
    let (name, value) = browser.jar[0].clone();
    browser.open(&callback).await;
    let over = browser.open(&link(&page)).await.location();
    assert!(over.contains("/telenor/login?resume="), "{over}");
    let mut twice = app.browser();
    twice.jar = vec![(name.clone(), value), (name, "other".to_owned())];
    let over = twice.open(&link(&page)).await.location();
    assert!(over.contains("/telenor/login?resume="), "{over}");
}

/// S65, S100.
#[tokio::test]
async fn refusal_on_plain_http_reads_no_cookie() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami?n=1").await;
    let page = on_http(&app, &start).await;
    let authorization = self::authorization(&mut browser, &page).await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let callback = callback.strip_prefix(ORIGIN).unwrap();
    for more in [("purpose", "prefetch"), ("sec-fetch-mode", "cors")] {
        let headers = [("accept", "text/html"), ("host", "start.app.test"), more];
        let refused = request(Method::GET, callback, &headers);
        let refused = browser.send(refused).await;
        assert!(refused.status.is_client_error() || refused.status.is_server_error());
        assert!(refused.body.contains("return_to="), "{}", refused.body);
        assert!(!refused.body.contains("whoami"), "{}", refused.body);
    }
}

/// S103.
#[tokio::test]
async fn start_page_works_over_https() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/private").await;
    // Over https the page is the same on the start host and on the app's own. It does not redirect
    // back to http.
    for host in ["start.app.test", "app.test"] {
        let mut browser = app.browser();
        let fresh = browser.start("/private").await;
        let mut nav = navigation(fresh.strip_prefix(START).unwrap());
        nav.headers_mut().insert("host", host.parse().unwrap());
        let page = browser.send(nav).await;
        assert_eq!(page.status, StatusCode::OK, "{host}");
        let callback = app
            .gateway
            .allow(&authorization(&mut browser, &page).await)
            .unwrap();
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    }
    assert!(on_http(&app, &start).await.status.is_success());
}

/// S65, S100, S104.
#[tokio::test]
async fn other_plain_http_pages_redirect_to_https_and_ignore_cookies() {
    let app = app().await;
    let mut signed_in = app.browser();
    let start = signed_in.start("/private").await;
    let page = on_http(&app, &start).await;
    let callback = app
        .gateway
        .allow(&authorization(&mut signed_in, &page).await)
        .unwrap();
    signed_in.open(&callback).await;
    let hits = app.hits();
    for browser in [app.browser(), signed_in] {
        for (path, lands) in [
            ("/private?n=1", "/private?n=1"),
            ("/telenor/login", "/"),
            ("/telenor/callback?code=a&state=b", "/"),
            ("//evil.test/", "/"),
        ] {
            let mut browser: Browser = browser.clone();
            let mut nav = request(
                Method::GET,
                path,
                &[("accept", "text/html"), ("host", "START.app.test")],
            );
            if path.starts_with("//") {
                *nav.uri_mut() = http::Uri::builder().path_and_query(path).build().unwrap();
            }
            let answer = browser.send(nav).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
            assert_eq!(answer.location(), format!("{ORIGIN}{lands}"));
            assert_eq!(answer.set_cookies(), [""; 0]);
            assert_eq!(answer.header("strict-transport-security"), None);
        }
        let mut browser: Browser = browser.clone();
        for method in [Method::POST, Method::GET, Method::HEAD] {
            let script = request(
                method,
                "/private",
                &[("accept", "*/*"), ("host", "start.app.test")],
            );
            assert_eq!(browser.send(script).await.status, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!(app.hits(), hits);
}

/// S17.
#[tokio::test]
async fn prefetch_uses_up_no_start_page() {
    let app = app().await;
    let start = app.browser().start("/private").await;
    let mut ahead = request(
        Method::GET,
        start.strip_prefix(START).unwrap(),
        &[("accept", "text/html"), ("purpose", "prefetch")],
    );
    ahead
        .headers_mut()
        .insert("host", "start.app.test".parse().unwrap());
    assert_eq!(
        app.browser().send(ahead).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(on_http(&app, &start).await.status, StatusCode::OK);
}

/// S98.
#[tokio::test]
async fn start_page_has_only_the_configured_script() {
    let script = "document.getElementById('continue').click()";
    let with = |script: StartScript| {
        App::with(move |builder: TelenorAuthBuilder| builder.http_start(START).start_script(script))
    };
    let app = with(StartScript::inline(script).connect("http://line.test")).await;
    let page = on_http(&app, &app.browser().start("/private").await).await;
    assert!(page.body.contains(&format!("<script>{script}</script>")));
    assert!(
        page.body.contains("<noscript><meta http-equiv=\"refresh\""),
        "it continues without scripts"
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'sha256-") && policy.contains("connect-src http://line.test"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains("upgrade-insecure-requests"));

    let app = with(StartScript::external("http://line.test/line.js")).await;
    let page = on_http(&app, &app.browser().start("/private").await).await;
    assert!(
        page.body
            .contains("<script src=\"http://line.test/line.js\"></script>")
    );

    let hash = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
    let app = with(StartScript::external("https://line.test/line.js").integrity(hash)).await;
    let page = on_http(&app, &app.browser().start("/private").await).await;
    let tag = format!("line.js\" integrity=\"{hash}\" crossorigin=\"anonymous\"></script>");
    assert!(page.body.contains(&tag), "{}", page.body);

    let app = self::app().await;
    let page = on_http(&app, &app.browser().start("/private").await).await;
    assert!(!page.body.contains("<script"));
    assert!(
        !page
            .header("content-security-policy")
            .unwrap()
            .contains("script-src")
    );
}

#[tokio::test]
async fn http_start_needs_an_http_origin_of_its_own() {
    let build = |origin: &str| {
        let gateway = "http://127.0.0.1:9";
        let redirect_uri = format!("{ORIGIN}/telenor/callback");
        let builder = telenor_auth::TelenorAuthLayer::builder("id", "secret", redirect_uri);
        builder.gateway(gateway).http_start(origin).build()
    };
    for origin in [
        "https://start.app.test",
        "start.app.test",
        "http://app.test",
        "http://start.app.test/path",
        "http://start.app.test?x",
        "",
    ] {
        assert!(
            matches!(build(origin), Err(ConfigError::InvalidHttpStart(_))),
            "{origin}"
        );
    }
    assert!(build("http://start.app.test").is_ok() && build("http://start.app.test:8080/").is_ok());
}

/// S104.
#[test]
fn start_host_that_hsts_of_the_app_covers_is_a_warning() {
    for (start, warned) in [
        ("http://start.app.test", 1),
        ("http://a.b.app.test", 1),
        ("http://start.example", 0),
        ("http://xapp.test", 0),
    ] {
        let (log, _guard) = capture();
        let redirect_uri = format!("{ORIGIN}/telenor/callback");
        let builder = telenor_auth::TelenorAuthLayer::builder("id", "secret", redirect_uri);
        builder.http_start(start).build().unwrap();
        let lines = log.lines("WARN", &["HSTS", "includeSubDomains"]);
        assert_eq!(lines.len(), warned, "{start}");
    }
    let manual = include_str!("../../../docs/start_page.md");
    assert!(manual.contains("- No HSTS may cover the host"));
}

/// S100.
#[tokio::test]
async fn start_host_is_known_in_every_spelling() {
    let app = App::with(|builder| builder.http_start("http://start.app.test")).await;
    for (host, plain) in [
        ("start.app.test", true),
        ("start.app.test:80", true),
        ("start.app.test.", true),
        ("START.app.test.:80", true),
        ("start.app.test:443", false),
        ("app.test", false),
        ("xstart.app.test", false),
    ] {
        let mut by_header = navigation("/private");
        by_header
            .headers_mut()
            .insert("host", host.parse().unwrap());
        // HTTP/2 has the host in the address alone.
        let mut by_address = navigation("/private");
        *by_address.uri_mut() = format!("http://{host}/private").parse().unwrap();
        for nav in [by_header, by_address] {
            let answer = app.browser().send(nav).await;
            let to_https = answer.location() == "https://app.test/private";
            assert_eq!(to_https, plain, "{host}: {}", answer.location());
            assert_eq!(answer.set_cookies().is_empty(), plain, "{host}");
        }
    }
}

over_http2! {
    login_passes_over_plain_http_and_ends_on_https
    plain_http_carries_no_secret_and_no_personal_data
    start_page_is_shown_once_and_within_a_minute
    invalid_start_address_leads_to_a_page_and_makes_no_loop
    start_ticket_does_not_replace_the_cookie
    reader_of_the_page_learns_nothing_by_its_link
    link_ends_with_the_cookie_of_its_login
    refusal_on_plain_http_reads_no_cookie
    start_page_works_over_https
    other_plain_http_pages_redirect_to_https_and_ignore_cookies
    prefetch_uses_up_no_start_page
    start_page_has_only_the_configured_script
    start_host_is_known_in_every_spelling
}
