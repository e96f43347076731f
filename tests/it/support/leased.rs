//! A store in memory that instances of an app share, with leases that expire by the timers of the
//! test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use telenor_auth::session::{
    BoxFuture, Lease, Leases, MemoryStore, Session, SessionId, SessionStore, SessionToken,
    StoreError, SubjectId,
};
use tokio::time::Instant;

/// Clones share everything.
#[derive(Clone, Default)]
pub struct Leased {
    sessions: MemoryStore,
    leases: Arc<Mutex<HashMap<String, Known>>>,
}

/// A lease that was acquired, or completed with a result.
struct Known {
    expires_at: Instant,
    result: Option<String>,
}

impl Leased {
    fn set(&self, name: &str, ttl: Duration, result: Option<&str>) {
        let lease = Known {
            expires_at: Instant::now() + ttl,
            result: result.map(str::to_owned),
        };
        self.leases.lock().unwrap().insert(name.to_owned(), lease);
    }

    fn find(&self, name: &str) -> Option<Lease> {
        let leases = self.leases.lock().unwrap();
        let known = leases.get(name)?;
        let lease = || known.result.clone().map_or(Lease::Held, Lease::Completed);
        (Instant::now() < known.expires_at).then(lease)
    }
}

impl Leases for Leased {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let known = self.find(name);
            if known.is_none() {
                self.set(name, ttl, None);
            }
            Ok(known.unwrap_or(Lease::Acquired))
        })
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.set(name, ttl, Some(result));
            Ok(())
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.leases.lock().unwrap().remove(name);
            Ok(())
        })
    }
}

impl SessionStore for Leased {
    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        self.sessions.load(token, now).await
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        self.sessions.save(session, now).await
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        self.sessions.update(token, new, now).await
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        self.sessions.remove(token, now).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.sessions.revoke(id, until, now).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.sessions.revoke_subject(subject, until, now).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        self.sessions.revoke_all(now).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.sessions.find_ended(sessions, now).await
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}
