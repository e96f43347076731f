//! The layer: what an app adds.

mod future;
#[cfg(feature = "axum")]
mod router;
mod service;

use std::sync::Arc;

use tower_layer::Layer;

#[cfg(feature = "axum")]
pub use self::router::RouterExt;
pub use self::{future::ResponseFuture, service::TelenorAuth};
use crate::{
    flow::{Flow, placement::Placement},
    session::{SessionId, StoreError},
};

/// Adds Telenor line authentication to an axum app or a tower service.
///
/// Requests with a session pass, and handlers can take a [`TelenorUser`](crate::TelenorUser).
/// Without a session, a person who opens a page is sent to Telenor and comes back to that page. All
/// other requests get 401.
///
/// The [crate's page](crate) says where to put it.
///
/// ```
/// use axum::{Router, routing::get};
/// use telenor_auth::{TelenorAuthLayer, TelenorUser};
///
/// # fn app() -> Result<Router, telenor_auth::ConfigError> {
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
///
/// async fn checkout(user: TelenorUser) -> String {
///     format!("signed in until {:?}", user.expires_at())
/// }
/// let app = Router::new().route("/checkout", get(checkout)).layer(auth);
/// # Ok(app) }
/// # app().unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct TelenorAuthLayer {
    flow: Arc<Flow>,
    placement: Placement,
}

impl TelenorAuthLayer {
    pub(crate) fn new(flow: Flow, placement: Placement) -> Self {
        let flow = Arc::new(flow);
        Self { flow, placement }
    }

    /// Ends one session on every instance that shares the store: for an operator, or when a customer
    /// asks for it.
    ///
    /// The id is in the log line of the login, and
    /// [`TelenorUser::session_id`](crate::TelenorUser::session_id) returns it. A session that has
    /// ended already is not an error.
    ///
    /// ```
    /// use telenor_auth::{TelenorAuthLayer, session::{SessionId, StoreError}};
    ///
    /// async fn end(auth: &TelenorAuthLayer, id: SessionId) -> Result<(), StoreError> {
    ///     auth.revoke(id).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached: the session may go on.
    pub async fn revoke(&self, session: SessionId) -> Result<(), StoreError> {
        self.flow.revoke(session).await
    }

    /// Ends every session of the store: all users have to log in again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached: some sessions may go on.
    pub async fn revoke_all(&self) -> Result<(), StoreError> {
        self.flow.revoke_all().await
    }

    /// The paths that a router must have so that a layer on its routes sees them, and that layer.
    #[cfg(feature = "axum")]
    fn on_routes(self) -> (Vec<String>, Self) {
        let placement = self.placement.on_routes();
        let paths = self.flow.config.paths.all();
        let paths = paths.map(|path| placement.inner(path).to_owned());
        let paths = paths.collect();
        let flow = self.flow;
        (paths, Self { flow, placement })
    }
}

impl<S> Layer<S> for TelenorAuthLayer {
    type Service = TelenorAuth<S>;

    fn layer(&self, inner: S) -> TelenorAuth<S> {
        TelenorAuth::new(inner, Arc::clone(&self.flow), self.placement.clone())
    }
}
