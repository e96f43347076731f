//! The server of a native app that opens the browser to log in, and comes back by a link that opens
//! the app. The chapter `native` of the manual has the app's part.
//!
//! ```text
//! cargo run --example native --features mock
//! ```
//!
//! It starts with the mock gateway, plays the app's part, and prints what to do.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

mod app;
mod secrets;

use std::error::Error;

use rand::distr::{Alphanumeric, SampleString as _};
use telenor_auth::{Clock, TelenorAuthLayer, mock::MockGateway};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{origin}/telenor/callback");
    let gateway = MockGateway::builder()
        .redirect_uri(redirect_uri.clone())
        .app_name("Fjellbua")
        .start()
        .await?;
    let (id, secret) = (gateway.client_id(), gateway.client_secret());
    let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
        .gateway(gateway.base_url())
        .app_name("Fjellbua")
        .build()?;

    // The app makes a verifier, keeps it, and sends its hash. 43 characters are 256 bits.
    let verifier = Alphanumeric.sample_string(&mut rand::rng(), 43);
    let challenge = app::challenge(&verifier);
    println!("1. The app opens the browser. Open this address:");
    println!("   {origin}/telenor/login?return_to=%2Fapp%2Fdone%3Fchallenge%3D{challenge}");
    println!("2. Log in, and press the link on the page. A phone would open the app. Without one,");
    println!("   the code is in the address of the page.");
    println!("3. The app exchanges the code, within 60 seconds:");
    println!("   curl -d code=CODE -d code_verifier={verifier} {origin}/app/token");
    println!("4. The app has a token of its own:");
    println!("   curl -H 'Authorization: Bearer TOKEN' {origin}/app/me");

    // In production the links have a host of their own, such as https://app.shop.example.
    let app = app::router(auth, &origin, Clock::default());
    axum::serve(listener, app).await?;
    Ok(())
}
