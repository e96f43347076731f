//! Tasks.

pub use shuttle::future::{JoinError, JoinHandle, yield_now};

use crate::runtime::Handle;

/// The work does not block in a model, so a task runs it.
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    Handle.spawn(async { work() })
}
