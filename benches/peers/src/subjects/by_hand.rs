//! The minimum written by hand.

use std::time::{Duration, SystemTime};

use axum::{Router, routing::get};
use telenor_auth_benches::{
    apps,
    by_hand::{ByHand, COOKIE_NAME, Session, Sessions, User},
};

use crate::app::{self, ACCESS_TOKEN, LIFETIME, SCOPE};

/// The app, and the cookie of a user who is signed in.
#[must_use]
pub fn app(sessions: Sessions) -> (Router, String) {
    let token = sessions.save(Session {
        access_token: ACCESS_TOKEN.to_owned(),
        scope: Some(SCOPE.to_owned()),
        login_id: [7; 16],
        expires_at: SystemTime::now() + Duration::from_secs(LIFETIME),
    });
    let user = async |user: User| app::user(user.access_token());
    let app = Router::new()
        .route("/plain", get(app::plain))
        .route("/user", get(user))
        .layer(ByHand::new(sessions));
    (app, format!("{COOKIE_NAME}={token}"))
}

/// The app with all that a login takes.
#[must_use]
pub fn logins(provider: &str) -> Router {
    apps::login_by_hand(Sessions::memory(), provider)
}
