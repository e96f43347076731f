//! The examples as processes of their own.

mod demo;
mod native;
mod try_api;
