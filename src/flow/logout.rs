//! Ends a session: here first, then at the gateway.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_core::body::Body;
use http::{HeaderMap, Response, StatusCode};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::{Flow, HEADERS_OF_OWN_PAGE, MAX_SESSION_COOKIES, Refusal, Retry};
use crate::{
    browser::{
        request::{self, RequestInfo},
        return_to::ReturnTo,
    },
    clock::unix_seconds,
    detached,
    events::Event,
    failure::FailureCause,
    login_id::LoginId,
    response::{
        self,
        page::{Page, Topic},
    },
    session::{Session, SessionId, SessionToken, StoreError, SubjectId},
    user::CurrentSession,
};

/// In the address of a logout form of the layer.
const PROOF: &str = "form";

impl Flow {
    pub(super) async fn logout(
        self: &Arc<Self>,
        headers: &HeaderMap,
        info: &RequestInfo,
    ) -> Response<Body> {
        if !request::is_same_origin(headers, &self.config.origin_str) {
            // The layer's own form proves itself, since not every browser says where it was.
            match self.live_sessions(info).await {
                Ok((sessions, _)) if self.is_own_form(info, &sessions) => {}
                Ok((sessions, _)) => return self.refuse_logout(info, sessions.first()),
                Err(error) => return self.store_failed(info, &error),
            }
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
                response::see_other(self.config.absolute(after))
            }
            Some(Err(error)) => self.store_failed(info, &error),
            None => self.refuse(info, Refusal::because(FailureCause::Internal)),
        };
        // This browser is no longer signed in, also when the store returned an error.
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

    /// Whether a form of the layer that was made for one of these sessions was sent.
    fn is_own_form(&self, info: &RequestInfo, sessions: &[Session]) -> bool {
        let proof = info.parameter(PROOF);
        let proof = proof.and_then(|proof| self.logout_forms.open(PROOF, proof.as_bytes()));
        let mut logins = sessions.iter().map(Session::login_id);
        proof.is_some_and(|proof: LoginId| logins.any(|login| login == proof))
    }

    /// Where a logout form of the layer posts to. The proof is good in a browser with this session.
    fn logout_action(&self, session: Option<&Session>) -> String {
        let logout = &self.config.paths.logout;
        match session.map(|session| self.logout_forms.seal(PROOF, &session.login_id())) {
            Some(proof) => format!("{logout}?{PROOF}={proof}"),
            None => logout.to_string(),
        }
    }

    fn refuse_logout(&self, info: &RequestInfo, session: Option<&Session>) -> Response<Body> {
        let action = session.map(|session| self.logout_action(Some(session)));
        let refusal = Refusal {
            logout: action.as_deref(),
            retry: Retry::Page(&self.config.paths.logout),
            hint: Some(HEADERS_OF_OWN_PAGE),
            ..Refusal::because(FailureCause::CrossSiteRequest)
        };
        self.refuse(info, refusal)
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
    pub(crate) async fn revoke(self: &Arc<Self>, session: SessionId) -> Result<(), StoreError> {
        let flow = Arc::clone(self);
        let revocation = async move {
            let now = flow.config.clock.now();
            let revoked = flow.store.revoke(session, flow.last_end(now), now).await;
            flow.note_revocation(revoked, Some(session), None)
        };
        to_its_end(revocation).await
    }

    /// Ends all sessions of a customer.
    pub(crate) async fn revoke_subject(
        self: &Arc<Self>,
        subject: SubjectId,
    ) -> Result<(), StoreError> {
        let flow = Arc::clone(self);
        let revocation = async move {
            let now = flow.config.clock.now();
            let until = flow.last_end(now);
            let revoked = flow.store.revoke_subject(subject, until, now).await;
            flow.note_revocation(revoked, None, Some(subject))
        };
        to_its_end(revocation).await
    }

    pub(crate) async fn revoke_all(self: &Arc<Self>) -> Result<(), StoreError> {
        let flow = Arc::clone(self);
        let revocation = async move {
            let revoked = flow.store.revoke_all(flow.config.clock.now()).await;
            flow.note_revocation(revoked, None, None)
        };
        to_its_end(revocation).await
    }

    /// When the last session of now will have ended.
    fn last_end(&self, now: SystemTime) -> SystemTime {
        now + Duration::from_secs(self.config.max_session_age)
    }

    /// Forgets the user infos of sessions that were revoked, and says that they were.
    fn note_revocation(
        &self,
        revoked: Result<(), StoreError>,
        session: Option<SessionId>,
        subject: Option<SubjectId>,
    ) -> Result<(), StoreError> {
        revoked.inspect_err(|error| self.events.store_failed(error))?;
        match (&self.info_cache, session) {
            (Some(cache), Some(session)) => cache.forget(session),
            // Not every store can say which sessions those were.
            (Some(cache), None) => cache.forget_all(),
            (None, _) => {}
        }
        self.events.emit(Event::SessionsRevoked {
            session_id: session.map(|id| id.to_string()).as_deref(),
            subject: subject.map(|id| id.to_string()).as_deref(),
        });
        Ok(())
    }

    /// Asks a signed-in user whether to log out, and shows all others that they are logged out.
    pub(super) async fn logout_page(&self, info: &RequestInfo) -> Response<Body> {
        match self.live_sessions(info).await {
            Ok((sessions, more)) if more || !sessions.is_empty() => {
                let action = self.logout_action(sessions.first());
                let page = Page {
                    logout: Some(&action),
                    ..self.page(Topic::ConfirmLogout, info, None)
                };
                response::page(StatusCode::OK, &page)
            }
            Ok(_) => self.signed_out(info),
            Err(error) => self.store_failed(info, &error),
        }
    }

    /// The live sessions of the session cookies, and whether there are more cookies than are looked
    /// at.
    async fn live_sessions(&self, info: &RequestInfo) -> Result<(Vec<Session>, bool), StoreError> {
        let now = self.config.clock.now();
        let (tokens, more) = self.session_tokens(info);
        let mut sessions = Vec::new();
        for token in &tokens {
            let session = self.store.load(token, now).await?;
            sessions.extend(session.filter(|session| self.accepts(session, unix_seconds(now))));
        }
        Ok((sessions, more))
    }
}

/// Runs a revocation in a task. A caller that goes away would leave users who are logged out
/// without an event, and their infos in the cache.
async fn to_its_end(
    revocation: impl Future<Output = Result<(), StoreError>> + Send + 'static,
) -> Result<(), StoreError> {
    let ended = detached::run_or_in_place(revocation).await;
    let broken = "the revocation panicked, or the runtime has shut down";
    ended.unwrap_or_else(|| Err(StoreError::new(broken)))
}
