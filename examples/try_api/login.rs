//! The app that logs the user in, and the result of the login.

use std::sync::{Mutex, PoisonError};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use telenor_auth::{FailureCause, TelenorAuthLayer, TelenorUser, events::Event};
use tokio::sync::mpsc::UnboundedSender;
use tower::ServiceExt;

use crate::{
    advice,
    exit::Exit,
    explain::{self, TokenRequest},
};

pub(crate) enum LoginResult {
    SignedIn(Box<TelenorUser>),
    Failed { cause: FailureCause, detail: String },
}

/// Explains the layer's events, and sends on the failure that ends the run.
pub(crate) struct EventSink {
    results: UnboundedSender<LoginResult>,
    token_request: TokenRequest,
    /// The ids of this run's logins.
    started: Mutex<Vec<String>>,
}

impl EventSink {
    pub(crate) fn new(results: UnboundedSender<LoginResult>, token_request: TokenRequest) -> Self {
        Self {
            results,
            token_request,
            started: Mutex::default(),
        }
    }

    pub(crate) fn record(&self, event: &Event<'_>) {
        explain::event(event, &self.token_request);
        match *event {
            Event::LoginStarted { login_id, .. } => {
                let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
                started.push(login_id.to_owned());
            }
            Event::LoginFailed {
                login_id,
                cause,
                detail,
                ..
            } => {
                if self.ends_the_run(login_id, cause) {
                    let detail = detail.to_owned();
                    // The run takes the first result only.
                    let _ = self.results.send(LoginResult::Failed { cause, detail });
                } else {
                    explain::advice(advice::for_login(cause, detail));
                    explain::step("", "still waiting");
                }
            }
            _ => {}
        }
    }

    /// Any page can send the browser to the callback with an error, which is not Telenor's answer.
    fn ends_the_run(&self, login_id: Option<&str>, cause: FailureCause) -> bool {
        let retryable = matches!(
            cause,
            FailureCause::StateUnknown
                | FailureCause::StateExpired
                | FailureCause::CallbackMalformed
        );
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = match login_id {
            Some(login_id) => started.iter().any(|started| started == login_id),
            None => cause == FailureCause::LoginLoop,
        };
        ours && !retryable
    }
}

pub(crate) fn exit_code(cause: FailureCause) -> Exit {
    match cause {
        FailureCause::GatewayUnreachable | FailureCause::GatewayTimeout => Exit::Unreachable,
        _ => Exit::Login,
    }
}

/// One page that needs a login, and sends its user as the result.
pub(crate) fn app(layer: TelenorAuthLayer, results: UnboundedSender<LoginResult>) -> Router {
    Router::new()
        .route("/", get(done))
        .with_state(results)
        .layer(layer)
}

async fn done(
    State(results): State<UnboundedSender<LoginResult>>,
    user: TelenorUser,
) -> impl IntoResponse {
    // After a reload the run has its result already.
    let _ = results.send(LoginResult::SignedIn(Box::new(user)));
    let policy = "default-src 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(DONE))
}

/// The address that the layer redirects a browser to. `None` would be a bug of the layer.
pub(crate) async fn authorization_url(app: &Router) -> Option<String> {
    let page = Request::get("/").header(header::ACCEPT, "text/html");
    let answer = app
        .clone()
        .oneshot(page.body(Body::empty()).ok()?)
        .await
        .ok()?;
    let location = answer.headers().get(header::LOCATION)?;
    Some(location.to_str().ok()?.to_owned())
}

const DONE: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content='width=device-width'><title>Logged in</title>\
    <h1>Logged in</h1><p>You can close this page and go back to the terminal.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_login_of_this_run_ends_it() {
        let (results, _) = tokio::sync::mpsc::unbounded_channel();
        let request = TokenRequest {
            endpoint: String::new(),
            client_id: String::new(),
            redirect_uri: true,
            pkce: true,
        };
        let events = EventSink::new(results, request);
        events.started.lock().unwrap().push("ours".to_owned());
        for (login_id, cause, ends) in [
            (Some("ours"), FailureCause::AccessDenied, true),
            (Some("forged"), FailureCause::AccessDenied, false),
            (None, FailureCause::AccessDenied, false),
            (Some("ours"), FailureCause::StateUnknown, false),
            (None, FailureCause::CallbackMalformed, false),
            (None, FailureCause::LoginLoop, true),
        ] {
            assert_eq!(
                events.ends_the_run(login_id, cause),
                ends,
                "{login_id:?} {cause}"
            );
        }
    }
}
