//! A stand-in for Telenor's gateway, to click through and to test against.
//!
//! [`MockGateway`] is Telenor's OAuth server and its two identity APIs on one plain-http
//! loopback port. A person meets the pages that a subscriber meets: recognition by the mobile
//! network or by USSD, then consent. A test drives the same gateway without a browser, scripts
//! its answers, holds requests back and reads what was sent.
//!
//! | path | what |
//! | --- | --- |
//! | `GET /oauth/v2/authorize` | the authorization endpoint; leads to the pages under `/mock/` |
//! | `POST /oauth/v2/token` | the token endpoint |
//! | `GET /oauth/v2/logout` | ends an access token |
//! | `GET /user-info/v1/users` | Mobile User Info API |
//! | `GET /mobile-device-info/v1/device` | Mobile Device Info API |
//!
//! # Example
//!
//! ```
//! use telenor_auth::mock::{Endpoint, MockGateway};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = MockGateway::start().await?;
//!
//! // What the browser would be sent to, and where the subscriber's consent sends it.
//! let authorize = format!(
//!     "{}/oauth/v2/authorize?client_id={}&state=abc&redirect_uri=https%3A%2F%2Fshop.example%2Fback",
//!     gateway.base_url(),
//!     gateway.client_id(),
//! );
//! let callback = gateway.allow(&authorize)?;
//!
//! assert!(callback.starts_with("https://shop.example/back?code="));
//! assert!(callback.ends_with("&state=abc"));
//! assert_eq!(gateway.hits(Endpoint::Authorize), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # How true to Telenor it is
//!
//! Paths, parameters, statuses, error codes and JSON names are those of Telenor's public
//! documentation and of the open-source clients Telenor has published. Not public, and so a
//! choice of ours: the pages and their wording, the life of an authorization code, the answer
//! when a USSD question is turned down (`access_denied` here), and the JSON names inside
//! `address` after `streetAddress` (see [`Address`]). PKCE is checked when it is used; whether
//! Telenor does so is not documented.
//!
//! It is a test tool: it speaks plain http, and whoever reaches its port can be anybody.

mod address;
mod answer;
mod api;
mod authorize;
mod builder;
mod connection;
mod display;
mod error;
mod gate;
mod gateway;
mod grants;
mod logins;
mod pages;
mod parameters;
mod person;
mod record;
mod refusal;
mod response;
mod routes;
mod script;
mod settings;
mod subscriber;
mod token;
mod token_shape;
mod wire;

pub use self::{
    address::Address, answer::Answer, builder::MockGatewayBuilder, error::MockError, gate::Gate,
    gateway::MockGateway, record::RecordedRequest, script::Endpoint, subscriber::Subscriber,
    token_shape::TokenShape,
};
