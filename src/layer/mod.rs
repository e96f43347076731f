//! The layer: what an app adds.

mod future;
#[cfg(feature = "axum")]
mod router;
mod service;

use std::{fmt, sync::Arc};

use tower_layer::Layer;

#[cfg(feature = "axum")]
pub use self::router::RouterExt;
pub use self::{future::ResponseFuture, service::TelenorAuth};

use crate::{
    flow::{Flow, placement::Mount},
    session::{MemoryStore, SessionId, SessionStore, StoreError},
};

/// Adds Telenor line authentication to any axum app or tower service.
///
/// Requests with a session pass, and handlers can take a [`TelenorUser`](crate::TelenorUser). Without one, a person who opens a page
/// is sent to Telenor and comes back to that page; everybody else gets 401.
///
/// See the [crate's page](crate) for where to put it.
///
/// ```
/// use axum::{Router, routing::get};
/// use telenor_auth::{TelenorAuthLayer, TelenorUser};
///
/// # fn app() -> Result<Router, telenor_auth::ConfigError> {
/// let auth = TelenorAuthLayer::builder("client id", "client secret", "https://shop.example/telenor/callback").build()?;
///
/// let app = Router::new()
///     .route("/checkout", get(async |user: TelenorUser| format!("signed in until {:?}", user.expires_at())))
///     .layer(auth);
/// # Ok(app) }
/// # app().unwrap();
/// ```
pub struct TelenorAuthLayer<Store = MemoryStore> {
    flow: Arc<Flow<Store>>,
    mount: Mount,
}

impl<Store: SessionStore> TelenorAuthLayer<Store> {
    pub(crate) fn new(flow: Arc<Flow<Store>>, mount: Mount) -> Self {
        Self { flow, mount }
    }

    /// Ends one session, wherever it is in use; for an operator, or when a customer asks for it.
    ///
    /// The id is in the log line of the login and in [`TelenorUser::session_id`](crate::TelenorUser::session_id). A session that
    /// is over already is no error.
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

    /// Ends every session of the store: everybody has to log in again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached: some sessions may go on.
    pub async fn revoke_all(&self) -> Result<(), StoreError> {
        self.flow.revoke_all().await
    }

    /// The paths that a router must have so that a layer on its routes sees them, and that layer.
    #[cfg(feature = "axum")]
    pub(crate) fn on_routes(self) -> (Vec<String>, Self) {
        let mount = self.mount.on_routes();
        let paths = self.flow.config.paths.all();
        let paths = paths.map(|path| mount.inner(path).to_owned());
        (
            paths.collect(),
            Self {
                flow: self.flow,
                mount,
            },
        )
    }
}

impl<S, Store: SessionStore> Layer<S> for TelenorAuthLayer<Store> {
    type Service = TelenorAuth<S, Store>;

    fn layer(&self, inner: S) -> Self::Service {
        TelenorAuth::new(inner, Arc::clone(&self.flow), self.mount.clone())
    }
}

impl<Store> Clone for TelenorAuthLayer<Store> {
    fn clone(&self) -> Self {
        Self {
            flow: Arc::clone(&self.flow),
            mount: self.mount.clone(),
        }
    }
}

impl<Store> fmt::Debug for TelenorAuthLayer<Store> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorAuthLayer")
            .field("config", &self.flow.config)
            .finish_non_exhaustive()
    }
}
