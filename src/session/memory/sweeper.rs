//! Runs a sweep in the background, once a minute, as long as there is something to sweep.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::ObservedTime,
    detached,
    sync::atomic::{AtomicBool, Ordering},
};

const PERIOD: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Sweeper {
    running: Arc<AtomicBool>,
    time: Arc<ObservedTime>,
}

impl Sweeper {
    /// Notes the time, for the next sweep.
    pub(super) fn observe(&self, now: u64) {
        self.time.observe(now);
    }

    /// Starts the task, unless it runs. Without a runtime it does not run.
    ///
    /// `sweep` gets the time, and returns how many sessions are left, or `None` when the store is
    /// gone.
    pub(super) fn start<F>(&self, now: u64, sweep: impl Fn(u64) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Option<usize>> + Send,
    {
        self.observe(now);
        if self.running.swap(true, Ordering::SeqCst) {
            return;
        }
        let (mut running, time) = (
            Running(Some(Arc::clone(&self.running))),
            Arc::clone(&self.time),
        );
        detached::spawn_loop(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                let left = sweep(time.seconds()).await;
                let more = || sweep(time.seconds());
                if left.is_none() || (left == Some(0) && running.stop(more).await) {
                    return;
                }
            }
        });
    }
}

/// Says that the task runs, until it stops or is dropped with its runtime.
struct Running(Option<Arc<AtomicBool>>);

impl Running {
    /// Returns whether the task stops, which makes room for the next. A session that was saved in
    /// this very moment saw a task that runs, so the task looks once more.
    async fn stop<F: Future<Output = Option<usize>>>(&mut self, left: impl FnOnce() -> F) -> bool {
        let Some(running) = self.0.take() else {
            return true;
        };
        running.store(false, Ordering::SeqCst);
        let goes_on =
            left().await.is_some_and(|left| left > 0) && !running.swap(true, Ordering::SeqCst);
        if goes_on {
            self.0 = Some(running);
        }
        !goes_on
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(running) = &self.0 {
            running.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::sync::atomic::AtomicUsize;

    #[tokio::test(start_paused = true)]
    async fn task_stops_when_nothing_is_left_twice_or_the_store_is_gone() {
        for answers in [
            &[None][..],
            &[Some(0), None],
            &[Some(2), Some(1), Some(0), Some(0)],
            // A session is saved while the task stops.
            &[Some(0), Some(1), Some(0), Some(0)],
        ] {
            let (sweeper, sweeps) = (Sweeper::default(), Arc::new(AtomicUsize::new(0)));
            let count = Arc::clone(&sweeps);
            sweeper.start(0, move |_| {
                let at = count.fetch_add(1, Ordering::SeqCst);
                ready(answers.get(at).copied().flatten())
            });
            // The clock of the runtime is paused: this moves it and takes no time.
            tokio::time::sleep(PERIOD * 10).await;
            assert_eq!(sweeps.load(Ordering::SeqCst), answers.len(), "{answers:?}");
            assert!(!sweeper.running.load(Ordering::SeqCst), "{answers:?}");
        }
    }

    #[tokio::test]
    async fn task_that_has_stopped_does_not_announce_the_end_of_the_next() {
        for stopped in [true, false] {
            let flag = Arc::new(AtomicBool::new(true));
            let mut running = Running(Some(Arc::clone(&flag)));
            if stopped {
                assert!(
                    running.stop(async || Some(0)).await,
                    "there is nothing to sweep"
                );
                assert!(!flag.swap(true, Ordering::SeqCst), "the next may run");
            }
            drop(running);
            assert_eq!(flag.load(Ordering::SeqCst), stopped);
        }
    }

    #[tokio::test]
    async fn session_that_is_saved_while_the_task_stops_is_swept() {
        let flag = Arc::new(AtomicBool::new(true));
        let mut running = Running(Some(Arc::clone(&flag)));
        assert!(!running.stop(async || Some(1)).await, "it goes on");
        assert!(flag.load(Ordering::SeqCst));
        let next = Arc::clone(&flag);
        let saved = async move || {
            next.store(true, Ordering::SeqCst);
            Some(1)
        };
        assert!(running.stop(saved).await, "the next runs already");
    }
}
