//! The first example of README.md: a login in your own browser, without credentials.
//!
//! ```text
//! cargo run --example minimal --features mock
//! ```

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use axum::{Router, response::Html, routing::get};
use telenor_auth::{ApiError, RouterExt, TelenorAuthLayer, TelenorUser};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let origin = format!("http://{}", listener.local_addr()?);

    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = telenor_auth::mock::MockGateway::start().await?; // in place of Telenor
    let auth = TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
        .gateway(mock.base_url())
        .build()?;

    let app = Router::new()
        .route("/checkout", get(checkout))
        .telenor_auth(auth) // guards the routes above it
        .route("/", get(async || Html("<a href=/checkout>Til kassen</a>")));

    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn checkout(user: TelenorUser) -> Result<String, ApiError> {
    let info = user.info().await?;
    let name = info.name().and_then(|name| name.given_name());
    Ok(format!("Hei, {}!", name.unwrap_or("du")))
}
