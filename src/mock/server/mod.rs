//! The gateway's server: its routes, its pages, and the tokens that it issues.

pub(in crate::mock) mod api;
pub(in crate::mock) mod authorization_request;
mod authorize;
pub(in crate::mock) mod cors;
pub(in crate::mock) mod error_body;
mod format;
pub(in crate::mock) mod grants;
pub(in crate::mock) mod logins;
mod network;
mod pages;
pub(in crate::mock) mod parameters;
pub(in crate::mock) mod response;
pub(in crate::mock) mod routes;
mod scripted;
mod token;
pub(in crate::mock) mod token_shape;

pub use self::token_shape::TokenShape;
