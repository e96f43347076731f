//! The HTTP server of a run, which explains what passes through it.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use url::Url;

use crate::explain;

/// How long an open connection may take to get its last response.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The requests and responses that are explained, because the layer has no event for them.
pub(crate) struct Watched {
    callback_path: String,
    authorization_endpoint: String,
}

impl Watched {
    pub(crate) fn new(redirect_uri: &str, authorization_url: &str) -> Self {
        let callback_path = Url::parse(redirect_uri).map(|url| url.path().to_owned());
        let (endpoint, _) = authorization_url
            .split_once('?')
            .unwrap_or((authorization_url, ""));
        Self {
            callback_path: callback_path.unwrap_or_default(),
            authorization_endpoint: endpoint.to_owned(),
        }
    }
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

    /// Accepts no more requests, and gives the last page the time to reach the browser.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.serving).await;
    }
}
