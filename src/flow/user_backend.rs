//! The calls of a user to the layer that admitted the request.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use axum_core::body::Body;
use http::{Request, Response, Uri};

use super::{Flow, Refusal, Retry};
use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::{request::RequestInfo, request_kind::RequestKind},
    failure::FailureCause,
    gateway::error::TransportError,
    response::for_handler,
    session::{Session, SessionId},
    session_refusal::SessionRefusal,
    user::{CurrentSession, LoginOptions, RefreshOutcome, Unconfirmed, UserBackend, UserInfoCache},
};

impl UserBackend for Flow {
    fn challenge(&self, info: &RequestInfo) -> Response<Body> {
        // Without another reason, the gateway has rejected the token of a session that was good.
        let refusal = info.refusal.unwrap_or(SessionRefusal::TokenExpired);
        for_handler(Self::challenge(self, &info.clone().refused(refusal)))
    }

    fn refuse(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body> {
        let target = match info.kind {
            RequestKind::FormPost => self.config.return_to_page(info),
            _ => self.config.return_here(info),
        };
        let refusal = Refusal {
            retry: Retry::Page(target.as_str()),
            ..Refusal::because(cause)
        };
        for_handler(Self::refuse(self, info, refusal))
    }

    fn refresh<'g>(
        self: Arc<Self>,
        current: &'g CurrentSession,
    ) -> BoxFuture<'g, Option<RefreshOutcome>> {
        Box::pin(async move {
            if !self.can_refresh(&current.session) {
                return None;
            }
            Some(self.refreshed(current.clone()).await)
        })
    }

    fn end_session(self: Arc<Self>, current: CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(self.end_dead(current))
    }

    fn ended(&self, current: &CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(self.store.watch(&current.token, &current.session).ended())
    }

    fn confirm<'g>(
        &'g self,
        current: &'g CurrentSession,
        seen_at: &'g AtomicU64,
    ) -> BoxFuture<'g, Result<Session, Unconfirmed>> {
        Box::pin(self.confirm(current, seen_at))
    }

    fn base(&self) -> &str {
        &self.gateway.base
    }

    fn user_info_endpoint(&self) -> Uri {
        self.gateway.user_info_endpoint.clone()
    }

    fn device_info_endpoint(&self) -> Uri {
        self.gateway.device_info_endpoint.clone()
    }

    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>> {
        Box::pin(self.gateway.call(request, token))
    }

    fn info_cache(&self) -> Option<(&UserInfoCache, u64)> {
        let cache = self.info_cache.as_ref()?;
        Some((cache, self.config.clock.seconds()))
    }

    fn begin_login(&self, info: &RequestInfo, options: LoginOptions) -> Response<Body> {
        for_handler(self.begin_for_handler(info, options))
    }

    fn require_recent_login(&self, info: &RequestInfo, max_age: Duration) -> Response<Body> {
        for_handler(Self::require_recent_login(self, info, max_age))
    }

    fn now(&self) -> SystemTime {
        self.config.clock.now()
    }

    fn login_path(&self, return_to: &str) -> String {
        self.config
            .login_path(self.config.return_to(Some(return_to)).as_str())
    }

    fn logout_path(&self) -> &str {
        &self.config.paths.logout
    }

    fn session_id(&self, current: &CurrentSession) -> Option<SessionId> {
        Some(self.store.id(&current.token, &current.session))
    }
}
