//! Forgets expired sessions in the background.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::Sessions;
use crate::{clock::ObservedTime, detached};

const PERIOD: Duration = Duration::from_secs(60);

/// Runs as long as there are sessions, and a store that holds them.
#[derive(Default)]
pub(super) struct Sweeper {
    running: AtomicBool,
    time: ObservedTime,
}

impl Sweeper {
    /// Starts the task, unless it runs. Without a runtime only reads and a full store sweep.
    pub(super) fn start(&self, sessions: &Arc<Sessions>, now: u64) {
        self.time.observe(now);
        if self.running.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut task = Task {
            sessions: Arc::downgrade(sessions),
            stopped: false,
        };
        detached::spawn(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                if !task.sweep() {
                    return;
                }
            }
        });
    }

    /// Whether the task goes on. One that stops makes room for the next.
    fn goes_on(&self, sessions: &Sessions) -> bool {
        if sessions.shards.len() > 0 {
            return true;
        }
        self.running.store(false, Ordering::SeqCst);
        // A session that was saved in this very moment saw a sweeper that runs.
        sessions.shards.len() > 0 && !self.running.swap(true, Ordering::SeqCst)
    }
}

struct Task {
    sessions: Weak<Sessions>,
    /// There was nothing left to sweep, so that the next task may run already.
    stopped: bool,
}

impl Task {
    /// Returns whether there will be something to sweep again.
    fn sweep(&mut self) -> bool {
        let Some(sessions) = self.sessions.upgrade() else {
            return false;
        };
        sessions.sweep(sessions.sweeper.time.seconds());
        self.stopped = !sessions.sweeper.goes_on(&sessions);
        !self.stopped
    }
}

impl Drop for Task {
    /// Makes room for the next task when this one ends with its runtime.
    fn drop(&mut self) {
        if !self.stopped
            && let Some(sessions) = self.sessions.upgrade()
        {
            sessions.sweeper.running.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::MemoryStore, *};

    #[tokio::test]
    async fn task_that_has_stopped_does_not_announce_the_end_of_the_next() {
        let sessions = MemoryStore::new().sessions;
        let running = &sessions.sweeper.running;
        for stopped in [true, false] {
            let mut task = Task {
                sessions: Arc::downgrade(&sessions),
                stopped: false,
            };
            running.store(true, Ordering::SeqCst);
            if stopped {
                assert!(!task.sweep(), "there is nothing to sweep");
                assert!(!running.swap(true, Ordering::SeqCst), "the next may run");
            }
            drop(task);
            assert_eq!(running.load(Ordering::SeqCst), stopped);
        }
    }
}
