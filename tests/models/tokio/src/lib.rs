//! What the included files of the library use of tokio, under the scheduler of a model.
//!
//! The channels and semaphores are tokio's own, and each operation on them is one step: what
//! happens inside of them is for tokio's models. Tasks run in the order that the scheduler chooses.
//! Time passes where a model says so, and at no other time.

pub mod runtime;
pub mod task;
pub mod time;

pub use real::sync;
