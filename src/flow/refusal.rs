//! Says why a request has no session: one answer for the log, the event, the page and the loop
//! detector.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderValue;

use super::{Flow, Look};
use crate::{
    boxed::BoxFuture,
    browser::{
        cookie::{self, Lookup},
        request::RequestInfo,
    },
    clock::{system_time, unix_seconds},
    events::Event,
    polling::Polling,
    session::{Session, SessionToken, StoreError, erased::Loaded},
    session_refusal::SessionRefusal,
    user::CurrentSession,
};

/// How long to look again for the session of a login that ended seconds ago: a replica of the store
/// may lag.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const LOOK_AGAIN_INTERVAL: Duration = Duration::from_millis(100);

impl Flow {
    /// The token in the session cookie, if there is exactly one such cookie.
    pub(crate) fn session_token<'h>(
        &self,
        cookies: impl IntoIterator<Item = &'h HeaderValue>,
    ) -> Result<SessionToken, SessionRefusal> {
        match cookie::find(cookies, &self.names.session) {
            Lookup::Unique(value) => SessionToken::in_header(value.line, value.range)
                .ok_or(SessionRefusal::CookieUnreadable),
            Lookup::Missing => Err(SessionRefusal::NoCookie),
            Lookup::Ambiguous => Err(SessionRefusal::CookieTwice),
        }
    }

    /// Why a session that the store knows is no good, or `None` if it is one of this app's, and
    /// live.
    fn refusal(&self, session: &Session, now: u64) -> Option<SessionRefusal> {
        self.config.limits().refusal(session, now)
    }

    pub(super) fn accepts(&self, session: &Session, now: u64) -> bool {
        self.refusal(session, now).is_none()
    }

    /// The session that the store returned for this token, or why it is no good. What was kept
    /// about the user of a session that has ended is forgotten.
    pub(crate) fn judge(
        &self,
        token: &SessionToken,
        loaded: Loaded,
        now: u64,
    ) -> Result<Result<Session, SessionRefusal>, StoreError> {
        let Some(session) = loaded? else {
            if let Some(cache) = self.info_cache.as_ref()
                && self.store.has_stable_token()
            {
                cache.forget(token.id());
            }
            return Ok(Err(self.store.refusal(token, system_time(now))));
        };
        Ok(match self.refusal(&session, now) {
            None => Ok(session),
            Some(refusal) => {
                match refusal {
                    SessionRefusal::OtherApp => self.notices.other_app(&self.names.session),
                    SessionRefusal::FromFuture => {}
                    _ => self.forget_user_info(token, &session),
                }
                Err(refusal)
            }
        })
    }

    /// The live session of a request to one of the layer's own routes.
    pub(super) async fn current_session(
        self: &Arc<Self>,
        info: &RequestInfo,
        now: SystemTime,
    ) -> Result<Result<CurrentSession, SessionRefusal>, StoreError> {
        let token = match self.session_token(info.cookies()) {
            Ok(token) => token,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (loaded, look) = match self.store.try_load(&token, now) {
            Some(loaded) => (loaded, Look::AtHand),
            None => (self.store.load(&token, now).await, Look::First),
        };
        let seen_at = unix_seconds(now);
        let judged = match self.judge(&token, loaded, seen_at)? {
            Err(refusal)
                if self.is_worth_another_look(look, refusal) && self.has_just_logged_in(info) =>
            {
                let loaded = Arc::clone(self).look_again(token.clone()).await;
                self.judge(&token, loaded, self.config.clock.seconds())?
            }
            judged => judged,
        };
        Ok(judged.map(|session| CurrentSession {
            token,
            session,
            seen_at,
        }))
    }

    /// Whether a later answer of the store may be another one. A store in one process knows at once
    /// what it has.
    pub(super) fn is_worth_another_look(&self, look: Look, refusal: SessionRefusal) -> bool {
        let may_lag = match look {
            Look::AtHand => self.store.has_leases(),
            Look::First => true,
            Look::Again => false,
        };
        may_lag && refusal.may_pass()
    }

    /// Whether this browser ended a login seconds ago, so that it should have a session.
    pub(super) fn has_just_logged_in(&self, info: &RequestInfo) -> bool {
        self.loop_detector
            .is_recent(info, self.config.clock.seconds())
    }

    /// Asks the store again, until it has a session that is good, or for about a second.
    pub(crate) fn look_again(self: Arc<Self>, token: SessionToken) -> BoxFuture<'static, Loaded> {
        Box::pin(async move {
            let polling = Polling::new(LOOK_AGAIN, LOOK_AGAIN_INTERVAL);
            loop {
                let more = polling.next().await;
                let now = self.config.clock.now();
                let loaded = self.store.load_fresh(&token, now).await?;
                let good = |session: &Session| self.accepts(session, unix_seconds(now));
                if !more || loaded.as_ref().is_some_and(good) {
                    return Ok(loaded);
                }
            }
        })
    }

    /// Says that a session cookie came and was refused.
    pub(super) fn session_refused(&self, reason: SessionRefusal) {
        if reason != SessionRefusal::NoCookie {
            self.events.emit(Event::SessionRefused { reason });
        }
    }
}
