//! Work that goes on when nothing waits for it.

use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;

use crate::boxed::BoxFuture;

/// Runs work in a task, where there is a runtime, and drops it where there is none.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Returns the output of work that is done at once.
pub(crate) fn now<T>(work: &mut BoxFuture<'static, T>) -> Option<T> {
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
