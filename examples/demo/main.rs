//! A small outdoor shop that lets Telenor fill in the delivery address.
//!
//! ```text
//! cargo run --example demo --features mock
//! ```
//!
//! needs no credentials: without `TELENOR_CLIENT_ID` it talks to a mock gateway in the same
//! process. With credentials from developer.telenor.no, the same shop runs against Telenor:
//!
//! ```text
//! export TELENOR_CLIENT_ID=… TELENOR_CLIENT_SECRET=…
//! TELENOR_REDIRECT_URI=https://…/telenor/callback scripts/demo
//! ```
//!
//! `settings.rs` lists the environment variables.

#![allow(clippy::print_stderr, reason = "a program writes to its terminal")]

mod assets;
mod basket;
mod delivery_form;
mod javascript;
mod login_pages;
mod pages;
mod settings;
mod shop;
mod visitor;

use std::{
    error::Error,
    fmt,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use axum::Router;
use telenor_auth::{CookieKeys, TelenorAuthLayer, mock::MockGateway, session::CookieStore};
use tokio::net::TcpListener;
use url::Url;

use crate::settings::{Client, Settings, StoreChoice};

const SHOP_NAME: &str = "Fjellbua";

const PRODUCTION: &str = "https://api.telenor.no";

/// How often a file of cookie keys is read again.
const KEYS_INTERVAL: Duration = Duration::from_secs(10);

/// How long open connections may take to finish when the shop is asked to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(io::stderr)
        .init();

    let shop = match Shop::open().await {
        Ok(shop) => shop,
        Err(error) => {
            eprintln!("demo: {error}");
            return ExitCode::from(2);
        }
    };
    match shop.serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Shop {
    listener: TcpListener,
    app: Router,
    /// Stops when it is dropped.
    _mock: Option<MockGateway>,
}

impl Shop {
    async fn open() -> Result<Self, Box<dyn Error>> {
        let settings = Settings::from_env()?;

        // Bound before anything else, because with port 0 only the listener knows the redirect URI.
        let listener = TcpListener::bind(&settings.listen)
            .await
            .map_err(|error| format!("cannot listen on LISTEN={}: {error}", settings.listen))?;
        let origin = format!("http://{}", reachable(listener.local_addr()?));
        let redirect_uri = settings
            .redirect_uri
            .unwrap_or_else(|| format!("{origin}/telenor/callback"));

        let (client, mock) = match settings.client {
            Some(client) => (client, None),
            None => {
                let mut mock = MockGateway::builder()
                    .redirect_uri(redirect_uri.clone())
                    .app_name(SHOP_NAME);
                if settings.token_to_scripts {
                    // At Telenor, on the app's page at developer.telenor.no.
                    mock =
                        mock.cors_origin(Url::parse(&redirect_uri)?.origin().ascii_serialization());
                }
                let mock = mock.start().await?;
                announce(format_args!("mock gateway on {}", mock.base_url()))?;
                (Client::of_mock(&mock), Some(mock))
            }
        };

        let gateway = client.gateway.as_deref().unwrap_or(PRODUCTION);
        let direct = match client.user_info.starts_with('/') {
            true => format!("{}{}", gateway.trim_end_matches('/'), client.user_info),
            false => client.user_info,
        };
        let mut auth = TelenorAuthLayer::builder(client.id, client.secret, redirect_uri)
            .endpoints(client.endpoints)
            .optional(true)
            .script_api(true);
        auth = login_pages::of_the_shop(auth);
        if let Some(gateway) = client.gateway {
            auth = auth.gateway(gateway);
        }
        if let Some(prefix) = settings.stripped_prefix {
            auth = auth.stripped_prefix(prefix);
        }
        if let Some(start) = settings.http_start {
            auth = auth.http_start(start);
        }
        if let Some(script) = settings.start_script {
            auth = auth.start_script(script);
        }
        if let Some(page) = settings.after_logout {
            auth = auth.after_logout(page);
        }
        let keys = settings.cookie_keys.unwrap_or_else(|| {
            tracing::warn!("no TELENOR_COOKIE_KEYS: logins end when the shop restarts");
            CookieKeys::random()
        });
        tokio::spawn(keys.follow(KEYS_INTERVAL));
        auth = auth.cookie_keys(keys.clone());

        auth = match settings.session_store {
            StoreChoice::Memory => auth,
            StoreChoice::Cookie => auth.session_store(CookieStore::new(&keys)),
            #[cfg(feature = "redis")]
            StoreChoice::Redis(url) => {
                auth.session_store(telenor_auth::session::RedisStore::new(&url, &keys)?)
            }
            #[cfg(not(feature = "redis"))]
            StoreChoice::Redis(_) => {
                return Err(
                    "sessions in Redis need the feature `redis`: run with --features mock,redis"
                        .into(),
                );
            }
        };
        let auth = auth.build()?;
        let direct = match settings.token_to_scripts {
            true => Some(Url::parse(&direct)?),
            false => None,
        };
        let shop = shop::router(auth, direct);
        // Merged after the layer, so static files are served without a look at the session.
        let app = shop.merge(assets::router());

        announce(format_args!("listening on {origin}"))?;
        Ok(Self {
            listener,
            app,
            _mock: mock,
        })
    }

    async fn serve(self) -> io::Result<()> {
        let serving = axum::serve(self.listener, self.app).with_graceful_shutdown(asked_to_stop());
        tokio::select! {
            result = serving => result,
            // A client that stopped in the middle of its request would keep the shop open forever.
            () = async { asked_to_stop().await; tokio::time::sleep(SHUTDOWN_TIMEOUT).await } => Ok(()),
        }
    }
}

/// The address for a browser on this machine, which cannot open `0.0.0.0`.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Waits for ctrl-c, or for the SIGTERM of a service manager.
async fn asked_to_stop() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "ctrl-c stops the shop without a graceful shutdown");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM stops the shop without a graceful shutdown");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}

/// Scripts wait for these lines on a pipe, so they are flushed.
fn announce(line: fmt::Arguments<'_>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
