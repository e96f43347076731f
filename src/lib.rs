//! Sign-in with Telenor line authentication for axum and tower: add one layer, and handlers get a [`TelenorUser`].

mod access_token;
mod api;
mod builder;
mod clear_text;
mod clock;
mod config;
mod config_error;
mod cookie;
mod env;
mod exchanges;
mod failure;
mod flow;
mod future;
mod gateway;
mod http_client;
mod key;
mod layer;
#[cfg(feature = "mock")]
pub mod mock;
mod mount;
mod oauth;
mod page;
mod pending;
mod response;
mod return_to;
mod rounds;
#[cfg(feature = "axum")]
mod router;
mod service;
pub mod session;
mod settings;
mod user;
mod visit;

#[cfg(feature = "axum")]
pub use self::router::RouterExt;
pub use self::{
    access_token::AccessToken,
    api::{Address, ApiError, ApiErrorKind, MobileNumber, Name, UserInfo},
    builder::TelenorAuthBuilder,
    clear_text::ClearText,
    clock::Clock,
    config_error::ConfigError,
    cookie::CookiePrefix,
    failure::FailureCause,
    future::ResponseFuture,
    key::CookieKeys,
    layer::TelenorAuthLayer,
    page::Language,
    service::TelenorAuth,
    user::{LoginRequired, MissingLayer, TelenorUser, TelenorUserRejection},
};
