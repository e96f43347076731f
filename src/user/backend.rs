//! What a user needs of the layer that let it in.

use std::sync::Arc;

use axum_core::body::Body;
use http::{Request, Response};

use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::request::Visit,
    failure::FailureCause,
    gateway::client::TransportError,
    session::{Session, SessionId},
};

use super::info_cache::Profiles;

/// What a layer does for the requests that it let in, whatever its store.
pub(crate) trait Guard: Send + Sync {
    /// The answer for somebody who has to log in first.
    fn challenge(&self, visit: &Visit) -> Response<Body>;

    /// The answer for somebody who cannot be served, and why.
    fn refuse(&self, visit: &Visit, cause: FailureCause) -> Response<Body>;

    /// The session that this request came with, with another token; `None` where tokens are not refreshed.
    fn refresh<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, Option<Refreshed>>;

    /// Forgets that session, whose token the gateway knows no more.
    fn end_session<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, ()>;

    /// What the paths of the APIs are appended to.
    fn base(&self) -> &str;

    /// A request for a protected resource.
    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<http::Response<Vec<u8>>, TransportError>>;

    /// User infos that are kept, where the app asked for that, and what time it is.
    fn profiles(&self) -> Option<(&Profiles, u64)>;

    fn logout_path(&self) -> &str;

    /// What an operator would revoke the session by that this request came with.
    fn session_id(&self, visit: &Visit, session: &Session) -> Option<SessionId>;
}

/// What the layer puts into a request that it lets in: private, so that nothing else can claim to be a user.
#[derive(Clone)]
pub(crate) struct Identity {
    pub guard: Arc<dyn Guard>,
    pub session: Option<Session>,
}

/// What came of refreshing.
#[derive(Clone, Debug)]
pub(crate) enum Refreshed {
    Session(Session),
    /// The session has ended.
    Over,
    /// The gateway or the store is not there; the session stays as it was.
    NotNow(FailureCause),
}
