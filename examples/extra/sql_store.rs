//! Sessions in SQLite, through a store that was written for tower-sessions.
//!
//! ```text
//! export TELENOR_COOKIE_KEYS=$(openssl rand -base64 32)
//! cargo run -p telenor-auth-examples --example sql_store
//! ```
//!
//! Start it again, and the users are still signed in. The stores for PostgreSQL, MySQL and others
//! are one line here: `TowerSessionsStore` lists them.

use std::{env, error::Error, time::Duration};

use axum::{Router, response::Html, routing::get};
use sqlx::SqlitePool;
use telenor_auth::{
    CookieKeys, RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway,
    session::TowerSessionsStore,
};
use tokio::net::TcpListener;
use tower_sessions::ExpiredDeletion;
use tower_sessions_sqlx_store::SqliteStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);

    let database = env::var("DATABASE_URL").unwrap_or("sqlite:shop.sqlite?mode=rwc".to_owned());
    // A table of its own, and not the one of another layer of tower-sessions.
    let table = SqliteStore::new(SqlitePool::connect(&database).await?);
    let table = table.with_table_name("telenor_sessions")?;
    table.migrate().await?;
    tokio::spawn(
        table
            .clone()
            .continuously_delete_expired(Duration::from_secs(300)),
    );
    // The same keys in every process, and after a restart: they seal the rows.
    let keys = CookieKeys::from_env("TELENOR_COOKIE_KEYS")?;
    let store = TowerSessionsStore::from_core_014(table, &keys);

    // Without credentials, a mock. For production, take out the match and the feature `mock`.
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = match env::var_os("TELENOR_CLIENT_ID") {
        Some(_) => TelenorAuthLayer::from_env()?,
        None => TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
            .gateway(mock.base_url()),
    };
    let auth = auth.session_store(store).build()?;

    let app = Router::new()
        .route("/account", get(account))
        .telenor_auth(auth)
        .route("/", get(async || Html("<a href=/account>Din konto</a>")));
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn account(user: TelenorUser) -> String {
    format!("Innlogging {}", user.login_id())
}
