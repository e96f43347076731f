//! The answers of the layer.

mod cache;
mod failure_page;
mod page;
mod places;
