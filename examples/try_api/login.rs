//! Who is at the browser, as the layer finds out?

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header,
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use telenor_auth::{FailureCause, TelenorAuthLayer, TelenorUser, events::Event};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tower::ServiceExt;

use crate::{
    advice,
    exit::Exit,
    explain::{self, TokenRequest},
};

/// How long an open connection may take to get its last answer.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// How a login ended.
pub(crate) enum Ending {
    SignedIn(Box<TelenorUser>),
    Failed { cause: FailureCause, detail: String },
}

/// Hears what the layer tells: explains it, and passes on what ends the run.
pub(crate) struct Ear {
    pub(crate) endings: mpsc::UnboundedSender<Ending>,
    pub(crate) token_request: TokenRequest,
    started: Mutex<Vec<String>>,
}

impl Ear {
    pub(crate) fn new(endings: mpsc::UnboundedSender<Ending>, token_request: TokenRequest) -> Self {
        Self {
            endings,
            token_request,
            started: Mutex::default(),
        }
    }

    pub(crate) fn hear(&self, event: &Event<'_>) {
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
                    // Nobody listens after the first ending.
                    let _ = self.endings.send(Ending::Failed { cause, detail });
                } else {
                    explain::advice(advice::for_login(cause, detail));
                    explain::step("", "still waiting");
                }
            }
            _ => {}
        }
    }

    /// Any page can send the browser to the callback with an error: that must not pass for Telenor's answer.
    fn ends_the_run(&self, login_id: Option<&str>, cause: FailureCause) -> bool {
        let again = matches!(
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
        ours && !again
    }
}

pub(crate) fn exit_of(cause: FailureCause) -> Exit {
    match cause {
        FailureCause::GatewayUnreachable | FailureCause::GatewayTimeout => Exit::Unreachable,
        _ => Exit::Login,
    }
}

/// One guarded page, which hands its user over.
pub(crate) fn app(layer: TelenorAuthLayer, endings: mpsc::UnboundedSender<Ending>) -> Router {
    Router::new()
        .route("/", get(done))
        .with_state(endings)
        .layer(layer)
}

async fn done(
    State(endings): State<mpsc::UnboundedSender<Ending>>,
    user: TelenorUser,
) -> impl IntoResponse {
    // A reload finds nobody listening any more, and needs nobody.
    let _ = endings.send(Ending::SignedIn(Box::new(user)));
    let policy = "default-src 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(DONE))
}

/// The address that the layer sends a browser to; this login goes no further. `None` would be a fault of the layer's.
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

/// What passes between browser and layer that the layer does not tell.
pub(crate) struct Watched {
    pub(crate) callback_path: String,
    pub(crate) authorization_endpoint: String,
}

async fn watch(State(watched): State<Arc<Watched>>, request: Request, next: Next) -> Response {
    if request.uri().path() == watched.callback_path {
        explain::callback(request.uri().query().unwrap_or_default());
    }
    let response = next.run(request).await;
    let location = response.headers().get(header::LOCATION);
    if let Some(location) = location.and_then(|location| location.to_str().ok())
        && location.starts_with(&watched.authorization_endpoint)
    {
        explain::authorization(location);
    }
    response
}

pub(crate) struct Server {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, app: Router, watched: Watched) -> Self {
        let app = app.layer(from_fn_with_state(Arc::new(watched), watch));
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, app).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        Self {
            stop,
            serving: tokio::spawn(serving.into_future()),
        }
    }

    /// Takes no more requests, and gives the last page the time to reach the browser.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _ = tokio::time::timeout(CLOSING_TIME, self.serving).await;
    }
}

const DONE: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content='width=device-width'><title>Logged in</title>\
    <h1>Logged in</h1><p>You can close this page and go back to the terminal.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_login_of_ours_ends_the_run() {
        let (endings, _) = mpsc::unbounded_channel();
        let request = TokenRequest {
            client_id: String::new(),
            redirect_uri: true,
            pkce: true,
        };
        let ear = Ear::new(endings, request);
        ear.started.lock().unwrap().push("ours".to_owned());
        for (login_id, cause, ends) in [
            (Some("ours"), FailureCause::AccessDenied, true),
            (Some("forged"), FailureCause::AccessDenied, false),
            (None, FailureCause::AccessDenied, false),
            (Some("ours"), FailureCause::StateUnknown, false),
            (None, FailureCause::CallbackMalformed, false),
            (None, FailureCause::LoginLoop, true),
        ] {
            assert_eq!(
                ear.ends_the_run(login_id, cause),
                ends,
                "{login_id:?} {cause}"
            );
        }
    }
}
