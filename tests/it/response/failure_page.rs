//! Pages of the app's own for failures, and the failure in the extensions of every response.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use http::{HeaderValue, Method, StatusCode, header};
use telenor_auth::{
    Clock, Failure, FailureCause, FailurePage, Language, LoginError, NewLogin, RecentLogin,
    TelenorAuthBuilder,
    mock::{Answer as Scripted, Endpoint, MockGateway},
    session::{Fault, FaultyStore, MemoryStore, Operation},
};

use crate::support::{
    Answer, App, Browser, Hits, MINUTE, builder, capture::capture, navigation, request, routes,
    state_of,
};

type Seen = Arc<Mutex<Vec<Failure>>>;

#[track_caller]
fn last(seen: &Seen) -> Failure {
    let mut seen = seen.lock().unwrap();
    let last = seen.pop().expect("a failure was reported");
    seen.clear();
    last
}

/// The app behind a middleware that keeps the failures in the extensions of responses.
fn watched(app: &App) -> (Router, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let watch = middleware::from_fn(move |request: Request, next: Next| {
        let kept = Arc::clone(&kept);
        async move {
            let response = next.run(request).await;
            let failure = response.extensions().get::<Failure>().cloned();
            kept.lock().unwrap().extend(failure);
            response
        }
    });
    (app.router.clone().layer(watch), seen)
}

/// What all pages of the app's own have in common with those of the layer.
#[track_caller]
fn assert_protected(answer: &Answer) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("content-language", "nb"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("vary").unwrap().contains("Accept-Language"));
    let policies = answer.headers.get_all(header::CONTENT_SECURITY_POLICY);
    let mut policies = policies.iter().map(|policy| policy.to_str().unwrap());
    assert!(policies.any(|policy| policy.contains("frame-ancestors 'none'")));
    let is_401 = answer.status == StatusCode::UNAUTHORIZED;
    assert_eq!(answer.header("www-authenticate").is_some(), is_401);
    let is_503 = answer.status == StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(answer.header("retry-after").is_some(), is_503);
}

#[tokio::test]
async fn person_gets_the_apps_page_and_a_script_the_problem_document() {
    let own = |failure: &Failure| FailurePage::html(format!("own {}", failure.cause()));
    let app = App::with(|builder| builder.failure_page(own)).await;
    let html = ("accept", "text/html");
    let relayed: &[_] = &[
        ("sec-fetch-mode", "same-origin"),
        ("sec-fetch-dest", "empty"),
        html,
    ];
    let fetched_html: &[_] = &[("sec-fetch-mode", "cors"), html];
    let frame: &[_] = &[
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
        html,
    ];
    let script: &[_] = &[("sec-fetch-mode", "cors"), ("accept", "*/*")];
    let prefetch: &[_] = &[
        ("sec-purpose", "prefetch"),
        ("sec-fetch-mode", "navigate"),
        html,
    ];
    let preflight: &[_] = &[
        ("origin", "https://other.test"),
        ("access-control-request-method", "GET"),
    ];
    let htmx: &[_] = &[("hx-request", "true"), ("accept", "*/*")];
    let (get, callback) = (Method::GET, "/telenor/callback");
    for (what, request, status, own) in [
        (
            "page",
            navigation(callback),
            400,
            Some("callback_malformed"),
        ),
        (
            "page passed on by a worker",
            request(get.clone(), "/private", relayed),
            401,
            Some("login_required"),
        ),
        (
            "frame",
            request(get.clone(), "/private", frame),
            401,
            Some("login_required"),
        ),
        (
            "client that asks for HTML",
            request(get.clone(), "/private", fetched_html),
            401,
            Some("login_required"),
        ),
        (
            "page loaded ahead",
            request(get.clone(), "/private", prefetch),
            503,
            Some("speculative_request"),
        ),
        (
            "form that was not sent",
            navigation("/telenor/login?return_to=%2Fprivate&form=not-sent"),
            401,
            Some("form_not_sent"),
        ),
        (
            "script",
            request(get.clone(), "/private", script),
            401,
            None,
        ),
        (
            "script at the callback",
            request(get.clone(), callback, script),
            400,
            None,
        ),
        (
            "preflight",
            request(Method::OPTIONS, "/private", preflight),
            403,
            None,
        ),
        (
            "part of a page",
            request(get.clone(), "/private", htmx),
            401,
            None,
        ),
        (
            "link scanner",
            request(Method::HEAD, "/private", &[]),
            401,
            None,
        ),
    ] {
        let answer = app.browser().send(request).await;
        assert_eq!(answer.status, status, "{what}");
        match own {
            Some(cause) => {
                assert_eq!(answer.body, format!("own {cause}"), "{what}");
                assert_protected(&answer);
            }
            None => {
                let kind = answer.header("content-type");
                assert_eq!(kind, Some("application/problem+json"), "{what}");
                assert!(!answer.body.contains("own"), "{what}");
            }
        }
    }
}

/// Brings about one failure in an app, and returns the page.
async fn failed(cause: FailureCause, app: &App, browser: &mut Browser) -> Option<Answer> {
    use FailureCause as C;
    let at_gateway = |url: &str, error: &str| {
        let description = Some("<i>Denied</i> & \"gone\"");
        app.gateway.fail(url, error, description).unwrap()
    };
    let after_start = |error: &'static str| (error, "/private?n=1");
    let token_answer = |status| {
        app.gateway
            .answer_next(Endpoint::Token, Scripted::status(status))
    };
    let errors = match cause {
        C::AccessDenied => Some(after_start("access_denied")),
        C::LineNotRecognized => Some(after_start("login_required")),
        C::ProviderRefused => Some(after_start("invalid_scope")),
        C::ProviderError => Some(after_start("server_error")),
        C::ProviderUnavailable => Some(after_start("temporarily_unavailable")),
        _ => None,
    };
    if let Some((error, target)) = errors {
        let location = browser.start(target).await;
        return Some(browser.open(&at_gateway(&location, error)).await);
    }
    let target = match cause {
        C::CallbackMalformed => "/telenor/callback".to_owned(),
        C::ErrorWithoutLogin => "/telenor/callback?error=server_error".to_owned(),
        C::StateUnknown => "/telenor/callback?code=c&state=AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        C::CallbackAstray => {
            let state = state_of(&browser.start("/private").await);
            format!("/private?code=c&state={state}")
        }
        C::StateExpired => {
            let callback = browser.callback_url(&app.gateway, "/private").await;
            app.clock.advance(std::time::Duration::from_secs(301));
            callback
        }
        C::CodeReplayed => {
            let callback = browser.callback_url(&app.gateway, "/private?n=1").await;
            let mut first = browser.clone();
            first.open(&callback).await;
            app.clock.advance(2 * MINUTE);
            callback
        }
        C::CodeRejected | C::TokenResponseInvalid | C::GatewayBusy => {
            let callback = browser.callback_url(&app.gateway, "/private?n=1").await;
            match cause {
                C::CodeRejected => app.gateway.answer_next(
                    Endpoint::Token,
                    Scripted::json(400, r#"{"error":"invalid_grant"}"#),
                ),
                C::TokenResponseInvalid => token_answer(200),
                _ => token_answer(429),
            }
            callback
        }
        C::FormNotSent => "/telenor/login?return_to=%2Fprivate&form=not-sent".to_owned(),
        C::LoginRequired | C::MethodNotAllowed | C::SpeculativeRequest => {
            let mut request = navigation("/telenor/login?return_to=%2Fprivate%3Fn%3D1");
            let (name, value) = match cause {
                C::LoginRequired => ("sec-fetch-dest", "iframe"),
                C::SpeculativeRequest => ("sec-purpose", "prefetch"),
                _ => ("x-nothing", ""),
            };
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
            if cause == C::MethodNotAllowed {
                *request.method_mut() = Method::POST;
            }
            return Some(browser.send(request).await);
        }
        C::CrossSiteRequest => {
            let callback = browser.callback_url(&app.gateway, "/private").await;
            browser.open(&callback).await;
            let mut request = navigation("/telenor/logout");
            *request.method_mut() = Method::POST;
            let foreign = HeaderValue::from_static("cross-site");
            request.headers_mut().insert("sec-fetch-site", foreign);
            return Some(browser.send(request).await);
        }
        C::ForeignOrigin => {
            let html = &[("accept", "text/html"), ("sec-fetch-site", "cross-site")];
            let request = request(Method::GET, "/telenor/user-info", html);
            return Some(browser.send(request).await);
        }
        C::LoginRefused => browser.callback_url(&app.gateway, "/private?refused").await,
        C::LoginHookFailed => browser.callback_url(&app.gateway, "/private?failed").await,
        C::InsufficientUserAuthentication | C::CrossOriginRequest => {
            let callback = browser.callback_url(&app.gateway, "/private").await;
            browser.open(&callback).await;
            if cause == C::InsufficientUserAuthentication {
                app.clock.advance(6 * MINUTE);
                return Some(browser.open("/recent?n=1").await);
            }
            let mut form = navigation("/private");
            *form.method_mut() = Method::POST;
            let sibling = HeaderValue::from_static("https://evil.app.test");
            form.headers_mut().insert(header::ORIGIN, sibling);
            let site = HeaderValue::from_static("same-site");
            form.headers_mut().insert("sec-fetch-site", site);
            return Some(browser.send(form).await);
        }
        _ => return None,
    };
    Some(browser.open(&target).await)
}

fn escaped(text: &str) -> String {
    let escape = |character| match character {
        '<' => "&#60;".to_owned(),
        '>' => "&#62;".to_owned(),
        '&' => "&#38;".to_owned(),
        '"' => "&#34;".to_owned(),
        '\'' => "&#39;".to_owned(),
        other => String::from(other),
    };
    text.chars().map(escape).collect()
}

const CAUSES: [FailureCause; 22] = [
    FailureCause::AccessDenied,
    FailureCause::LineNotRecognized,
    FailureCause::ProviderRefused,
    FailureCause::ProviderError,
    FailureCause::ProviderUnavailable,
    FailureCause::CallbackMalformed,
    FailureCause::CallbackAstray,
    FailureCause::ErrorWithoutLogin,
    FailureCause::StateUnknown,
    FailureCause::StateExpired,
    FailureCause::CodeRejected,
    FailureCause::CodeReplayed,
    FailureCause::TokenResponseInvalid,
    FailureCause::GatewayBusy,
    FailureCause::LoginRefused,
    FailureCause::LoginHookFailed,
    FailureCause::LoginRequired,
    FailureCause::InsufficientUserAuthentication,
    FailureCause::FormNotSent,
    FailureCause::CrossSiteRequest,
    FailureCause::CrossOriginRequest,
    FailureCause::ForeignOrigin,
];

/// An app whose hook does what the place says that its login leads to, and which has a page for
/// those who logged in lately.
async fn failing(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> App {
    let hook = async |login: NewLogin| match login.return_to() {
        "/private?refused" => Err(login.refuse("Ikke <kunde>", "Ring oss & \"spør\".")),
        "/private?failed" => Err(LoginError::failed("no database")),
        _ => Ok(login),
    };
    let (gateway, clock, hits) = (
        MockGateway::start().await.unwrap(),
        Clock::manual(),
        Hits::default(),
    );
    let auth = settings(builder(&gateway).clock(clock.clone())).on_login(hook);
    let recent = get(async |_: RecentLogin<5>| "recent");
    let router = routes(&hits).route("/recent", recent);
    App {
        router: router.layer(auth.build().unwrap()),
        gateway,
        clock,
        hits,
    }
}

#[tokio::test]
async fn failure_is_what_the_layers_page_says() {
    let seen = Seen::default();
    let given = Arc::clone(&seen);
    let app = failing(|builder| {
        builder
            .app_name("Fjellbua")
            .purpose(Language::Bokmal, "fylle ut <adressen> din.")
            .continue_without("/manual-form?a=1&b=2")
            .script_api(true)
            .failure_page(move |failure| {
                given.lock().unwrap().push(failure.clone());
                None::<FailurePage>
            })
    })
    .await;
    for cause in CAUSES.into_iter().chain([
        FailureCause::MethodNotAllowed,
        FailureCause::SpeculativeRequest,
    ]) {
        let mut browser = app.browser();
        let page = failed(cause, &app, &mut browser).await.expect("a page");
        let failure = last(&seen);
        assert_eq!(failure.cause(), cause);
        assert_eq!(page.status, failure.status());
        if cause == FailureCause::LoginRefused {
            assert_eq!(failure.title(), "Ikke <kunde>");
            assert_eq!(failure.summary(), "Ring oss & \"spør\".");
        }
        let words = [failure.title(), failure.summary(), failure.button()];
        let more = [
            failure.consequence(),
            failure.login_id(),
            failure.description(),
            failure.retry(),
            failure.logout(),
            failure.continue_without(),
        ];
        let words = words.into_iter().chain(more.into_iter().flatten());
        for words in words.chain(failure.advice().iter().copied()) {
            // Both have one link, to the home.
            let to_home = matches!(
                cause,
                FailureCause::ForeignOrigin | FailureCause::CrossOriginRequest
            );
            let is_shown = !to_home || words != failure.button();
            assert_eq!(
                page.body.contains(&escaped(words)),
                is_shown,
                "{cause}: {words}"
            );
        }
        let links = page.body.matches(" href=\"").count();
        let expected = [failure.retry(), failure.continue_without()];
        let expected = expected.into_iter().flatten().count().max(1);
        assert_eq!(links, expected, "{cause}");
        let forms = page.body.matches("<form").count();
        assert_eq!(forms, usize::from(failure.logout().is_some()), "{cause}");
        assert_eq!(failure.purpose(), Some("fylle ut <adressen> din"));
        assert_eq!(failure.language(), Language::Bokmal);
        assert!(!failure.login_pending(), "{cause}");
        assert!(!format!("{failure:?}").contains("gone"), "{cause}");
    }
}

#[tokio::test]
async fn login_is_pending_where_the_same_address_continues_it() {
    let seen = Seen::default();
    let given = Arc::clone(&seen);
    let store = FaultyStore::new(MemoryStore::new());
    let faulty = store.clone();
    let app = App::with(|builder| {
        builder.session_store(store).failure_page(move |failure| {
            given.lock().unwrap().push(failure.clone());
            None::<FailurePage>
        })
    })
    .await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    browser
        .jar
        .push(("__Host-telenor-session".into(), "x".repeat(43)));
    faulty.set_for(Operation::Load, Fault::Error);
    browser.open(&callback).await;
    let failure = last(&seen);
    assert_eq!(failure.cause(), FailureCause::StoreUnavailable);
    assert!(failure.login_pending());
    assert_eq!(failure.retry(), Some("/telenor/login?return_to=%2Fwhoami"));
    let mut ahead = navigation(&callback);
    let prefetch = HeaderValue::from_static("prefetch");
    ahead.headers_mut().insert("sec-purpose", prefetch);
    browser.send(ahead).await;
    assert!(last(&seen).login_pending());
    browser.open("/private?n=1").await;
    let failure = last(&seen);
    assert!(!failure.login_pending());
    let here = "/telenor/login?return_to=%2Fprivate%3Fn%3D1";
    assert_eq!(
        failure.retry(),
        Some(here),
        "a failure leads back to its place"
    );
    faulty.set_for(Operation::Load, Fault::None);
    // Nothing was sent, so the code is still good.
    let App { gateway, .. } = app;
    drop(gateway);
    browser.open(&callback).await;
    let failure = last(&seen);
    assert_eq!(failure.cause(), FailureCause::GatewayUnreachable);
    assert!(failure.login_pending() && browser.pending().len() == 1);
}

#[tokio::test]
async fn every_report_of_a_failure_has_it_in_its_extensions() {
    for own in [false, true] {
        let app = App::with(|builder| match own {
            true => builder
                .failure_page(|_| FailurePage::html("own"))
                .optional(true),
            false => builder.optional(true),
        })
        .await;
        let (router, seen) = watched(&app);
        let mut browser = Browser {
            router,
            jar: Vec::new(),
        };
        for html in [true, false] {
            let accept = if html {
                "text/html"
            } else {
                "application/json"
            };
            let accept = &[("accept", accept), ("sec-fetch-mode", "cors")];
            browser.send(request(Method::GET, "/whoami", accept)).await;
            assert_eq!(
                last(&seen).cause(),
                FailureCause::LoginRequired,
                "extractor"
            );
            let callback = "/telenor/callback?code=c&state=AAAAAAAAAAAAAAAAAAAAAA";
            browser.send(request(Method::GET, callback, accept)).await;
            let failure = last(&seen);
            assert_eq!(failure.cause(), FailureCause::StateUnknown, "own route");
            assert!(failure.login_id().is_some());
        }
        browser.jar = app.signed_in().await.jar;
        app.gateway
            .answer_always(Endpoint::UserInfo, Scripted::status(503));
        let answer = browser.open("/name?n=1").await;
        assert_eq!(answer.body == "own", own);
        let failure = last(&seen);
        assert_eq!(
            failure.cause(),
            FailureCause::ProviderUnavailable,
            "ApiError"
        );
        assert_eq!(failure.retry(), Some("/name?n=1"));
        browser.open("/private").await;
        assert!(seen.lock().unwrap().is_empty(), "no failure");
    }
}

#[tokio::test]
async fn middleware_can_replace_a_response() {
    let app = App::start().await;
    let replace = async |request: Request, next: Next| -> Response {
        let response = next.run(request).await;
        let Some(failure) = response.extensions().get::<Failure>().cloned() else {
            return response;
        };
        let mut response: Response = response.map(|_| failure.title().to_owned().into());
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    };
    let router = app.router.clone().layer(middleware::from_fn(replace));
    let mut browser = Browser {
        router,
        jar: Vec::new(),
    };
    let location = browser.start("/private").await;
    let denied = app.gateway.deny(&location).unwrap();
    let answer = browser.open(&denied).await;
    assert_eq!(answer.body, "Du sa nei til å dele opplysninger");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_protected(&answer);
    assert!(answer.header("set-cookie").is_some());
    assert!(browser.pending().is_empty(), "the login has ended");
}

#[tokio::test]
async fn page_that_panics_is_replaced_by_the_layers() {
    let app = App::with(|builder| {
        builder.failure_page(|failure| -> FailurePage {
            assert!(
                failure.cause() != FailureCause::AccessDenied,
                "a mistake of the app"
            );
            FailurePage::html("own")
        })
    })
    .await;
    let (log, _guard) = capture();
    let mut browser = app.browser();
    let location = browser.start("/private").await;
    let denied = app.gateway.deny(&location).unwrap();
    let page = browser.open(&denied).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("<h1>Du sa nei"));
    let lines = log.lines("ERROR", &["failure_page panicked"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let id = between(&page.body, "<code>", "</code>");
    assert!(lines[0].contains(id), "{lines:?}");
    let next = browser.open("/telenor/callback").await;
    assert_eq!(next.body, "own", "the function is called again");
}

/// S98.
#[tokio::test]
async fn policy_of_the_app_counts_and_frames_stay_forbidden() {
    let policies = |answer: &Answer| -> Vec<String> {
        let policies = answer.headers.get_all(header::CONTENT_SECURITY_POLICY);
        let text = |policy: &HeaderValue| policy.to_str().unwrap().to_owned();
        policies.iter().map(text).collect()
    };
    let app = App::with(|builder| builder.failure_page(|_| FailurePage::html("own"))).await;
    let page = app.browser().open("/telenor/callback").await;
    let default = "script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
                   frame-ancestors 'none'";
    assert_eq!(policies(&page), [default]);
    let loose = "default-src *; frame-ancestors *";
    let app = App::with(|builder| {
        builder.failure_page(move |_| {
            let plain = HeaderValue::from_static("text/plain");
            let page = FailurePage::new(plain, "own");
            page.content_security_policy(HeaderValue::from_static(loose))
        })
    })
    .await;
    let page = app.browser().open("/telenor/callback").await;
    assert_eq!(page.header("content-type"), Some("text/plain"));
    // A browser enforces each policy that it gets.
    assert_eq!(policies(&page), [loose, "frame-ancestors 'none'"]);
    assert_protected(&page);
}

#[tokio::test]
async fn test_failure_has_what_an_unescaped_page_breaks_on() {
    let failure = Failure::for_test(FailureCause::CrossSiteRequest, Language::English);
    assert!(failure.logout().unwrap().contains("\"'<b>"));
    let failure = Failure::for_test(FailureCause::AccessDenied, Language::English);
    for text in [
        failure.retry(),
        failure.continue_without(),
        failure.description(),
    ] {
        assert!(text.unwrap().contains("<b>"), "{text:?}");
    }
    assert_eq!(failure.status(), 403);
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).expect("the start is there");
    rest.split_once(end).expect("the end is there").0
}
