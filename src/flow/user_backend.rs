//! What a user asks of the layer that let it in.

use std::sync::Arc;

use axum_core::body::Body;
use http::{Request, Response};

use super::{Flow, Refusal, Retry};
use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::request::{Caller, Visit},
    failure::FailureCause,
    gateway::client::TransportError,
    session::{Session, SessionId, SessionStore},
    user::{Guard, Profiles, Refreshed},
};

impl<Store: SessionStore> Guard for Flow<Store> {
    fn challenge(&self, visit: &Visit) -> Response<Body> {
        Self::challenge(self, visit)
    }

    fn refuse(&self, visit: &Visit, cause: FailureCause) -> Response<Body> {
        let mut refusal = Refusal::because(cause);
        let target = match visit.caller {
            Caller::Form => self.config.return_to(self.own_path(visit.referer())),
            _ => self.target(visit),
        };
        refusal.retry = Retry::Page(target.as_str());
        Self::refuse(self, visit, refusal)
    }

    fn refresh<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, Option<Refreshed>> {
        Box::pin(async move {
            let headers = visit.headers();
            let token = self.session_token(&headers);
            let token = token.filter(|_| self.refreshes(session))?.into_owned();
            Some(self.refreshed(token, session.clone()).await)
        })
    }

    fn end_session<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, ()> {
        Box::pin(async move {
            let headers = visit.headers();
            if let Some(token) = self.session_token(&headers) {
                self.end_dead(token.into_owned(), session.clone()).await;
            }
        })
    }

    fn base(&self) -> &str {
        &self.gateway.base
    }

    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>> {
        Box::pin(self.gateway.call(request, token))
    }

    fn profiles(&self) -> Option<(&Profiles, u64)> {
        let profiles = self.profiles.as_ref()?;
        Some((profiles, self.config.clock.seconds()))
    }

    fn logout_path(&self) -> &str {
        &self.config.paths.logout
    }

    fn session_id(&self, visit: &Visit, session: &Session) -> Option<SessionId> {
        let headers = visit.headers();
        let token = self.session_token(&headers)?;
        Some(self.store.id(&token, session))
    }
}
