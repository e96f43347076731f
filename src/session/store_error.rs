//! The failure of a store.

use std::{fmt, sync::Arc};

use crate::error::chain;

/// A store could not do what it was asked for.
///
/// The layer answers 503 and logs the cause. A clone costs a counter.
///
/// ```
/// use std::io;
/// use telenor_auth::session::StoreError;
///
/// fn read(path: &str) -> Result<Vec<u8>, StoreError> {
///     std::fs::read(path).map_err(|error| match error.kind() {
///         io::ErrorKind::PermissionDenied => StoreError::permanent(error),
///         _ => StoreError::new(error),
///     })
/// }
/// assert!(!read("/no/such/file").unwrap_err().is_permanent());
/// ```
///
/// `Debug` shows the cause and the text, so a `main` that returns this error prints both.
#[derive(Clone)]
pub struct StoreError {
    source: Arc<dyn std::error::Error + Send + Sync>,
    permanent: bool,
}

impl StoreError {
    /// Returns an error with this cause, which is logged and must hold no token.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: source.into().into(),
            permanent: false,
        }
    }

    /// Returns an error that would come back a moment later, such as that of a full store.
    ///
    /// After any other error, the layer saves the session of a login again for some seconds.
    pub fn permanent(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            permanent: true,
            ..Self::new(source)
        }
    }

    /// Returns whether the error would come back at another attempt.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreError({}): {self}", chain(&*self.source))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session store failed")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
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
