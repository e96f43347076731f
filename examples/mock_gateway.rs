//! The mock gateway as a program, for an app in another process, in a container, or on a phone.
//!
//! ```text
//! cargo run --example mock_gateway --features mock
//! ```
//!
//! It prints what to set for the app, so that `TelenorAuthLayer::from_env` uses it. Its settings:
//!
//! | variable | setting | when unset |
//! | --- | --- | --- |
//! | `MOCK_LISTEN` | address and port | `127.0.0.1:4000` |
//! | `MOCK_DANGEROUS_REACHABLE_AS` | the host that other machines use | this machine alone |
//! | `TELENOR_CLIENT_ID` with `TELENOR_CLIENT_SECRET` | the app's credentials | its own |
//! | `TELENOR_REDIRECT_URI` | the one that it accepts | it accepts any |
//! | `MOCK_SUBSCRIBER` | `number, given name, family name, e-mail` | Kari and Ola |
//! | `MOCK_WIFI` | `true`: USSD comes first | the network recognizes the line |

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{env, error::Error, process};

use telenor_auth::mock::{MockGateway, Subscriber};
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let client = [set("TELENOR_CLIENT_ID"), set("TELENOR_CLIENT_SECRET")];
    let redirect_uri = set("TELENOR_REDIRECT_URI");
    let host = set("MOCK_DANGEROUS_REACHABLE_AS");
    let ip = host.as_ref().map_or("127.0.0.1", |_| "0.0.0.0");
    let listen = set("MOCK_LISTEN").unwrap_or_else(|| format!("{ip}:4000"));
    let address = listen.parse();
    let address = address.map_err(|error| format!("MOCK_LISTEN={listen}: {error}"))?;
    let wifi = set("MOCK_WIFI").map_or(Ok(false), |value| value.parse());
    let wifi = wifi.map_err(|error| format!("MOCK_WIFI: {error}"))?;
    let mut gateway = MockGateway::builder().listen(address).wifi(wifi);
    match &client {
        [Some(id), Some(secret)] => gateway = gateway.client(id, secret),
        [None, None] => {}
        _ => return Err("set TELENOR_CLIENT_ID and TELENOR_CLIENT_SECRET both, or none".into()),
    }
    if let Some(uri) = &redirect_uri {
        gateway = gateway.redirect_uri(uri);
    }
    if let Some(host) = &host {
        gateway = gateway.dangerous_reachable_as(host);
    }
    if let Some(text) = set("MOCK_SUBSCRIBER") {
        let parts: Vec<_> = text.split(',').map(str::trim).collect();
        let [number, given, family, email] = parts[..] else {
            return Err("MOCK_SUBSCRIBER=number, given name, family name, e-mail".into());
        };
        let subscriber = Subscriber::new(number).with_name(given, None, family);
        gateway = gateway.subscriber(subscriber.with_email(email));
    }
    let gateway = gateway.start().await?;

    #[cfg(unix)] // A container is stopped by SIGTERM.
    {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(async move { terminate.recv().await.map(|()| process::exit(0)) });
    }
    println!("# A mock of Telenor's gateway, until ctrl-c. Set these variables for the app:");
    println!("TELENOR_CLIENT_ID={}", gateway.client_id());
    match &client[1] {
        Some(_) => println!("# TELENOR_CLIENT_SECRET as it is set for this program"),
        None => println!("TELENOR_CLIENT_SECRET={}", gateway.client_secret()),
    }
    let redirect_uri = redirect_uri.as_deref();
    let redirect_uri = redirect_uri.unwrap_or("http://localhost:3000/telenor/callback");
    println!("TELENOR_REDIRECT_URI={redirect_uri}");
    if host.is_some() {
        println!("TELENOR_DANGEROUS_ALLOW_PLAIN_HTTP=true");
    }
    println!("TELENOR_GATEWAY={}", gateway.base_url());
    Ok(tokio::signal::ctrl_c().await?)
}
