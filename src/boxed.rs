//! A future of which only the output is known.

use std::pin::Pin;

pub(crate) type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;
