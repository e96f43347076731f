//! The oauth2 crate, and the private cookie jar of axum-extra. The app brings the rest.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{FromRef, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use axum_extra::extract::{
    PrivateCookieJar,
    cookie::{Cookie, Key, SameSite},
};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, TokenUrl,
    basic::BasicClient, reqwest,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{self, CALLBACK, CLIENT_ID, CLIENT_SECRET, SCOPE},
    provider::{AUTHORIZE, TOKEN},
};

const SESSION: &str = "__Host-session";
const LOGIN: &str = "__Host-login";

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A handler gets a clone, so it is cheap to clone.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    key: Key,
    client: Client,
    http: reqwest::Client,
}

impl FromRef<App> for Key {
    fn from_ref(app: &App) -> Self {
        app.0.key.clone()
    }
}

#[derive(Serialize, Deserialize)]
struct Session {
    access_token: String,
    scope: String,
    expires_at: u64,
}

#[derive(Serialize, Deserialize)]
struct Login {
    state: String,
    verifier: String,
}

/// The app. `/user` sends the browser to the provider.
///
/// # Panics
///
/// When the provider's address is no URL.
#[must_use]
pub fn app(provider: &str) -> Router {
    let authorize = AuthUrl::new(format!("{provider}{AUTHORIZE}"));
    let token = TokenUrl::new(format!("{provider}{TOKEN}"));
    let callback = RedirectUrl::new(CALLBACK.to_owned());
    let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
        .set_auth_uri(authorize.expect("a URL"))
        .set_token_uri(token.expect("a URL"))
        .set_redirect_uri(callback.expect("a URL"));
    let http = reqwest::ClientBuilder::new()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    Router::new()
        .route("/plain", get(app::plain))
        .route("/user", get(user))
        .route("/telenor/callback", get(finish))
        .with_state(App(Arc::new(Shared {
            key: Key::generate(),
            client,
            http: http.expect("a client"),
        })))
}

async fn user(State(app): State<App>, jar: PrivateCookieJar) -> Response {
    match session(&jar) {
        Some(session) => app::user(&session.access_token).into_response(),
        None => begin(&app, jar),
    }
}

fn session(jar: &PrivateCookieJar) -> Option<Session> {
    let session = jar.get(SESSION)?;
    let session: Session = serde_json::from_str(session.value()).ok()?;
    (now() < session.expires_at).then_some(session)
}

fn begin(app: &App, jar: PrivateCookieJar) -> Response {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = (app.0.client)
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new(SCOPE.to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let login = Login {
        state: state.into_secret(),
        verifier: verifier.into_secret(),
    };
    let jar = jar.add(cookie(LOGIN, &login, 600));
    (jar, Redirect::to(url.as_str())).into_response()
}

#[derive(Deserialize)]
struct Callback {
    code: String,
    state: String,
}

async fn finish(
    State(app): State<App>,
    jar: PrivateCookieJar,
    Query(callback): Query<Callback>,
) -> Result<Response, StatusCode> {
    let login = jar.get(LOGIN).ok_or(StatusCode::BAD_REQUEST)?;
    let login = serde_json::from_str::<Login>(login.value());
    let login = login.map_err(|_| StatusCode::BAD_REQUEST)?;
    if login.state != callback.state {
        return Err(StatusCode::BAD_REQUEST);
    }
    let tokens = (app.0.client)
        .exchange_code(AuthorizationCode::new(callback.code))
        .set_pkce_verifier(PkceCodeVerifier::new(login.verifier))
        .request_async(&app.0.http)
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    let lifetime = tokens.expires_in().unwrap_or_default();
    let session = Session {
        access_token: tokens.access_token().secret().clone(),
        scope: SCOPE.to_owned(),
        expires_at: now() + lifetime.as_secs(),
    };
    let jar = jar
        .remove(Cookie::build(LOGIN).path("/").secure(true))
        .add(cookie(SESSION, &session, lifetime.as_secs()));
    Ok((jar, Redirect::to("/user")).into_response())
}

fn cookie(name: &'static str, value: &impl Serialize, seconds: u64) -> Cookie<'static> {
    let value = serde_json::to_string(value).expect("it can be encoded");
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(seconds as i64))
        .build()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or(Duration::ZERO).as_secs()
}
