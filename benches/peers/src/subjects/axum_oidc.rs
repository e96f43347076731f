//! axum-oidc over tower-sessions in memory.

use axum::{
    Router, error_handling::HandleErrorLayer, http::Uri, response::IntoResponse, routing::get,
};
use axum_oidc::{
    EmptyAdditionalClaims, OidcAccessToken, OidcAuthLayer, OidcLoginLayer, error::MiddlewareError,
};
use time::Duration;
use tower::ServiceBuilder;
use tower_sessions_014::{Expiry, MemoryStore, SessionManagerLayer, cookie::SameSite};

use crate::app::{self, CLIENT_ID, CLIENT_SECRET, LIFETIME, ORIGIN, SCOPE};

/// The app. A login is only required for `/user`.
///
/// # Panics
///
/// When the provider cannot be discovered.
pub async fn app(provider: &str) -> Router {
    let refuse = async |error: MiddlewareError| error.into_response();
    let login = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(refuse))
        .layer(OidcLoginLayer::<EmptyAdditionalClaims>::new());
    let client = OidcAuthLayer::<EmptyAdditionalClaims>::discover_client(
        Uri::from_static(ORIGIN),
        provider.to_owned(),
        CLIENT_ID.to_owned(),
        Some(CLIENT_SECRET.to_owned()),
        vec![SCOPE.to_owned()],
    );
    let auth = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(refuse))
        .layer(client.await.expect("the provider has its metadata"));
    // Its cookie must come back with the redirect from the provider.
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::seconds(LIFETIME as i64)));
    Router::new()
        .route("/user", get(user))
        .layer(login)
        .route("/plain", get(app::plain))
        .layer(auth)
        .layer(sessions)
}

async fn user(access_token: OidcAccessToken) -> &'static str {
    app::user(&access_token)
}
