//! Sign-in with Telenor line authentication for axum and tower: add one layer, and handlers get a
//! [`TelenorUser`].
//!
//! Telenor recognizes the user by a prompt on the phone (USSD) or by the mobile network. The user
//! consents at Telenor and returns with an authorization code. The layer exchanges the code for an
//! access token, keeps the token in a session, and passes it to your handlers.
//!
//! ![The way of a login between browser, app and Telenor][login-picture]
//!
//! # Example
//!
//! A whole app, with a mock gateway in the place of Telenor. It needs the feature `mock`, and runs
//! as it is: open its address, press the link, and log in.
//!
#![cfg_attr(feature = "mock", doc = "```no_run")]
#![cfg_attr(not(feature = "mock"), doc = "```ignore")]
//! use axum::{Router, response::Html, routing::get};
//! use telenor_auth::{ApiError, RouterExt, TelenorAuthLayer, TelenorUser};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     let origin = format!("http://{}", listener.local_addr()?);
//!
//!     let redirect_uri = format!("{origin}/telenor/callback");
//!     let mock = telenor_auth::mock::MockGateway::start().await?; // in place of Telenor
//!     let auth = TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
//!         .gateway(mock.base_url())
//!         .build()?;
//!
//!     let app = Router::new()
//!         .route("/checkout", get(checkout))
//!         .telenor_auth(auth) // guards the routes above it
//!         .route("/", get(async || Html("<a href=/checkout>Til kassen</a>")));
//!
//!     println!("open {origin}");
//!     axum::serve(listener, app).await?;
//!     Ok(())
//! }
//!
//! async fn checkout(user: TelenorUser) -> Result<String, ApiError> {
//!     let info = user.info().await?;
//!     let name = info.name().and_then(|name| name.given_name());
//!     Ok(format!("Hei, {}!", name.unwrap_or("du")))
//! }
//! ```
//!
//! When a login fails, the layer shows a page: [What users see](manual::failures) has pictures of
//! the real ones.
//!
//! With Telenor, one line takes the place of the redirect URI and of those with the mock. Client
//! id, client secret, redirect URI and cookie keys then come from the environment:
//!
//! ```no_run
//! # use telenor_auth::{ConfigError, TelenorAuthLayer};
//! # fn layer() -> Result<TelenorAuthLayer, ConfigError> {
//! let auth = TelenorAuthLayer::from_env()?.build()?;
//! # Ok(auth) }
//! ```
//!
//! # The manual
//!
//! The module [`manual`] has a chapter for each question. These come first:
//!
//! | you want to | chapter |
//! | --- | --- |
//! | understand what happens | [How a login works](manual::how_it_works) |
//! | get credentials, and go live | [From the portal to production](manual::to_production) |
//! | put the layer in the right place | [Where to mount, and the order of layers](manual::mounting) |
//! | know what a script or a form gets | [What each request gets](manual::requests) |
//! | see the pages, and change them | [What users see](manual::failures), with pictures |
//! | run more than one instance | [Stores](manual::stores), [Keys](manual::keys) |
//! | run behind nginx, Caddy, Traefik … | [Behind a proxy](manual::proxy) |
//! | find your customer | [Your customers](manual::customers) |
//! | log in from an app or a script | [Native apps](manual::native), [From JavaScript](manual::javascript) |
//! | see what goes on | [Monitoring](manual::monitoring), [Privacy](manual::privacy) |
//! | test your app | [Testing your app](manual::testing) |
//! | replace what you have | [Coming from another solution](manual::coming_from) |
//!
//! # Where to look
//!
//! | item | what it is |
//! | --- | --- |
//! | [`TelenorAuthLayer`] | the layer, and what an app asks it: end sessions, readiness, links to a login |
//! | [`TelenorAuthBuilder`] | each setting, with its default |
//! | [`RouterExt`] | the mount on an axum router |
//! | [`TelenorUser`] | the user in a handler: token, info, other APIs |
//! | [`TelenorLogin`], [`RecentLogin`] | a login that a handler begins or requires |
//! | [`FailureCause`], [`Failure`] | why something failed |
//! | [`CookieKeys`], [`session`] | keys and stores |
//! | [`events`] | the log, the metrics, the hook |
//! | [`mock`] | a gateway to click through and to test against |
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `axum` | yes | [`RouterExt`]; without it the layer wraps any tower service, and [`TelenorUser::of_request`] finds the user |
//! | `cached` | no | `session::CachedStore`, a read-through cache in front of a store behind a network |
//! | `metrics` | no | metrics of all [`events`] through the `metrics` facade |
//! | `mock` | no | [`mock`], a gateway for development, with the parts for [tests of your app](mock#testing-your-own-app); `session::check_store`, `session::check_store_faults` and `session::FaultyStore` for tests of a store |
//! | `redis` | no | `session::RedisStore`, sessions in Redis or Valkey, and a revocation list that instances with a `CookieStore` share |
//! | `tower-sessions` | no | `session::TowerSessionsStore`, sessions in any store that was written for tower-sessions |
//!
#![cfg_attr(any(doc, doctest), doc = include_str!("manual/pictures/how_it_works.md"))]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// From the top down: no module imports from one above it.

// What a reader opens after this page.
#[cfg(any(doc, doctest))]
pub mod manual;

// What fuzzing checks, and no part of the API.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;

// What an app adds.
mod builder;

mod layer;

// The steps of a login, and a gateway to test them against.
mod flow;

#[cfg(feature = "mock")]
pub mod mock;

// The user that handlers get, and the responses and pages that browsers get.
mod user;

mod response;

// The three parties: the browser, the provider, the store.
mod browser;
mod gateway;
pub mod session;

// The parts of these.
pub mod events;
mod key;
mod oauth;

// Values that all modules use.
mod access_token;
mod app_value;
mod boxed;
mod clock;
mod detached;
mod digest;
mod error;
mod expiring_map;
mod failure;
mod inline_string;
mod instance;
mod login_id;
mod polling;
mod secret_bytes;
mod session_refusal;
mod sync;

#[cfg(feature = "axum")]
pub use self::layer::RouterExt;
pub use self::{
    access_token::AccessToken,
    app_value::AppValueError,
    browser::{
        cookie::CookiePrefix, language::Language, plain_http::PlainHttp, start_script::StartScript,
    },
    builder::TelenorAuthBuilder,
    clock::Clock,
    error::ConfigError,
    events::request_span,
    failure::FailureCause,
    gateway::{endpoints::Endpoints, health::GatewayState},
    key::CookieKeys,
    layer::{
        RecentLoginFuture, RecentLoginLayer, RecentLoginService, ResponseFuture, TelenorAuth,
        TelenorAuthLayer,
    },
    response::{Failure, FailurePage, Logo, Readiness},
    user::{
        Address, ApiError, ApiErrorKind, ApiRequest, ApiResponse, DeviceInfo, LoginError,
        LoginMistake, LoginRequired, LoginTooOld, MissingLayer, MobileNumber, Name, NewLogin,
        RecentLogin, SessionEnded, TelenorLogin, TelenorUser, TelenorUserRejection, UserInfo,
    },
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
