//! One flight at a time for each key: a code or a refresh token is sent once, whatever the browser
//! does in the meantime.
//!
//! The work runs in a task of its own. A browser that hangs up loses nothing: the result is kept
//! until it asks again. Parallel copies of a callback all get that one result.

use std::{
    hash::Hash,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{detached, expiring_map::ExpiringMap, sync::lock};

/// In seconds: how long a result can be fetched again. After that the key is merely known to be
/// used.
pub(crate) const RESULT_TTL: u64 = 60;
/// To refuse is better than to forget a `state` whose code could then be sent twice.
const MAX_ENTRIES: usize = 100_000;

pub(crate) struct SingleFlight<K, T> {
    entries: Arc<Mutex<Entries<K, T>>>,
    permits: Arc<Semaphore>,
    /// In seconds: as long as a pending login could come back with its `state`.
    retention: u64,
    /// In seconds: how long a failed flight stands before the next may start.
    cooldown: u64,
}

struct Entries<K, T> {
    flights: ExpiringMap<K, Flight>,
    results: ExpiringMap<K, watch::Receiver<Option<T>>>,
}

struct Flight {
    started_at: u64,
    failed: bool,
}

/// The reason for a missing result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlightError {
    /// The maximum number of flights is in progress. This one was not started.
    AtCapacity,
    /// The key was used too long ago, and its result is no longer kept.
    AlreadyUsed,
    /// The task panicked.
    Panicked,
}

impl<K, T> SingleFlight<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(max_concurrent: usize, retention: u64) -> Self {
        let retention = retention.max(RESULT_TTL);
        Self {
            entries: Arc::new(Mutex::new(Entries {
                flights: ExpiringMap::new(retention),
                results: ExpiringMap::new(RESULT_TTL),
            })),
            permits: Arc::new(Semaphore::new(max_concurrent.min(Semaphore::MAX_PERMITS))),
            retention,
            cooldown: 0,
        }
    }

    /// Keeps a failed result for this long, against a thundering herd.
    pub(crate) fn with_cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown.as_secs();
        self
    }

    /// How long it is known that a key was used.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_secs(self.retention)
    }

    /// The result for this key: of the flight that is known, or of `work`, which starts now.
    ///
    /// A result for which `is_retryable` holds is returned to all who wait and used up nothing, so
    /// the next call starts a new flight.
    pub(crate) async fn run<F>(
        &self,
        key: K,
        now: u64,
        work: impl FnOnce() -> F,
        is_retryable: fn(&T) -> bool,
    ) -> Result<T, FlightError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut result = self.join_or_spawn(key, now, work, is_retryable)?;
        let result = result.wait_for(Option::is_some).await;
        let result = result.ok().and_then(|result| result.clone());
        result.ok_or(FlightError::Panicked)
    }

    /// The same without a wait for the result. A flight that cannot start now is left to a later
    /// call.
    pub(crate) fn start<F>(
        &self,
        key: K,
        now: u64,
        work: impl FnOnce() -> F,
        is_retryable: fn(&T) -> bool,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        let _ = self.join_or_spawn(key, now, work, is_retryable);
    }

    fn join_or_spawn<F>(
        &self,
        key: K,
        now: u64,
        work: impl FnOnce() -> F,
        is_retryable: fn(&T) -> bool,
    ) -> Result<watch::Receiver<Option<T>>, FlightError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut entries = lock(&self.entries);
        entries.flights.sweep(now);
        entries.results.sweep(now);
        if let Some(flight) = entries.flights.get(&key, now) {
            let cooling = now.abs_diff(flight.started_at) < self.cooldown;
            if cooling || !flight.failed {
                let result = entries.results.get(&key, now).cloned();
                return result.ok_or(FlightError::AlreadyUsed);
            }
        }
        if entries.flights.len() >= MAX_ENTRIES {
            return Err(FlightError::AtCapacity);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| FlightError::AtCapacity)?;
        let (sender, result) = watch::channel(None);
        let flight = Flight {
            started_at: now,
            failed: false,
        };
        entries.flights.insert(key, flight, now);
        entries.results.insert(key, result.clone(), now);
        drop(entries);
        detached::spawn(fly(
            Arc::clone(&self.entries),
            key,
            work(),
            is_retryable,
            sender,
            permit,
        ));
        Ok(result)
    }
}

async fn fly<K, T>(
    entries: Arc<Mutex<Entries<K, T>>>,
    key: K,
    work: impl Future<Output = T>,
    is_retryable: fn(&T) -> bool,
    sender: watch::Sender<Option<T>>,
    _permit: OwnedSemaphorePermit,
) where
    K: Copy + Eq + Hash,
{
    let result = work.await;
    if is_retryable(&result)
        && let Some(flight) = lock(&entries).flights.get_mut(&key)
    {
        flight.failed = true;
    }
    sender.send_replace(Some(result));
}

#[cfg(test)]
mod tests {
    use std::{
        future::ready,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Notify;

    use super::*;

    const LOGIN: u8 = 1;

    fn flights(at_once: usize) -> SingleFlight<u8, &'static str> {
        SingleFlight::new(at_once, 300)
    }

    fn is_retryable(answer: &&str) -> bool {
        *answer == "unsent"
    }

    #[tokio::test]
    async fn parallel_copies_get_one_answer() {
        let exchanges = flights(1);
        let (begun, gate) = (AtomicUsize::new(0), Arc::new(Notify::new()));
        let copy = || {
            exchanges.run(
                LOGIN,
                0,
                || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let gate = Arc::clone(&gate);
                    async move {
                        gate.notified().await;
                        "token"
                    }
                },
                is_retryable,
            )
        };
        let open = async { gate.notify_one() };
        let (first, second, third, ()) = tokio::join!(copy(), copy(), copy(), open);
        assert_eq!(
            (first, second, third),
            (Ok("token"), Ok("token"), Ok("token"))
        );
        assert_eq!(begun.into_inner(), 1);
    }

    #[tokio::test]
    async fn result_outlives_the_caller() {
        let exchanges = flights(1);
        let gate = Arc::new(Notify::new());
        let waits = Arc::clone(&gate);
        let asked = exchanges.run(
            LOGIN,
            0,
            || async move {
                waits.notified().await;
                "token"
            },
            is_retryable,
        );
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, asked)
                .await
                .is_err(),
            "hung up"
        );
        gate.notify_one();
        let again = exchanges
            .run(LOGIN, 59, || ready("second"), is_retryable)
            .await;
        assert_eq!(again, Ok("token"));
    }

    #[tokio::test]
    async fn answer_is_forgotten_before_the_login_is() {
        let exchanges = flights(1);
        let ask = |now| exchanges.run(LOGIN, now, || ready("token"), is_retryable);
        assert_eq!(ask(0).await, Ok("token"));
        assert_eq!(ask(60).await, Err(FlightError::AlreadyUsed));
        assert_eq!(ask(299).await, Err(FlightError::AlreadyUsed));
        assert_eq!(ask(300).await, Ok("token"));
    }

    #[tokio::test]
    async fn retryable_flight_may_be_tried_again() {
        let exchanges = flights(1);
        let unsent = exchanges
            .run(LOGIN, 0, || ready("unsent"), is_retryable)
            .await;
        assert_eq!(unsent, Ok("unsent"));
        let again = exchanges
            .run(LOGIN, 1, || ready("token"), is_retryable)
            .await;
        assert_eq!(again, Ok("token"));
    }

    #[tokio::test]
    async fn next_flight_waits_for_the_cooldown() {
        for (cooldown, again) in [(5, 104), (5, 96)] {
            let exchanges = flights(1).with_cooldown(Duration::from_secs(cooldown));
            let ask = |now, answer| exchanges.run(LOGIN, now, move || ready(answer), is_retryable);
            assert_eq!(ask(100, "unsent").await, Ok("unsent"));
            assert_eq!(ask(again, "token").await, Ok("unsent"));
            assert_eq!(ask(105, "token").await, Ok("token"));
            assert_eq!(ask(120, "another").await, Ok("token"), "which stands");
        }
    }

    #[tokio::test]
    async fn more_than_may_run_are_not_started() {
        let exchanges = flights(1);
        let gate = Arc::new(Notify::new());
        let waits = Arc::clone(&gate);
        let slow = exchanges.run(
            LOGIN,
            0,
            || async move {
                waits.notified().await;
                "slow"
            },
            is_retryable,
        );
        let refused = async {
            let refused = exchanges.run(2, 0, || ready("never"), is_retryable).await;
            gate.notify_one();
            refused
        };
        assert_eq!(
            tokio::join!(slow, refused),
            (Ok("slow"), Err(FlightError::AtCapacity))
        );
        let later = exchanges.run(2, 1, || ready("later"), is_retryable).await;
        assert_eq!(later, Ok("later"));
    }

    #[tokio::test]
    async fn clock_that_is_set_back_blocks_nothing() {
        let exchanges = flights(1);
        let ask = |login: u8, now| exchanges.run(login, now, || ready("token"), is_retryable);
        assert_eq!(ask(1, 10_000).await, Ok("token"));
        for login in 2..200 {
            assert_eq!(ask(login, 1_000 + 10 * u64::from(login)).await, Ok("token"));
        }
        let known = lock(&exchanges.entries).flights.len();
        assert!(known <= 31, "{known}");
    }

    #[tokio::test]
    async fn panic_in_a_flight_is_an_error() {
        let exchanges = flights(1);
        let lost = exchanges
            .run(LOGIN, 0, || async { panic!("on purpose") }, is_retryable)
            .await;
        assert_eq!(lost, Err(FlightError::Panicked));
    }
}
