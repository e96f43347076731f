//! The layer on the routes of an axum router, with unknown paths left alone.

use axum::{Router, routing};
use http::StatusCode;

use super::TelenorAuthLayer;

/// Puts a [`TelenorAuthLayer`] on the routes of a router.
pub trait RouterExt: Sized {
    /// Guards the routes that the router has now, and adds the layer's own routes.
    ///
    /// Unlike [`Router::layer`], it leaves unknown paths a 404, and works with a fallback that is
    /// set later. Routes that are added later are public.
    ///
    /// The result can be merged into another router. To nest it, set
    /// [`nested_at`](crate::TelenorAuthBuilder::nested_at).
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use telenor_auth::{RouterExt, TelenorAuthLayer};
    ///
    /// # fn app() -> Result<Router, telenor_auth::ConfigError> {
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
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
            // The layer responds before these handlers run. They only make the paths known to the
            // router.
            router = router.route(&path, routing::any(async || StatusCode::NOT_FOUND));
        }
        router.route_layer(auth)
    }
}
