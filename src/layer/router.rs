//! Mounting on an axum router, unknown paths left alone.

use axum::{Router, routing};
use http::StatusCode;

use super::TelenorAuthLayer;

/// Puts a [`TelenorAuthLayer`] on the routes of a router.
pub trait RouterExt: Sized {
    /// Guards the routes that the router has now, and adds the layer's own.
    ///
    /// Unlike [`Router::layer`], it leaves unknown paths a 404 and works with a fallback that is set later on. Routes added
    /// afterwards are public.
    ///
    /// The result can be merged into another router. If it is nested, say so with
    /// [`nested_at`](crate::TelenorAuthBuilder::nested_at).
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use telenor_auth::{RouterExt, TelenorAuthLayer};
    ///
    /// # fn app() -> Result<Router, telenor_auth::ConfigError> {
    /// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback").build()?;
    /// let app: Router = Router::new()
    ///     .route("/checkout", get(async || "only for users"))
    ///     .telenor_auth(auth)
    ///     .route("/", get(async || "for all"));
    /// # Ok(app) }
    /// # app().unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// When the router has one of the layer's own routes already, as [`Router::route`] does.
    #[must_use]
    fn telenor_auth(self, auth: TelenorAuthLayer) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RouterExt for Router<S> {
    fn telenor_auth(self, auth: TelenorAuthLayer) -> Self {
        let (paths, auth) = auth.on_routes();
        let mut router = self;
        for path in paths {
            // The layer answers before a handler is reached; these make the router know the paths.
            router = router.route(&path, routing::any(async || StatusCode::NOT_FOUND));
        }
        router.route_layer(auth)
    }
}
