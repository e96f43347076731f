//! Records in a store that may be slow or away, and that other callers write to.

use std::{sync::Arc, time::Duration};

use time::{OffsetDateTime, PrimitiveDateTime};

use super::{
    super::{SessionId, StoreError},
    records::{Call, Records},
};
use crate::digest;

const MAX_ATTEMPTS: u32 = 4;

#[derive(Clone)]
pub(super) struct Table {
    records: Arc<dyn Records>,
    /// For each call.
    pub(super) timeout: Duration,
}

impl Table {
    pub(super) fn new(records: Arc<dyn Records>, timeout: Duration) -> Self {
        Self { records, timeout }
    }

    /// Returns `false`, and keeps nothing, when the id is taken.
    pub(super) async fn create(
        &self,
        id: SessionId,
        data: String,
        until: u64,
    ) -> Result<bool, StoreError> {
        let created = self.records.create(id, data, date(until));
        let created = self.in_time(created).await?;
        if created != id {
            self.delete(created).await?;
        }
        Ok(created == id)
    }

    pub(super) async fn save(
        &self,
        id: SessionId,
        data: String,
        until: u64,
    ) -> Result<(), StoreError> {
        self.in_time(self.records.save(id, data, date(until))).await
    }

    pub(super) async fn load(&self, id: SessionId) -> Result<Option<String>, StoreError> {
        self.in_time(self.records.load(id)).await
    }

    pub(super) async fn delete(&self, id: SessionId) -> Result<(), StoreError> {
        self.in_time(self.records.delete(id)).await
    }

    /// Keeps the data where there is nothing yet, and returns what is there now: this, or the data
    /// of a caller that was faster.
    ///
    /// It looks before, so that a store does not write over what is there. It looks after, also
    /// when creating it returned an error. The Redis store fails where the id is taken. Those for
    /// SQL give the record another id.
    pub(super) async fn get_or_create(
        &self,
        id: SessionId,
        data: &str,
        until: u64,
    ) -> Result<String, StoreError> {
        let (mut failed, mut in_the_way) = (None, false);
        for tried in 0..=MAX_ATTEMPTS {
            if let Some(kept) = self.load(id).await? {
                return Ok(kept);
            }
            if tried == MAX_ATTEMPTS {
                break;
            }
            match self.create(id, data.to_owned(), until).await {
                Ok(true) => {}
                // What has expired is in the way until it is swept. What was deleted a moment ago
                // is not, at the next attempt.
                Ok(false) if in_the_way => self.delete(id).await?,
                Ok(false) => in_the_way = true,
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| {
            StoreError::new("a new record has vanished: check the clock of the store")
        }))
    }

    async fn in_time<T>(&self, call: Call<'_, T>) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(self.timeout, call).await;
        answer.unwrap_or_else(|_| Err(StoreError::new("the store did not answer in time")))
    }
}

/// The id of a record that is not the own record of a session.
pub(super) fn id_of(label: &str, name: &str) -> SessionId {
    // Tokens are UTF-8, and this byte is never in UTF-8, so no cookie names such a record.
    let parts = [b"\xff", label.as_bytes(), b" ", name.as_bytes()];
    SessionId(digest::short(&parts))
}

/// In UTC, as the SQLite store compares dates as text.
fn date(seconds: u64) -> OffsetDateTime {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(PrimitiveDateTime::MAX.assume_utc())
}
