//! The sessions of one subject, in a store that has no index.
//!
//! Each session of a subject names an epoch of the subject, as all name that of the store. To end
//! them is to delete the record of that epoch. Such a record cannot be made to last longer, so
//! there is one for each year in which sessions expire. Which sessions there are stands in another
//! record, for the list and the limit. That one may miss a session, and ends none by itself.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{POLL_INTERVAL, TowerSessionsStore, WAIT_TIMEOUT, table::id_of};
use crate::{
    clock::{MAX_SKEW, unix_seconds},
    polling::Polling,
    session::{Lease, Leases, Session, SessionId, StoreError, SubjectId},
};

/// In seconds.
const YEAR: u64 = 366 * 24 * 60 * 60;
const LEASE_TTL: Duration = Duration::from_secs(10);

/// What a session names: the subject, the year in which it expires, and the epoch of both.
#[derive(Serialize, Deserialize)]
pub(super) struct SubjectEpoch {
    subject: SubjectId,
    year: u64,
    epoch: String,
}

/// The sessions of a subject, the oldest first.
#[derive(Default, Serialize, Deserialize)]
struct SubjectRow {
    sessions: Vec<SessionId>,
    expires_at: u64,
}

impl TowerSessionsStore {
    /// The epoch of a new session, where it has a subject.
    pub(super) async fn subject_epoch(
        &self,
        session: &Session,
    ) -> Result<Option<SubjectEpoch>, StoreError> {
        let Some(subject) = session.subject() else {
            return Ok(None);
        };
        let year = session.record().expires_at / YEAR;
        let (id, new) = (
            epoch_of(subject, year),
            format!("{:032x}", rand::random::<u128>()),
        );
        let until = (year + 1).saturating_mul(YEAR);
        let epoch = self.table.get_or_create(id, &new, until).await?;
        Ok(Some(SubjectEpoch {
            subject,
            year,
            epoch,
        }))
    }

    pub(super) async fn is_current_subject(
        &self,
        named: &SubjectEpoch,
    ) -> Result<bool, StoreError> {
        let current = self.table.load(epoch_of(named.subject, named.year)).await?;
        Ok(current.as_ref() == Some(&named.epoch))
    }

    /// Ends the sessions of a subject, which expire by `until`.
    pub(super) async fn end_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        // A session from just before the turn of the year may be live by a clock that is behind.
        let first = unix_seconds(now).saturating_sub(MAX_SKEW) / YEAR;
        for year in first..=(unix_seconds(until) / YEAR).max(first) {
            self.table.delete(epoch_of(subject, year)).await?;
        }
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
        // After the wait it goes on without the lease.
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

fn epoch_of(subject: SubjectId, year: u64) -> SessionId {
    id_of("subject epoch", &format!("{subject} {year}"))
}

fn row_of(subject: SubjectId) -> SessionId {
    id_of("subject", &subject.to_string())
}
