//! The error for a request that got no response.

use std::{error::Error, fmt};

/// No response, or an unreadable one.
#[derive(Clone, Debug)]
pub(crate) struct TransportError {
    pub kind: TransportErrorKind,
    /// Whether it is certain that no byte of the request was sent.
    pub unsent: bool,
    /// The causes, without the URL.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportErrorKind {
    /// Nothing was sent: there is no connection, or the server is not trusted.
    NotConnected,
    TimedOut,
    /// The connection broke; the request may have been received.
    Broken,
    Unreadable,
}

impl TransportError {
    /// The error of a request of which bytes were sent.
    pub(super) fn sent(kind: TransportErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            unsent: false,
            text: text.into(),
        }
    }

    /// The error of a request to a host that no setting names.
    pub(crate) fn unknown_host() -> Self {
        Self {
            kind: TransportErrorKind::NotConnected,
            unsent: true,
            text: "no setting names the host".to_owned(),
        }
    }

    pub(crate) fn late() -> Self {
        Self::sent(TransportErrorKind::TimedOut, "no whole response in time")
    }

    /// The same error, where the request had been sent before over another connection.
    pub(super) fn after_an_attempt(mut self) -> Self {
        self.unsent = false;
        if self.kind == TransportErrorKind::NotConnected {
            self.kind = TransportErrorKind::Broken;
        }
        self
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for TransportError {}
