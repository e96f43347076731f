//! Whatever a login was started for, it ends on the app's own origin.
//!
//! The strings are made here by combining what such tricks are made of. `REDIRECT_TRICKS` may name a file with more of them,
//! one a line.

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
        assert!(list.lines().count() > 500, "the list is there");
        tricks.extend(list.split('\n').map(str::to_owned));
    }
    tricks
}

/// Raw, decoded once and decoded twice: a proxy in front may have decoded it before us.
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

/// Where a browser ends up that is told `Location: location` by a page of the app.
fn lands_at_home(location: &str) -> bool {
    let base = Url::parse(&format!("{ORIGIN}/telenor/callback")).unwrap();
    // The parser refuses some addresses that a browser would open on another host: refused counts as away.
    base.join(location)
        .is_ok_and(|url| url.origin() == base.origin() && !url.path().starts_with("//"))
}

fn login_route(target: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
    format!("/telenor/login?return_to={encoded}")
}

#[tokio::test]
async fn every_trick_in_the_query_ends_at_home() {
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
            assert!(lands_at_home(&location), "{form:?} -> {location:?}");
            let relative = location.strip_prefix(ORIGIN).unwrap();
            assert!(
                lands_at_home(relative),
                "{form:?} -> {relative:?}, taken for itself"
            );
            kept += usize::from(relative != "/");
        }
    }
    assert!(
        kept > 100,
        "harmless ones are kept, {kept} of them: a rule that refuses all proves nothing"
    );
}

#[tokio::test]
async fn every_trick_in_the_request_line_ends_at_home() {
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
                lands_at_home(&location) && location.starts_with("https://app.test/"),
                "{form:?} -> {location:?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

/// The guard of the guards: a rule that only looks for a slash in front must not pass as one that works.
#[test]
fn naive_rule_would_be_caught() {
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
        .filter(|form| !lands_at_home(&naive(form)))
        .count();
    assert!(caught > 100, "{caught}");
}

#[tokio::test]
async fn own_addresses_come_back_byte_for_byte() {
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
async fn too_long_and_own_routes_become_home() {
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
async fn home_is_where_the_app_says() {
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
