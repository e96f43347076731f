//! The server of the native app, from the login in the browser to the app's own token.

use axum::body::Body;
use http::{Request, StatusCode};

use super::program::{KARI, Program, between};
use crate::support::Browser;

const OTHER_VERIFIER: &str = "EjXk-mB92K27uhbUJU1p1r_wW1gFWFOdBjftJeZ4CVP";

/// The program, which plays the app's part too, the verifier of the app, and its browser.
async fn app() -> (Program, String, Browser, String) {
    app_with(&[]).await
}

async fn app_with(settings: &[(&'static str, &str)]) -> (Program, String, Browser, String) {
    let mut program = Program::start("native_app", settings);
    let verifier = between(&program.line_with("curl"), "code_verifier=", " ");
    let mut browser = program.visitor();
    let done = format!("/app/done?challenge={}", challenge(&verifier));
    let login = format!("/telenor/login?return_to={done}");
    let landed = browser.log_in_as(KARI, &login).await.location();
    assert_eq!(landed, format!("{}{done}", program.base));
    (program, verifier, browser, done)
}

fn challenge(verifier: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

async fn code(browser: &mut Browser, page: &str) -> String {
    let page = browser.open(page).await;
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    between(&page.body, "https://app.shop.example/app/open?code=", "'")
}

/// The app has no cookie.
async fn exchange(program: &Program, code: &str, verifier: &str) -> StatusCode {
    let form = Request::post("/app/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("code={code}&code_verifier={verifier}")));
    program.visitor().send(form.unwrap()).await.status
}

#[tokio::test]
async fn native_app_gets_a_token_once_by_its_code_and_verifier() {
    let (program, verifier, mut browser, done) = app().await;
    let code = code(&mut browser, &done).await;
    assert_eq!(exchange(&program, &code, &verifier).await, StatusCode::OK);
    assert_eq!(
        exchange(&program, &code, &verifier).await,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn native_app_that_catches_the_link_gets_nothing_and_uses_the_code_up() {
    let (program, verifier, mut browser, done) = app().await;
    for wrong in [OTHER_VERIFIER, "", "short", &challenge(&verifier)] {
        let code = code(&mut browser, &done).await;
        assert_eq!(
            exchange(&program, &code, wrong).await,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            exchange(&program, &code, &verifier).await,
            StatusCode::BAD_REQUEST
        );
    }
    // A short verifier could be guessed, also where its hash fits.
    let short = format!("/app/done?challenge={}", challenge("short"));
    let code = code(&mut browser, &short).await;
    assert_eq!(
        exchange(&program, &code, "short").await,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn native_app_that_comes_after_the_time_of_its_code_gets_nothing() {
    let (program, verifier, mut browser, done) = app_with(&[("CODE_SECONDS", "0")]).await;
    let code = code(&mut browser, &done).await;
    let late = exchange(&program, &code, &verifier).await;
    assert_eq!(late, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn native_app_has_one_code_for_a_login_and_none_without() {
    let (program, verifier, mut browser, done) = app().await;
    let replaced = code(&mut browser, &done).await;
    let last = code(&mut browser, &done).await;
    assert_eq!(
        exchange(&program, &replaced, &verifier).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(exchange(&program, &last, &verifier).await, StatusCode::OK);
    assert_eq!(
        browser.open("/app/done").await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        program.visitor().open(&done).await.status,
        StatusCode::SEE_OTHER
    );
}
