//! Leases in Redis.

use std::time::Duration;

use redis::cmd;

use super::RedisStore;
use crate::{
    boxed::BoxFuture,
    detached,
    session::{Lease, Leases, StoreError},
};

/// What the value of a lease begins with: one that is held, and one that is completed.
const HELD: &str = "?";
const COMPLETED: &str = "=";

/// Deletes a value, if it is still this one.
const DELETE_IF_OURS: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

impl Leases for RedisStore {
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let key = self.prefix.lease(name);
            // A command that was sent twice then finds its own value.
            let ours = format!("{HELD}{:032x}", rand::random::<u128>());
            let acquired = self.acquire_as(&ours, &key, ttl).await;
            if acquired.is_err() {
                self.release_uncertain(ours, key);
            }
            acquired
        })
    }

    fn complete<'a>(
        &'a self,
        name: &'a str,
        result: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut set = cmd("SET");
            set.arg(self.prefix.lease(name));
            set.arg(format!("{COMPLETED}{result}"));
            self.query(set.arg("PX").arg(milliseconds(ttl))).await
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.delete(&self.prefix.lease(name)).await })
    }
}

impl RedisStore {
    async fn acquire_as(&self, ours: &str, key: &str, ttl: Duration) -> Result<Lease, StoreError> {
        for _ in 0..2 {
            let mut set = cmd("SET");
            set.arg(key).arg(ours).arg("PX").arg(milliseconds(ttl));
            if self.query::<Option<String>>(set.arg("NX")).await?.is_some() {
                return Ok(Lease::Acquired);
            }
            match self.query::<Option<String>>(cmd("GET").arg(key)).await? {
                Some(known) if known == ours => return Ok(Lease::Acquired),
                Some(known) if known.starts_with(HELD) => return Ok(Lease::Held),
                Some(known) => return Ok(Lease::Completed(known.replacen(COMPLETED, "", 1))),
                // Released in between.
                None => {}
            }
        }
        Ok(Lease::Held)
    }

    /// Releases a lease that was perhaps acquired. When Redis is only late, it finds this right
    /// behind the other command.
    fn release_uncertain(&self, ours: String, key: String) {
        let store = self.clone();
        detached::spawn(async move {
            let mut delete = cmd("EVAL");
            delete.arg(DELETE_IF_OURS).arg(1).arg(key).arg(ours);
            let _: Result<bool, _> = store.query(&delete).await;
        });
    }
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}
