//! Sees a visitor out: here first, then at the gateway.

use std::{sync::Arc, time::Duration};

use axum_core::body::Body;
use http::{Response, StatusCode, request::Parts};

use super::{Flow, Refusal};
use crate::{
    browser::{
        request::{self, Visit},
        return_to::ReturnTo,
    },
    events::Event,
    failure::FailureCause,
    response::{
        self,
        page::{Language, Page, Topic},
    },
    session::{Session, SessionId, SessionStore, SessionToken, StoreError},
};

impl<Store: SessionStore> Flow<Store> {
    pub(super) async fn logout(self: &Arc<Self>, parts: &Parts, visit: &Visit) -> Response<Body> {
        if !request::is_same_origin(&parts.headers, &self.config.origin_text) {
            return self.refuse(visit, Refusal::because(FailureCause::CrossSiteRequest));
        }
        let token = self
            .session_token(&parts.headers)
            .map(SessionToken::into_owned);
        let (flow, ending) = (Arc::clone(self), token);
        // In a task of its own: somebody who asked to be logged out and hung up shall be.
        let ended = tokio::spawn(async move {
            match ending {
                Some(token) => flow.end(&token).await,
                None => Ok(()),
            }
        });
        let answer = match ended.await {
            // Not back into the app: recognising the line is silent, so a guarded page would undo this at once.
            Ok(Ok(())) => {
                let after = self.config.after_logout.as_ref().map(ReturnTo::as_str);
                let after = after.unwrap_or(&self.config.paths.logout);
                response::see_other(&self.config.absolute(after))
            }
            Ok(Err(error)) => self.store_failed(visit, &error),
            Err(_) => self.refuse(visit, Refusal::because(FailureCause::Internal)),
        };
        // Whatever the store did, this browser is signed in no longer.
        let over = [
            self.names.clear(&self.names.session),
            self.names.clear(&self.names.rounds),
            // Browsers keep pages for the Back button, `no-store` or not, until a cookie changes that scripts cannot see.
            // Chromium does not count one that came with a redirect to that very page, as ours do: hence one of another name.
            self.names.set(&self.names.logged_out, "1", 1),
        ];
        response::with_cookies(answer, over)
    }

    /// Ends a session: here first, then at the gateway.
    async fn end(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        // Another instance may have refreshed the token that is to end at the gateway. And a store that cannot tell what it has may still
        // be able to forget it.
        let loaded = self.store.reload(token).await;
        self.store.remove(token).await?;
        let now = self.config.clock.seconds();
        let Some(session) = loaded?.filter(|session| self.accepts(session, now)) else {
            return Ok(());
        };
        self.events.tell(Event::LoggedOut);
        self.forget_profile(&session);
        // The session is over here, which is what was asked for; a token that the gateway keeps ends by itself.
        if let Err(error) = self.gateway.logout(session.access_token()).await {
            tracing::warn!(error, "logged out here, but not at the gateway");
        }
        Ok(())
    }

    /// Ends a session whose access token the gateway does not know any more; also when nobody waits for that.
    pub(super) async fn end_dead(self: Arc<Self>, token: SessionToken<'static>, dead: Session) {
        let ended = tokio::spawn(async move {
            self.forget_profile(&dead);
            if let Err(error) = self.store.remove(&token).await {
                self.events.store_failed(&error);
            }
        });
        let _ = ended.await;
    }

    /// Ends a session by the word of the app.
    pub(crate) async fn revoke(&self, session: SessionId) -> Result<(), StoreError> {
        let until = self.config.clock.now() + Duration::from_secs(self.config.session_max);
        let revoked = self.store.revoke(session, until).await;
        revoked.inspect_err(|error| self.events.store_failed(error))?;
        let session_id = session.to_string();
        self.events.tell(Event::SessionsRevoked {
            session_id: Some(&session_id),
        });
        Ok(())
    }

    pub(crate) async fn revoke_all(&self) -> Result<(), StoreError> {
        let revoked = self.store.revoke_all().await;
        revoked.inspect_err(|error| self.events.store_failed(error))?;
        if let Some(profiles) = &self.profiles {
            profiles.forget_all();
        }
        self.events
            .tell(Event::SessionsRevoked { session_id: None });
        Ok(())
    }

    /// Asks somebody who is signed in whether to log out, and tells everybody else that they are.
    pub(super) async fn logout_page(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        match self.session(&parts.headers).await {
            Ok(Some(_)) => {
                let language = Language::negotiate(&parts.headers);
                let page = Page {
                    logout: Some(&self.config.paths.logout),
                    ..self.page(Topic::ConfirmLogout, language)
                };
                response::page(StatusCode::OK, &page)
            }
            Ok(None) => self.signed_out(visit),
            Err(error) => self.store_failed(visit, &error),
        }
    }
}
