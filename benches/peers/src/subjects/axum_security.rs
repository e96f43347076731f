//! axum-security: its OAuth 2.0 login, and its sessions in memory.

use std::time::{Duration, SystemTime};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::get,
};
use axum_security::{
    cookie::{CookieContext, CookieSession, MemStore, SameSite},
    oauth2::{AfterLoginCookies, OAuth2Context, OAuth2Ext, OAuth2Handler, TokenResponse},
};

use crate::{
    app::{self, CALLBACK, CLIENT_ID, CLIENT_SECRET, LIFETIME, SCOPE},
    provider::{AUTHORIZE, TOKEN},
};

pub const LOGIN: &str = "/telenor/login";

#[derive(Clone)]
struct User {
    access_token: String,
    #[allow(dead_code, reason = "a session holds it")]
    scope: String,
    expires_at: SystemTime,
}

struct OnLogin(CookieContext<User>);

impl OAuth2Handler for OnLogin {
    async fn after_login(
        &self,
        tokens: TokenResponse,
        cookies: &mut AfterLoginCookies<'_>,
    ) -> impl IntoResponse {
        let lifetime = tokens.expires_in.unwrap_or_default();
        let user = User {
            access_token: tokens.access_token,
            scope: SCOPE.to_owned(),
            expires_at: SystemTime::now() + lifetime,
        };
        match self.0.create_session(user).await {
            Ok(cookie) => {
                cookies.add(cookie);
                Redirect::to("/user").into_response()
            }
            Err(response) => response,
        }
    }
}

/// The app. [`LOGIN`] sends the browser to the provider.
#[must_use]
pub fn app(provider: &str) -> Router {
    let lifetime = Duration::from_secs(LIFETIME);
    let sessions = CookieContext::builder()
        .cookie(|cookie| {
            let cookie = cookie.name("session").max_age(lifetime);
            cookie.secure().http_only().same_site(SameSite::Lax)
        })
        .store(MemStore::new())
        .expires_max_age()
        .build::<User>();
    let oauth2 = OAuth2Context::builder("telenor")
        .auth_url(format!("{provider}{AUTHORIZE}"))
        .token_url(format!("{provider}{TOKEN}"))
        .client_id(CLIENT_ID)
        .client_secret(CLIENT_SECRET)
        .redirect_url(CALLBACK)
        .scopes(&[SCOPE])
        .login_path(LOGIN)
        .random_cookie_secret()
        .build(OnLogin(sessions.clone()));
    Router::new()
        .route("/plain", get(app::plain))
        .route("/user", get(user))
        .layer(sessions)
        .with_oauth2(oauth2)
}

/// The layer finds the session, and the handler checks that the token has not expired.
async fn user(session: CookieSession<User>) -> Result<&'static str, StatusCode> {
    let user = session.state;
    if SystemTime::now() >= user.expires_at {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(app::user(&user.access_token))
}
