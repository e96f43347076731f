//! The answers of the layer.

mod cache;
mod failure_page;
mod look;
mod page;
mod places;
