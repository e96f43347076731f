//! A tower service on hyper, without axum's router and extractors.
//!
//! ```text
//! cargo run -p telenor-auth-examples --example hyper_only
//! ```
//!
//! Outside of this example, `default-features = false` leaves the crate axum out.

use std::{convert::Infallible, env, error::Error, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use telenor_auth::{TelenorAuthLayer, TelenorUser, mock::MockGateway};
use tokio::{net::TcpListener, time::sleep};
use tower::{Layer, service_fn};

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
    let service = auth.build()?.layer(service_fn(respond));

    println!("open {origin}");
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // For example too many open files. Connections that end make room again.
            Err(error) => {
                eprintln!("no connection was accepted: {error}");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // With a timer, hyper waits 30 seconds for the headers of a request, and no longer.
            let mut http = http1::Builder::new();
            let http = http.timer(TokioTimer::new());
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection failed: {error}");
            }
        });
    }
}

/// Every path needs a login, since the layer is around the whole service.
async fn respond(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let text = match TelenorUser::of_request(&request) {
        Ok(user) => match user.info().await {
            Ok(info) => {
                let name = info.name().and_then(|name| name.given_name());
                format!("Hei, {}!", name.unwrap_or("du"))
            }
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Ok(Response::new(text))
}
