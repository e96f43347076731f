//! What stands behind a user when there is neither a gateway nor a layer.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};

use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::request::Visit,
    failure::FailureCause,
    gateway::client::TransportError,
    mock::{server::api, subscriber::Subscriber},
    response::{self, page::Language},
    session::{Session, SessionId},
    user::{Guard, Profiles, Refreshed},
};

/// Answers in this process: for the gateway with what it would answer, for the layer with what it tells a script.
pub(in crate::mock) struct Offline {
    pub(in crate::mock) subscriber: Subscriber,
    pub(in crate::mock) api_error: Option<u32>,
}

impl Guard for Offline {
    /// There is nowhere to send a page to, so that everybody is told as a script is.
    fn challenge(&self, visit: &Visit) -> Response<Body> {
        self.refuse(visit, FailureCause::LoginRequired)
    }

    fn refuse(&self, visit: &Visit, cause: FailureCause) -> Response<Body> {
        response::refusal(cause, Language::negotiate(&visit.headers()))
    }

    fn refresh<'g>(
        self: Arc<Self>,
        _: &'g Visit,
        _: &'g Session,
    ) -> BoxFuture<'g, Option<Refreshed>> {
        Box::pin(async { None })
    }

    /// No store keeps the session.
    fn end_session<'g>(self: Arc<Self>, _: &'g Visit, _: &'g Session) -> BoxFuture<'g, ()> {
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

    fn profiles(&self) -> Option<(&Profiles, u64)> {
        None
    }

    fn logout_path(&self) -> &str {
        "/telenor/logout"
    }

    fn session_id(&self, _: &Visit, _: &Session) -> Option<SessionId> {
        None
    }
}
