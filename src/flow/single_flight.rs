//! Exchanges at the token endpoint under way: each code, and each refresh token, is redeemed once, whatever the browser does meanwhile.
//!
//! The work runs in a task of its own. A browser that hangs up loses nothing: the answer waits here until it asks again. Parallel
//! copies of a callback all get that one answer.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

/// How long an answer can be fetched again; after that the `state` is merely known to be used.
pub(crate) const ANSWER_FOR: u64 = 60;
/// Refusing beats forgetting a `state` that could then be redeemed twice.
const MAX_KNOWN: usize = 100_000;

pub(crate) struct Exchanges<K, T> {
    known: Arc<Mutex<Known<K, T>>>,
    running: Arc<Semaphore>,
    /// In seconds: as long as a pending login could come back with its `state`.
    remember: u64,
    /// In seconds: how long after it was begun a try that came to nothing stands before the next.
    linger: u64,
}

struct Known<K, T> {
    exchanges: HashMap<K, Exchange<T>>,
    /// Those whose answer is kept, in the order in which they were begun.
    answers: VecDeque<(u64, K)>,
    /// All of them, in the same order.
    order: VecDeque<(u64, K)>,
}

struct Exchange<T> {
    begun_at: u64,
    came_to_nothing: bool,
    answer: Option<watch::Receiver<Option<T>>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// As many run as may; this one was not begun.
    Full,
    /// Redeemed before, and too long ago to be told the answer.
    Used,
    /// The task died.
    Lost,
}

impl<K, T> Exchanges<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(at_once: usize, remember: u64) -> Self {
        Self {
            known: Arc::new(Mutex::new(Known {
                exchanges: HashMap::new(),
                answers: VecDeque::new(),
                order: VecDeque::new(),
            })),
            running: Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))),
            remember,
            linger: 0,
        }
    }

    /// Lets an answer for which `is_unsent` holds stand for this long, so that a crowd does not try again at once.
    pub(crate) fn lingering(mut self, linger: Duration) -> Self {
        self.linger = linger.as_secs();
        self
    }

    /// How long it is known that there was an exchange.
    pub(crate) fn remembers(&self) -> Duration {
        Duration::from_secs(self.remember)
    }

    /// The answer for this key: from the exchange that is known, or from `exchange`, which is begun now.
    ///
    /// An answer for which `is_unsent` holds is given and does not stand: nothing was used up, so the next try begins anew.
    pub(crate) async fn answer<F>(
        &self,
        key: K,
        now: u64,
        exchange: impl FnOnce() -> F,
        is_unsent: fn(&T) -> bool,
    ) -> Result<T, NoAnswer>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut answer = self.join_or_begin(key, now, exchange, is_unsent)?;
        let answer = answer.wait_for(Option::is_some).await;
        answer
            .ok()
            .and_then(|answer| answer.clone())
            .ok_or(NoAnswer::Lost)
    }

    /// The same without waiting for the answer.
    pub(crate) fn begin<F>(
        &self,
        key: K,
        now: u64,
        exchange: impl FnOnce() -> F,
        is_unsent: fn(&T) -> bool,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        // One that cannot be begun now is begun by somebody who comes later.
        let _ = self.join_or_begin(key, now, exchange, is_unsent);
    }

    fn join_or_begin<F>(
        &self,
        key: K,
        now: u64,
        exchange: impl FnOnce() -> F,
        is_unsent: fn(&T) -> bool,
    ) -> Result<watch::Receiver<Option<T>>, NoAnswer>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget(now, self.remember);
        if let Some(exchange) = known.exchanges.get(&key) {
            let stands = now.abs_diff(exchange.begun_at) < self.linger;
            if stands || !exchange.came_to_nothing {
                return exchange.answer.clone().ok_or(NoAnswer::Used);
            }
        }
        if known.order.len() >= MAX_KNOWN {
            return Err(NoAnswer::Full);
        }
        let permit = Arc::clone(&self.running).try_acquire_owned();
        let permit = permit.map_err(|_| NoAnswer::Full)?;
        let (sender, answer) = watch::channel(None);
        known.exchanges.insert(
            key,
            Exchange {
                begun_at: now,
                came_to_nothing: false,
                answer: Some(answer.clone()),
            },
        );
        known.answers.push_back((now, key));
        known.order.push_back((now, key));
        drop(known);

        let (exchange, all) = (exchange(), Arc::clone(&self.known));
        tokio::spawn(async move {
            let _permit = permit;
            let answer = exchange.await;
            if is_unsent(&answer) {
                let mut known = all.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(exchange) = known.exchanges.get_mut(&key) {
                    exchange.came_to_nothing = true;
                }
            }
            sender.send_replace(Some(answer));
        });
        Ok(answer)
    }
}

impl<K: Copy + Eq + Hash, T> Known<K, T> {
    /// First the answers, later that there was an exchange at all.
    fn forget(&mut self, now: u64, remember: u64) {
        while let Some(begun) = pop_older(&mut self.answers, now, ANSWER_FOR) {
            if let Some(exchange) = self.begun(begun) {
                exchange.answer = None;
            }
        }
        while let Some(begun) = pop_older(&mut self.order, now, remember.max(ANSWER_FOR)) {
            if self.begun(begun).is_some() {
                self.exchanges.remove(&begun.1);
            }
        }
    }

    /// The exchange that was begun just then, not one that was begun again after it came to nothing.
    fn begun(&mut self, (begun_at, key): (u64, K)) -> Option<&mut Exchange<T>> {
        let exchange = self.exchanges.get_mut(&key);
        exchange.filter(|exchange| exchange.begun_at == begun_at)
    }
}

/// The first one of at least this age. One from a future as far away is as good as gone: the clock was set back, and its pending
/// login is refused for the same reason.
fn pop_older<K>(queue: &mut VecDeque<(u64, K)>, now: u64, age: u64) -> Option<(u64, K)> {
    let (begun_at, _) = queue.front()?;
    if now.abs_diff(*begun_at) < age {
        return None;
    }
    queue.pop_front()
}

#[cfg(test)]
mod tests {
    use std::{
        future::ready,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Notify;

    use super::*;

    const LOGIN: [u8; 16] = [1; 16];

    fn exchanges(at_once: usize) -> Exchanges<[u8; 16], &'static str> {
        Exchanges::new(at_once, 300)
    }

    fn is_unsent(answer: &&str) -> bool {
        *answer == "unsent"
    }

    #[tokio::test]
    async fn parallel_copies_get_one_answer() {
        let exchanges = exchanges(1);
        let (begun, gate) = (AtomicUsize::new(0), Arc::new(Notify::new()));
        let copy = || {
            exchanges.answer(
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
                is_unsent,
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
    async fn answer_outlives_the_one_who_asked() {
        let exchanges = exchanges(1);
        let gate = Arc::new(Notify::new());
        let waits = Arc::clone(&gate);
        let asked = exchanges.answer(
            LOGIN,
            0,
            || async move {
                waits.notified().await;
                "token"
            },
            is_unsent,
        );
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, asked)
                .await
                .is_err(),
            "hung up"
        );
        gate.notify_one();
        let again = exchanges
            .answer(LOGIN, 59, || ready("second"), is_unsent)
            .await;
        assert_eq!(again, Ok("token"));
    }

    #[tokio::test]
    async fn answer_is_forgotten_before_the_login_is() {
        let exchanges = exchanges(1);
        let ask = |now| exchanges.answer(LOGIN, now, || ready("token"), is_unsent);
        assert_eq!(ask(0).await, Ok("token"));
        assert_eq!(ask(60).await, Err(NoAnswer::Used));
        assert_eq!(ask(299).await, Err(NoAnswer::Used));
        assert_eq!(ask(300).await, Ok("token"));
    }

    #[tokio::test]
    async fn exchange_that_sent_nothing_may_be_tried_again() {
        let exchanges = exchanges(1);
        let unsent = exchanges
            .answer(LOGIN, 0, || ready("unsent"), is_unsent)
            .await;
        assert_eq!(unsent, Ok("unsent"));
        let again = exchanges
            .answer(LOGIN, 1, || ready("token"), is_unsent)
            .await;
        assert_eq!(again, Ok("token"));
    }

    #[tokio::test]
    async fn next_try_waits_for_as_long_as_it_was_told_to() {
        for (linger, again) in [(5, 104), (5, 96)] {
            let exchanges = exchanges(1).lingering(Duration::from_secs(linger));
            let ask = |now, answer| exchanges.answer(LOGIN, now, move || ready(answer), is_unsent);
            assert_eq!(ask(100, "unsent").await, Ok("unsent"));
            assert_eq!(ask(again, "token").await, Ok("unsent"));
            assert_eq!(ask(105, "token").await, Ok("token"));
            assert_eq!(ask(120, "another").await, Ok("token"), "which stands");
        }
    }

    #[tokio::test]
    async fn more_than_may_run_are_not_begun() {
        let exchanges = exchanges(1);
        let gate = Arc::new(Notify::new());
        let waits = Arc::clone(&gate);
        let slow = exchanges.answer(
            LOGIN,
            0,
            || async move {
                waits.notified().await;
                "slow"
            },
            is_unsent,
        );
        let refused = async {
            let refused = exchanges
                .answer([2; 16], 0, || ready("never"), is_unsent)
                .await;
            gate.notify_one();
            refused
        };
        assert_eq!(
            tokio::join!(slow, refused),
            (Ok("slow"), Err(NoAnswer::Full))
        );
        let later = exchanges
            .answer([2; 16], 1, || ready("later"), is_unsent)
            .await;
        assert_eq!(later, Ok("later"));
    }

    #[tokio::test]
    async fn clock_that_is_set_back_blocks_nothing() {
        let exchanges = exchanges(1);
        let ask = |login: u8, now| exchanges.answer([login; 16], now, || ready("token"), is_unsent);
        assert_eq!(ask(1, 10_000).await, Ok("token"));
        for login in 2..200 {
            assert_eq!(ask(login, 1_000 + 10 * u64::from(login)).await, Ok("token"));
        }
        let known = exchanges.known.lock().unwrap();
        assert!(
            known.exchanges.len() <= 31 && known.order.len() <= 31,
            "{}",
            known.order.len()
        );
    }

    #[tokio::test]
    async fn panic_in_an_exchange_is_no_answer() {
        let exchanges = exchanges(1);
        let lost = exchanges
            .answer(LOGIN, 0, || async { panic!("on purpose") }, is_unsent)
            .await;
        assert_eq!(lost, Err(NoAnswer::Lost));
    }
}
