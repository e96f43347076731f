//! What a user needs of the layer that admitted the request.

use std::sync::Arc;

use axum_core::body::Body;
use http::{Request, Response};

use super::info_cache::UserInfoCache;
use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::request::RequestInfo,
    failure::FailureCause,
    gateway::client::TransportError,
    session::{Session, SessionId, SessionToken},
};

/// What a layer does for the requests that it admitted. The test kit has one without a layer.
pub(crate) trait UserBackend: Send + Sync {
    /// The response where a login is needed first.
    fn challenge(&self, info: &RequestInfo) -> Response<Body>;

    /// The response where a request fails for this cause.
    fn refuse(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body>;

    /// The session with another access token, or `None` where tokens are not refreshed.
    fn refresh<'g>(
        self: Arc<Self>,
        current: &'g CurrentSession,
    ) -> BoxFuture<'g, Option<RefreshOutcome>>;

    /// Ends a session whose access token the gateway no longer accepts.
    fn end_session(self: Arc<Self>, current: CurrentSession) -> BoxFuture<'static, ()>;

    /// What the paths of the APIs are appended to.
    fn base(&self) -> &str;

    /// A request for a protected resource.
    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>>;

    /// The user infos that are kept, where the app asked for that, and the time.
    fn info_cache(&self) -> Option<(&UserInfoCache, u64)>;

    fn logout_path(&self) -> &str;

    /// What an operator revokes this session by.
    fn session_id(&self, current: &CurrentSession) -> Option<SessionId>;
}

/// A live session, and the token that a request brought for it.
#[derive(Clone)]
pub(crate) struct CurrentSession {
    pub token: SessionToken<'static>,
    pub session: Session,
}

/// What the layer puts into a request that it admits. It is private, so that nothing else can claim
/// to be a user.
#[derive(Clone)]
pub(crate) struct Identity {
    pub backend: Arc<dyn UserBackend>,
    pub current: Option<CurrentSession>,
}

/// The outcome of a refresh.
#[derive(Clone, Debug)]
pub(crate) enum RefreshOutcome {
    Refreshed(Session),
    /// The session has ended.
    Ended,
    /// The gateway or the store is away. The session stays as it was.
    Unavailable(FailureCause),
}
