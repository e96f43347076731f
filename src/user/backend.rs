//! The operations that a user needs from the layer that admitted the request.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use axum_core::body::Body;
use http::{Request, Response, Uri};

use super::info_cache::UserInfoCache;
use crate::{
    access_token::AccessToken,
    app_value::AppValue,
    boxed::BoxFuture,
    browser::{origin_check::CrossOrigin, request::RequestInfo},
    failure::FailureCause,
    gateway::error::TransportError,
    session::{Session, SessionId, SessionToken},
    session_refusal::SessionRefusal,
};

/// The operations of a layer for the requests that it admitted. The test kit has a backend without
/// a layer.
pub(crate) trait UserBackend: Send + Sync {
    /// Returns the response for a request that needs a login first.
    fn challenge(&self, info: &RequestInfo) -> Response<Body>;

    /// Returns the response that begins the login that a handler asks for.
    fn begin_login(&self, info: &RequestInfo, options: LoginOptions) -> Response<Body>;

    /// Returns the response for a user who logged in longer ago than this.
    fn require_recent_login(&self, info: &RequestInfo, max_age: Duration) -> Response<Body>;

    /// Returns the time by the layer's clock.
    fn now(&self) -> SystemTime;

    /// Returns the address of a login that leads to this page.
    fn login_path(&self, return_to: &str) -> String;

    /// Returns the response for a request that fails with this cause.
    fn refuse(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body>;

    /// Returns the session with a new access token, or `None` if the app does not refresh tokens.
    fn refresh<'g>(
        self: Arc<Self>,
        current: &'g CurrentSession,
    ) -> BoxFuture<'g, Option<RefreshOutcome>>;

    /// Ends a session whose access token the gateway no longer accepts.
    fn end_session(self: Arc<Self>, current: CurrentSession) -> BoxFuture<'static, ()>;

    /// Waits until the session has ended.
    fn ended(&self, current: &CurrentSession) -> BoxFuture<'static, ()>;

    /// Returns the session as it is now. `seen_at` says in seconds when it was last seen, and is
    /// set where the store is asked.
    fn confirm<'g>(
        &'g self,
        current: &'g CurrentSession,
        seen_at: &'g AtomicU64,
    ) -> BoxFuture<'g, Result<Session, Unconfirmed>>;

    /// Returns the base URL of the APIs.
    fn base(&self) -> &str;

    /// Returns the endpoint of the Mobile User Info API.
    fn user_info_endpoint(&self) -> Uri;

    /// Returns the endpoint of the Mobile Device Info API.
    fn device_info_endpoint(&self) -> Uri;

    /// Requests a protected resource.
    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>>;

    /// Returns the cache of user infos, if the app has turned it on, and the time.
    fn info_cache(&self) -> Option<(&UserInfoCache, u64)>;

    fn logout_path(&self) -> &str;

    /// Returns the id by which an operator revokes this session.
    fn session_id(&self, current: &CurrentSession) -> Option<SessionId>;
}

/// Where a request comes from for which a handler starts a login.
#[derive(Default)]
pub(crate) enum LoginSource {
    #[default]
    Own,
    /// A form of another site: it must not choose what the login is about, nor end a session.
    OtherOrigin(CrossOrigin),
    /// A listener on plain http, or the start page's host.
    PlainHttp,
}

/// What a handler sets for one login.
#[derive(Default)]
pub(crate) struct LoginOptions {
    pub source: LoginSource,
    /// Whether the visitor has a session, where the layer has seen the request.
    pub is_signed_in: Option<bool>,
    pub return_to: Option<String>,
    pub note: Option<AppValue>,
    pub parameters: Vec<(String, String)>,
}

/// A live session, and the session token of the request.
#[derive(Clone)]
pub(crate) struct CurrentSession {
    pub token: SessionToken,
    pub session: Session,
    /// When the store had it, in seconds.
    pub seen_at: u64,
}

/// Why a session cannot be used any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unconfirmed {
    Ended(SessionRefusal),
    StoreUnavailable,
}

/// The outcome of a refresh.
#[derive(Clone, Debug)]
pub(crate) enum RefreshOutcome {
    Refreshed(Session),
    /// The session has ended.
    Ended,
    /// The gateway or the store is unavailable. The session is unchanged.
    Unavailable(FailureCause),
}
