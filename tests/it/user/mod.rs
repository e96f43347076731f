//! What a handler has of its user.

mod api;
mod extract;
