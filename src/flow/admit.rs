//! Lets a request in with its user, or without where that is allowed, or answers it.

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderMap, Request, Response};

use super::{Flow, Refusal};
use crate::{
    FailureCause, claimed_number,
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
    /// Turns what a store answered into a request that may go on, or into an answer to it.
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
        let admitted = match &session {
            Some(_) => Admitted::User,
            None => self.without_session(mount, request)?,
        };
        claimed_number::remove(request.headers_mut());
        let guard: Arc<dyn Guard> = Arc::clone(self) as _;
        request.extensions_mut().insert(Identity { guard, session });
        Ok(admitted)
    }

    #[expect(clippy::result_large_err, reason = "an answer is handed on at once")]
    fn without_session<B>(
        &self,
        mount: &Mount,
        request: &Request<B>,
    ) -> Result<Admitted, Response<Body>> {
        let original = original_uri(request.extensions(), request.uri());
        let (path, callback) = (request.uri().path(), &self.config.paths.callback);
        if let Some(mistake) = mount.mistake(original.path(), path, callback) {
            tracing::error!("{mistake}");
            let visit = Visit::of_request(request);
            return Err(self.refuse(&visit, Refusal::because(FailureCause::Internal)));
        }
        if self.config.optional {
            return Ok(Admitted::Anonymous);
        }
        Err(self.challenge(&Visit::of_request(request)))
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
