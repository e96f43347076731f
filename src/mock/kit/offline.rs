//! The backend of a test user, without a gateway or a layer.

use std::{
    future::pending,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use axum::body::Body;
use http::{Request, Response, Uri};

use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::request::RequestInfo,
    failure::FailureCause,
    gateway::error::TransportError,
    mock::{
        server::api::{self, Api},
        subscriber::Subscriber,
    },
    response::{self, Problem},
    session::{Session, SessionId},
    user::{CurrentSession, LoginOptions, RefreshOutcome, Unconfirmed, UserBackend, UserInfoCache},
};

/// Responds in this process, as the gateway would, and as the layer would to a script.
pub(in crate::mock) struct OfflineBackend {
    pub(in crate::mock) subscriber: Subscriber,
    pub(in crate::mock) api_error: Option<u32>,
}

impl UserBackend for OfflineBackend {
    /// There is no login to redirect to, so all requests get the response for a script.
    fn challenge(&self, info: &RequestInfo) -> Response<Body> {
        self.refuse(info, FailureCause::LoginRequired)
    }

    fn begin_login(&self, info: &RequestInfo, _: LoginOptions) -> Response<Body> {
        self.challenge(info)
    }

    fn require_recent_login(&self, info: &RequestInfo, _: Duration) -> Response<Body> {
        self.refuse(info, FailureCause::InsufficientUserAuthentication)
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn login_path(&self, return_to: &str) -> String {
        let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        format!("/telenor/login?return_to={query}")
    }

    fn refuse(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body> {
        response::problem(Problem::because(cause, info.language()))
    }

    fn refresh<'g>(
        self: Arc<Self>,
        _: &'g CurrentSession,
    ) -> BoxFuture<'g, Option<RefreshOutcome>> {
        Box::pin(async { None })
    }

    /// No store holds the session.
    fn end_session(self: Arc<Self>, _: CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    /// The session never ends.
    fn ended(&self, _: &CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }

    fn confirm<'g>(
        &'g self,
        current: &'g CurrentSession,
        _: &'g AtomicU64,
    ) -> BoxFuture<'g, Result<Session, Unconfirmed>> {
        Box::pin(async { Ok(current.session.clone()) })
    }

    /// A name that never resolves (RFC 6761).
    fn base(&self) -> &str {
        "https://gateway.invalid"
    }

    fn user_info_endpoint(&self) -> Uri {
        Uri::from_static("https://gateway.invalid/user-info/v1/users")
    }

    fn device_info_endpoint(&self) -> Uri {
        Uri::from_static("https://gateway.invalid/mobile-device-info/v1/device")
    }

    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        _: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>> {
        let response = match self.api_error {
            Some(error_code) => api::refuse(error_code, request.uri()),
            None => {
                let api = match request.uri().path() {
                    "/user-info/v1/users" => Some(Api::UserInfo),
                    "/mobile-device-info/v1/device" => Some(Api::DeviceInfo),
                    _ => None,
                };
                api::respond(&self.subscriber, request.method(), api, request.uri())
            }
        };
        Box::pin(async { Ok(response) })
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
