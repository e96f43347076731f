//! A shop whose customers have accounts in axum-login, and can log in with their Telenor line too.
//!
//! ```text
//! cargo run -p telenor-auth-axum-login-example
//! ```
//!
//! It starts with the mock gateway, whose first subscriber is customer 1.

mod app;
mod customers;
#[cfg(test)]
mod tests;

use std::error::Error;

use telenor_auth::{Clock, MobileNumber, TelenorAuthLayer, mock::MockGateway};
use tokio::net::TcpListener;

use crate::customers::Customers;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{origin}/telenor/callback");
    let gateway = MockGateway::builder().redirect_uri(redirect_uri.clone());
    let gateway = gateway.start().await?;
    let (id, secret) = (gateway.client_id(), gateway.client_secret());
    let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
        .gateway(gateway.base_url())
        .optional(true)
        .build()?;

    let customers = Customers::new(Clock::default());
    customers.add(1, "kari@eksempel.no", "kari");
    customers.add(2, "ola@eksempel.no", "ola");
    if let Some(number) = MobileNumber::parse("91234567") {
        customers.verify_line(1, &number);
    }
    println!("{origin} (customer 2: ola@eksempel.no, password ola)");
    axum::serve(listener, app::router(auth, customers, false)).await?;
    Ok(())
}
