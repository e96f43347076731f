//! Ends all sessions at once, in a store that can neither list them nor delete them all.
//!
//! Each session names the epoch that it began in, and counts as long as the store names the same.
//! To end all is to delete that record. The next login makes another. The record is created and
//! deleted and never saved, so that nothing brings an earlier one back. Where it is lost, all
//! sessions have ended.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{
    super::{SessionId, StoreError},
    table::{Table, id_of},
};
use crate::{clock::unix_seconds, error::chain, sync::lock};

/// How long an answer is used before the store is asked again.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// How long it is used while the store does not answer.
const USABLE_FOR: Duration = Duration::from_secs(30);
/// Where the timestamps of MySQL end: the record must last longer than any session.
const LAST: u64 = i32::MAX as u64;
const YEAR: u64 = 365 * 24 * 60 * 60;

/// The epoch that the store named last.
#[derive(Default)]
pub(super) struct Epoch {
    seen: Mutex<Option<Seen>>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Seen {
    name: Option<Arc<str>>,
    /// When the store was asked.
    at: Instant,
}

impl Epoch {
    /// Whether the sessions of this epoch count.
    pub(super) async fn is_current(&self, table: &Table, name: &str) -> Result<bool, StoreError> {
        let lately = self.lately(table).await?;
        // Another instance may have made a new one since.
        Ok(lately.as_deref() == Some(name) || self.now(table).await?.as_deref() == Some(name))
    }

    /// The one for a session that begins now.
    pub(super) async fn for_login(
        &self,
        table: &Table,
        now: SystemTime,
    ) -> Result<Arc<str>, StoreError> {
        if let Some(name) = self.now(table).await? {
            return Ok(name);
        }
        // One at a time makes it: where a store writes over what another caller has just made, the
        // sessions of that one would end.
        let _making = self.asking.lock().await;
        let name = format!("{:032x}", rand::random::<u128>());
        let until = LAST.max(unix_seconds(now).saturating_add(YEAR));
        let at = Instant::now();
        let name: Arc<str> = table.get_or_create(id(), &name, until).await?.into();
        self.remember(Some(Arc::clone(&name)), at);
        Ok(name)
    }

    /// Ends it, and with it every session.
    pub(super) async fn end(&self, table: &Table) -> Result<(), StoreError> {
        table.delete(id()).await?;
        self.remember(None, Instant::now());
        Ok(())
    }

    async fn lately(&self, table: &Table) -> Result<Option<Arc<str>>, StoreError> {
        let seen = lock(&self.seen).clone();
        let Some(seen) = seen.filter(|seen| seen.at.elapsed() < USABLE_FOR) else {
            return self.now(table).await;
        };
        if seen.at.elapsed() < FRESH_FOR {
            return Ok(seen.name);
        }
        // One caller asks, and the others go by what is known.
        let Ok(_asking) = self.asking.try_lock() else {
            return Ok(seen.name);
        };
        Ok(self.now(table).await.unwrap_or_else(|error| {
            let error = chain(&error);
            tracing::debug!(
                error,
                "the store does not say whether all sessions were revoked"
            );
            seen.name
        }))
    }

    async fn now(&self, table: &Table) -> Result<Option<Arc<str>>, StoreError> {
        let at = Instant::now();
        let name: Option<Arc<str>> = table.load(id()).await?.map(Into::into);
        self.remember(name.clone(), at);
        Ok(name)
    }

    /// A slow answer does not displace a later one.
    fn remember(&self, name: Option<Arc<str>>, at: Instant) {
        let mut seen = lock(&self.seen);
        if seen.as_ref().is_none_or(|seen| seen.at <= at) {
            *seen = Some(Seen { name, at });
        }
    }
}

fn id() -> SessionId {
    id_of("epoch", "")
}
