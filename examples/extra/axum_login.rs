//! Accounts in axum-login: Kari (91234567) logs in to hers by the line. Each layer has a cookie.
//!
//! ```text
//! cargo run -p telenor-auth-examples --example axum_login
//! ```

use std::{convert::Infallible, env, error::Error};

use axum::{Router, response::*, routing::*};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend};
use telenor_auth::{ApiError, MobileNumber, TelenorAuthLayer, TelenorUser, mock::MockGateway};
use tower_sessions::{MemoryStore, SessionManagerLayer, cookie::SameSite};

#[derive(Clone, Debug)]
struct Accounts; // your table, which has one account here
type AuthSession = axum_login::AuthSession<Accounts>;

impl AuthUser for Accounts {
    type Id = u32;
    fn id(&self) -> u32 {
        17
    }
    fn session_auth_hash(&self) -> &[u8] {
        b"the hash of the password, so that a new one ends all sessions"
    }
}

impl AuthnBackend for Accounts {
    type User = Self;
    type Credentials = MobileNumber; // or an enum of this and a password
    type Error = Infallible;
    async fn authenticate(&self, line: MobileNumber) -> Result<Option<Self>, Infallible> {
        Ok((Some(line) == MobileNumber::parse("91234567")).then_some(Self))
    }
    async fn get_user(&self, id: &u32) -> Result<Option<Self>, Infallible> {
        Ok((*id == 17).then_some(Self))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri);
    let auth = auth.gateway(mock.base_url()).optional(true).build()?;
    // Plain http is for loopback alone. `Strict`, the default, is lost on the way back.
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(origin.starts_with("https:"))
        .with_same_site(SameSite::Lax);
    let app = Router::new()
        .route("/login/telenor", get(log_in))
        .route("/", get(home))
        .layer(AuthManagerLayerBuilder::new(Accounts, sessions).build())
        .layer(auth); // the outermost
    println!("open {origin}");
    Ok(axum::serve(listener, app).await?)
}

async fn home(session: AuthSession) -> Html<&'static str> {
    let log_in = "<a href=/login/telenor>Logg inn</a>";
    Html(session.user.map_or(log_in, |_| "Konto 17"))
}

/// `TelenorUser` leads a visitor through the login first.
async fn log_in(user: TelenorUser, mut session: AuthSession) -> Result<Response, ApiError> {
    let info = user.info().await?;
    if let Some(line) = info.mobile_number()
        && let Ok(Some(account)) = session.authenticate(line.clone()).await
        // Any link can lead here, so it replaces no session of another account.
        && session.user.is_none()
        && session.login(&account).await.is_ok()
    {
        return Ok(Redirect::to("/").into_response());
    }
    Ok("Logg ut først, eller inn med passord.".into_response())
}
