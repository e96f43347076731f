//! The user in a handler.

mod api;
mod ended;
mod extract;
mod live;
