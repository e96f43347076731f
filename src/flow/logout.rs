//! Sees a visitor out: here first, then at the gateway.

use axum_core::body::Body;
use http::{Response, StatusCode, request::Parts};

use super::{Flow, Refusal};
use crate::{
    FailureCause, Language,
    events::Event,
    page::{Page, Topic},
    response,
    return_to::ReturnTo,
    session::SessionStore,
    visit::{self, Visit},
};

impl<Store: SessionStore> Flow<Store> {
    pub(super) async fn logout(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        if !visit::is_same_origin(&parts.headers, &self.config.origin_text) {
            return self.refuse(visit, Refusal::because(FailureCause::CrossSiteRequest));
        }
        let session = match self.session(&parts.headers).await {
            Ok(session) => session,
            Err(error) => return self.store_failed(visit, &error),
        };
        if let Some(token) = self.session_token(&parts.headers)
            && let Err(error) = self.store.remove(&token).await
        {
            return self.store_failed(visit, &error);
        }
        if let Some(session) = session {
            self.events.tell(Event::LoggedOut);
            // The session is over here, which is what was asked for; a token that the gateway keeps ends by itself.
            if let Err(error) = self.gateway.logout(session.access_token()).await {
                tracing::warn!(error, "logged out here, but not at the gateway");
            }
        }
        // Not back into the app: recognising the line is silent, so a guarded page would undo this at once.
        let after = self.config.after_logout.as_ref().map(ReturnTo::as_str);
        let target = self
            .config
            .absolute(after.unwrap_or(&self.config.paths.logout));
        let over = [
            self.names.clear(&self.names.session),
            self.names.clear(&self.names.rounds),
        ];
        response::with_cookies(response::see_other(&target), over)
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

    pub(super) fn signed_out(&self, visit: &Visit) -> Response<Body> {
        let language = Language::negotiate(&visit.headers());
        let retry = self.login_url(self.config.home.as_str());
        let page = Page {
            retry: Some(&retry),
            ..self.page(Topic::SignedOut, language)
        };
        response::page(StatusCode::OK, &page)
    }
}
