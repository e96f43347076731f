//! The failure of a store.

use std::{fmt, sync::Arc};

use crate::error::chain;

/// A store could not do what it was asked for.
///
/// The layer answers 503 and logs the cause. A clone costs a counter.
///
/// `Debug` shows the cause and the text, so a `main` that returns this error prints both.
#[derive(Clone)]
pub struct StoreError(Arc<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// An error with this cause, which is logged and must hold no token.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into().into())
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreError({}): {self}", chain(&*self.0))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session store failed")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_cause_and_ends_in_the_text() {
        let error = StoreError::new("the disk is full");
        assert_eq!(
            format!("{error:?}"),
            "StoreError(the disk is full): the session store failed"
        );
    }
}
