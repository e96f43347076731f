//! The layer as a rule, and the tricks through it.

use http::{StatusCode, Uri};
use telenor_auth_proofs::support::{
    app::App,
    browser::{ORIGIN, navigation},
};

use super::{
    tricks::{all_forms, encoded},
    verdict::judge,
};

/// Starts a login at the route for it, which names the target in its query.
pub async fn by_query(app: &App, target: &str) -> Option<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
    let login = format!("/telenor/login?return_to={encoded}");
    log_in(app, login.parse().unwrap()).await
}

/// Starts a login at the target itself, if a request can have it.
pub async fn by_request_line(app: &App, target: &str) -> Option<String> {
    let uri: Uri = target.parse().ok()?;
    uri.path_and_query()?;
    log_in(app, uri).await
}

/// Returns the `Location` at the end of a login that starts at this address, if one starts.
async fn log_in(app: &App, start: Uri) -> Option<String> {
    let mut browser = app.browser();
    let mut request = navigation("/");
    *request.uri_mut() = start;
    let begun = browser.send(request).await;
    if begun.status != StatusCode::SEE_OTHER {
        return None;
    }
    let callback = app.gateway.allow(&begun.location()).unwrap();
    let location = browser.open(&callback).await.location();
    assert!(location.starts_with(&format!("{ORIGIN}/")), "{location}");
    Some(location)
}

/// S86, S87.
#[tokio::test]
async fn every_trick_in_the_query_stays_on_the_origin() {
    let (app, tricks) = (App::start().await, all_forms());
    let verdicts = judge(&tricks, async |target| by_query(&app, target).await).await;
    verdicts.assert_none("a trick as return_to");
    assert_eq!(verdicts.tried, tricks.len());
    assert!(
        verdicts.kept > 300,
        "only {} harmless targets are kept: a rule that refuses all proves nothing",
        verdicts.kept
    );
}

/// S85, S86, S87, S88.
#[tokio::test]
async fn every_trick_in_the_request_line_stays_on_the_origin() {
    let (app, tricks) = (App::start().await, all_forms());
    let verdicts = judge(&tricks, async |target| by_request_line(&app, target).await).await;
    verdicts.assert_none("a trick as the request target");
    assert!(verdicts.tried > 700, "{}", verdicts.tried);
}

/// S86.
#[tokio::test]
async fn every_encoded_trick_in_the_request_line_stays_on_the_origin() {
    let (app, tricks) = (App::start().await, encoded());
    let verdicts = judge(&tricks, async |target| by_request_line(&app, target).await).await;
    verdicts.assert_none("an encoded trick as the request target");
    assert!(verdicts.kept > 2_000, "{}", verdicts.kept);
}
