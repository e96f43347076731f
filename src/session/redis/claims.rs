//! Work that one instance of the app does alone, and what came of it.

use std::time::Duration;

use redis::cmd;
use tokio::runtime::Handle;

use super::RedisStore;
use crate::session::{Claim, StoreError};

/// What the value of a claim begins with: one that is being worked on, and one that is done.
const CLAIMED: &str = "?";
const SETTLED: &str = "=";

/// Takes a value away, if it is still this one.
const DISCLAIM: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

impl RedisStore {
    pub(super) async fn claim_work(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        let key = self.prefix.claim(name);
        // What is ours is known again, should the command be sent twice.
        let ours = format!("{CLAIMED}{:032x}", rand::random::<u128>());
        let claimed = self.claim_as(&ours, &key, ttl).await;
        if claimed.is_err() {
            self.disclaim(ours, key);
        }
        claimed
    }

    async fn claim_as(&self, ours: &str, key: &str, ttl: Duration) -> Result<Claim, StoreError> {
        for _ in 0..2 {
            let mut set = cmd("SET");
            set.arg(key).arg(ours).arg("PX").arg(milliseconds(ttl));
            if self.ask::<Option<String>>(set.arg("NX")).await?.is_some() {
                return Ok(Claim::Won);
            }
            match self.ask::<Option<String>>(cmd("GET").arg(key)).await? {
                Some(known) if known == ours => return Ok(Claim::Won),
                Some(known) if known.starts_with(CLAIMED) => return Ok(Claim::Lost),
                Some(known) => return Ok(Claim::Settled(known.replacen(SETTLED, "", 1))),
                // Given back in between.
                None => {}
            }
        }
        Ok(Claim::Lost)
    }

    /// Gives a claim back of which nobody learned whether it was made. When Redis is only late, it finds this right behind the claim.
    fn disclaim(&self, ours: String, key: String) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let store = self.clone();
        runtime.spawn(async move {
            let mut disclaim = cmd("EVAL");
            disclaim.arg(DISCLAIM).arg(1).arg(key).arg(ours);
            let _: Result<bool, _> = store.ask(&disclaim).await;
        });
    }

    pub(super) async fn settle_work(
        &self,
        name: &str,
        result: &str,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let mut set = cmd("SET");
        set.arg(self.prefix.claim(name));
        set.arg(format!("{SETTLED}{result}"));
        self.ask(set.arg("PX").arg(milliseconds(ttl))).await
    }
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}
