//! Ends a session: here first, then at the gateway.

use std::{sync::Arc, time::Duration};

use axum_core::body::Body;
use http::{HeaderMap, Response, StatusCode};

use super::{Flow, Refusal};
use crate::{
    browser::{
        request::{self, RequestInfo},
        return_to::ReturnTo,
    },
    clock::unix_seconds,
    events::Event,
    failure::FailureCause,
    response::{
        self,
        page::{Page, Topic},
    },
    session::{SessionId, SessionToken, StoreError},
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
        let (flow, token) = (Arc::clone(self), self.session_token(info.cookies()));
        // In a task of its own, so that it goes on when the browser hangs up.
        let ended = tokio::spawn(async move {
            match token {
                Some(token) => flow.end(&token).await,
                None => Ok(()),
            }
        });
        let response = match ended.await {
            // Not back into the app: the recognition of a line is silent, so a guarded page would
            // sign the user in again at once.
            Ok(Ok(())) => {
                let after = self.config.after_logout.as_ref().map(ReturnTo::as_str);
                let after = after.unwrap_or(&self.config.paths.logout);
                response::see_other(&self.config.absolute(after))
            }
            Ok(Err(error)) => self.store_failed(info, &error),
            Err(_) => self.refuse(info, Refusal::because(FailureCause::Internal)),
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

    async fn end(&self, token: &SessionToken) -> Result<(), StoreError> {
        // Another instance may have refreshed the token that is to end at the gateway. And a store
        // that cannot say what it has may still be able to remove it.
        let now = self.config.clock.now();
        let loaded = self.store.load_fresh(token, now).await;
        self.store.remove(token, now).await?;
        let session = loaded?.filter(|session| self.accepts(session, unix_seconds(now)));
        let Some(session) = session else {
            return Ok(());
        };
        self.events.emit(Event::LoggedOut);
        self.forget_user_info(&session);
        // The session has ended here, as the user asked. A token that the gateway keeps expires.
        if let Err(error) = self.gateway.logout(session.access_token()).await {
            tracing::warn!(error, "logged out here, but not at the gateway");
        }
        Ok(())
    }

    /// Ends a session whose access token the gateway no longer accepts, in a task that goes on when
    /// its caller does not.
    pub(super) async fn end_dead(self: Arc<Self>, dead: CurrentSession) {
        let ended = tokio::spawn(async move {
            self.forget_user_info(&dead.session);
            let removed = self
                .store
                .remove(&dead.token, self.config.clock.now())
                .await;
            if let Err(error) = removed {
                self.events.store_failed(&error);
            }
        });
        let _ = ended.await;
    }

    /// Ends a session for an operator.
    pub(crate) async fn revoke(&self, session: SessionId) -> Result<(), StoreError> {
        let now = self.config.clock.now();
        let until = now + Duration::from_secs(self.config.max_session_age);
        let revoked = self.store.revoke(session, until, now).await;
        revoked.inspect_err(|error| self.events.store_failed(error))?;
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
        match self.current_session(info, self.config.clock.now()).await {
            Ok(Some(_)) => {
                let page = Page {
                    logout: Some(&self.config.paths.logout),
                    ..self.page(Topic::ConfirmLogout, info.language())
                };
                response::page(StatusCode::OK, &page)
            }
            Ok(None) => self.signed_out(info),
            Err(error) => self.store_failed(info, &error),
        }
    }
}
