//! Sessions in cookies that were ended before their time: every process tells, and hears, about it through Redis.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::cmd;
use tokio::{runtime::Handle, sync::Mutex, time::sleep};

use super::{RedisStore, connection::in_time};
use crate::{
    clock::{Clock, SKEW},
    error::chain,
    session::{SessionId, StoreError, cookie::revocations::DenyList},
};

const READ_EVERY: Duration = Duration::from_secs(1);
/// In seconds, how old what is known may be.
const KNOWN_FOR: u64 = 30;
const PAGE: usize = 1_000;

/// Of three clocks that may disagree a little, the latest says up to when all logins are over; one that is further ahead than that would
/// end everybody's next logins too. Longer than a year no session lasts.
const END_ALL: &str = "\
local known = tonumber(redis.call('GET', KEYS[1]) or '0')
local now = tonumber(redis.call('TIME')[1])
local told = math.min(tonumber(ARGV[1]), now + 60)
local up_to = math.max(known, now, told)
redis.call('SET', KEYS[1], string.format('%d', up_to), 'EX', 366 * 24 * 3600)
return up_to";

/// What is known of the list in Redis.
pub(in crate::session) struct Ended {
    redis: RedisStore,
    /// When the list was asked for last, and read to its end; never, to begin with.
    known_at: AtomicU64,
    /// The entry that was read last.
    last: Mutex<Entry>,
    watched: AtomicBool,
}

/// Where an entry stands in the stream: milliseconds by Redis' clock, and a number among those.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Entry(u64, u64);

impl Ended {
    pub(in crate::session) fn new(redis: &RedisStore) -> Self {
        Self {
            redis: redis.clone(),
            known_at: AtomicU64::new(0),
            last: Mutex::default(),
            watched: AtomicBool::new(false),
        }
    }

    /// Whether it is known well enough who was logged out.
    pub(in crate::session) fn is_known(&self, now: u64) -> bool {
        now.abs_diff(self.known_at.load(Ordering::Acquire)) <= KNOWN_FOR
    }

    /// Tells every process of one session, in a list of about `capacity` of them.
    pub(in crate::session) async fn tell(
        &self,
        session: SessionId,
        until: u64,
        capacity: usize,
    ) -> Result<(), StoreError> {
        let mut add = cmd("XADD");
        add.arg(self.redis.prefix.ended());
        add.arg("MAXLEN").arg("~").arg(capacity.max(1)).arg("*");
        let add = add.arg("session").arg(session.to_string());
        self.redis.ask(add.arg("until").arg(until)).await
    }

    /// Tells every process that all sessions are over, and answers up to which login.
    pub(in crate::session) async fn tell_all(&self, now: u64) -> Result<u64, StoreError> {
        let mut end = cmd("EVAL");
        end.arg(END_ALL).arg(1).arg(self.redis.prefix.all_ended());
        self.redis.ask(end.arg(now)).await
    }

    /// Waits until the list is known, as long as one command may take.
    pub(in crate::session) async fn catch_up(
        &self,
        denied: &DenyList,
        clock: &Clock,
    ) -> Result<(), StoreError> {
        let read = self.read(denied, clock, true);
        in_time(self.redis.timeout, read).await.unwrap_or_else(|| {
            let text = "it is not known who was logged out: Redis did not answer in time";
            Err(StoreError::new(text))
        })
    }

    /// Reads what is new, one reader at a time.
    async fn read(
        &self,
        denied: &DenyList,
        clock: &Clock,
        unless_known: bool,
    ) -> Result<(), StoreError> {
        let mut last = self.last.lock().await;
        let now = clock.seconds();
        if unless_known && self.is_known(now) {
            return Ok(());
        }
        let key = self.redis.prefix.all_ended();
        let all: Option<u64> = self.redis.ask(cmd("GET").arg(key)).await?;
        if let Some(up_to) = all {
            denied.insert_all(up_to);
        }
        let newest = self.newest().await?;
        if newest != *last {
            // A server that took over may have a clock that is behind; one that has less than was read here began anew.
            let overlap = last.0.saturating_sub(SKEW * 1_000);
            let from = if newest < *last { 0 } else { overlap };
            self.read_from(Entry(from, 0), denied, now).await?;
            *last = newest;
        }
        self.known_at.store(now, Ordering::Release);
        Ok(())
    }

    async fn newest(&self) -> Result<Entry, StoreError> {
        let mut newest = cmd("XREVRANGE");
        newest.arg(self.redis.prefix.ended()).arg("+").arg("-");
        let newest: Vec<(String, Vec<String>)> = self.redis.ask(newest.arg("COUNT").arg(1)).await?;
        newest
            .first()
            .map_or(Ok(Entry::default()), |(id, _)| Entry::parse(id))
    }

    async fn read_from(
        &self,
        mut from: Entry,
        denied: &DenyList,
        now: u64,
    ) -> Result<(), StoreError> {
        loop {
            let mut range = cmd("XRANGE");
            range.arg(self.redis.prefix.ended());
            range.arg(format!("{}-{}", from.0, from.1)).arg("+");
            let page: Vec<(String, Vec<String>)> =
                self.redis.ask(range.arg("COUNT").arg(PAGE)).await?;
            for (id, fields) in &page {
                let (session, until) = ended(fields).ok_or_else(unreadable)?;
                denied.learn(session.to_bytes(), until, now);
                from = Entry::parse(id)?.next();
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Keeps reading in the background for as long as somebody holds the store.
    pub(in crate::session) fn watch(self: &Arc<Self>, denied: &Arc<DenyList>, clock: &Clock) {
        if self.watched.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.watched.swap(true, Ordering::SeqCst) {
            return;
        }
        let watcher = Watcher(Arc::downgrade(self));
        let (denied, clock) = (Arc::clone(denied), clock.clone());
        runtime.spawn(async move {
            while let Some(ended) = watcher.0.upgrade() {
                if let Err(error) = ended.read(&denied, &clock, false).await {
                    let error = chain(&error);
                    tracing::debug!(error, "who was logged out elsewhere cannot be read");
                }
                sleep(READ_EVERY).await;
            }
        });
    }
}

/// Makes room for the next watcher when this one goes, which it does with its runtime.
struct Watcher(Weak<Ended>);

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(ended) = self.0.upgrade() {
            ended.watched.store(false, Ordering::SeqCst);
        }
    }
}

impl Entry {
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

fn ended(fields: &[String]) -> Option<(SessionId, u64)> {
    match fields {
        [session, id, until, seconds] if session == "session" && until == "until" => {
            Some((id.parse().ok()?, seconds.parse().ok()?))
        }
        _ => None,
    }
}

/// Perhaps somebody is logged out by it.
fn unreadable() -> StoreError {
    StoreError::new("the list of ended sessions in Redis has an entry that is none of ours")
}
