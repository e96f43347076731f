//! The pages after a failed login or a failed call.

use http::{Method, StatusCode};
use telenor_auth::mock::{Answer as Scripted, Endpoint};

use crate::support::{App, ORIGIN, navigation};

/// S32.
#[tokio::test]
async fn denied_consent_ends_the_login_with_a_page() {
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
        "nothing continues by itself"
    );
}

#[tokio::test]
async fn unanswered_phone_ends_the_login_with_a_page_of_advice() {
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

/// S108.
#[tokio::test]
async fn line_that_is_never_recognized_gets_a_page_each_time_and_no_retry() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut start = "/private".to_owned();
    for _ in 0..5 {
        let location = browser.start(&start).await;
        let page = browser
            .open(&app.gateway.time_out(&location).unwrap())
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
        assert_eq!(page.set_cookies().len(), 1, "the end of the login");
        for automatic in ["location", "refresh"] {
            assert_eq!(page.header(automatic), None);
        }
        for automatic in ["http-equiv", "<script", "onload"] {
            assert!(!page.body.contains(automatic), "{automatic}");
        }
        assert!(page.body.contains("line_not_recognized"));
        // The button, which the user has to press.
        let (_, href) = page.body.split_once("href=\"/telenor/login").unwrap();
        let (query, _) = href.split_once('"').unwrap();
        start = format!("/telenor/login{query}");
    }
    assert_eq!(app.token_requests(), 0);
}

#[tokio::test]
async fn page_is_in_the_language_of_the_browser() {
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

/// S32, S33.
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
        let kind = page.header("content-type");
        assert_eq!(kind, Some("text/html; charset=utf-8"), "{error}");
        let restart = "href=\"/telenor/login?return_to=%2Fprivate\"";
        assert!(page.body.contains(restart), "{error}: {}", page.body);
        let moves_on = ["location", "refresh"].map(|name| page.header(name));
        assert_eq!(moves_on, [None, None], "{error} leads nowhere by itself");
        assert!(!page.body.contains("http-equiv"), "{error}");
        assert!(
            !page.body.contains(">something_new<"),
            "unknown codes have our text"
        );
    }
}

/// S33.
#[tokio::test]
async fn texts_of_the_gateway_are_escaped_and_cut_and_never_links() {
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
        assert!(page.body.contains(&"x".repeat(200)), "the rest is shown");
    }
}

/// S33.
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
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!page.body.contains("canary"));
    assert!(browser.open(&failed).await.body.contains("canary"));
}

#[tokio::test]
async fn failed_api_call_leads_back_to_the_page_and_not_to_a_login() {
    let app = App::start().await;
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_always(Endpoint::UserInfo, Scripted::status(503));
    let page = browser.open("/name?n=1").await;
    assert!(page.body.contains("href=\"/name?n=1\""), "{}", page.body);
    let mut form = navigation("/name");
    *form.method_mut() = Method::POST;
    form.headers_mut().insert(
        "referer",
        format!("{ORIGIN}/private?step=2").parse().unwrap(),
    );
    let page = browser.send(form).await;
    assert!(
        page.body.contains("href=\"/private?step=2\""),
        "{}",
        page.body
    );
}

over_http2! {
    denied_consent_ends_the_login_with_a_page
    unanswered_phone_ends_the_login_with_a_page_of_advice
    line_that_is_never_recognized_gets_a_page_each_time_and_no_retry
    page_is_in_the_language_of_the_browser
    provider_errors_have_their_statuses
    texts_of_the_gateway_are_escaped_and_cut_and_never_links
    description_is_shown_only_for_a_login_of_this_browser
    failed_api_call_leads_back_to_the_page_and_not_to_a_login
}
