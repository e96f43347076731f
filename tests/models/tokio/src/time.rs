//! Time, which passes where a model says so.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use real::sync::oneshot;

use crate::runtime::{RUNTIME, change_busy};

/// Lets time pass, and wakes each task that sleeps, however long it wanted to.
pub fn pass(time: Duration) {
    let sleepers = RUNTIME.with_borrow_mut(|runtime| {
        runtime.now += time.as_secs();
        std::mem::take(&mut runtime.sleepers)
    });
    for (_, sleeper) in sleepers {
        change_busy(1);
        if sleeper.send(()).is_err() {
            change_busy(-1);
        }
    }
}

/// How many tasks sleep.
pub fn sleepers() -> usize {
    RUNTIME.with_borrow(|runtime| runtime.sleepers.len())
}

/// In seconds, since the runtime began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    pub fn now() -> Self {
        Self(RUNTIME.with_borrow(|runtime| runtime.now))
    }

    pub fn elapsed(&self) -> Duration {
        Self::now().saturating_duration_since(*self)
    }

    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

pub fn sleep(_: Duration) -> Sleep {
    Sleep(None)
}

/// It sleeps from its first poll on.
#[derive(Debug)]
pub struct Sleep(Option<(u64, oneshot::Receiver<()>)>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((_, woken)) = &mut self.0 {
            let woken = Pin::new(woken).poll(cx);
            if woken.is_ready() {
                self.0 = None;
            }
            return woken.map(|_| ());
        }
        let (wake, mut woken) = oneshot::channel();
        let _ = Pin::new(&mut woken).poll(cx);
        let number = RUNTIME.with_borrow_mut(|runtime| {
            runtime.slept += 1;
            runtime.sleepers.push((runtime.slept, wake));
            runtime.slept
        });
        self.0 = Some((number, woken));
        change_busy(-1);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some((number, _)) = &self.0 else { return };
        let known = RUNTIME.with_borrow_mut(|runtime| {
            let before = runtime.sleepers.len();
            runtime.sleepers.retain(|(sleeper, _)| sleeper != number);
            runtime.sleepers.len() < before
        });
        if known {
            change_busy(1);
        }
    }
}

/// Time was up first.
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed;

pub async fn timeout<F: Future>(time: Duration, future: F) -> Result<F::Output, Elapsed> {
    let (mut future, mut sleep) = (pin!(future), pin!(sleep(time)));
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        sleep.as_mut().poll(cx).map(|()| Err(Elapsed))
    })
    .await
}
