//! A future whose type is erased.

use std::pin::Pin;

/// A boxed future that can move between threads.
pub type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;
