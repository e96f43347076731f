//! Ends every session at once, in a store that can neither list them nor delete them all.
//!
//! Each session names the generation that it was born into, and counts as long as that is the one that the store names. Ending all is
//! deleting that record; the next login makes another. It is created and deleted and never saved, so that nothing brings an
//! earlier one back, and where it is lost everybody has to log in again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    super::{SessionId, StoreError},
    table::{Table, id_of},
};
use crate::{clock::Clock, error::chain};

/// For how long nobody asks again.
const FRESH: Duration = Duration::from_secs(2);
/// For how long the last answer will do when there is no other.
const USABLE: Duration = Duration::from_secs(30);
/// Where the timestamps of MySQL end: the record must last longer than any session.
const LAST: u64 = i32::MAX as u64;
const YEAR: u64 = 365 * 24 * 60 * 60;

/// What the store was last seen to name.
#[derive(Default)]
pub(super) struct Generation {
    seen: Mutex<Option<Seen>>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Seen {
    name: Option<Arc<str>>,
    /// When it was asked for.
    at: Instant,
}

impl Generation {
    /// Whether it is the one that counts.
    pub(super) async fn is(&self, table: &Table, name: &str) -> Result<bool, StoreError> {
        let lately = self.lately(table).await?;
        // Another instance may have made a new one since.
        Ok(lately.as_deref() == Some(name) || self.now(table).await?.as_deref() == Some(name))
    }

    /// The one for a session that begins now.
    pub(super) async fn for_login(
        &self,
        table: &Table,
        clock: &Clock,
    ) -> Result<Arc<str>, StoreError> {
        if let Some(name) = self.now(table).await? {
            return Ok(name);
        }
        // One makes it: where a store writes over what another has just made, the sessions of that one would be over.
        let _making = self.asking.lock().await;
        let name = format!("{:032x}", rand::random::<u128>());
        let until = LAST.max(clock.seconds().saturating_add(YEAR));
        let at = Instant::now();
        let name: Arc<str> = table.first(id(), &name, until).await?.into();
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
        let seen = self.seen().clone();
        let Some(seen) = seen.filter(|seen| seen.at.elapsed() < USABLE) else {
            return self.now(table).await;
        };
        if seen.at.elapsed() < FRESH {
            return Ok(seen.name);
        }
        // One asks, and meanwhile the others go by what is known.
        let Ok(_asking) = self.asking.try_lock() else {
            return Ok(seen.name);
        };
        Ok(self.now(table).await.unwrap_or_else(|error| {
            let error = chain(&error);
            tracing::debug!(error, "whether all sessions were revoked is not known");
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
        let mut seen = self.seen();
        if seen.as_ref().is_none_or(|seen| seen.at <= at) {
            *seen = Some(Seen { name, at });
        }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id() -> SessionId {
    id_of("generation", "")
}
