//! The user in a handler.

mod api;
mod extract;
