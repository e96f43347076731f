//! What becomes of the bytes on a connection.

use std::sync::Mutex;

use crate::mock::lock::lock;

pub(in crate::mock) struct Switch(Mutex<Mode>);

#[derive(Clone, Copy)]
pub(in crate::mock) enum Mode {
    Pass,
    Cut,
    /// The head passes, then so many bytes of the body.
    Truncate(usize),
    /// The head passes, then a byte a second.
    Drip,
}

impl Default for Switch {
    fn default() -> Self {
        Self(Mutex::new(Mode::Pass))
    }
}

impl Switch {
    pub(in crate::mock) fn set(&self, mode: Mode) {
        *lock(&self.0) = mode;
    }

    pub(in crate::mock) fn mode(&self) -> Mode {
        *lock(&self.0)
    }
}
