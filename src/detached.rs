//! Work that goes on when nothing waits for it.

use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tracing::Instrument;

use crate::boxed::BoxFuture;

/// Runs work of a request in a task, where there is a runtime, and drops it where there is none.
///
/// What it logs is in the span of the request.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    spawn_loop(work.in_current_span());
}

/// Runs work in a task as [`spawn`] does, and waits for its output. The work goes on when its
/// caller does not.
///
/// It returns `None` when the work panicked, or there is no runtime.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let task = Handle::try_current().ok()?.spawn(work.in_current_span());
    task.await.ok()
}

/// Runs work in a task as [`run`] does, and in place where there is no runtime.
///
/// It returns `None` when the work panicked, or the runtime has shut down.
pub(crate) async fn run_or_in_place<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match Handle::try_current() {
        Ok(_) => run(work).await,
        Err(_) => Some(work.await),
    }
}

/// Runs work that outlives the request that started it, and belongs to none. It is in no span.
pub(crate) fn spawn_loop(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Returns the output of work that is done at once.
pub(crate) fn now<T>(work: &mut BoxFuture<'_, T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match work.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Does work at once as far as that goes. The rest runs in a task.
pub(crate) fn now_or_spawn(mut work: BoxFuture<'static, ()>) {
    if now(&mut work).is_none() {
        spawn(work);
    }
}
