//! An app on plain http behind nginx, which ends TLS: behind_nginx.conf configures it.
//!
//! ```text
//! cargo run --example behind_nginx
//! ```
//!
//! It needs what `TelenorAuthLayer::from_env` reads, of Telenor or of the example mock_gateway.
//! docs/proxy.md says more, and has other proxies.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error, time::Duration};

use axum::{Router, http::StatusCode, response::Html, routing::get};
use telenor_auth::{RouterExt, TelenorAuthLayer, TelenorUser, request_span};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tower_http::{timeout::TimeoutLayer, trace::TraceLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;

    // TELENOR_REDIRECT_URI is the address that browsers see. No header of a request changes it.
    let auth = TelenorAuthLayer::from_env()?.build()?;

    let five_seconds = Duration::from_secs(5);
    let app = Router::new()
        .route("/account", get(async |_: TelenorUser| "Du er logget inn"))
        // Inside the layer: a callback waits for Telenor, and has limits of its own.
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, five_seconds))
        .telenor_auth(auth)
        .route("/", get(async || Html("<a href=/account>Din konto</a>")))
        .route("/healthz", get(async || "ok"))
        // A line for each request, without the query, which holds codes.
        .layer(TraceLayer::new_for_http().make_span_with(request_span));
    println!("nginx can reach the app: open http://{address}");
    // systemd ends it by SIGTERM. Requests in progress get their response first.
    let mut terminated = signal(SignalKind::terminate())?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move { terminated.recv().await.unwrap_or_default() })
        .await?;
    Ok(())
}
