//! The exit codes of a run.

use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    /// An API refused the call or failed.
    Api,
    Usage,
    /// The login failed or was denied.
    Login,
    TimedOut,
    Unreachable,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Api => 1,
            Self::Usage => 2,
            Self::Login => 3,
            Self::TimedOut => 4,
            Self::Unreachable => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
