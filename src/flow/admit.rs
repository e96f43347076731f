//! Lets a request in with its user, or without where that is allowed, or answers it.

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderMap, Request, Response};

use super::{Flow, Refusal};
use crate::{
    FailureCause, claimed_number,
    events::Event,
    mount::Mount,
    response,
    session::{Session, SessionStore, StoreError},
    user::{Guard, Identity},
    visit::{Visit, original_uri},
};

/// As what a request was let in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admitted {
    User,
    Anonymous,
}

impl<Store: SessionStore> Flow<Store> {
    /// A request that brought a session cookie, with what the store says of it.
    #[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
    pub(crate) fn admit<B>(
        self: &Arc<Self>,
        mount: &Mount,
        request: &mut Request<B>,
        loaded: Result<Option<Session>, StoreError>,
    ) -> Result<Admitted, Response<Body>> {
        let session = match loaded {
            Ok(session) => session.filter(|session| self.accepts(session)),
            Err(error) => return Err(self.store_failed(&Visit::of_request(request), &error)),
        };
        if session.is_none() {
            self.events.tell(Event::SessionRefused);
            return self.admit_anonymous(mount, request);
        }
        self.let_in(request, session);
        Ok(Admitted::User)
    }

    /// A request without a session.
    #[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
    pub(crate) fn admit_anonymous<B>(
        self: &Arc<Self>,
        mount: &Mount,
        request: &mut Request<B>,
    ) -> Result<Admitted, Response<Body>> {
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

    fn let_in<B>(self: &Arc<Self>, request: &mut Request<B>, session: Option<Session>) {
        claimed_number::remove(request.headers_mut());
        let guard: Arc<dyn Guard> = Arc::clone(self) as _;
        request.extensions_mut().insert(Identity { guard, session });
    }
}

impl Admitted {
    /// What the handler's answer must say so that no cache hands it to somebody else.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        match self {
            Self::User => response::keep_private(headers),
            Self::Anonymous => response::vary_by_cookie(headers),
        }
    }
}
