//! What stands behind a user when there is neither a gateway nor a layer.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};

use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::request::RequestInfo,
    failure::FailureCause,
    gateway::client::TransportError,
    mock::{server::api, subscriber::Subscriber},
    response,
    session::SessionId,
    user::{CurrentSession, RefreshOutcome, UserBackend, UserInfoCache},
};

/// Answers in this process: for the gateway with what it would answer, for the layer with what it tells a script.
pub(in crate::mock) struct Offline {
    pub(in crate::mock) subscriber: Subscriber,
    pub(in crate::mock) api_error: Option<u32>,
}

impl UserBackend for Offline {
    /// There is nowhere to send a page to, so that everybody is told as a script is.
    fn challenge(&self, info: &RequestInfo) -> Response<Body> {
        self.refuse(info, FailureCause::LoginRequired)
    }

    fn refuse(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body> {
        response::problem(cause, info.language(), None, None)
    }

    fn refresh<'g>(
        self: Arc<Self>,
        _: &'g CurrentSession,
    ) -> BoxFuture<'g, Option<RefreshOutcome>> {
        Box::pin(async { None })
    }

    /// No store keeps the session.
    fn end_session(self: Arc<Self>, _: CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    /// A name that RFC 6761 lets lead nowhere.
    fn base(&self) -> &str {
        "https://gateway.invalid"
    }

    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        _: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>> {
        let answer = match self.api_error {
            Some(error_code) => api::refuse(error_code, request.uri()),
            None => api::answer(&self.subscriber, request.method(), request.uri()),
        };
        Box::pin(async { Ok(answer) })
    }

    fn info_cache(&self) -> Option<(&UserInfoCache, u64)> {
        None
    }

    fn logout_path(&self) -> &str {
        "/telenor/logout"
    }

    fn session_id(&self, _: &CurrentSession) -> Option<SessionId> {
        None
    }
}
