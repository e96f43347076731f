//! axum-login over tower-sessions in memory. Its backend keeps users, and their tokens, in memory.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required};
use time::Duration;
use tower_sessions_014::{Expiry, MemoryStore, SessionManagerLayer};

use crate::app::{self, ACCESS_TOKEN, LIFETIME, SCOPE};

#[derive(Debug, Clone)]
struct User {
    id: i64,
    access_token: String,
    #[allow(dead_code, reason = "a session holds it")]
    scope: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.access_token.as_bytes()
    }
}

#[derive(Debug, Clone)]
struct Backend {
    users: Arc<HashMap<i64, User>>,
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = i64;
    type Error = Infallible;

    async fn authenticate(&self, id: i64) -> Result<Option<User>, Infallible> {
        Ok(self.users.get(&id).cloned())
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(self.users.get(id).cloned())
    }
}

type AuthSession = axum_login::AuthSession<Backend>;

/// The app. `/login` signs in.
#[must_use]
pub fn app() -> Router {
    let user = User {
        id: 1,
        access_token: ACCESS_TOKEN.to_owned(),
        scope: SCOPE.to_owned(),
    };
    let users = Arc::new(HashMap::from([(user.id, user)]));
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_expiry(Expiry::OnInactivity(Duration::seconds(LIFETIME as i64)));
    let auth = AuthManagerLayerBuilder::new(Backend { users }, sessions).build();
    Router::new()
        .route("/user", get(self::user))
        .route_layer(login_required!(Backend, login_url = "/login"))
        .route("/plain", get(app::plain))
        .route("/login", get(login))
        .layer(auth)
}

async fn user(session: AuthSession) -> Result<&'static str, StatusCode> {
    let user = session.user.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(app::user(&user.access_token))
}

async fn login(mut session: AuthSession) -> StatusCode {
    let Ok(Some(user)) = session.authenticate(1).await else {
        return StatusCode::UNAUTHORIZED;
    };
    match session.login(&user).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
