//! Lets a request in with its user, or without where that is allowed, or answers it.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use axum_core::body::Body;
use http::{HeaderMap, Request, Response, header};
use tokio::runtime::Handle;

use super::{Flow, Refusal, refresh::Due};
use crate::{
    browser::{
        msisdn_headers,
        request::{Visit, original_uri},
    },
    events::Event,
    failure::FailureCause,
    flow::placement::Mount,
    response,
    session::{Session, SessionStore, SessionToken, StoreError},
    user::{Guard, Identity, Refreshed},
};

/// As what a request was let in.
pub(crate) enum Admitted<Store> {
    User,
    /// A user of whom it was not noted for a while that the session is in use.
    Active(Box<Use<Store>>),
    Anonymous,
}

/// That a session is in use, to be written when its request is answered.
pub(crate) struct Use<Store> {
    flow: Arc<Flow<Store>>,
    token: SessionToken<'static>,
    session: Session,
    now: u64,
}

/// Why a request was not let in.
pub(crate) enum Turned {
    Away(Response<Body>),
    /// Its access token has run out, and another can be had.
    Stale(Session),
}

impl<Store: SessionStore> Flow<Store> {
    /// A request that brought a session cookie, with what the store says of it.
    #[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
    pub(crate) fn admit<B>(
        self: &Arc<Self>,
        mount: &Mount,
        request: &mut Request<B>,
        loaded: Result<Option<Session>, StoreError>,
    ) -> Result<Admitted<Store>, Turned> {
        let now = self.config.clock.seconds();
        let session = match loaded {
            Ok(session) => session.filter(|session| self.accepts(session, now)),
            Err(error) => {
                let visit = Visit::of_request(request);
                return Err(Turned::Away(self.store_failed(&visit, &error)));
            }
        };
        let Some(session) = session else {
            self.events.tell(Event::SessionRefused);
            return self.admit_anonymous(mount, request).map_err(Turned::Away);
        };
        match self.refresh_due(&session, now) {
            Due::Later => {}
            Due::Soon => self.refresh_soon(request.headers(), &session),
            Due::Now => return Err(Turned::Stale(session)),
        }
        Ok(self.let_user_in(request, session, now))
    }

    /// A request whose access token had run out.
    #[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
    pub(crate) fn admit_refreshed<B>(
        self: &Arc<Self>,
        mount: &Mount,
        request: &mut Request<B>,
        refreshed: Refreshed,
    ) -> Result<Admitted<Store>, Response<Body>> {
        let now = self.config.clock.seconds();
        match refreshed {
            Refreshed::Session(session) => Ok(self.let_user_in(request, session, now)),
            Refreshed::Over => {
                self.events.tell(Event::SessionRefused);
                self.admit_anonymous(mount, request)
            }
            Refreshed::NotNow(cause) => {
                let refusal = Refusal::because(cause);
                Err(self.refuse(&Visit::of_request(request), refusal))
            }
        }
    }

    /// A request without a session.
    #[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
    pub(crate) fn admit_anonymous<B>(
        self: &Arc<Self>,
        mount: &Mount,
        request: &mut Request<B>,
    ) -> Result<Admitted<Store>, Response<Body>> {
        let original = original_uri(request.extensions(), request.uri());
        let (path, callback) = (request.uri().path(), &self.config.paths.callback);
        if let Some(mistake) = mount.mistake(original.path(), path, callback) {
            tracing::error!("{mistake}");
            let visit = Visit::of_request(request);
            return Err(self.refuse(&visit, Refusal::because(FailureCause::Internal)));
        }
        if !self.config.optional {
            return Err(self.challenge(&Visit::of_request(request)));
        }
        self.let_in(request, None);
        Ok(Admitted::Anonymous)
    }

    fn let_user_in<B>(
        self: &Arc<Self>,
        request: &mut Request<B>,
        session: Session,
        now: u64,
    ) -> Admitted<Store> {
        let note = self.note_use(request.headers(), &session, now);
        self.let_in(request, Some(session));
        note.map_or(Admitted::User, |note| Admitted::Active(Box::new(note)))
    }

    fn let_in<B>(self: &Arc<Self>, request: &mut Request<B>, session: Option<Session>) {
        msisdn_headers::remove(request.headers_mut());
        let guard: Arc<dyn Guard> = Arc::clone(self) as _;
        request.extensions_mut().insert(Identity { guard, session });
    }

    /// With an idle time, each tenth of it is noted when the session is in use.
    fn note_use(
        self: &Arc<Self>,
        headers: &HeaderMap,
        session: &Session,
        now: u64,
    ) -> Option<Use<Store>> {
        let idle = self.config.idle_timeout?;
        if !session.is_idle(now, (idle / 10).max(1)) {
            return None;
        }
        Some(Use {
            flow: Arc::clone(self),
            token: self.session_token(headers)?.into_owned(),
            session: session.used_at(self.config.clock.now()),
            now,
        })
    }
}

impl<Store: SessionStore> Admitted<Store> {
    /// What the handler's answer must say so that no cache hands it to somebody else, and that the session goes on.
    pub(crate) fn mark(self, response: &mut Response<Body>) {
        match self {
            Self::User => response::keep_private(response.headers_mut()),
            Self::Active(noted) => {
                response::keep_private(response.headers_mut());
                noted.write(response);
            }
            Self::Anonymous => response::vary_by_cookie(response.headers_mut()),
        }
    }
}

impl<Store: SessionStore> Use<Store> {
    /// Written now and not before the handler ran: a session that was ended meanwhile is not brought back.
    fn write(self, response: &mut Response<Body>) {
        if Store::KEEPS_TOKEN {
            self.write_to_store();
        } else if response::takes_cookie(response) {
            self.write_to_cookie(response.headers_mut());
        }
    }

    /// A store in this process has done so at once; nobody waits for another one.
    fn write_to_store(self) {
        let mut write = Box::pin(self.replace());
        let mut context = Context::from_waker(Waker::noop());
        if write.as_mut().poll(&mut context).is_pending()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(write);
        }
    }

    /// When it is not known at once whether the session goes on, the next request notes its use.
    fn write_to_cookie(self, headers: &mut HeaderMap) {
        let (flow, seconds) = (Arc::clone(&self.flow), self.session.seconds_left(self.now));
        let write = pin!(self.replace());
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(Some(token)) = write.poll(&mut context) {
            let names = &flow.names;
            let cookie = names.set(&names.session, token.expose(), seconds);
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    async fn replace(self) -> Option<SessionToken<'static>> {
        let replaced = self.flow.store.replace(&self.token, self.session).await;
        replaced.unwrap_or_else(|error| {
            self.flow.events.store_failed(&error);
            None
        })
    }
}
