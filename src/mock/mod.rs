//! A mock of Telenor's gateway, for a browser and for tests, and a test kit for your own app.
//!
//! [`MockGateway`] is Telenor's OAuth server and its two identity APIs on one plain-http loopback
//! port. A person sees the same steps as a subscriber: recognition by the mobile network or by
//! USSD, then consent. A test uses the same gateway without a browser, scripts its answers, holds
//! requests back, and reads what was sent.
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use telenor_auth::{TelenorAuthLayer, TelenorUser, mock::{Endpoint, MockGateway}};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = MockGateway::start().await?;
//! let (id, secret) = (gateway.client_id(), gateway.client_secret());
//! let auth = TelenorAuthLayer::builder(id, secret, "https://shop.example/telenor/callback")
//!     .gateway(gateway.base_url())
//!     .build()?;
//! let app = Router::new()
//!     .route("/checkout", get(async |_: TelenorUser| "filled in"))
//!     .layer(auth);
//!
//! // A browser opens the page, and the subscriber agrees to everything.
//! let kari = gateway.login(&app, "/checkout").await?;
//!
//! let request = Request::get("/checkout").header("cookie", kari.cookie_header());
//! assert_eq!(app.oneshot(request.body(Body::empty())?).await?.status(), 200);
//! assert_eq!(gateway.hits(Endpoint::Token), 1);
//! # Ok(())
//! # }
//! ```
//!
//! | path | what |
//! | --- | --- |
//! | `GET /oauth/v2/authorize` | the authorization endpoint, which leads to the pages under `/mock/` |
//! | `POST /oauth/v2/token` | the token endpoint |
//! | `GET /oauth/v2/logout` | ends an access token |
//! | `GET /user-info/v1/users` | Mobile User Info API |
//! | `GET /mobile-device-info/v1/device` | Mobile Device Info API |
//! | a path of [`api`](MockGatewayBuilder::api) | its answer, for a request with a live access token |
//! | any other path | 404, or the answer that a test scripts for it: [`Endpoint::Api`] |
//!
//! [`endpoints`](MockGatewayBuilder::endpoints) moves the first five to other paths.
//!
//! # Recognition
//!
//! The authorization endpoint redirects the browser over one hop, `GET /mock/login/{id}/network`,
//! which shows nothing and sets no cookie. It represents the mobile network, which adds the
//! subscriber to a plain-http request. A header of that request decides whose line it is:
//!
//! | `x-mock-msisdn` | recognized line |
//! | --- | --- |
//! | absent | the first subscriber, or none with [`wifi`](MockGatewayBuilder::wifi) |
//! | a subscriber's number | that subscriber |
//! | anything else, such as `none` | none: no mobile data, or another operator's line |
//!
//! A recognized subscriber continues to consent. Any other person must use USSD first: they enter a
//! number, and answer on the picture of a phone. The header counts only on this request, and only
//! the first time. No other page reads it, and no number is ever in a URL.
//!
//! | what the person does | the callback | without a browser |
//! | --- | --- | --- |
//! | is recognized or answers OK, then agrees | `code` | [`allow`](MockGateway::allow), [`allow_as`](MockGateway::allow_as) |
//! | refuses to share | `access_denied` | [`deny`](MockGateway::deny) |
//! | answers that the USSD question is not OK | `access_denied` | [`deny`](MockGateway::deny) |
//! | lets the USSD question time out | `login_required`, or [as set](MockGatewayBuilder::ussd_timeout_error) | [`time_out`](MockGateway::time_out) |
//!
//! # Calls from JavaScript
//!
//! A browser lets a script read the response of another origin only if the response names the
//! script's origin (CORS, the [Fetch standard]). The two identity APIs, and other API paths, do so
//! for the origins that are registered with [`cors_origin`](MockGatewayBuilder::cors_origin).
//!
//! | `Origin` of the request | preflight | other requests |
//! | --- | --- | --- |
//! | registered, in the same spelling | 204: `authorization` may be sent | answered, and the script may read the answer |
//! | any other, or none registered | 404 without permission, so the browser does not send the call | answered, and the browser keeps the answer from the script |
//!
//! A preflight is no call of the API: it is not recorded, and takes no scripted answer. Scripted
//! answers are readable for registered origins too. The OAuth endpoints are for servers and never
//! give permission.
//!
//! [Fetch standard]: https://fetch.spec.whatwg.org/#http-cors-protocol
//!
//! # Testing your own app
//!
//! There are three ways, from the smallest scope to the most realistic:
//!
//! | what is tested | with | left out |
//! | --- | --- | --- |
//! | a handler or a service | [`TelenorUser::for_test`](crate::TelenorUser::for_test), [`TestUser`] | routes, layers, login, network |
//! | routes and extractors | [`SignedInLayer`] | login, network |
//! | the whole app | [`MockGateway::login`] | the browser |
//! | the whole app, for a user who refuses | [`MockGateway::login_denied`] | the browser |
//!
//! All of this needs the feature `mock`, which is for tests only. Enable it as a dev-dependency,
//! and Cargo keeps it out of the app:
//!
//! ```toml
//! [dev-dependencies]
//! telenor-auth = { version = "0.1", features = ["mock"] }
//! ```
//!
//! **A handler** is a function. One line makes a user for it, and one line makes an API call fail:
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
//! let user = TestUser::default().api_error(40301); // the scope is too small
//! let refused = greeting(user.into()).await.unwrap_err();
//! assert_eq!(refused.kind(), ApiErrorKind::Forbidden);
//! # Ok(())
//! # }
//! ```
//!
//! **Routes** get a [`SignedInLayer`] in place of the app's `TelenorAuthLayer`. Let one function
//! build the routes for both:
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
//! **The whole app**, with its own layer, logs in at a gateway. The test can script the gateway's
//! answers, and with a manual clock it need not wait for a session to expire:
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
//! let redirect_uri = "https://shop.example/telenor/callback"; // no server has to run there
//! let (id, secret) = (gateway.client_id(), gateway.client_secret());
//! let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
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
//! // Telenor says that the token has expired. That ends the session.
//! gateway.answer_next(Endpoint::UserInfo, Answer::gateway_error(40106));
//! assert_eq!(status(&kari).await, StatusCode::UNAUTHORIZED);
//! assert_eq!(status(&kari).await, StatusCode::UNAUTHORIZED);
//!
//! // The next session lasts until it expires.
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
//! Paths, parameters, statuses, error codes and JSON names are from Telenor's public documentation
//! and from the open-source clients that Telenor has published. So are the two ways of recognition,
//! the need for plain http in the network's way, and `access_denied` with its description for a
//! user who refuses to share.
//!
//! The rest is not public. The mock chooses it:
//!
//! - The hop, and its place after the authorization endpoint. Telenor mentions a cross-site request
//!   from the page that starts the login, but not its address or its response. A sister service
//!   documents a plain-http address that returns a redirect. The header's name is the mock's own.
//! - USSD as the next step for a user whom the network does not recognize, and all pages with their
//!   wording.
//! - The errors that end USSD. `access_denied` for "not OK" is the nearest documented one. For an
//!   unanswered question no error is documented, so it is a setting.
//! - The lifetime of an authorization code, and the JSON names inside `address` after
//!   `streetAddress` (see [`SubscriberAddress`]).
//! - PKCE is checked if it is used. Whether Telenor does so is not documented.
//! - That CORS origins are registered for each app is documented. Which methods and headers a
//!   preflight allows, for how long, and what an origin gets that is not registered, is not.
//!
//! It is a test tool: it uses plain http, and anyone who reaches its port can sign in as any
//! subscriber. So only this machine reaches it, unless
//! [`dangerous_reachable_as`](MockGatewayBuilder::dangerous_reachable_as) names it to others.

mod address;
mod apis;
mod builder;
mod error;
mod gateway;
mod kit;
mod reach;
mod script;
mod server;
mod settings;
mod state;
mod subscriber;

pub use self::{
    address::SubscriberAddress,
    builder::MockGatewayBuilder,
    error::MockError,
    gateway::MockGateway,
    kit::{SignedIn, SignedInLayer, SignedInService, TestUser},
    script::{Answer, Endpoint, Gate, RecordedRequest},
    server::TokenShape,
    subscriber::Subscriber,
};
