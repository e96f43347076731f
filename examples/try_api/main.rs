//! Finds out whether an app at Telenor works: logs in through the browser, calls the APIs, and explains each step.
//!
//! ```text
//! cargo run --example try_api --features mock
//! ```
//!
//! needs no credentials: without a client id it talks to a mock gateway in the same process. `--help` tells the rest.

mod advice;
mod browser;
mod calls;
mod exit;
mod explain;
mod login;
mod mask;
mod options;
mod place;
mod probe;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use telenor_auth::{ConfigError, Language, TelenorAuthLayer, mock::MockGateway};
use tokio::{net::TcpListener, sync::mpsc, time};
use url::Url;

use crate::{
    exit::Exit,
    explain::{TokenRequest, step},
    login::{Ear, Ending, Server, Watched},
    options::{Client, Command, Options, UsageError},
    probe::Verdict,
};

const HELP: &str = include_str!("help.txt");
const VERSION: &str = concat!("try_api of telenor-auth ", env!("CARGO_PKG_VERSION"), "\n");

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Command::parse(env::args_os().skip(1), |name| env::var_os(name)) {
        Ok(Command::Help) => Ok(show(HELP)),
        Ok(Command::Version) => Ok(show(VERSION)),
        Ok(Command::Try(options)) => attempt(*options).await,
        Err(mistake) => Err(mistake),
    };
    let exit = ended.unwrap_or_else(|mistake| {
        step("try_api:", mistake);
        step("", "--help lists what can be said");
        Exit::Usage
    });
    exit.into()
}

fn show(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Fine,
        Err(_) => Exit::Api,
    }
}

/// From login to answer.
async fn attempt(options: Options) -> Result<Exit, UsageError> {
    // Bound before anything else, because with port 0 only the listener knows the redirect URI.
    let (address, redirect_uri) = place::of(options.redirect_uri.as_deref(), options.port)?;
    let cannot_listen =
        |error| UsageError::new(format!("--port: cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let port = listener.local_addr().map_err(cannot_listen)?.port();
    let redirect_uri =
        redirect_uri.unwrap_or_else(|| format!("http://127.0.0.1:{port}/telenor/callback"));
    let (client, mock) = match options.client {
        Some(client) => (client, None),
        None => {
            let (client, mock) = start_mock(&redirect_uri).await?;
            (client, Some(mock))
        }
    };
    step(
        "gateway",
        format_args!("{}, as client {:?}", client.gateway, client.id),
    );
    let registered = if mock.is_some() {
        "which the mock takes for registered"
    } else {
        "which has to be registered for the app, letter for letter"
    };
    step("redirect", format_args!("{redirect_uri}, {registered}"));

    let (endings, mut ended) = mpsc::unbounded_channel();
    let ear = Ear::new(
        endings.clone(),
        TokenRequest {
            client_id: client.id.clone(),
            redirect_uri: !options.omit_redirect_uri,
            pkce: options.pkce,
        },
    );
    let mut layer = TelenorAuthLayer::builder(&client.id, &client.secret, &redirect_uri)
        .gateway(&client.gateway)
        .app_name("try_api")
        .purpose(Language::English, "show what Telenor's APIs answer")
        .login_timeout(options.timeout);
    if let Some(scope) = &options.scope {
        layer = layer.scope(scope);
    }
    if options.omit_redirect_uri {
        layer = layer.omit_redirect_uri(true);
    }
    if options.raw_credentials {
        layer = layer.raw_client_credentials(true);
    }
    if !options.pkce {
        layer = layer.dangerous_disable_pkce(true);
    }
    let ear = Arc::new(ear);
    let layer = layer.on_event(move |event| ear.hear(event));
    let app = login::app(layer.build().map_err(named)?, endings);

    let authorization_url = login::authorization_url(&app).await.unwrap_or_default();
    if let Some(exit) = refused(&authorization_url, &client.secret).await {
        return Ok(exit);
    }

    let watched = Watched {
        callback_path: Url::parse(&redirect_uri).map_or(String::new(), |url| url.path().to_owned()),
        authorization_endpoint: authorization_url
            .split_once('?')
            .map_or(authorization_url.as_str(), |(endpoint, _)| endpoint)
            .to_owned(),
    };
    let server = Server::start(listener, app, watched);
    let start = place::start(&redirect_uri);
    step("open", &start);
    if options.open_browser && !browser::open(&start) {
        step(
            "",
            "no browser could be started from here: open it yourself",
        );
    }

    let user = match time::timeout(options.timeout, ended.recv()).await {
        Ok(Some(Ending::SignedIn(user))) => user,
        Ok(Some(Ending::Failed { cause, detail })) => {
            explain::advice(advice::for_login(cause, &detail));
            server.stop().await;
            return Ok(login::exit_of(cause));
        }
        Ok(None) | Err(_) => {
            let seconds = options.timeout.as_secs();
            step(
                "failed",
                format_args!("nobody logged in within {seconds} s"),
            );
            step(
                "",
                "if the browser shows an error of the gateway's own, that is why: nobody is sent back with it",
            );
            return Ok(Exit::TimedOut);
        }
    };
    explain::token(&user);
    // The page that says so is still on its way to the browser, which need not hold up the calls.
    let stopping = tokio::spawn(server.stop());
    let exit = calls::all(&user, &options.calls, options.raw, &client.secret).await;
    if options.keep {
        step(
            "logout",
            "none, as told: the token stays good until it expires",
        );
    } else {
        calls::log_out(&user).await;
    }
    let _ = stopping.await;
    Ok(exit)
}

async fn start_mock(redirect_uri: &str) -> Result<(Client, MockGateway), UsageError> {
    step(
        "mock",
        "no client id is given, so the gateway is a mock in this process",
    );
    let mock = MockGateway::builder()
        .redirect_uri(redirect_uri)
        .app_name("try_api")
        .start()
        .await
        .map_err(|error| UsageError::new(format!("no mock gateway can be started: {error}")))?;
    let client = Client {
        id: mock.client_id().to_owned(),
        secret: mock.client_secret().to_owned(),
        gateway: mock.base_url(),
    };
    Ok((client, mock))
}

/// Asks before any browser is opened, and says how it ends if it is over already.
async fn refused(authorization_url: &str, secret: &str) -> Option<Exit> {
    let endpoint = "GET /oauth/v2/authorize";
    match probe::ask(authorization_url).await {
        Verdict::Willing => {
            step(
                "probe",
                format_args!(
                    "{endpoint}: the gateway takes it, so it probably knows the app and its redirect URI"
                ),
            );
            None
        }
        Verdict::Unclear(status) => {
            step(
                "probe",
                format_args!("{endpoint}: status {status}; a browser may fare better"),
            );
            None
        }
        Verdict::Refused { said, advice } => {
            let said = mask::words(&said, &[secret]);
            step("failed", format_args!("{endpoint}: {said}"));
            explain::advice(advice);
            Some(Exit::Login)
        }
        Verdict::Unreachable(error) => {
            let error = mask::words(&error, &[secret]);
            step("failed", format_args!("{endpoint}: {error}"));
            explain::advice(advice::UNREACHABLE);
            Some(Exit::Unreachable)
        }
    }
}

/// The library does not know which option a setting came from.
fn named(mistake: ConfigError) -> UsageError {
    let option = match mistake {
        ConfigError::InvalidClientId => "--client-id",
        ConfigError::EmptyClientSecret => "TELENOR_CLIENT_SECRET",
        ConfigError::InvalidGateway(_) | ConfigError::InsecureGateway => "--gateway",
        ConfigError::InvalidRedirectUri(_)
        | ConfigError::InsecureRedirectUri
        | ConfigError::RedirectPathTaken(_) => "--redirect-uri",
        ConfigError::InvalidScope => "--scope",
        _ => return UsageError::new(mistake.to_string()),
    };
    UsageError::new(format!("{option}: {mistake}"))
}
