//! An app that runs as any number of pods: app.yaml, redis.yaml and the Dockerfile are beside it.
//!
//! ```text
//! docker build --file examples/kubernetes/Dockerfile --tag shop.example/shop:1 .
//! kubectl create secret generic telenor --from-env-file=telenor.env
//! kubectl apply --kustomize examples/kubernetes
//! ```
//!
//! telenor.env has a line `NAME=value` for each of client-id, client-secret, cookie-keys (of
//! `openssl rand -base64 32`) and redis-password (of `openssl rand -hex 32`). As arguments, they
//! would stay in the history of the shell. Make it with `umask 077`, and keep it out of git.
//!
//! Without a cluster, `cargo run --example kubernetes --features redis` needs what app.yaml sets.

use std::{env, error::Error, time::Duration};

use axum::{Router, response::Html, routing::get};
use telenor_auth::{
    ConfigError, RouterExt, TelenorAuthLayer, TelenorUser, request_span, session::RedisStore,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tower_http::trace::TraceLayer;

const KEYS: &str = "TELENOR_COOKIE_KEYS_FILE";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let auth = TelenorAuthLayer::from_env()?;
    // Every pod has the same keys, from the secret. A new version of the secret is read by itself.
    let keys = auth
        .get_cookie_keys()
        .ok_or(ConfigError::MissingVariable(KEYS))?
        .clone();
    tokio::spawn(keys.follow(Duration::from_secs(10)));
    let store = RedisStore::new(&env::var("REDIS_URL")?, &keys)?;
    let auth = auth.session_store(store).build()?;

    let ready = auth.clone();
    let app = Router::new()
        .route("/account", get(async |_: TelenorUser| "Du er logget inn"))
        .telenor_auth(auth)
        .route("/", get(async || Html("<a href=/account>Din konto</a>")))
        .layer(TraceLayer::new_for_http().make_span_with(request_span));
    // On a port of their own, which no Service has: the internet does not need them.
    let probes = Router::new()
        // The liveness probe asks for no other service: else an outage would end every pod.
        .route("/healthz", get(async || "ok"))
        .route("/ready", get(async move || ready.ready().await));
    let listener = TcpListener::bind(env::var("LISTEN_PROBES")?).await?;
    tracing::info!("probes on {}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, probes).into_future());

    let listener = TcpListener::bind(env::var("LISTEN")?).await?;
    tracing::info!("listening on {}", listener.local_addr()?);
    // Kubernetes ends a pod by SIGTERM. Requests in progress get their response first.
    let mut terminated = signal(SignalKind::terminate())?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move { terminated.recv().await.unwrap_or_default() })
        .await?;
    Ok(())
}
