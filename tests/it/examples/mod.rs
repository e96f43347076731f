//! The examples as processes of their own.

mod accounts;
mod demo;
mod long_answers;
mod mock_gateway;
mod native_app;
mod operation;
mod pages;
mod program;
mod scripts;
mod shape;
mod stores;
mod try_api;
