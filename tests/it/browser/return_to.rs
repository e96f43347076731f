//! A login ends on the app's own origin, with any target.
//!
//! These are the rules one by one. `tests/proofs` has a public list of tricks, generated targets,
//! and a browser's parser.

use http::{Method, StatusCode, Uri, Version};

use crate::support::{App, ORIGIN, navigation, request};

/// Returns the `Location` at the end of a login that starts at this address.
async fn end_of_login(app: &App, start: &str) -> String {
    let mut browser = app.browser();
    let mut nav = navigation("/");
    *nav.uri_mut() = start.parse().unwrap();
    let begun = browser.send(nav).await;
    let callback = app.gateway.allow(&begun.location()).unwrap();
    browser.open(&callback).await.location()
}

/// S86, S87.
#[tokio::test]
async fn targets_that_a_browser_opens_on_another_host_lead_home() {
    let app = App::start().await;
    for target in [
        "//evil.test/x",
        "///evil.test",
        "/\\evil.test",
        "/a\\b",
        "/.//evil.test",
        "/..//evil.test",
        "/a/..//evil.test",
        "/%2e%2e//evil.test",
    ] {
        let query = format!("/telenor/login?return_to={}", target.replace('%', "%25"));
        for start in [target, &query] {
            let end = end_of_login(&app, start).await;
            assert_eq!(end, format!("{ORIGIN}/"), "{start}");
        }
    }
    let harmless = "/%09/evil.test";
    let end = end_of_login(&app, harmless).await;
    assert_eq!(end, format!("{ORIGIN}{harmless}"));
    let decoded = end_of_login(&app, "/telenor/login?return_to=/%09/evil.test").await;
    assert_eq!(decoded, format!("{ORIGIN}/"));
}

/// A proxy sends the whole address of a request, and so does every client over HTTP/2.
///
/// S88.
#[tokio::test]
async fn host_in_a_request_line_is_no_part_of_the_target() {
    let app = App::start().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for uri in ["http://evil.test/private?a", "https://evil.test/private?a"] {
            let mut browser = app.browser();
            let mut nav = navigation("/");
            *nav.version_mut() = version;
            *nav.uri_mut() = uri.parse().unwrap();
            let begun = browser.send(nav).await;
            let callback = app.gateway.allow(&begun.location()).unwrap();
            let end = browser.open(&callback).await.location();
            assert_eq!(end, format!("{ORIGIN}/private?a"), "{uri} {version:?}");
        }
    }
}

/// S85, S89.
#[tokio::test]
async fn own_targets_return_byte_for_byte() {
    let app = App::start().await;
    for target in [
        "/private?next=https://evil.test",
        "/a%2Fb?x=%C3%A5&y=+",
        "/private?a=1&a=2&&",
        "/private?url=//evil.test",
    ] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, target).await;
        assert_eq!(
            browser.open(&callback).await.location(),
            format!("{ORIGIN}{target}")
        );
    }
}

/// S89.
#[tokio::test]
async fn long_targets_and_own_routes_lead_home() {
    let app = App::start().await;
    for target in [
        format!("/private?{}", "x".repeat(5_000)),
        "/telenor/login?return_to=%2Ftelenor%2Fcallback%3Fcode%3Da".to_owned(),
        "/telenor/login?return_to=%2Ftelenor%2Flogout".to_owned(),
        "/telenor/login?return_to=%2F.%2Ftelenor%2Flogout".to_owned(),
        "/telenor/login?return_to=%2F%252e%2Ftelenor%2Fcallback%3Ferror%3Daccess_denied".to_owned(),
        format!(
            "/telenor/login?return_to=%2Fprivate%3F{}",
            "%C3%A5".repeat(1_000)
        ),
    ] {
        let mut browser = app.browser();
        let callback = browser.callback_url(&app.gateway, &target).await;
        assert_eq!(
            browser.open(&callback).await.location(),
            format!("{ORIGIN}/")
        );
    }
}

#[tokio::test]
async fn login_without_a_target_leads_to_the_configured_home() {
    let app = App::with(|builder| builder.home("/shop")).await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
    assert_eq!(
        browser.open(&callback).await.location(),
        format!("{ORIGIN}/shop")
    );
}

/// S38, S86.
#[tokio::test]
async fn no_target_splits_a_header() {
    let app = App::start().await;
    for (target, lands) in [
        ("/private", "/private"),
        ("/a%0d%0aSet-Cookie:x=1", "/a%0d%0aSet-Cookie:x=1"),
        ("/a%00", "/a%00"),
        ("/caf\u{e9}?r\u{f8}d", "/caf%C3%A9?r%C3%B8d"),
        ("/%E0%A4%A", "/%E0%A4%A"),
        ("/telenor/login?return_to=%2Fa%0d%0aSet-Cookie:x=1", "/"),
        ("/telenor/login?return_to=%2Fa%00", "/"),
        ("/telenor/login?return_to=%2Fcaf%E9", "/caf%EF%BF%BD"),
        ("/telenor/login?return_to=%2Fcaf%C3%A9", "/caf%C3%A9"),
    ] {
        let mut browser = app.browser();
        let mut nav = request(Method::GET, "/", &[("accept", "text/html")]);
        *nav.uri_mut() = target.parse::<Uri>().expect(target);
        let answer = browser.send(nav).await;
        let callback = app.gateway.allow(&answer.location()).unwrap();
        let done = browser.open(&callback).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{target}");
        assert_eq!(done.location(), format!("{ORIGIN}{lands}"), "{target}");
        let names = done.headers.iter().map(|(name, _)| name.as_str());
        // A server adds this one.
        let mut names: Vec<_> = names.filter(|name| *name != "date").collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "cache-control",
                "location",
                "referrer-policy",
                "set-cookie",
                "set-cookie",
                "set-cookie",
                "vary",
                "x-content-type-options"
            ],
            "{target}"
        );
        let cookies = done.set_cookies();
        assert!(
            cookies.iter().all(|line| line.starts_with("__Host-")),
            "{cookies:?}"
        );
    }
}

over_http2! {
    targets_that_a_browser_opens_on_another_host_lead_home
    host_in_a_request_line_is_no_part_of_the_target
    own_targets_return_byte_for_byte
    long_targets_and_own_routes_lead_home
    login_without_a_target_leads_to_the_configured_home
    no_target_splits_a_header
}
