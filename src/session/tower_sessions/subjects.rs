//! The sessions of one subject, in a store that has no index.
//!
//! Each session of a subject names the epoch of the subject, as all name that of the store. To end
//! them is to delete the record of that epoch. Which sessions there are stands in a second record,
//! for the list and the limit. That one may miss a session, and ends none by itself.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{POLL_INTERVAL, TowerSessionsStore, WAIT_TIMEOUT, table::id_of};
use crate::{
    clock::unix_seconds,
    polling::Polling,
    session::{Lease, Leases, Session, SessionId, StoreError, SubjectId},
};

/// The sessions of a subject end when the record of its epoch does, which is made with a login.
const EPOCH_TTL: u64 = 366 * 24 * 60 * 60;
const LEASE_TTL: Duration = Duration::from_secs(10);

/// The sessions of a subject, the oldest first.
#[derive(Default, Serialize, Deserialize)]
struct SubjectRow {
    sessions: Vec<SessionId>,
    expires_at: u64,
}

impl TowerSessionsStore {
    /// The epoch for a session that begins now.
    pub(super) async fn begin_subject(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<String, StoreError> {
        let epoch = format!("{:032x}", rand::random::<u128>());
        let until = unix_seconds(now).saturating_add(EPOCH_TTL);
        self.table
            .get_or_create(epoch_of(subject), &epoch, until)
            .await
    }

    pub(super) async fn is_current_subject(
        &self,
        subject: SubjectId,
        epoch: &str,
    ) -> Result<bool, StoreError> {
        let current = self.table.load(epoch_of(subject)).await?;
        Ok(current.as_deref() == Some(epoch))
    }

    pub(super) async fn end_subject(&self, subject: SubjectId) -> Result<(), StoreError> {
        self.table.delete(epoch_of(subject)).await?;
        // The sessions have ended, whether or not this fails.
        let _ = self.table.delete(row_of(subject)).await;
        Ok(())
    }

    /// Adds a session to those of its subject, and ends the oldest of them beyond the limit.
    pub(super) async fn add_to_subject(
        &self,
        subject: SubjectId,
        id: SessionId,
        session: &Session,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let lease = format!("subject-{subject}");
        let polling = Polling::new(WAIT_TIMEOUT, POLL_INTERVAL);
        let mut acquired = self.acquire(&lease, LEASE_TTL).await? == Lease::Acquired;
        // A list that is not quite right is better than a login that fails.
        while !acquired && polling.next().await {
            acquired = self.acquire(&lease, LEASE_TTL).await? == Lease::Acquired;
        }
        let added = self.add_alone(subject, id, session, now).await;
        if acquired {
            let _ = self.release(&lease).await;
        }
        added
    }

    async fn add_alone(
        &self,
        subject: SubjectId,
        id: SessionId,
        session: &Session,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let known = self.open::<SubjectRow>(row_of(subject)).await?;
        let is_new = known.is_none();
        let mut row = known.unwrap_or_default();
        row.sessions = self.live(row.sessions, now).await?;
        row.sessions.push(id);
        row.expires_at = row.expires_at.max(session.record().expires_at);
        let over = row.sessions.len().saturating_sub(self.max_per_subject);
        for oldest in row.sessions.drain(..over) {
            self.end(oldest).await?;
        }
        let (id, until) = (row_of(subject), row.expires_at);
        let sealed = self.seal(id, &row);
        if is_new {
            self.table.get_or_create(id, &sealed, until).await?;
        }
        self.table.save(id, sealed, until).await
    }

    pub(super) async fn list_subject(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let row = self.open::<SubjectRow>(row_of(subject)).await?;
        self.live(row.unwrap_or_default().sessions, now).await
    }

    async fn live(
        &self,
        sessions: Vec<SessionId>,
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut live = Vec::new();
        for id in sessions {
            if self.find(id, now).await?.is_some() {
                live.push(id);
            }
        }
        Ok(live)
    }
}

fn epoch_of(subject: SubjectId) -> SessionId {
    id_of("subject epoch", &subject.to_string())
}

fn row_of(subject: SubjectId) -> SessionId {
    id_of("subject", &subject.to_string())
}
