//! tower-sessions with its store in memory. The app keeps the token in the session.

use axum::{Router, http::StatusCode, routing::get};
use serde::{Deserialize, Serialize};
use time::Duration;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer};

use crate::app::{self, ACCESS_TOKEN, LIFETIME, SCOPE};

const KEY: &str = "user";

#[derive(Serialize, Deserialize)]
struct User {
    access_token: String,
    scope: String,
}

/// The app. `/login` signs in.
#[must_use]
pub fn app() -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_expiry(Expiry::OnInactivity(Duration::seconds(LIFETIME as i64)));
    Router::new()
        .route("/plain", get(app::plain))
        .route("/user", get(user))
        .route("/login", get(login))
        .layer(sessions)
}

async fn user(session: Session) -> Result<&'static str, StatusCode> {
    let user = session.get::<User>(KEY).await;
    let user = user.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(app::user(&user.access_token))
}

async fn login(session: Session) -> StatusCode {
    let user = User {
        access_token: ACCESS_TOKEN.to_owned(),
        scope: SCOPE.to_owned(),
    };
    match session.insert(KEY, user).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
