//! Sessions in Redis or Valkey, shared by all processes of the app.
//!
//! ```text
//! export REDIS_URL=redis://localhost TELENOR_COOKIE_KEYS=$(openssl rand -base64 32)
//! cargo run --example redis --features mock,redis
//! ```
//!
//! Start it again, or a second time with `LISTEN=127.0.0.1:3001`: the users stay signed in.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error};

use axum::{Router, response::Html, routing::get};
use telenor_auth::{
    CookieKeys, RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway, session::RedisStore,
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);

    // The same keys in every process: they seal what the browser keeps, and what Redis keeps.
    let keys = CookieKeys::from_env("TELENOR_COOKIE_KEYS")?;
    let redis = env::var("REDIS_URL").unwrap_or("redis://localhost".to_owned());
    let store = RedisStore::new(&redis, &keys)?;

    // Without credentials, a mock. For production, take out the match and the feature `mock`.
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = match env::var_os("TELENOR_CLIENT_ID") {
        Some(_) => TelenorAuthLayer::from_env()?,
        None => TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
            .gateway(mock.base_url()),
    };
    let auth = auth.session_store(store).build()?;

    let ready = auth.clone();
    let app = Router::new()
        .route("/account", get(account))
        .telenor_auth(auth)
        .route("/", get(async || Html("<a href=/account>Din konto</a>")))
        // 503 while Redis is away.
        .route("/ready", get(async move || ready.ready().await));
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn account(user: TelenorUser) -> String {
    format!("Innlogging {}", user.login_id())
}
