//! A login ends on the app's own origin, with any target.
//!
//! The test data combines the parts of known tricks. `REDIRECT_TRICKS` may name a file with more of
//! them, one on each line.

use http::{Method, StatusCode, Uri};
use url::Url;

use crate::support::{App, ORIGIN, navigation, request};

/// Slashes, blanks and dots that parsers disagree about, in front of a foreign host.
fn tricks() -> Vec<String> {
    let starts = [
        "",
        "/",
        "//",
        "///",
        "////",
        "/\\",
        "\\",
        "\\\\",
        "\\/",
        "/./",
        "/../",
        "/.//",
        "/..//",
        "/a/..//",
        "/.;//",
        "/;//",
        "/%2e/",
        "/%2e%2e//",
        "/%2f",
        "/%2f%2f",
        "/%5c",
        "/%252f",
        "/\t/",
        "/\n/",
        "/\r/",
        "/ /",
        "/%09/",
        "/%0a/",
        "/%0d%0a/",
        "/%00/",
        "/\u{b}/",
        "/\u{c}/",
        "/\u{a0}/",
        "/\u{3000}/",
        "/\u{2215}",
        "/\u{ff0f}",
        "http:",
        "https:",
        "http:/",
        "https:///",
        "HTTPS://",
        "javascript:",
        "data:text/html,",
        "//user:pass@",
        "//@",
        "/@",
        "//[::1]@",
        ".",
        "..",
        "?",
        "#",
        "/?next=//",
        "/#//",
        "x://",
        "%2f%2f",
        "\u{feff}//",
        "\0//",
    ];
    let hosts = [
        "evil.test",
        "evil.test/",
        "evil.test/%2f..",
        "evil.test?x",
        "evil.test#x",
        "app.test@evil.test",
        "evil.test\\app.test",
        "app.test.evil.test",
        "[::1]",
        "2130706433",
        "",
    ];
    let mut tricks: Vec<String> = starts
        .iter()
        .flat_map(|start| hosts.iter().map(move |host| format!("{start}{host}")))
        .collect();
    if let Ok(list) = std::env::var("REDIRECT_TRICKS") {
        let list = std::fs::read_to_string(&list).expect("REDIRECT_TRICKS names a readable file");
        assert!(
            list.lines().count() > 500,
            "the list has more than 500 lines"
        );
        tricks.extend(list.split('\n').map(str::to_owned));
    }
    tricks
}

/// Raw, decoded once and decoded twice: a proxy may decode a request before the layer reads it.
fn forms(trick: &str) -> Vec<String> {
    let decode = |text: &str| {
        let pairs = format!("x={}", text.replace('&', "%26").replace('+', "%2B"));
        let decoded = url::form_urlencoded::parse(pairs.as_bytes()).next();
        decoded
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let once = decode(trick);
    let twice = decode(&once);
    let mut forms = vec![trick.to_owned(), once, twice];
    forms.dedup();
    forms
}

/// Whether a browser that follows `Location: location` stays on the origin of the app.
fn stays_on_the_origin(location: &str) -> bool {
    let base = Url::parse(&format!("{ORIGIN}/telenor/callback")).unwrap();
    // The parser refuses some addresses that a browser opens on another host, so a refused address
    // counts as another origin.
    base.join(location)
        .is_ok_and(|url| url.origin() == base.origin() && !url.path().starts_with("//"))
}

fn login_route(target: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
    format!("/telenor/login?return_to={encoded}")
}

#[tokio::test]
async fn every_trick_in_the_query_stays_on_the_origin() {
    let app = App::start().await;
    let mut kept = 0;
    for trick in tricks() {
        for form in forms(&trick) {
            let mut browser = app.browser();
            let callback = browser
                .callback_url(&app.gateway, &login_route(&form))
                .await;
            let location = browser.open(&callback).await.location();
            assert!(
                location.starts_with("https://app.test/"),
                "{form:?} -> {location:?}"
            );
            assert!(
                location.bytes().all(|byte| byte.is_ascii_graphic()),
                "{form:?} -> {location:?}"
            );
            assert!(stays_on_the_origin(&location), "{form:?} -> {location:?}");
            let relative = location.strip_prefix(ORIGIN).unwrap();
            assert!(
                stays_on_the_origin(relative),
                "{form:?} -> {relative:?}, as a relative address"
            );
            kept += usize::from(relative != "/");
        }
    }
    assert!(
        kept > 100,
        "only {kept} harmless targets are kept: a rule that refuses all proves nothing"
    );
}

#[tokio::test]
async fn every_trick_in_the_request_line_stays_on_the_origin() {
    let app = App::start().await;
    let mut tried = 0;
    for trick in tricks() {
        for form in forms(&trick) {
            let Ok(uri) = form.parse::<Uri>() else {
                continue;
            };
            if uri.path_and_query().is_none() {
                continue;
            }
            let mut nav = navigation("/");
            *nav.uri_mut() = uri;
            let mut browser = app.browser();
            let answer = browser.send(nav).await;
            if answer.status != StatusCode::SEE_OTHER {
                continue;
            }
            let callback = app.gateway.allow(&answer.location()).unwrap();
            let location = browser.open(&callback).await.location();
            assert!(
                stays_on_the_origin(&location) && location.starts_with("https://app.test/"),
                "{form:?} -> {location:?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

/// The tricks of this file find the mistake of a rule that only looks for a slash at the start.
#[test]
fn tricks_defeat_a_naive_rule() {
    let naive = |target: &str| {
        if target.starts_with('/') {
            target.to_owned()
        } else {
            "/".to_owned()
        }
    };
    let caught = tricks()
        .iter()
        .flat_map(|trick| forms(trick))
        .filter(|form| !stays_on_the_origin(&naive(form)))
        .count();
    assert!(caught > 100, "{caught}");
}

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

#[tokio::test]
async fn no_target_splits_a_header() {
    let app = App::start().await;
    for target in ["/a%0d%0aSet-Cookie:x=1", "/a%00", "/caf\u{e9}", "/%E0%A4%A"] {
        let mut browser = app.browser();
        let Ok(uri) = target.parse::<Uri>() else {
            continue;
        };
        let mut nav = request(Method::GET, "/", &[("accept", "text/html")]);
        *nav.uri_mut() = uri;
        let answer = browser.send(nav).await;
        let callback = app.gateway.allow(&answer.location()).unwrap();
        let done = browser.open(&callback).await;
        assert!(done.location().is_ascii());
        assert!(
            done.set_cookies()
                .iter()
                .all(|line| line.starts_with("__Host-"))
        );
    }
}

over_http2! {
    every_trick_in_the_request_line_stays_on_the_origin
    own_targets_return_byte_for_byte
    long_targets_and_own_routes_lead_home
    login_without_a_target_leads_to_the_configured_home
    no_target_splits_a_header
}
