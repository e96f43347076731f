//! The runtime: which tasks there are, and whether they have something to do.

use std::cell::RefCell;

use real::sync::{oneshot, watch};
use shuttle::future::AbortHandle;

use crate::task::JoinHandle;

thread_local! {
    /// A model runs on one thread, whatever its own threads are.
    pub(crate) static RUNTIME: RefCell<Runtime> = RefCell::default();
}

#[derive(Default)]
pub(crate) struct Runtime {
    /// How many tasks neither have ended nor sleep.
    pub busy: watch::Sender<usize>,
    /// With the number of each.
    pub sleepers: Vec<(u64, oneshot::Sender<()>)>,
    pub slept: u64,
    tasks: Vec<AbortHandle>,
    /// In seconds: how long the runtime has run.
    pub now: u64,
}

/// Begins with a new runtime, for the next order of events.
pub fn reset() {
    RUNTIME.take();
}

/// The same, after a failure: the scheduler that its tasks belonged to is gone.
pub fn abandon() {
    std::mem::forget(RUNTIME.take());
}

/// Waits until each task has ended or sleeps.
pub async fn idle() {
    let mut busy = RUNTIME.with_borrow(|runtime| runtime.busy.subscribe());
    let _ = busy.wait_for(|busy| *busy == 0).await;
}

/// Drops every task where it is, as a runtime does that shuts down.
pub fn shut_down() {
    let tasks = RUNTIME.with_borrow_mut(|runtime| std::mem::take(&mut runtime.tasks));
    tasks.iter().for_each(AbortHandle::abort);
}

#[derive(Clone, Copy, Debug)]
pub struct Handle;

/// There is always a runtime, so no model sees this.
#[derive(Debug)]
pub struct TryCurrentError;

impl Handle {
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Ok(Self)
    }

    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let busy = Busy::new();
        let task = shuttle::future::spawn(async move {
            let output = work.await;
            drop(busy);
            output
        });
        RUNTIME.with_borrow_mut(|runtime| runtime.tasks.push(task.abort_handle()));
        task
    }
}

/// A task that has something to do.
struct Busy;

impl Busy {
    fn new() -> Self {
        change_busy(1);
        Self
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        change_busy(-1);
    }
}

pub(crate) fn change_busy(by: isize) {
    // Without the borrow while those who wait are woken.
    let busy = RUNTIME.with_borrow(|runtime| runtime.busy.clone());
    busy.send_modify(|busy| *busy = busy.saturating_add_signed(by));
}
