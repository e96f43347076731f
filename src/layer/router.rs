//! The layer on the routes of an axum router, with unknown paths left alone.

use std::sync::Arc;

use axum::{
    Router,
    handler::Handler,
    routing::{self, MethodRouter},
};
use http::StatusCode;

use super::TelenorAuthLayer;

/// Puts a [`TelenorAuthLayer`] on the routes of a router.
pub trait RouterExt: Sized {
    /// Guards the routes that the router has now, and adds the layer's own routes.
    ///
    /// Unlike [`Router::layer`], it leaves unknown paths a 404, and works with a fallback that is
    /// set later. Routes that are added later are public.
    ///
    /// The result can be merged into another router, also into one that has a clone of this layer.
    /// To nest it, set [`nested_at`](crate::TelenorAuthBuilder::nested_at).
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
    /// When the router has a route at one of the layer's own paths, as [`Router::route`] does.
    #[must_use]
    #[track_caller]
    fn telenor_auth(self, auth: TelenorAuthLayer) -> Self;
}

/// Makes a path known to the router. The layer responds before the handler runs.
///
/// Each method is named, so that a route of the app at the same path makes axum panic.
fn on_every_method<S, F>(handler: F) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
    F: Handler<((),), S> + Clone,
{
    routing::any(handler.clone())
        .get(handler.clone())
        .post(handler.clone())
        .put(handler.clone())
        .patch(handler.clone())
        .delete(handler.clone())
        .options(handler.clone())
        .trace(handler)
}

impl<S: Clone + Send + Sync + 'static> RouterExt for Router<S> {
    #[track_caller]
    fn telenor_auth(self, auth: TelenorAuthLayer) -> Self {
        let (paths, claim, auth) = auth.on_routes();
        let mut router = self;
        for path in paths {
            let route = match &claim {
                Some(claim) => {
                    let claim = Arc::clone(claim);
                    on_every_method(async move || {
                        let _held = &claim;
                        StatusCode::NOT_FOUND
                    })
                }
                // Another router has the routes. This one can be merged with it, and also works by
                // itself: the layer is around a path without a method as well.
                None => MethodRouter::new(),
            };
            router = router.route(&path, route);
        }
        router.route_layer(auth)
    }
}
