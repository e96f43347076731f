//! The leases of a store with one defect.

use std::time::Duration;

use tokio::{task::yield_now, time::Instant};

use super::{defect::Defect, store::Store};
use crate::{
    boxed::BoxFuture,
    session::{Lease, Leases, StoreError},
};

impl Store {
    async fn try_acquire(&self, name: &str, ttl: Duration) -> Result<Lease, StoreError> {
        let name = if self.has(Defect::MixesUpLeases) {
            "all"
        } else {
            name
        };
        let now = Instant::now();
        let known = self.kept().leases.get(name).cloned();
        if self.has(Defect::LetsTwoAcquireALease) {
            yield_now().await;
        }
        if let Some((until, result)) = known
            && !self.has(Defect::LetsEveryoneAcquireALease)
        {
            let forever = match result {
                Some(_) => Defect::KeepsTheResultForever,
                None => Defect::HoldsLeasesForever,
            };
            if now < until || self.has(forever) {
                if self.has(Defect::ProlongsLeases) {
                    let prolonged = (now + ttl, result.clone());
                    self.kept().leases.insert(name.to_owned(), prolonged);
                }
                return Ok(result.map_or(Lease::Held, Lease::Completed));
            }
        }
        self.kept()
            .leases
            .insert(name.to_owned(), (now + ttl, None));
        Ok(Lease::Acquired)
    }
}

impl Leases for Store {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(self.try_acquire(name, ttl))
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let result = match self.defect {
            Defect::LosesTheResult => None,
            Defect::CutsTheResult => Some(result.chars().take(255).collect()),
            _ => Some(result.to_owned()),
        };
        let completed = (Instant::now() + ttl, result);
        self.kept().leases.insert(name.to_owned(), completed);
        Box::pin(async { Ok(()) })
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut kept = self.kept();
        let known = kept.leases.contains_key(name);
        let released = match self.defect {
            Defect::FailsToReleaseTheUnknown if !known => Err(StoreError::new("unknown")),
            _ => Ok(()),
        };
        match self.defect {
            Defect::NeverReleasesALease => {}
            Defect::ReleasesEveryLease => kept.leases.clear(),
            _ => drop(kept.leases.remove(name)),
        }
        drop(kept);
        Box::pin(async { released })
    }
}
