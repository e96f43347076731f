//! The start page with Telenor's script on the app's own origin, and the steps that are counted.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Extension, body::Body};
use http::{Method, Request, StatusCode};
use telenor_auth::{
    ConfigError, PlainHttp, StartScript, TelenorAuthBuilder, TelenorAuthLayer,
    events::Event,
    mock::{Endpoint, MockGateway},
};

use super::http_start::{authorization, link};
use crate::support::{
    Answer, App, Browser, ORIGIN, capture::capture, keys, navigation, query, request, routes,
};

const SCRIPT: &str = "document.getElementById('continue').click()";

fn script() -> StartScript {
    StartScript::inline(SCRIPT).connect("https://line.test")
}

async fn app() -> App {
    App::with(|builder| builder.start_script(script())).await
}

/// An app, and the steps of its logins in their order.
async fn counting(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) -> (App, Arc<Mutex<Vec<&'static str>>>) {
    let steps = Arc::<Mutex<Vec<_>>>::default();
    let seen = Arc::clone(&steps);
    let app = App::with(|builder| {
        settings(builder).on_event(move |event| {
            if let Event::StartPage { login_id, step, .. } = event {
                assert!(login_id.len() >= 8, "{login_id}");
                seen.lock().unwrap().push(step.as_str());
            }
        })
    });
    (app.await, steps)
}

fn taken(steps: &Mutex<Vec<&'static str>>) -> Vec<&'static str> {
    std::mem::take(&mut *steps.lock().unwrap())
}

fn ahead(target: &str) -> Request<Body> {
    let mut ahead = navigation(target);
    let prefetch = "prefetch".parse().unwrap();
    ahead.headers_mut().insert("sec-purpose", prefetch);
    ahead
}

fn has_script(page: &Answer) -> bool {
    let policy = page.header("content-security-policy").unwrap();
    page.body.contains("<script") || policy.contains("script-src")
}

#[tokio::test]
async fn login_passes_over_a_page_with_the_script_on_the_apps_own_origin() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami?n=1").await;
    assert!(start.starts_with(&format!("{ORIGIN}/telenor/start?t=")));
    assert!(!start.contains("whoami"), "{start}");

    // The page needs no cookie. Its link does.
    let page = app.browser().open(&start).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.set_cookies(), [""; 0]);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.body.contains(&format!("<script>{SCRIPT}</script>")));
    let by_itself = "<noscript><meta http-equiv=\"refresh\" content=\"0;url=";
    assert!(page.body.contains(by_itself), "it works without scripts");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    assert!(
        policy.contains("connect-src https://line.test;"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains("connect-src 'self'"));

    let authorization = authorization(&mut browser, &page).await;
    let callback = app.gateway.allow(&authorization).unwrap();
    app.browser().open(&callback).await.assert_safe_reject();
    let done = browser.open(&callback).await;
    assert_eq!(done.location(), format!("{ORIGIN}/whoami?n=1"));
    assert!(browser.token().await.is_some());
}

/// Two clients of one gateway share an address and keys, by mistake.
///
/// S67.
#[tokio::test]
async fn ticket_of_another_client_is_not_one() {
    let gateway = MockGateway::start().await.unwrap();
    let app = |client_id: &str| {
        let redirect_uri = format!("{ORIGIN}/telenor/callback");
        let layer = TelenorAuthLayer::builder(client_id, "secret", redirect_uri)
            .gateway(gateway.base_url())
            .cookie_keys(keys(1))
            .start_script(script());
        routes(&Arc::default()).layer(layer.build().unwrap())
    };
    let mut browser = Browser {
        router: app("first"),
        jar: Vec::new(),
    };
    let start = browser.start("/whoami").await;
    let mut moved = Browser {
        router: app("second"),
        jar: browser.jar.clone(),
    };
    for address in [start.clone(), start.replace("?t=", "?go=")] {
        let refused = moved.open(&address).await;
        assert_eq!(
            refused.location(),
            format!("{ORIGIN}/telenor/login?resume=")
        );
    }
    assert_eq!(browser.open(&start).await.status, StatusCode::OK);
}

/// S101.
#[tokio::test]
async fn page_is_shown_once_and_its_link_works_as_long_as_the_login() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami?n=1").await;
    let page = browser.open(&start).await;
    let resume = format!("{ORIGIN}/telenor/login?resume=");
    let twice = browser.open(&start).await;
    assert!(twice.location().starts_with(&resume), "{twice:?}");
    let late = browser.start("/whoami?n=2").await;
    app.clock.advance(Duration::from_secs(60));
    for (address, target) in [(&start, "n%3D1"), (&late, "n%3D2")] {
        let again = browser.open(address).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER);
        let login = again.location();
        assert!(login.starts_with(&resume), "{login}");
        let button = browser.open(&login).await;
        assert_eq!(button.status, StatusCode::OK, "the button prevents a loop");
        assert!(button.body.contains(target) && !has_script(&button));
    }
    // Back, and the link once more: a script may hang, and a user may wait.
    app.clock.advance(Duration::from_secs(239));
    let first = browser.open(&link(&page)).await.location();
    assert_eq!(browser.open(&link(&page)).await.location(), first);
    assert!(first.starts_with(&app.gateway.base_url()));
    app.clock.advance(Duration::from_secs(1));
    let ended = browser.open(&link(&page)).await.location();
    assert!(ended.contains("/telenor/login?resume="), "{ended}");
}

#[tokio::test]
async fn request_ahead_or_of_a_script_uses_up_no_page_and_no_step() {
    let (app, steps) = counting(|builder| builder.start_script(script())).await;
    let mut browser = app.browser();
    let start = browser.start("/whoami").await;
    let script = |target: &str| request(Method::GET, target, &[("accept", "*/*")]);
    let open = async |target: &str| {
        let ahead = browser.clone().send(ahead(target)).await;
        assert_eq!(ahead.status, StatusCode::SERVICE_UNAVAILABLE);
        let fetched = browser.clone().send(script(target)).await;
        assert_eq!(fetched.status, StatusCode::UNAUTHORIZED);
        assert_eq!(taken(&steps), [""; 0]);
        browser.clone().open(target).await
    };
    let page = open(&start).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(taken(&steps), ["shown"]);
    app.browser().open(&link(&page)).await;
    assert_eq!(taken(&steps), [""; 0], "it is another browser");
    let on = open(&link(&page)).await;
    assert_eq!(on.status, StatusCode::SEE_OTHER);
    assert_eq!(taken(&steps), ["passed"]);
    let callback = app.gateway.allow(&on.location()).unwrap();
    browser.send(ahead(&callback)).await;
    assert_eq!(taken(&steps), [""; 0]);
}

#[tokio::test]
async fn page_through_a_service_worker_of_the_app_goes_on() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami").await;
    let relayed = |target: &str| {
        let mode = [
            ("sec-fetch-mode", "same-origin"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html,*/*;q=0.8"),
        ];
        request(Method::GET, target, &mode)
    };
    let page = browser.send(relayed(&start)).await;
    assert_eq!(page.status, StatusCode::OK);
    let on = browser.send(relayed(&link(&page))).await;
    assert!(on.location().starts_with(&app.gateway.base_url()));
}

#[tokio::test]
async fn each_step_of_a_login_counts_once() {
    for over_http in [false, true] {
        let (app, steps) = counting(|builder| match over_http {
            true => builder.http_start("http://start.app.test"),
            false => builder.start_script(script()),
        })
        .await;
        let on_start_host = |address: &str| {
            let target = address.trim_start_matches("http://start.app.test");
            let mut nav = navigation(target);
            if over_http {
                let host = "start.app.test".parse().unwrap();
                nav.headers_mut().insert("host", host);
            }
            nav
        };
        let mut browser = app.browser();
        let start = browser.start("/whoami").await;
        assert_eq!(taken(&steps), [""; 0]);
        let page = app.browser().send(on_start_host(&start)).await;
        app.browser().send(on_start_host(&start)).await;
        assert_eq!(taken(&steps), ["shown"]);
        let authorization = authorization(&mut browser, &page).await;
        browser.open(&link(&page)).await;
        assert_eq!(taken(&steps), ["passed"]);

        // A second tab that opens the same callback is the same return.
        let callback = app.gateway.allow(&authorization).unwrap();
        let mut second = browser.clone();
        browser.open(&callback).await;
        second.open(&callback).await;
        browser.open(&callback).await;
        assert_eq!(taken(&steps), ["returned"], "{over_http}");

        let mut denied = app.browser();
        let start = denied.start("/whoami").await;
        let page = app.browser().send(on_start_host(&start)).await;
        let authorization = self::authorization(&mut denied, &page).await;
        assert_eq!(taken(&steps), ["shown", "passed"]);
        let refusal = app.gateway.deny(&authorization).unwrap();
        app.browser().open(&refusal).await;
        assert_eq!(taken(&steps), [""; 0], "it belongs to another browser");
        denied.open(&refusal).await;
        assert_eq!(taken(&steps), ["returned"], "an error comes back too");
    }
}

#[tokio::test]
async fn start_route_of_an_app_without_a_start_page_leads_home() {
    let app = App::start().await;
    for query in ["", "?t=x", "?go=x", "?go=x&a=1"] {
        let answer = app.browser().open(&format!("/telenor/start{query}")).await;
        assert_eq!(answer.location(), format!("{ORIGIN}/"), "{query}");
    }
}

#[tokio::test]
async fn login_without_a_start_page_takes_no_step() {
    let (app, steps) = counting(|builder| builder).await;
    app.signed_in().await;
    app.browser().open("/telenor/start?t=x").await;
    app.browser().open("/telenor/start?go=x").await;
    assert_eq!(taken(&steps), [""; 0]);
}

/// S2.
#[tokio::test]
async fn parameters_of_the_script_go_on_and_replace_none() {
    let app = App::with(|builder| {
        builder
            .start_script(script())
            .authorization_parameter("ui_locales", "nb")
    })
    .await;
    let mut browser = app.browser();
    let start = browser.start("/whoami").await;
    let page = browser.open(&start).await;
    let added = "&line_token=a%26b%20c&state=evil&client_id=evil&ui_locales=en&redirect_uri=x\
                 &code_challenge=x&scope=all&line_token=second&=x&Redirect_URI=x&UI_Locales=en\
                 &request=eyJ&request_uri=https%3A%2F%2Fevil.test&response_mode=fragment&nonce=x\
                 &REQUEST=eyJ&requ%65st=eyJ";
    let on = browser.open(&format!("{}{added}", link(&page))).await;
    let plain = authorization(&mut browser, &page).await;
    let location = on.location();
    assert_eq!(location, format!("{plain}&line_token=a%26b+c"));
    assert_eq!(query(&location, "line_token").as_deref(), Some("a&b c"));
}

#[tokio::test]
async fn link_takes_few_parameters_and_a_longer_one_is_not_of_this_app() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami").await;
    let page = browser.open(&start).await;
    let number = |number: usize| (0..number).map(|at| format!("&n{at}")).collect::<String>();
    let bytes = |bytes: usize| format!("&n={}", "x".repeat(bytes - 2));
    for (added, goes_on) in [
        (number(32), true),
        (number(33), false),
        (number(10_000), false),
        (bytes(2048), true),
        (bytes(2049), false),
        (bytes(60_000), false),
    ] {
        let answer = browser.open(&format!("{}{added}", link(&page))).await;
        let location = answer.location();
        let on = location.starts_with(&app.gateway.base_url());
        assert_eq!(on, goes_on, "{} bytes: {location}", added.len());
        if on {
            assert!(query(&location, "n31").or(query(&location, "n")).is_some());
        } else {
            assert_eq!(location, format!("{ORIGIN}/telenor/login?resume="));
        }
    }
}

/// S101.
#[tokio::test]
async fn altered_ticket_leads_to_a_page_and_not_to_telenor() {
    let app = app().await;
    let mut browser = app.browser();
    let start = browser.start("/whoami").await;
    let token = start.split_once("?t=").unwrap().1.to_owned();
    for query in [
        "",
        "?t=",
        "?go=",
        "?go=x",
        &format!("?go={}", &token[1..]),
        &format!("?x&go={token}"),
        &format!("?t={token}&go={token}"),
    ] {
        let target = format!("/telenor/start{query}");
        let refused = browser.open(&target).await;
        let resume = format!("{ORIGIN}/telenor/login?resume=");
        assert_eq!(refused.location(), resume, "{query}");
        let page = browser.open(&refused.location()).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(app.gateway.hits(Endpoint::Authorize), 0);
}

#[tokio::test]
async fn only_the_start_page_has_the_script() {
    let app = App::with(|builder| builder.start_script(script()).login_page(true)).await;
    let mut browser = app.browser();
    for target in [
        "/private",
        "/telenor/login?resume=x",
        "/telenor/logout",
        "/telenor/callback?error=access_denied",
        "/telenor/callback",
    ] {
        assert!(!has_script(&browser.open(target).await), "{target}");
    }
}

#[tokio::test]
async fn page_of_the_own_origin_is_not_shown_on_plain_http() {
    let gateway = MockGateway::start().await.unwrap();
    let layer = crate::support::builder(&gateway).start_script(script());
    let https = routes(&Arc::default()).layer(layer.build().unwrap());
    let http = https.clone().layer(Extension(PlainHttp));
    let app = App::mounted(https, gateway);
    let start = app.browser().start("/whoami").await;
    let (log, _guard) = capture();
    let mut in_clear = Browser {
        router: http,
        jar: Vec::new(),
    };
    for target in [start.clone(), start.replace("?t=", "?go=")] {
        let refused = in_clear.open(&target).await;
        assert_eq!(refused.location(), format!("{ORIGIN}/"));
    }
    assert_eq!(log.lines("ERROR", &[]), [""; 0], "{}", log.text());
    assert_eq!(app.browser().open(&start).await.status, StatusCode::OK);
}

#[tokio::test]
async fn script_of_an_https_page_uses_https() {
    let build = |redirect_uri: &str, script: StartScript, http_start: Option<&str>| {
        let builder = TelenorAuthLayer::builder("id", "secret", redirect_uri).start_script(script);
        match http_start {
            Some(origin) => builder.http_start(origin),
            None => builder,
        }
        .build()
    };
    let https = "https://app.test/telenor/callback";
    for script in [
        StartScript::external("http://line.test/line.js"),
        StartScript::inline("x").connect("http://line.test"),
        StartScript::external("https://line.test/line.js").connect("http://line.test"),
    ] {
        let refused = build(https, script.clone(), None);
        let Err(error @ ConfigError::InvalidStartScript(_)) = refused else {
            panic!("{refused:?}");
        };
        let text = error.to_string();
        assert!(
            text.contains("http://line.test") && text.contains("https"),
            "{text}"
        );
        assert!(build(https, script.clone(), Some("http://start.app.test")).is_ok());
        let development = "http://127.0.0.1:3000/telenor/callback";
        assert!(build(development, script, None).is_ok());
    }
    let local = StartScript::inline("x").connect("http://localhost:9");
    assert!(build(https, local, None).is_ok());
    let evil = StartScript::inline("</script>");
    assert!(build(https, evil, None).is_err());
}

over_http2! {
    login_passes_over_a_page_with_the_script_on_the_apps_own_origin
    page_is_shown_once_and_its_link_works_as_long_as_the_login
    request_ahead_or_of_a_script_uses_up_no_page_and_no_step
    page_through_a_service_worker_of_the_app_goes_on
    each_step_of_a_login_counts_once
    login_without_a_start_page_takes_no_step
    parameters_of_the_script_go_on_and_replace_none
    link_takes_few_parameters_and_a_longer_one_is_not_of_this_app
    altered_ticket_leads_to_a_page_and_not_to_telenor
    only_the_start_page_has_the_script
}
