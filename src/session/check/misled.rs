//! Stores that take the failure of their server for something else: does the suite notice, and say what?

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{
    check_store_faults,
    wrong::{self, Wrong, broken_rule},
};
use crate::session::{
    Claim, Fault, FaultyStore, Session, SessionId, SessionStore, SessionToken, StoreError,
};

/// What a store takes an error for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misled {
    Never,
    NoSession,
    Replaced,
    Overtaken,
    Removed,
    Revoked,
    Won,
    Settled,
}

#[derive(Clone)]
struct Store {
    misled: Misled,
    inner: FaultyStore<wrong::Store>,
}

impl Store {
    fn or<T>(
        &self,
        misled: Misled,
        taken_for: T,
        answer: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match answer {
            Err(_) if self.misled == misled => Ok(taken_for),
            answer => answer,
        }
    }
}

impl SessionStore for Store {
    type Load = Pin<Box<dyn Future<Output = Result<Option<Session>, StoreError>> + Send>>;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        let (store, loaded) = (self.clone(), self.inner.load(token));
        Box::pin(async move { store.or(Misled::NoSession, None, loaded.await) })
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        self.inner.save(session).await
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let replaced = self.inner.replace(token, new).await;
        let replaced = self.or(Misled::Overtaken, None, replaced);
        let token = token.clone().into_owned();
        self.or(Misled::Replaced, Some(token), replaced)
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        let removed = self.inner.remove(token).await;
        self.or(Misled::Removed, (), removed)
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        let revoked = self.inner.revoke(id, until).await;
        self.or(Misled::Revoked, (), revoked)
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        self.inner.revoke_all().await
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        let claimed = self.inner.claim(name, ttl).await;
        self.or(Misled::Won, Claim::Won, claimed)
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        self.inner.release(name).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        let settled = self.inner.settle(name, result, ttl).await;
        self.or(Misled::Settled, (), settled)
    }
}

/// With which rule the suite ends, where this is what becomes of the server.
async fn ends_with(misled: Misled, server: Server) -> Option<String> {
    let kept = wrong::Store::new(Wrong::Nothing);
    let inner = FaultyStore::new(kept.clone());
    let faults = inner.clone();
    let broken = Arc::new(AtomicBool::new(false));
    let inject = async move |fault| {
        let heals = fault == Fault::None && broken.load(Ordering::SeqCst);
        broken.store(fault != Fault::None, Ordering::SeqCst);
        match server {
            Server::Obeys => faults.set(fault),
            Server::ComesBackEmpty if heals => {
                kept.revoke_all().await.unwrap();
                faults.set(fault);
            }
            Server::NeverComesBack if heals => {}
            Server::NeverFails => {}
            Server::ComesBackEmpty | Server::NeverComesBack => faults.set(fault),
        }
    };
    broken_rule(check_store_faults(Store { misled, inner }, inject)).await
}

#[derive(Clone, Copy, Debug)]
enum Server {
    Obeys,
    ComesBackEmpty,
    NeverComesBack,
    NeverFails,
}

#[tokio::test(start_paused = true)]
async fn store_that_is_misled_by_a_failure_is_told_how() {
    use Server::{ComesBackEmpty, NeverComesBack, NeverFails, Obeys};
    for (misled, server, rule) in [
        (Misled::NoSession, Obeys, "is not taken for gone"),
        (Misled::Replaced, Obeys, "replace is an error"),
        (Misled::Overtaken, Obeys, "replace is an error"),
        (Misled::Removed, Obeys, "remove is an error"),
        (Misled::Revoked, Obeys, "revoke is an error"),
        (Misled::Won, Obeys, "claim is an error"),
        (Misled::Settled, Obeys, "settle is an error"),
        (
            Misled::Never,
            Obeys,
            "load answers within 5s under Fault::Hang",
        ),
        (Misled::Never, ComesBackEmpty, "every session is there"),
        (Misled::Never, NeverComesBack, "finds its way back"),
        (Misled::Never, NeverFails, "reload is an error"),
    ] {
        let told = ends_with(misled, server).await;
        assert!(
            told.as_ref().is_some_and(|told| told.contains(rule)),
            "{misled:?}, {server:?}: {told:?}"
        );
    }
}
