//! One run: a gateway, a login, the calls, a logout.

use std::sync::Arc;

use lexopt::Error;
use telenor_auth::{
    ConfigError, Language, TelenorAuthBuilder, TelenorAuthLayer, mock::MockGateway,
};
use tokio::{net::TcpListener, sync::mpsc, time};

use crate::{
    address, advice, browser, calls,
    endpoints::Endpoint,
    exit::Exit,
    explain::{self, TokenRequest, step},
    login::{self, EventSink, LoginResult},
    logout, mask,
    options::{Client, Options},
    probe::{self, Probe},
    server::{Server, Watched},
};

/// An error is one of usage. Any other failure is explained, and decides the exit code.
pub(crate) async fn run(mut options: Options) -> Result<Exit, Error> {
    // Bound before anything else, because with port 0 only the listener knows the redirect URI.
    let (listener, redirect_uri) = listen(&options).await?;
    let (client, mock) = match options.client.take() {
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
        "which the mock accepts as registered"
    } else {
        "which has to be registered for the app, letter for letter"
    };
    step("redirect", format_args!("{redirect_uri}, {registered}"));

    let (results, mut result) = mpsc::unbounded_channel();
    let token_request = TokenRequest {
        endpoint: options.endpoints.get(Endpoint::Token).to_owned(),
        client_id: client.id.clone(),
        redirect_uri: !options.omit_redirect_uri,
        pkce: !options.no_pkce,
    };
    // Without the start page, whose address is no use to the probe.
    let direct = builder(&options, &client, &redirect_uri);
    let direct = direct.build().map_err(|error| with_option(&error))?;
    let direct = login::app(direct, results.clone());
    let authorization_url = login::authorization_url(&direct).await.unwrap_or_default();

    let events = Arc::new(EventSink::new(results.clone(), token_request));
    let layer = builder(&options, &client, &redirect_uri);
    let layer = layer.on_event(move |event| events.record(event));
    let layer = options.start_page.add_to(layer)?.build();
    let app = login::app(layer.map_err(|error| with_option(&error))?, results);
    let endpoint = options.endpoints.get(Endpoint::Authorization);
    if let Some(exit) = probe(endpoint, &authorization_url, &client.secret).await {
        return Ok(exit);
    }

    let watched = Watched::new(&redirect_uri, &authorization_url);
    let server = Server::start(listener, app, watched);
    let start = address::start_page(&redirect_uri);
    step("open", &start);
    if !options.no_browser && !browser::open(&start) {
        step("", "no browser could be started: open the address yourself");
    }

    let user = match time::timeout(options.timeout, result.recv()).await {
        Ok(Some(LoginResult::SignedIn(user))) => user,
        Ok(Some(LoginResult::Failed { cause, detail })) => {
            explain::advice(advice::for_login(cause, &detail));
            server.stop().await;
            return Ok(login::exit_code(cause));
        }
        Ok(None) | Err(_) => {
            let seconds = options.timeout.as_secs();
            step("failed", format_args!("no login within {seconds} s"));
            step(
                "",
                "if the browser shows an error page of the gateway, that is why: the gateway does \
                 not redirect back from it",
            );
            return Ok(Exit::TimedOut);
        }
    };
    explain::token(&user);
    // The last page is still on its way to the browser, which need not delay the calls.
    let stopping = tokio::spawn(server.stop());
    let exit = calls::run(&user, &options, &client.secret).await;
    if options.keep {
        step(
            "logout",
            "none (--keep): the token is valid until it expires",
        );
    } else {
        logout::log_out(&user, options.endpoints.get(Endpoint::Logout)).await;
    }
    let _ = stopping.await;
    Ok(exit)
}

/// The listener, and the redirect URI, which may have its port.
async fn listen(options: &Options) -> Result<(TcpListener, String), Error> {
    let (address, redirect_uri) =
        address::to_listen(options.redirect_uri.as_deref(), options.port)?;
    let cannot_listen = |error| format!("--port: cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let port = listener.local_addr().map_err(cannot_listen)?.port();
    let redirect_uri =
        redirect_uri.unwrap_or_else(|| format!("http://127.0.0.1:{port}/telenor/callback"));
    Ok((listener, redirect_uri))
}

async fn start_mock(redirect_uri: &str) -> Result<(Client, MockGateway), Error> {
    step(
        "mock",
        "no client id is given, so the gateway is a mock in this process",
    );
    let mock = MockGateway::builder()
        .redirect_uri(redirect_uri)
        .app_name("try_api")
        .start()
        .await
        .map_err(|error| format!("the mock gateway cannot be started: {error}"))?;
    let client = Client {
        id: mock.client_id().to_owned(),
        secret: mock.client_secret().to_owned(),
        gateway: mock.base_url(),
    };
    Ok((client, mock))
}

fn builder(options: &Options, client: &Client, redirect_uri: &str) -> TelenorAuthBuilder {
    let mut layer = TelenorAuthLayer::builder(&client.id, &client.secret, redirect_uri)
        .gateway(&client.gateway)
        .app_name("try_api")
        .purpose(Language::English, "show what Telenor's APIs return")
        .login_timeout(options.timeout);
    layer = options.endpoints.add_to(layer);
    if let Some(scope) = &options.scope {
        layer = layer.scope(scope);
    }
    if options.omit_redirect_uri {
        layer = layer.omit_redirect_uri(true);
    }
    if options.raw_credentials {
        layer = layer.raw_client_credentials(true);
    }
    if options.no_pkce {
        layer = layer.dangerous_disable_pkce(true);
    }
    layer
}

/// The library does not know which option a setting came from.
fn with_option(error: &ConfigError) -> Error {
    let option = match error {
        ConfigError::MissingClientId | ConfigError::InvalidClientId(_) => "--client-id",
        ConfigError::InvalidClientSecret(_) => "TELENOR_CLIENT_SECRET",
        ConfigError::InvalidGateway(_) | ConfigError::InsecureGateway => "--gateway",
        ConfigError::InvalidRedirectUri(_)
        | ConfigError::InsecureRedirectUri
        | ConfigError::RedirectUriNotNormal(_)
        | ConfigError::RedirectPathTaken(_) => "--redirect-uri",
        ConfigError::InvalidScope => "--scope",
        ConfigError::InvalidHttpStart(_) => "--http-start",
        ConfigError::InvalidStartScript(_) => "--start-script",
        ConfigError::InvalidEndpoint { endpoint, .. } => {
            let settings = Endpoint::settings(endpoint).unwrap_or_default();
            return format!("{settings}: {error}").into();
        }
        _ => return error.to_string().into(),
    };
    format!("{option}: {error}").into()
}

/// Sends the probe before a browser is opened. Returns an exit code when the login cannot succeed.
async fn probe(endpoint: &str, authorization_url: &str, secret: &str) -> Option<Exit> {
    let endpoint = format!("GET {endpoint}");
    match probe::send(authorization_url).await {
        Probe::Accepted => {
            step(
                "probe",
                format_args!(
                    "{endpoint}: accepted, so the gateway probably knows the app and its redirect \
                     URI"
                ),
            );
            None
        }
        Probe::Unclear(status) => {
            step(
                "probe",
                format_args!("{endpoint}: status {status}; a browser may get further"),
            );
            None
        }
        Probe::Rejected {
            description,
            advice,
        } => {
            let description = mask::message(&description, &[secret]);
            step("failed", format_args!("{endpoint}: {description}"));
            explain::advice(advice);
            Some(Exit::Login)
        }
        Probe::Unreachable(error) => {
            let error = mask::message(&error, &[secret]);
            step("failed", format_args!("{endpoint}: {error}"));
            explain::advice(advice::UNREACHABLE);
            Some(Exit::Unreachable)
        }
    }
}
