//! The examples as processes of their own.

mod customers;
mod demo;
mod native;
mod try_api;
