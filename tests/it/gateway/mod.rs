//! Requests to the gateway, and its answers.

use http::StatusCode;
use telenor_auth::mock::{Answer, Endpoint};

use crate::support::App;

mod breaker;
mod connections;
mod endpoints;
mod odd_answers;
mod proxy;
mod raw_app;
mod size;
mod tls;
mod token;
mod token_response;

/// Scripts one token answer, and returns the status of the login.
async fn ends_with(app: &App, answer: Answer) -> StatusCode {
    app.gateway.answer_next(Endpoint::Token, answer);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let before = app.gateway.hits(Endpoint::Authorize);
    let page = browser.open(&callback).await;
    if page.status == StatusCode::SEE_OTHER {
        assert!(browser.token().await.is_some());
    } else {
        assert_eq!(browser.session(), None);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let moves_on = ["location", "refresh"].map(|name| page.header(name));
        assert_eq!(moves_on, [None, None], "no automatic retry");
        assert!(!page.body.contains("http-equiv"), "no automatic retry");
        assert!(!page.body.contains("canary"), "the body is not shown");
        assert_eq!(browser.pending(), [], "the login has ended");
    }
    assert_eq!(app.gateway.hits(Endpoint::Authorize), before);
    page.status
}
