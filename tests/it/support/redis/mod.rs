//! Redis, as it is and as it fails.

mod control;
mod lossy;
mod overtaking;
mod server;

pub use lossy::Lossy;
pub use overtaking::Overtaking;
pub use server::{Redis, free_port};
