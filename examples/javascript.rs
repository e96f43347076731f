//! User info for a script of the app's own page: javascript.html has the script.
//!
//! ```text
//! cargo run --example javascript --features mock
//! ```
//!
//! The script calls the layer's routes `/telenor/session` and `/telenor/user-info`, and an API of
//! the app. The browser sends the session's cookie, and the access token never enters the page.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error};

use axum::{Json, Router, response::Html, routing::get};
use serde_json::{Value, json};
use telenor_auth::{RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);

    // Without credentials, a mock. For production, take out the match and the feature `mock`.
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = match env::var_os("TELENOR_CLIENT_ID") {
        Some(_) => TelenorAuthLayer::from_env()?,
        None => TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
            .gateway(mock.base_url()),
    };
    let auth = auth.script_api(true).build()?;

    let app = Router::new()
        // A script without a session gets 401 and JSON here, and never a redirect to Telenor.
        .route("/api/orders", get(orders))
        .telenor_auth(auth)
        // Public, so the page itself loads before a login.
        .route("/", get(async || Html(include_str!("javascript.html"))));
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn orders(_: TelenorUser) -> Json<Value> {
    Json(json!([{ "item": "Anorakk", "count": 1 }]))
}
