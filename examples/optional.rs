//! A page for all visitors, which knows a user, and a page for users alone.
//!
//! ```text
//! cargo run --example optional --features mock
//! ```

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error};

use axum::{Router, response::Html, routing::get};
use telenor_auth::{ApiError, RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway};
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
    let auth = auth.optional(true).build()?;

    let app = Router::new()
        .route("/", get(front_page))
        .route("/account", get(account))
        .telenor_auth(auth);
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// For all. `None` is a visitor who has not logged in.
async fn front_page(user: Option<TelenorUser>) -> Html<&'static str> {
    Html(match user {
        Some(_) => {
            "<p>Du er logget inn.</p><p><a href=/account>Din konto</a></p>\
             <form method=post action=/telenor/logout><button>Logg ut</button></form>"
        }
        None => "<a href='/telenor/login?return_to=/'>Logg inn</a>",
    })
}

/// For users alone, by its signature: a visitor logs in first, and comes back here.
async fn account(user: TelenorUser) -> Result<String, ApiError> {
    let info = user.info().await?;
    let name = info.name().and_then(|name| name.given_name());
    Ok(format!("Hei, {}!", name.unwrap_or("du")))
}
