//! A page that listens to the server for as long as its user is signed in.
//!
//! ```text
//! cargo run --example live --features mock
//! ```
//!
//! The page has a WebSocket and an event stream. Both end when the user logs out, also in another
//! tab, when an operator ends all sessions, and after two minutes, when the session expires. The
//! gateway is a mock in the same process.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

mod live;

use std::{error::Error, time::Duration};

use telenor_auth::{TelenorAuthLayer, mock::MockGateway};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{origin}/telenor/callback");
    let gateway = MockGateway::builder()
        .redirect_uri(redirect_uri.clone())
        .app_name("Direkte")
        .start()
        .await?;
    let auth =
        TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
            .gateway(gateway.base_url())
            .app_name("Direkte")
            .max_session_age(Duration::from_secs(120))
            .build()?;
    println!("open {origin}");
    axum::serve(listener, live::router(auth)).await?;
    Ok(())
}
