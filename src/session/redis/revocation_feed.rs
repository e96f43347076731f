//! Revocations that processes with cookie sessions share. Each process publishes its own in Redis,
//! and reads those of the others.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::cmd;
use tokio::{sync::Mutex, time::sleep};

use super::{RedisStore, connection::in_time};
use crate::{
    clock::{MAX_SKEW, ObservedTime},
    detached,
    error::chain,
    session::{
        SessionId, StoreError, SubjectId,
        revocations::{Revocation, RevocationList, Target},
    },
};

const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// In seconds.
const MAX_STALENESS: u64 = 30;
const PAGE: usize = 1_000;

/// The latest of three clocks sets the time up to which all logins have ended. The clocks may
/// differ a little. A clock that is further ahead would end later logins too, so it does not count.
/// No session lasts longer than a year.
const REVOKE_ALL: &str = "\
local known = tonumber(redis.call('GET', KEYS[1]) or '0')
local now = tonumber(redis.call('TIME')[1])
local claimed = math.min(tonumber(ARGV[1]), now + 60)
local up_to = math.max(known, now, claimed)
redis.call('SET', KEYS[1], string.format('%d', up_to), 'EX', 366 * 24 * 3600)
return up_to";

/// The state of this process as a reader of the revocation list in Redis.
pub(in crate::session) struct RevocationFeed {
    redis: RedisStore,
    /// When the list was last read to its end. It is 0 before that.
    synced_at: AtomicU64,
    time: ObservedTime,
    /// The entry that was read last.
    last: Mutex<StreamId>,
    watched: AtomicBool,
}

/// The id of an entry in the stream: milliseconds by the clock of Redis, and a number within the
/// millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct StreamId(u64, u64);

impl RevocationFeed {
    pub(in crate::session) fn new(redis: &RedisStore) -> Self {
        Self {
            redis: redis.clone(),
            synced_at: AtomicU64::new(0),
            time: ObservedTime::default(),
            last: Mutex::default(),
            watched: AtomicBool::new(false),
        }
    }

    /// Whether this process has read the list recently enough.
    pub(in crate::session) fn is_fresh(&self, now: u64) -> bool {
        now.abs_diff(self.synced_at.load(Ordering::Acquire)) <= MAX_STALENESS
    }

    /// Adds a revocation to the list, which holds about `capacity` of them.
    pub(in crate::session) async fn publish(
        &self,
        revocation: Revocation,
        capacity: usize,
    ) -> Result<(), StoreError> {
        let mut add = cmd("XADD");
        add.arg(self.redis.prefix.revocations());
        add.arg("MAXLEN").arg("~").arg(capacity.max(1)).arg("*");
        match revocation.target {
            Target::Session(login) => {
                let id = SessionId::from(login).to_string();
                add.arg("session").arg(id);
            }
            Target::Subject(subject) => {
                add.arg("subject").arg(subject.to_string());
                add.arg("up-to").arg(revocation.issued_up_to);
            }
        }
        self.redis
            .query(add.arg("until").arg(revocation.until))
            .await
    }

    /// Ends all sessions for every process, and returns the time up to which logins have ended.
    pub(in crate::session) async fn publish_all(&self, now: u64) -> Result<u64, StoreError> {
        let mut end = cmd("EVAL");
        end.arg(REVOKE_ALL)
            .arg(1)
            .arg(self.redis.prefix.revoked_up_to());
        self.redis.query(end.arg(now)).await
    }

    /// Waits until the list was read, as long as one command may take.
    pub(in crate::session) async fn catch_up(
        &self,
        revocations: &RevocationList,
        now: u64,
    ) -> Result<(), StoreError> {
        let read = self.read(revocations, now, true);
        in_time(self.redis.timeout, read).await.unwrap_or_else(|| {
            let text = "the revocation list was not read: Redis did not answer in time";
            Err(StoreError::new(text))
        })
    }

    /// Reads what is new, one reader at a time.
    async fn read(
        &self,
        revocations: &RevocationList,
        now: u64,
        unless_fresh: bool,
    ) -> Result<(), StoreError> {
        let mut last = self.last.lock().await;
        if unless_fresh && self.is_fresh(now) {
            return Ok(());
        }
        let key = self.redis.prefix.revoked_up_to();
        let all: Option<u64> = self.redis.query(cmd("GET").arg(key)).await?;
        if let Some(up_to) = all {
            revocations.insert_all(up_to);
        }
        let newest = self.newest().await?;
        if newest != *last {
            // The clock of a server that took over may be behind. A list that ends before the last
            // entry read was started again.
            let overlap = last.0.saturating_sub(MAX_SKEW * 1_000);
            let from = if newest < *last { 0 } else { overlap };
            self.read_from(StreamId(from, 0), revocations, now).await?;
            *last = newest;
        }
        self.synced_at.store(now, Ordering::Release);
        Ok(())
    }

    async fn newest(&self) -> Result<StreamId, StoreError> {
        let mut newest = cmd("XREVRANGE");
        newest
            .arg(self.redis.prefix.revocations())
            .arg("+")
            .arg("-");
        let newest: Vec<(String, Vec<String>)> =
            self.redis.query(newest.arg("COUNT").arg(1)).await?;
        let newest = newest.first();
        newest.map_or(Ok(StreamId::default()), |(id, _)| StreamId::parse(id))
    }

    async fn read_from(
        &self,
        mut from: StreamId,
        revocations: &RevocationList,
        now: u64,
    ) -> Result<(), StoreError> {
        loop {
            let mut range = cmd("XRANGE");
            range.arg(self.redis.prefix.revocations());
            range.arg(format!("{}-{}", from.0, from.1)).arg("+");
            let page: Vec<(String, Vec<String>)> =
                self.redis.query(range.arg("COUNT").arg(PAGE)).await?;
            for (id, fields) in &page {
                let revocation = parse(fields).ok_or_else(unreadable)?;
                revocations.merge_remote(revocation, now);
                from = StreamId::parse(id)?.next();
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Keeps reading in the background as long as the store is in use.
    pub(in crate::session) fn watch(self: &Arc<Self>, revocations: &Arc<RevocationList>, now: u64) {
        self.time.observe(now);
        if self.watched.load(Ordering::Relaxed) || self.watched.swap(true, Ordering::SeqCst) {
            return;
        }
        let watcher = Watcher(Arc::downgrade(self));
        let revocations = Arc::clone(revocations);
        detached::spawn_loop(async move {
            while let Some(feed) = watcher.0.upgrade() {
                if let Err(error) = feed.read(&revocations, feed.time.seconds(), false).await {
                    let error = chain(&error);
                    tracing::debug!(error, "the revocations of other instances were not read");
                }
                sleep(POLL_INTERVAL).await;
            }
        });
    }
}

/// Allows the next watcher to start when this one ends with its runtime.
struct Watcher(Weak<RevocationFeed>);

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(feed) = self.0.upgrade() {
            feed.watched.store(false, Ordering::SeqCst);
        }
    }
}

impl StreamId {
    fn parse(id: &str) -> Result<Self, StoreError> {
        let (milliseconds, number) = id.split_once('-').ok_or_else(unreadable)?;
        match (milliseconds.parse(), number.parse()) {
            (Ok(milliseconds), Ok(number)) => Ok(Self(milliseconds, number)),
            _ => Err(unreadable()),
        }
    }

    fn next(self) -> Self {
        Self(self.0, self.1.saturating_add(1))
    }
}

fn parse(fields: &[String]) -> Option<Revocation> {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    match fields[..] {
        ["session", id, "until", until] => {
            let session: SessionId = id.parse().ok()?;
            Some(Revocation::of_session(session.into(), until.parse().ok()?))
        }
        ["subject", id, "up-to", up_to, "until", until] => {
            let subject = SubjectId::parse(id)?;
            Some(Revocation::of_subject(
                subject,
                up_to.parse().ok()?,
                until.parse().ok()?,
            ))
        }
        _ => None,
    }
}

/// An entry that this version does not know may be a logout.
fn unreadable() -> StoreError {
    StoreError::new("the revocation list in Redis has an entry that this app did not write")
}
