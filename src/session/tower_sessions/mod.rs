//! Sessions in a store that was written for tower-sessions.

mod epoch;
mod leases;
mod local_locks;
mod records;
mod rows;
mod subjects;
mod table;

use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{task::JoinSet, time::Instant};
use tracing::Instrument;

use self::{
    epoch::Epoch,
    local_locks::LocalLocks,
    records::{Core014, Core015, Records},
    table::Table,
};
use super::{Lease, Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId};
use crate::{
    error::chain,
    key::{CookieKeys, Purpose, Sealer},
    polling::Polling,
    session_refusal::SessionRefusal,
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait for another instance that updates the same session.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How many sessions are looked up at the same time.
const MAX_CONCURRENT: usize = 16;

/// Keeps sessions in any store that was written for tower-sessions: PostgreSQL, MySQL, SQLite,
/// DynamoDB and many more.
///
/// The constructor depends on the version of `tower-sessions-core` that the store was written for:
///
/// | store | constructor |
/// | --- | --- |
/// | sqlx 0.15 (PostgreSQL, MySQL, SQLite), redis 0.16, moka 0.15, dynamodb 0.3, libsql 0.4, rorm 0.4, sled 0.2 | [`from_core_014`](Self::from_core_014) |
/// | memory, rusqlite 0.15, surrealdb 0.10 | [`from_core_015`](Self::from_core_015) |
///
/// Give the same keys to every instance of the app. What the store keeps is sealed with them, under
/// hashes of the session tokens: a reader of the store gets neither tokens nor sessions.
///
// The crate of the stores' tests compiles it: it has the store.
#[cfg_attr(not(doctest), doc = include_str!("postgresql.md"))]
///
/// # The store
///
/// - Give each app a table, or a Redis database, of its own. It must not be the one that the layer
///   of tower-sessions uses: there a visitor's cookie names records, and would name these.
/// - Put no `CachingSessionStore` in front of it. An instance would go on from its cache with a
///   session that was ended elsewhere.
/// - The SQL stores keep expired records until their `delete_expired` is called: sessions, and the
///   short-lived records of leases. Call it every few minutes.
/// - It must not return expired records, and to delete a record that is not there must not be an
///   error. The family's store in files does not do so.
/// - It must not drop records to make room. A session that lost one of its records has ended. When
///   it is the one by which [`revoke_all`](SessionStore::revoke_all) ends sessions, all have ended.
///
/// # What it costs
///
/// A request takes one look-up. It takes one more where sessions
/// [may be updated](Session::is_renewable), one more where the session has a
/// [subject](Session::subject), and one more every two seconds.
///
/// # What it promises
///
/// Stores for tower-sessions have neither conditional writes nor lists. So it promises this much:
///
/// - A session that was ended stays ended, also when another instance is about to write to it.
/// - [`revoke_all`](SessionStore::revoke_all) takes effect at once in its own instance, and within
///   two seconds in the others, or within thirty where the store does not answer.
/// - [`revoke_subject`](SessionStore::revoke_subject) takes effect at once on every instance.
/// - Of several callers that update a session, or ask for a lease, at the same moment, one wins.
///   Between instances that holds as far as the store creates records atomically, as the one for
///   Redis does. Those for SQL look whether a record is there and write afterwards, or delete one
///   that has expired. There two instances within the same few milliseconds may both win. Then a
///   refresh token may be sent twice, which the layer handles. A code may be sent twice, and the
///   gateway refuses the second. One instance that writes the last use of a session
///   may write over the tokens that another has just refreshed, so that the user has to log in
///   again when the old token expires.
///
/// # How it does that
///
/// - *Changed ids*: where a store gives a record another id than it was asked for, because that one
///   is taken, the record is deleted and the session gets a new token. No cookie names an id that
///   the store chose.
/// - *Revived sessions*: to save a deleted record brings it back, in most of these stores. A
///   session's own record is created once and never saved again. Where it is gone, the session has
///   ended. What changes is in a record beside it, which is worth nothing alone.
/// - *Expired sessions*: each holds the time when it expires, sealed, and that is what counts.
#[derive(Clone)]
pub struct TowerSessionsStore {
    table: Table,
    epoch: Arc<Epoch>,
    local_locks: LocalLocks,
    sealer: Arc<Sealer>,
    max_per_subject: usize,
}

impl TowerSessionsStore {
    /// Keeps sessions in a store for `tower-sessions-core` 0.14, sealed with these keys.
    #[must_use]
    pub fn from_core_014<Store>(store: Store, keys: &CookieKeys) -> Self
    where
        Store: tower_sessions_core_014::SessionStore,
    {
        Self::over(Arc::new(Core014(store)), keys)
    }

    /// Keeps sessions in a store for `tower-sessions-core` 0.15, sealed with these keys.
    #[must_use]
    pub fn from_core_015<Store>(store: Store, keys: &CookieKeys) -> Self
    where
        Store: tower_sessions_core_015::SessionStore,
    {
        Self::over(Arc::new(Core015(store)), keys)
    }

    /// Sets how long each call of the store may take. It defaults to two seconds. After that the
    /// call has failed.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.table.timeout = timeout;
        self
    }

    /// Limits the sessions of one [subject](Session::subject). It defaults to no limit. A login
    /// beyond the limit ends the oldest of them.
    #[must_use]
    pub fn with_max_sessions_per_subject(mut self, sessions: usize) -> Self {
        self.max_per_subject = sessions.max(1);
        self
    }

    fn over(records: Arc<dyn Records>, keys: &CookieKeys) -> Self {
        Self {
            table: Table::new(records, DEFAULT_TIMEOUT),
            epoch: Arc::default(),
            local_locks: LocalLocks::default(),
            sealer: Arc::new(keys.sealer(Purpose::Session, b"tower-sessions")),
            max_per_subject: usize::MAX,
        }
    }
}

impl SessionStore for TowerSessionsStore {
    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        self.find(token.id(), now).await
    }

    fn refusal(&self, token: &SessionToken, _now: SystemTime) -> SessionRefusal {
        token.refusal_if_not_random()
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let token = self.create(&session, now).await?;
        if let Some(subject) = session.subject() {
            let added = self
                .add_to_subject(subject, token.id(), &session, now)
                .await;
            if let Err(error) = added {
                // A list that misses a session is better than a login that fails.
                let error = chain(&error);
                tracing::warn!(error, "the list of a subject's sessions was not updated");
            }
        }
        Ok(token)
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        if new.is_expired_at(now) {
            return Ok(None);
        }
        let id = token.id();
        let name = format!("update-{id}-{}", new.version());
        // Longer than the calls in between may take.
        let ttl = self.table.timeout.saturating_mul(10);
        let polling = Polling::new(WAIT_TIMEOUT, POLL_INTERVAL);
        loop {
            if self.acquire(&name, ttl).await? == Lease::Acquired {
                let began = Instant::now();
                let updated = self.update_alone(id, &new).await;
                // After an update the lease stays until it expires: a caller that comes late with
                // the same version does not get it. So it does after a call that did not return in
                // time, as its write may land yet.
                let may_land = updated.is_err() && began.elapsed() >= self.table.timeout;
                if !matches!(updated, Ok(true)) && !may_land && began.elapsed() < ttl {
                    let _ = self.release(&name).await;
                }
                return Ok(updated?.then(|| token.clone()));
            }
            if !self.accepts_update(id, &new).await? {
                return Ok(None);
            }
            if !polling.next().await {
                return Err(StoreError::new(
                    "another instance holds the session for too long",
                ));
            }
        }
    }

    async fn remove(&self, token: &SessionToken, _now: SystemTime) -> Result<(), StoreError> {
        self.end(token.id()).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        self.end(id).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.end_subject(subject, until, now).await
    }

    async fn revoke_all(&self, _now: SystemTime) -> Result<(), StoreError> {
        self.epoch.end(&self.table).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut ended = Vec::new();
        for some in sessions.chunks(MAX_CONCURRENT) {
            let mut look_ups = JoinSet::new();
            for (id, session) in some.iter().cloned() {
                let store = self.clone();
                let look_up = async move {
                    let live = !session.is_expired_at(now) && store.find(id, now).await?.is_some();
                    Ok::<_, StoreError>((!live).then_some(id))
                };
                look_ups.spawn(look_up.in_current_span());
            }
            let mut found = HashSet::new();
            while let Some(looked_up) = look_ups.join_next().await {
                found.extend(looked_up.map_err(StoreError::new)??);
            }
            let ids = some.iter().map(|(id, _)| *id);
            ended.extend(ids.filter(|id| found.contains(id)));
        }
        Ok(ended)
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.list_subject(subject, now).await.map(Some)
    }

    /// These stores know no ping. So it looks for a session that is not there.
    async fn ping(&self, now: SystemTime) -> Result<(), StoreError> {
        let unknown = SessionToken::random().id();
        self.find(unknown, now).await.map(drop)
    }

    fn keys(&self) -> Option<CookieKeys> {
        Some(CookieKeys::of(&self.sealer))
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

impl fmt::Debug for TowerSessionsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessionsStore")
            .field("timeout", &self.table.timeout)
            .finish_non_exhaustive()
    }
}
