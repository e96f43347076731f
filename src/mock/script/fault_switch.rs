//! The switch that decides what happens to the bytes on a connection.

use std::sync::Mutex;

use crate::sync::lock;

pub(in crate::mock) struct FaultSwitch(Mutex<StreamMode>);

#[derive(Clone, Copy)]
pub(in crate::mock) enum StreamMode {
    Pass,
    Cut,
    /// The head passes, then this many bytes of the body.
    Truncate(usize),
    /// The head passes, then one byte a second.
    Drip,
}

impl Default for FaultSwitch {
    fn default() -> Self {
        Self(Mutex::new(StreamMode::Pass))
    }
}

impl FaultSwitch {
    pub(in crate::mock) fn set(&self, mode: StreamMode) {
        *lock(&self.0) = mode;
    }

    pub(in crate::mock) fn mode(&self) -> StreamMode {
        *lock(&self.0)
    }
}
