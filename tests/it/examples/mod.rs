//! The examples as processes of their own.

mod demo;
mod try_api;
