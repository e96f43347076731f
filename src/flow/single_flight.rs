//! One flight at a time for each key: a code or a refresh token is sent once, even if the browser
//! asks again or hangs up in the meantime.
//!
//! The work runs in a task of its own. A browser that hangs up loses nothing: the result is kept
//! until it asks again. Parallel copies of a callback all get that one result.

use std::{collections::HashMap, hash::Hash, sync::Arc, time::Duration};

use tokio::sync::{Semaphore, watch};

use crate::{
    detached,
    expiring_map::ExpiringMap,
    sync::{Mutex, lock},
};

/// In seconds: how long the result of a success can be fetched again. After that the key is merely
/// known to be used.
pub(crate) const RESULT_TTL: u64 = 60;
/// To refuse is better than to forget a `state` that signed a user in. Only real logins count here,
/// so no visitor can fill this.
const MAX_SUCCEEDED: usize = if cfg!(model) { 2 } else { 500_000 };
/// Beyond this number, the oldest failure is forgotten. A code that was rejected may be sent again
/// then, and is rejected again.
const MAX_FAILED: usize = if cfg!(model) { 2 } else { 100_000 };

pub(crate) struct SingleFlight<K, T> {
    entries: Arc<Mutex<Entries<K, T>>>,
    permits: Arc<Semaphore>,
    /// In seconds: as long as a pending login could come back with its `state`.
    retention: u64,
}

struct Entries<K, T> {
    /// The flights in progress, of which each has a permit.
    running: HashMap<K, watch::Receiver<Option<T>>>,
    succeeded: ExpiringMap<K, ()>,
    /// The results of the last minute.
    results: ExpiringMap<K, T>,
    /// `None` for a flight that panicked.
    failed: ExpiringMap<K, Option<T>>,
    /// The flights that may be tried again after their cooldown.
    cooling: ExpiringMap<K, T>,
}

/// What a flight did to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Succeeded,
    /// It failed, and used the key up.
    Failed,
    /// It failed, and used nothing up: the next call starts another flight.
    Retryable,
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
                running: HashMap::new(),
                succeeded: ExpiringMap::new(retention),
                results: ExpiringMap::new(RESULT_TTL),
                failed: ExpiringMap::new(retention),
                cooling: ExpiringMap::new(0),
            })),
            permits: Arc::new(Semaphore::new(max_concurrent.min(Semaphore::MAX_PERMITS))),
            retention,
        }
    }

    /// Keeps everything longer, where a flight takes longer: the times count from its start.
    pub(crate) fn with_longer_flights(mut self, seconds: u64) -> Self {
        self.retention += seconds;
        {
            let mut entries = lock(&self.entries);
            entries.succeeded = ExpiringMap::new(self.retention);
            entries.failed = ExpiringMap::new(self.retention);
            entries.results = ExpiringMap::new(RESULT_TTL + seconds);
        }
        self
    }

    /// Keeps a retryable failure for this long, against a thundering herd.
    pub(crate) fn with_cooldown(self, cooldown: Duration) -> Self {
        lock(&self.entries).cooling = ExpiringMap::new(cooldown.as_secs());
        self
    }

    /// How long it is known that a key was used.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_secs(self.retention)
    }

    /// The result for this key: of the flight that is known, or of `work`, which starts now.
    ///
    /// All who wait get the same result, with any effect.
    pub(crate) async fn run<F>(
        &self,
        key: K,
        now: u64,
        work: impl FnOnce() -> F,
        effect: fn(&T) -> Effect,
    ) -> Result<T, FlightError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut result = self.join_or_spawn(key, now, work, effect)?;
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
        effect: fn(&T) -> Effect,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        let _ = self.join_or_spawn(key, now, work, effect);
    }

    fn join_or_spawn<F>(
        &self,
        key: K,
        now: u64,
        work: impl FnOnce() -> F,
        effect: fn(&T) -> Effect,
    ) -> Result<watch::Receiver<Option<T>>, FlightError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut entries = lock(&self.entries);
        entries.sweep(now);
        if let Some(known) = entries.find(key, now) {
            return known;
        }
        if entries.succeeded.len() >= MAX_SUCCEEDED {
            return Err(FlightError::AtCapacity);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| FlightError::AtCapacity)?;
        let (sender, result) = watch::channel(None);
        entries.running.insert(key, result.clone());
        drop(entries);
        let mut landing = Landing {
            entries: Arc::clone(&self.entries),
            key,
            started_at: now,
            result: None,
        };
        let work = work();
        let flight = async move {
            let result = work.await;
            landing.result = Some((result.clone(), effect(&result)));
            drop((landing, permit));
            sender.send_replace(Some(result));
        };
        detached::spawn(flight);
        Ok(result)
    }
}

impl<K: Copy + Eq + Hash, T: Clone> Entries<K, T> {
    fn sweep(&mut self, now: u64) {
        self.succeeded.sweep(now);
        self.results.sweep(now);
        self.failed.sweep(now);
        self.cooling.sweep(now);
    }

    /// What is known of this key.
    fn find(&self, key: K, now: u64) -> Option<Result<watch::Receiver<Option<T>>, FlightError>> {
        let done = |result: &T| Ok(watch::channel(Some(result.clone())).1);
        if let Some(running) = self.running.get(&key) {
            return Some(Ok(running.clone()));
        }
        if let Some(result) = self.results.get(&key, now).or(self.cooling.get(&key, now)) {
            return Some(done(result));
        }
        if let Some(failed) = self.failed.get(&key, now) {
            return Some(failed.as_ref().map_or(Err(FlightError::Panicked), done));
        }
        let used = self.succeeded.get(&key, now).is_some();
        used.then_some(Err(FlightError::AlreadyUsed))
    }
}

/// The end of a flight, also of one that panics or is dropped with its runtime.
struct Landing<K: Copy + Eq + Hash, T> {
    entries: Arc<Mutex<Entries<K, T>>>,
    key: K,
    started_at: u64,
    result: Option<(T, Effect)>,
}

impl<K: Copy + Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let (key, at) = (self.key, self.started_at);
        let mut entries = lock(&self.entries);
        entries.running.remove(&key);
        match self.result.take() {
            Some((result, Effect::Succeeded)) => {
                entries.succeeded.insert(key, (), at);
                entries.results.insert(key, result, at);
            }
            Some((result, Effect::Retryable)) => {
                entries.cooling.insert_bounded(key, result, at, MAX_FAILED);
                // Without a cooldown, nothing is left of it.
                entries.cooling.sweep(at);
            }
            Some((result, Effect::Failed)) => {
                entries
                    .failed
                    .insert_bounded(key, Some(result), at, MAX_FAILED);
            }
            None => entries.failed.insert_bounded(key, None, at, MAX_FAILED),
        }
    }
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

    fn effect(answer: &&str) -> Effect {
        match *answer {
            "unsent" => Effect::Retryable,
            "rejected" => Effect::Failed,
            _ => Effect::Succeeded,
        }
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
                effect,
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
            effect,
        );
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, asked)
                .await
                .is_err(),
            "hung up"
        );
        gate.notify_one();
        let again = exchanges.run(LOGIN, 59, || ready("second"), effect).await;
        assert_eq!(again, Ok("token"));
    }

    #[tokio::test]
    async fn answer_is_forgotten_before_the_login_is() {
        let exchanges = flights(1);
        let ask = |now| exchanges.run(LOGIN, now, || ready("token"), effect);
        assert_eq!(ask(0).await, Ok("token"));
        assert_eq!(ask(60).await, Err(FlightError::AlreadyUsed));
        assert_eq!(ask(299).await, Err(FlightError::AlreadyUsed));
        assert_eq!(ask(300).await, Ok("token"));
    }

    #[tokio::test]
    async fn retryable_flight_may_be_tried_again() {
        let exchanges = flights(1);
        let unsent = exchanges.run(LOGIN, 0, || ready("unsent"), effect).await;
        assert_eq!(unsent, Ok("unsent"));
        let again = exchanges.run(LOGIN, 1, || ready("token"), effect).await;
        assert_eq!(again, Ok("token"));
    }

    #[tokio::test]
    async fn next_flight_waits_for_the_cooldown() {
        for (cooldown, again) in [(5, 104), (5, 96)] {
            let exchanges = flights(1).with_cooldown(Duration::from_secs(cooldown));
            let ask = |now, answer| exchanges.run(LOGIN, now, move || ready(answer), effect);
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
            effect,
        );
        let refused = async {
            let refused = exchanges.run(2, 0, || ready("never"), effect).await;
            gate.notify_one();
            refused
        };
        assert_eq!(
            tokio::join!(slow, refused),
            (Ok("slow"), Err(FlightError::AtCapacity))
        );
        let later = exchanges.run(2, 1, || ready("later"), effect).await;
        assert_eq!(later, Ok("later"));
    }

    #[tokio::test]
    async fn clock_that_is_set_back_blocks_nothing() {
        let exchanges = flights(1);
        let ask = |login: u8, now| exchanges.run(login, now, || ready("token"), effect);
        assert_eq!(ask(1, 10_000).await, Ok("token"));
        for login in 2..200 {
            assert_eq!(ask(login, 1_000 + 10 * u64::from(login)).await, Ok("token"));
        }
        let known = lock(&exchanges.entries).succeeded.len();
        assert!(known <= 31, "{known}");
    }

    #[tokio::test]
    async fn panic_in_a_flight_is_an_error() {
        let exchanges = flights(1);
        let lost = exchanges
            .run(LOGIN, 0, || async { panic!("on purpose") }, effect)
            .await;
        assert_eq!(lost, Err(FlightError::Panicked));
    }

    fn kept<K: Copy + Eq + Hash, T>(exchanges: &SingleFlight<K, T>) -> usize {
        let entries = lock(&exchanges.entries);
        let failed = entries.failed.len() + entries.cooling.len();
        entries.running.len() + entries.succeeded.len() + entries.results.len() + failed
    }

    #[tokio::test]
    async fn retryable_flight_leaves_nothing_behind() {
        let exchanges = flights(1);
        for _ in 0..100_000 {
            let unsent = exchanges.run(LOGIN, 0, || ready("unsent"), effect).await;
            assert_eq!(unsent, Ok("unsent"));
        }
        assert_eq!(kept(&exchanges), 0);
        let other = exchanges.run(2, 0, || ready("token"), effect).await;
        assert_eq!(other, Ok("token"));
    }

    /// S109.
    #[tokio::test]
    async fn rejected_codes_cannot_shut_out_a_login_nor_make_one_forgotten() {
        let exchanges = SingleFlight::new(1, 300);
        let signed_in = exchanges.run(0, 0, || ready("token"), effect).await;
        assert_eq!(signed_in, Ok("token"));
        for login in 1..=MAX_FAILED + 10 {
            let rejected = exchanges.run(login, 0, || ready("rejected"), effect).await;
            assert_eq!(rejected, Ok("rejected"));
        }
        assert_eq!(kept(&exchanges), MAX_FAILED + 2);
        let again = exchanges.run(0, 59, || ready("second"), effect).await;
        assert_eq!(again, Ok("token"));
        let last = exchanges
            .run(MAX_FAILED, 299, || ready("second"), effect)
            .await;
        assert_eq!(
            last,
            Ok("rejected"),
            "it is sent once, as long as there is room"
        );
        let again = exchanges.run(0, 299, || ready("second"), effect).await;
        assert_eq!(again, Err(FlightError::AlreadyUsed));
        let good = exchanges
            .run(usize::MAX, 0, || ready("token"), effect)
            .await;
        assert_eq!(good, Ok("token"));
    }

    /// S109.
    #[tokio::test]
    async fn full_list_of_logins_refuses_another_one_and_forgets_none() {
        let exchanges = SingleFlight::new(1, 300);
        for login in 0..MAX_SUCCEEDED {
            lock(&exchanges.entries).succeeded.insert(login, (), 0);
        }
        let ask = |login, now| exchanges.run(login, now, || ready("token"), effect);
        let another = ask(MAX_SUCCEEDED, 299).await;
        assert_eq!(another, Err(FlightError::AtCapacity));
        assert_eq!(kept(&exchanges), MAX_SUCCEEDED);
        assert_eq!(ask(0, 299).await, Err(FlightError::AlreadyUsed));
        assert_eq!(ask(MAX_SUCCEEDED, 300).await, Ok("token"));
    }

    #[tokio::test]
    async fn longer_flight_leaves_its_result_as_long_as_a_short_one() {
        for (longer, seconds, expected) in [
            (0, 59, Ok("token")),
            (0, 61, Err(FlightError::AlreadyUsed)),
            (30, 89, Ok("token")),
            (30, 329, Err(FlightError::AlreadyUsed)),
        ] {
            let exchanges = flights(1).with_longer_flights(longer);
            let first = exchanges.run(LOGIN, 0, || ready("token"), effect).await;
            assert_eq!(first, Ok("token"));
            let again = exchanges
                .run(LOGIN, seconds, || ready("second"), effect)
                .await;
            assert_eq!(again, expected, "{longer} {seconds}");
        }
    }

    #[tokio::test]
    async fn key_of_a_flight_that_panicked_is_used() {
        let exchanges = flights(1);
        for _ in 0..2 {
            let lost = exchanges
                .run(LOGIN, 0, || async { panic!("on purpose") }, effect)
                .await;
            assert_eq!(lost, Err(FlightError::Panicked));
        }
        assert_eq!(kept(&exchanges), 1);
    }
}
