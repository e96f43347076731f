//! The answers of the layer.

mod cache;
mod page;
