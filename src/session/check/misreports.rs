//! Stores that report a failure of their server as something else: the suite names the method.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{
    check_store_faults,
    defects::{self, Defect, failure},
};
use crate::{
    boxed::BoxFuture,
    session::{
        Fault, FaultyStore, Lease, Leases, Session, SessionId, SessionStore, SessionToken,
        StoreError, SubjectId,
    },
};

/// What a store reports in place of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misreport {
    None,
    NoSession,
    NoSessionAtHand,
    NoFreshSession,
    Saved,
    Updated,
    Overtaken,
    Removed,
    Revoked,
    SubjectRevoked,
    AllRevoked,
    AllEnded,
    NoneEnded,
    NoSessions,
    NoList,
    Acquired,
    Completed,
    Released,
}

struct Store {
    misreport: Misreport,
    inner: FaultyStore<defects::Store>,
}

impl Store {
    fn or<T>(
        &self,
        misreport: Misreport,
        report: T,
        answer: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match answer {
            Err(_) if self.misreport == misreport => Ok(report),
            answer => answer,
        }
    }
}

impl SessionStore for Store {
    fn try_load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        let at_hand = self.inner.try_load(token, now)?;
        Some(self.or(Misreport::NoSessionAtHand, None, at_hand))
    }

    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let loaded = self.inner.load(token, now).await;
        self.or(Misreport::NoSession, None, loaded)
    }

    async fn load_fresh(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let loaded = self.inner.load_fresh(token, now).await;
        self.or(Misreport::NoFreshSession, None, loaded)
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let saved = self.inner.save(session, now).await;
        self.or(Misreport::Saved, SessionToken::random(), saved)
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let updated = self.inner.update(token, new, now).await;
        let updated = self.or(Misreport::Overtaken, None, updated);
        let token = token.clone();
        self.or(Misreport::Updated, Some(token), updated)
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        let removed = self.inner.remove(token, now).await;
        self.or(Misreport::Removed, (), removed)
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let revoked = self.inner.revoke(id, until, now).await;
        self.or(Misreport::Revoked, (), revoked)
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let revoked = self.inner.revoke_subject(subject, until, now).await;
        self.or(Misreport::SubjectRevoked, (), revoked)
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        let revoked = self.inner.revoke_all(now).await;
        self.or(Misreport::AllRevoked, (), revoked)
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ended = self.inner.find_ended(sessions, now).await;
        let ended = self.or(Misreport::NoneEnded, Vec::new(), ended);
        let all = sessions.iter().map(|(id, _)| *id).collect();
        self.or(Misreport::AllEnded, all, ended)
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let listed = self.inner.sessions_of(subject, now).await;
        let listed = self.or(Misreport::NoList, None, listed);
        self.or(Misreport::NoSessions, Some(Vec::new()), listed)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

impl Leases for Store {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let acquired = self.inner.acquire(name, ttl).await;
            self.or(Misreport::Acquired, Lease::Acquired, acquired)
        })
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let completed = self.inner.complete(name, result, ttl).await;
            self.or(Misreport::Completed, (), completed)
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let released = self.inner.release(name).await;
            self.or(Misreport::Released, (), released)
        })
    }
}

/// What becomes of the server.
#[derive(Clone, Copy, Debug)]
enum Server {
    Fails,
    ComesBackEmpty,
    NeverComesBack,
    NeverFails,
}

/// What the suite says about a store and its server.
async fn failure_of(misreport: Misreport, server: Server) -> String {
    let kept = defects::Store::new(Defect::None);
    let inner = FaultyStore::new(kept.clone());
    let faults = inner.clone();
    let broken = Arc::new(AtomicBool::new(false));
    let inject = async move |fault| {
        let heals = fault == Fault::None && broken.load(Ordering::SeqCst);
        broken.store(fault != Fault::None, Ordering::SeqCst);
        match server {
            Server::ComesBackEmpty if heals => {
                kept.revoke_all(SystemTime::now()).await.unwrap();
                faults.set(fault);
            }
            Server::NeverComesBack if heals => {}
            Server::NeverFails => {}
            _ => faults.set(fault),
        }
    };
    let failure = failure(check_store_faults(Store { misreport, inner }, inject)).await;
    failure.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn suite_names_the_method_that_misreports_a_failure() {
    use Misreport::*;
    let (ended, error) = (
        "a failure is not taken for the end",
        "a failure is an error",
    );
    for (misreport, method, rule) in [
        (NoSessionAtHand, "try_load", ended),
        (NoSession, "load", ended),
        (NoFreshSession, "load_fresh", error),
        (Saved, "save", error),
        (Updated, "update", error),
        (Overtaken, "update", error),
        (Removed, "remove", error),
        (Revoked, "revoke", error),
        (SubjectRevoked, "revoke_subject", error),
        (AllEnded, "find_ended", ended),
        (NoneEnded, "find_ended", ended),
        (NoSessions, "sessions_of", ended),
        (NoList, "sessions_of", ended),
        (Acquired, "acquire", error),
        (Completed, "complete", error),
        (Released, "release", error),
    ] {
        let failure = failure_of(misreport, Server::Fails).await;
        let expected = format!("`{method}` broke a rule under Fault::Error: {rule}");
        assert!(failure.starts_with(&expected), "{misreport:?}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn suite_says_what_becomes_of_the_server() {
    use Server::*;
    for (server, expected) in [
        (
            Fails,
            "`load` broke a rule under Fault::Hang: a call does not hang with the server",
        ),
        (
            ComesBackEmpty,
            "`load` broke a rule: every session is there after a fault",
        ),
        (
            NeverComesBack,
            "`load_fresh` broke a rule: the store recovers with its server",
        ),
        (
            NeverFails,
            "`load_fresh` broke a rule under Fault::Error: a failure is an error",
        ),
    ] {
        let failure = failure_of(Misreport::None, server).await;
        assert!(failure.starts_with(expected), "{server:?}: {failure}");
    }
}
