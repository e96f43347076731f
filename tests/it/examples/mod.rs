//! The examples as processes of their own.

mod customers;
mod demo;
mod mock_gateway;
mod native;
mod try_api;
