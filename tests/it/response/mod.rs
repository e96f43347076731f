//! What the layer answers.

mod cache;
mod page;
