//! A store whose type is erased, so that neither layer nor flow carries it.
//!
//! A call that panics is one that fails, since a panic would end the connection of a browser, which
//! may carry other requests. It would also lose the response of a handler that has run. Three
//! methods are left out. `save` runs in a task, where a panic ends the login. `id` and `keys` have
//! no error to return.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};

use super::{Lease, Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId};
use crate::{boxed::BoxFuture, key::CookieKeys, session_refusal::SessionRefusal};

/// What a look-up returns.
pub(crate) type Loaded = Result<Option<Session>, StoreError>;

/// [`SessionStore`] as a trait object. Each method is the one of the same name there.
pub(crate) trait ErasedStore: Send + Sync {
    fn has_stable_token(&self) -> bool;

    fn try_load(&self, token: &SessionToken, now: SystemTime) -> Option<Loaded>;

    fn load<'a>(&'a self, token: &'a SessionToken, now: SystemTime) -> BoxFuture<'a, Loaded>;

    /// `load` for a future that outlives its caller.
    fn load_owned(
        self: Arc<Self>,
        token: SessionToken,
        now: SystemTime,
    ) -> BoxFuture<'static, Loaded>;

    fn load_fresh<'a>(&'a self, token: &'a SessionToken, now: SystemTime) -> BoxFuture<'a, Loaded>;

    fn save(
        &self,
        session: Session,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<SessionToken, StoreError>>;

    fn update<'a>(
        &'a self,
        token: &'a SessionToken,
        new: Session,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<SessionToken>, StoreError>>;

    fn remove<'a>(
        &'a self,
        token: &'a SessionToken,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    fn revoke_all(&self, now: SystemTime) -> BoxFuture<'_, Result<(), StoreError>>;

    fn find_ended<'a>(
        &'a self,
        sessions: &'a [(SessionId, Session)],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Vec<SessionId>, StoreError>>;

    fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<Option<Vec<SessionId>>, StoreError>>;

    fn ping(&self, now: SystemTime) -> BoxFuture<'_, Result<(), StoreError>>;

    fn id(&self, token: &SessionToken, session: &Session) -> SessionId;

    fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal;

    fn keys(&self) -> Option<CookieKeys>;

    fn leases(&self) -> Option<&dyn Leases>;
}

impl<S: SessionStore> ErasedStore for S {
    fn has_stable_token(&self) -> bool {
        S::STABLE_TOKEN
    }

    fn try_load(&self, token: &SessionToken, now: SystemTime) -> Option<Loaded> {
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            SessionStore::try_load(self, token, now)
        }));
        loaded.unwrap_or_else(|_| Some(Err(panicked())))
    }

    fn load<'a>(&'a self, token: &'a SessionToken, now: SystemTime) -> BoxFuture<'a, Loaded> {
        Box::pin(caught(
            async move { SessionStore::load(self, token, now).await },
        ))
    }

    fn load_owned(
        self: Arc<Self>,
        token: SessionToken,
        now: SystemTime,
    ) -> BoxFuture<'static, Loaded> {
        Box::pin(caught(async move {
            SessionStore::load(&*self, &token, now).await
        }))
    }

    fn load_fresh<'a>(&'a self, token: &'a SessionToken, now: SystemTime) -> BoxFuture<'a, Loaded> {
        Box::pin(caught(async move {
            SessionStore::load_fresh(self, token, now).await
        }))
    }

    fn save(
        &self,
        session: Session,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<SessionToken, StoreError>> {
        Box::pin(SessionStore::save(self, session, now))
    }

    fn update<'a>(
        &'a self,
        token: &'a SessionToken,
        new: Session,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<SessionToken>, StoreError>> {
        Box::pin(caught(async move {
            SessionStore::update(self, token, new, now).await
        }))
    }

    fn remove<'a>(
        &'a self,
        token: &'a SessionToken,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(caught(async move {
            SessionStore::remove(self, token, now).await
        }))
    }

    fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(caught(async move {
            SessionStore::revoke(self, id, until, now).await
        }))
    }

    fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(caught(async move {
            SessionStore::revoke_subject(self, subject, until, now).await
        }))
    }

    fn revoke_all(&self, now: SystemTime) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(caught(
            async move { SessionStore::revoke_all(self, now).await },
        ))
    }

    fn find_ended<'a>(
        &'a self,
        sessions: &'a [(SessionId, Session)],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Vec<SessionId>, StoreError>> {
        Box::pin(caught(async move {
            SessionStore::find_ended(self, sessions, now).await
        }))
    }

    fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> BoxFuture<'_, Result<Option<Vec<SessionId>>, StoreError>> {
        Box::pin(caught(async move {
            SessionStore::sessions_of(self, subject, now).await
        }))
    }

    fn ping(&self, now: SystemTime) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(caught(async move { SessionStore::ping(self, now).await }))
    }

    fn id(&self, token: &SessionToken, session: &Session) -> SessionId {
        SessionStore::id(self, token, session)
    }

    fn refusal(&self, token: &SessionToken, now: SystemTime) -> SessionRefusal {
        let refusal = catch_unwind(AssertUnwindSafe(|| SessionStore::refusal(self, token, now)));
        refusal.unwrap_or(SessionRefusal::UnknownSession)
    }

    fn keys(&self) -> Option<CookieKeys> {
        SessionStore::keys(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        SessionStore::leases(self)
    }
}

/// The outcome of a call that may panic.
async fn caught<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let mut call = pin!(call);
    let outcome = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
        polled.unwrap_or_else(|_| Poll::Ready(Err(panicked())))
    });
    outcome.await
}

fn panicked() -> StoreError {
    StoreError::new("the store panicked")
}

/// A store without leases is one within this process, which does all the work by itself.
impl dyn ErasedStore {
    /// Whether the store has leases. One that panics may have some: without its lease, two
    /// instances would send a code.
    pub(crate) fn has_leases(&self) -> bool {
        let leases = catch_unwind(AssertUnwindSafe(|| self.leases().is_some()));
        leases.unwrap_or(true)
    }

    pub(crate) async fn acquire(&self, name: &str, ttl: Duration) -> Result<Lease, StoreError> {
        caught(async move {
            match self.leases() {
                Some(leases) => leases.acquire(name, ttl).await,
                None => Ok(Lease::Acquired),
            }
        })
        .await
    }

    pub(crate) async fn complete(
        &self,
        name: &str,
        result: &str,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        caught(async move {
            match self.leases() {
                Some(leases) => leases.complete(name, result, ttl).await,
                None => Ok(()),
            }
        })
        .await
    }

    pub(crate) async fn release(&self, name: &str) -> Result<(), StoreError> {
        caught(async move {
            match self.leases() {
                Some(leases) => leases.release(name).await,
                None => Ok(()),
            }
        })
        .await
    }
}
