//! A stand-in for Telenor's gateway, to click through and to test against, and users for the tests of your own app.
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
//! # Recognition
//!
//! The authorization endpoint sends the browser on one hop, `GET /mock/login/{id}/network`, that
//! shows nothing and sets no cookie. It stands for the mobile network, which writes the subscriber
//! into a clear-text request. Whose line it is, is up to that request:
//!
//! | `x-mock-msisdn` | who |
//! | --- | --- |
//! | absent | the first subscriber, or nobody with [`wifi`](MockGatewayBuilder::wifi) |
//! | a subscriber's number | that subscriber |
//! | anything else, such as `none` | nobody: no mobile data, or another operator's line |
//!
//! Whoever is recognised goes on to consent. Nobody else does without USSD: a number, and then an
//! answer on the picture of a phone. The header counts on this one request, the first time. No
//! other page reads it, and no number is ever in an address.
//!
//! | what the person does | the callback | without a browser |
//! | --- | --- | --- |
//! | is recognised or answers OK, then agrees | `code` | [`allow`](MockGateway::allow), [`allow_as`](MockGateway::allow_as) |
//! | refuses to share | `access_denied` | [`deny`](MockGateway::deny) |
//! | answers that the USSD question is not OK | `access_denied` | [`deny`](MockGateway::deny) |
//! | lets the USSD question time out | `login_required`, or [as set](MockGatewayBuilder::ussd_timeout_error) | [`time_out`](MockGateway::time_out) |
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
//! # Testing your own app
//!
//! Three ways, from the nearest to the handler to the nearest to the truth:
//!
//! | what is tested | with | passed over |
//! | --- | --- | --- |
//! | a handler or a service | [`TelenorUser::for_test`](crate::TelenorUser::for_test), [`TestUser`] | routes, layers, login, network |
//! | routes and extractors | [`SignedInLayer`] | login, network |
//! | the app as it is shipped | [`MockGateway::login`] | the browser |
//!
//! All of it belongs to the feature `mock`, and that to the tests. Cargo keeps it out of the app when it stands there:
//!
//! ```toml
//! [dev-dependencies]
//! telenor-auth = { version = "0.1", features = ["mock"] }
//! ```
//!
//! **A handler** is a function, and a user is made in one line. Its failures are made the same way:
//!
//! ```
//! use telenor_auth::{ApiError, ApiErrorKind, TelenorUser, mock::TestUser};
//!
//! async fn greeting(user: TelenorUser) -> Result<String, ApiError> {
//!     let info = user.info().await?;
//!     let name = info.name().and_then(|name| name.given_name());
//!     Ok(format!("Hei, {}!", name.unwrap_or("du")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ApiError> {
//! assert_eq!(greeting(TelenorUser::for_test()).await?, "Hei, Kari!");
//!
//! let user = TestUser::default().api_error(40301); // the scope does not reach so far
//! let refused = greeting(user.into()).await.unwrap_err();
//! assert_eq!(refused.kind(), ApiErrorKind::Forbidden);
//! # Ok(())
//! # }
//! ```
//!
//! **Routes** get a [`SignedInLayer`] where the app has its `TelenorAuthLayer`, so let one function make them for both:
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use telenor_auth::{TelenorUser, mock::{SignedInLayer, Subscriber, TestUser}};
//! use tower::ServiceExt;
//!
//! fn routes() -> Router {
//!     Router::new().route("/checkout", get(async |_: TelenorUser| "filled in"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let checkout = || Request::get("/checkout").body(Body::empty());
//!
//! let ola = TestUser::new(Subscriber::ola());
//! let app = routes().layer(SignedInLayer::new(ola));
//! assert_eq!(app.oneshot(checkout()?).await?.status(), 200);
//!
//! let app = routes().layer(SignedInLayer::anonymous());
//! assert_eq!(app.oneshot(checkout()?).await?.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! **The whole app**, with its own layer, logs in at a gateway. There the answers can be scripted, and with a clock of the test's own no
//! test waits for a session to end:
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use telenor_auth::{
//!     ApiError, Clock, TelenorAuthLayer, TelenorUser,
//!     mock::{Answer, Endpoint, MockGateway, SignedIn},
//! };
//! use tower::ServiceExt;
//!
//! async fn checkout(user: TelenorUser) -> Result<String, ApiError> {
//!     Ok(user.info().await?.email_address().unwrap_or_default().to_owned())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = MockGateway::start().await?;
//! let clock = Clock::manual();
//! let redirect_uri = "https://shop.example/telenor/callback"; // nobody has to be there
//! let auth = TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
//!     .gateway(gateway.base_url())
//!     .clock(clock.clone())
//!     .build()?;
//! let app = Router::new().route("/checkout", get(checkout)).layer(auth);
//! let status = async |user: &SignedIn| {
//!     let request = Request::get("/checkout").header("cookie", user.cookie_header());
//!     app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
//! };
//!
//! let kari = gateway.login(&app, "/checkout").await?;
//! assert_eq!(status(&kari).await, StatusCode::OK);
//!
//! // Telenor says that the token has expired: that ends the session.
//! gateway.answer_next(Endpoint::UserInfo, Answer::gateway_error(40106));
//! assert_eq!(status(&kari).await, StatusCode::UNAUTHORIZED);
//! assert_eq!(status(&kari).await, StatusCode::UNAUTHORIZED);
//!
//! // The next one lasts until its time is up.
//! let kari = gateway.login(&app, "/checkout").await?;
//! assert_eq!(status(&kari).await, StatusCode::OK);
//! clock.advance(Duration::from_secs(3600));
//! assert_eq!(status(&kari).await, StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # How true to Telenor it is
//!
//! Paths, parameters, statuses, error codes and JSON names are those of Telenor's public
//! documentation and of the open-source clients Telenor has published. So are the two ways to be
//! recognised, that the network's way needs plain http, and `access_denied` with its description
//! for someone who refuses to share.
//!
//! Not public, and so a choice of ours:
//!
//! - The hop, and that it comes after the authorization endpoint. Telenor tells of a cross-site
//!   request from the page that starts the login, but not where it goes or what it answers. A
//!   plain-http address that answers with a redirect is what a sister service has described. The
//!   header's name is ours.
//! - USSD as the way on for someone whom the network does not recognise, and all pages with their
//!   wording.
//! - The errors that end USSD. `access_denied` for "not OK" is the nearest documented one. For a
//!   question that nobody answers there is none, hence the setting.
//! - The life of an authorization code, and the JSON names inside `address` after `streetAddress`
//!   (see [`Address`]).
//! - PKCE is checked when it is used; whether Telenor does so is not documented.
//!
//! It is a test tool: it speaks plain http, and whoever reaches its port can be anybody.

mod address;
mod builder;
mod error;
mod gateway;
mod kit;
mod lock;
mod script;
mod server;
mod settings;
mod state;
mod subscriber;

pub use self::{
    address::Address,
    builder::MockGatewayBuilder,
    error::MockError,
    gateway::MockGateway,
    kit::{SignedIn, SignedInLayer, SignedInService, TestUser},
    script::{Answer, Endpoint, Gate, RecordedRequest},
    server::TokenShape,
    subscriber::Subscriber,
};
