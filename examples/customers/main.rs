//! An insurer whose customers log in with their line.
//!
//! ```text
//! cargo run --example customers --features mock
//! ```
//!
//! A form starts a login, and its note brings the chosen insurance back. A hook finds the customer,
//! and refuses a line that no customer has confirmed. The order needs a login of the last
//! minute. The gateway is a mock in the same process: Kari is a customer, and Ola is not.

mod app;
mod register;

use std::error::Error;

use telenor_auth::{CookieKeys, MobileNumber, mock::MockGateway};
use tokio::net::TcpListener;

use crate::register::Customers;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let listener = TcpListener::bind(("127.0.0.1", 3000)).await?;
    let redirect_uri = "http://127.0.0.1:3000/telenor/callback";
    let gateway = MockGateway::builder()
        .redirect_uri(redirect_uri)
        .app_name(app::NAME)
        .start()
        .await?;
    let mut customers = Customers::default();
    if let Some(kari) = MobileNumber::parse("91234567") {
        customers.add(17, &kari);
    }
    let (keys, id, secret) = (
        CookieKeys::random(),
        gateway.client_id(),
        gateway.client_secret(),
    );
    let layer = app::layer(id, secret, redirect_uri, keys.clone(), customers)
        .gateway(gateway.base_url())
        .build()?;
    tracing::info!("open http://127.0.0.1:3000");
    axum::serve(listener, app::router(layer, keys)).await?;
    Ok(())
}
