//! Ends a session: here first, then at the gateway.

use std::{sync::Arc, time::Duration};

use axum_core::body::Body;
use http::{HeaderMap, Response, StatusCode};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::{Flow, MAX_SESSION_COOKIES, Refusal};
use crate::{
    browser::{
        request::{self, RequestInfo},
        return_to::ReturnTo,
    },
    clock::unix_seconds,
    detached,
    events::Event,
    failure::FailureCause,
    response::{
        self,
        page::{Page, Topic},
    },
    session::{Session, SessionId, SessionToken, StoreError},
    user::CurrentSession,
};

impl Flow {
    pub(super) async fn logout(
        self: &Arc<Self>,
        headers: &HeaderMap,
        info: &RequestInfo,
    ) -> Response<Body> {
        if !request::is_same_origin(headers, &self.config.origin_str) {
            return self.refuse(info, Refusal::because(FailureCause::CrossSiteRequest));
        }
        // A sibling host can plant a session cookie beside the user's own.
        let (tokens, more) = self.session_tokens(info);
        // In a task of its own, so that it goes on when the browser hangs up.
        let ended = detached::run(Arc::clone(self).end_all(tokens));
        let response = match ended.await {
            Some(Ok(())) if more => {
                tracing::warn!(
                    ended = MAX_SESSION_COOKIES,
                    "a logout came with more session cookies of different values, and sessions of \
                     the others may go on"
                );
                self.refuse(info, Refusal::because(FailureCause::Internal))
            }
            // Not back into the app: the recognition of a line is silent, so a guarded page would
            // sign the user in again at once.
            Some(Ok(())) => {
                let after = self.config.after_logout.as_ref().map(ReturnTo::as_str);
                let after = after.unwrap_or(&self.config.paths.logout);
                response::see_other(&self.config.absolute(after))
            }
            Some(Err(error)) => self.store_failed(info, &error),
            None => self.refuse(info, Refusal::because(FailureCause::Internal)),
        };
        // Whatever the store returned, this browser is no longer signed in.
        let cookies = [
            self.names.clear(&self.names.session),
            self.names.clear(&self.names.loop_detector),
            // Browsers keep pages for the Back button, `no-store` or not, until a cookie changes
            // that scripts cannot see. Chromium does not count one that came with a redirect to
            // that very page, as ours do. Hence one of another name.
            self.names.set(&self.names.logged_out, "1", 1),
        ];
        response::with_cookies(response, cookies)
    }

    /// Ends these sessions, all that can be ended. Returns the first error.
    async fn end_all(self: Arc<Self>, tokens: Vec<SessionToken>) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        let mut sessions = Vec::new();
        for token in &tokens {
            match self.remove(token).await {
                Ok(session) => sessions.extend(session),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if !sessions.is_empty() {
            self.events.emit(Event::LoggedOut);
        }
        let mut at_gateway = JoinSet::new();
        for session in sessions {
            let flow = Arc::clone(&self);
            // The session has ended here, as the user asked. A token that the gateway keeps
            // expires.
            let logout = async move {
                if let Err(error) = flow.gateway.logout(session.access_token()).await {
                    tracing::warn!(error, "logged out here, but not at the gateway");
                }
            };
            at_gateway.spawn(logout.in_current_span());
        }
        at_gateway.join_all().await;
        outcome
    }

    /// Removes a session from the store, and returns it if it was live.
    async fn remove(&self, token: &SessionToken) -> Result<Option<Session>, StoreError> {
        // Another instance may have refreshed the token that is to end at the gateway. And a store
        // that cannot say what it has may still be able to remove it.
        let now = self.config.clock.now();
        let loaded = self.store.load_fresh(token, now).await;
        self.store.remove(token, now).await?;
        let session = loaded?.filter(|session| self.accepts(session, unix_seconds(now)));
        Ok(session.inspect(|session| self.forget_user_info(token, session)))
    }

    /// Ends a session whose access token the gateway no longer accepts, in a task that goes on when
    /// its caller does not.
    pub(super) async fn end_dead(self: Arc<Self>, dead: CurrentSession) {
        let end = async move {
            self.forget_user_info(&dead.token, &dead.session);
            let now = self.config.clock.now();
            if let Err(error) = self.store.remove(&dead.token, now).await {
                self.events.store_failed(&error);
            }
        };
        let _ = detached::run(end).await;
    }

    /// Ends a session for an operator.
    pub(crate) async fn revoke(&self, session: SessionId) -> Result<(), StoreError> {
        let now = self.config.clock.now();
        let until = now + Duration::from_secs(self.config.max_session_age);
        let revoked = self.store.revoke(session, until, now).await;
        revoked.inspect_err(|error| self.events.store_failed(error))?;
        if let Some(cache) = &self.info_cache {
            cache.forget(session);
        }
        self.events.emit(Event::SessionsRevoked {
            session_id: Some(&session.to_string()),
        });
        Ok(())
    }

    pub(crate) async fn revoke_all(&self) -> Result<(), StoreError> {
        let revoked = self.store.revoke_all(self.config.clock.now()).await;
        revoked.inspect_err(|error| self.events.store_failed(error))?;
        if let Some(cache) = &self.info_cache {
            cache.forget_all();
        }
        self.events
            .emit(Event::SessionsRevoked { session_id: None });
        Ok(())
    }

    /// Asks a signed-in user whether to log out, and shows all others that they are logged out.
    pub(super) async fn logout_page(&self, info: &RequestInfo) -> Response<Body> {
        match self.has_live_session(info).await {
            Ok(true) => {
                let page = Page {
                    logout: Some(&self.config.paths.logout),
                    ..self.page(Topic::ConfirmLogout, info.language())
                };
                response::page(StatusCode::OK, &page)
            }
            Ok(false) => self.signed_out(info),
            Err(error) => self.store_failed(info, &error),
        }
    }

    /// Whether one of the session cookies, if there are several, is of a live session.
    async fn has_live_session(&self, info: &RequestInfo) -> Result<bool, StoreError> {
        let now = self.config.clock.now();
        let (tokens, more) = self.session_tokens(info);
        for token in &tokens {
            let session = self.store.load(token, now).await?;
            if session.is_some_and(|session| self.accepts(&session, unix_seconds(now))) {
                return Ok(true);
            }
        }
        Ok(more)
    }
}
