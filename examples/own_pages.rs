//! The layer's pages with the look and the words of the app, and one page of the app's own.
//!
//! ```text
//! cargo run --example own_pages --features mock
//! ```
//!
//! Log in, and choose "Nei, ikke del" at the mock gateway to see the app's own page.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error};

use axum::{Router, response::Html, routing::get};
use telenor_auth::{
    Failure, FailureCause, FailurePage, Language, Logo, RouterExt, TelenorAuthLayer, TelenorUser,
    mock::MockGateway,
};
use tokio::net::TcpListener;

const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>\
                    <path fill='#7a3b00' d='M2 28L12 8l6 10 4-6 8 16z'/></svg>";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);

    // Without credentials, a mock. For production, take out the match and the feature `mock`.
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::builder().app_name("Fjellbua").start().await?;
    let auth = match env::var_os("TELENOR_CLIENT_ID") {
        Some(_) => TelenorAuthLayer::from_env()?,
        None => TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
            .gateway(mock.base_url()),
    };
    let auth = auth
        .login_page(true) // asks before it sends a visitor to Telenor
        .app_name("Fjellbua")
        .logo(Logo::svg(LOGO))
        .accent_color("#7a3b00")
        .purpose(Language::Bokmal, "fylle ut adressen din")
        .purpose(Language::English, "fill in your address")
        .support_link(Language::Bokmal, "Ring oss", "tel:+4700000000")
        .continue_without("/form")
        .after_logout("/")
        .failure_page(denied)
        .build()?;

    let app = Router::new()
        .route(
            "/checkout",
            get(async |_: TelenorUser| "Adressen er fylt ut"),
        )
        .telenor_auth(auth)
        .route("/form", get(async || "Fyll ut adressen selv"))
        .route("/", get(async || Html("<a href=/checkout>Til kassen</a>")));
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// A page of the app for a denied consent, and the layer's page for all other failures.
///
/// It takes nothing from the [`Failure`] that would have to be escaped.
fn denied(failure: &Failure) -> Option<FailurePage> {
    (failure.cause() == FailureCause::AccessDenied).then(|| {
        FailurePage::html(
            "<!doctype html><html lang=nb><meta charset=utf-8><title>Fjellbua</title>\
             <h1>Du delte ikke adressen</h1><p><a href=/form>Fyll den ut selv</a></p>\
             <p><a href='/telenor/login?return_to=/checkout'>Prøv igjen</a></p>",
        )
    })
}
