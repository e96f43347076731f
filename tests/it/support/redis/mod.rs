//! Redis, as it is and as it fails.

mod control;
mod lossy;
mod server;

pub use lossy::Lossy;
pub use server::{Redis, free_port};
