//! A start page on plain http, from which Telenor can recognize the line by the mobile network.
//!
//! ```text
//! cargo run --example http_start --features mock
//! ```
//!
//! The page needs a host of its own. In production it is the environment's `TELENOR_HTTP_START`,
//! such as `http://start.shop.example`, and here it is `localhost` beside `127.0.0.1`.
//! docs/start_page.md says what browsers do to plain http.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error};

use axum::{Router, response::Html, routing::get};
use telenor_auth::{RouterExt, TelenorAuthLayer, TelenorUser, events::Event, mock::MockGateway};
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
            .gateway(mock.base_url())
            .http_start(origin.replace("127.0.0.1", "localhost")),
    };
    // Each step loses visitors. Count them.
    let auth = auth.on_event(|event| {
        if let Event::StartPage { step, .. } = event {
            println!("start page: {}", step.as_str());
        }
    });

    let app = Router::new()
        .route("/account", get(async |_: TelenorUser| "Du er logget inn"))
        .telenor_auth(auth.build()?)
        .route("/", get(async || Html("<a href=/account>Din konto</a>")));
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}
