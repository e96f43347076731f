//! Sign-in with Telenor line authentication for axum and tower: add one layer, and handlers get a [`TelenorUser`].
//!
//! The user is recognised by the mobile network or by a USSD prompt on the phone, consents at Telenor, and comes back with an
//! authorization code. The layer swaps it for an access token, keeps that in a session, and hands it to your handlers.
//!
//! ```text
//!   browser                 your app + TelenorAuthLayer                 Telenor
//!      │  GET /checkout             │                                      │
//!      ├───────────────────────────▶│ no session: challenge                │
//!      │◀───────── 303, one cookie ─┤                                      │
//!      ├──────────────────────────── recognised, consents ────────────────▶│
//!      │◀───────────────────────────────────────────── 302, code, state ───┤
//!      │  GET /telenor/callback     │                                      │
//!      ├───────────────────────────▶│ state is this browser's: POST code ─▶│
//!      │                            │◀───────────────────── access token ──┤
//!      │◀── 303 /checkout, session ─┤                                      │
//!      ├───────────────────────────▶│ TelenorUser → your handler           │
//! ```
//!
//! # Example
//!
//! The whole of it, against the mock gateway (feature `mock`), as a test of your own app could do it:
//!
//! ```
//! # #[cfg(feature = "mock")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, body::Body, http::{Request, StatusCode, header}, routing::get};
//! use telenor_auth::{TelenorAuthLayer, TelenorUser, mock::MockGateway};
//! use tower::ServiceExt;
//!
//! let gateway = MockGateway::start().await?;
//! let auth = TelenorAuthLayer::builder(
//!     gateway.client_id(),
//!     gateway.client_secret(),
//!     "https://shop.example/telenor/callback",
//! )
//! .gateway(gateway.base_url())
//! .build()?;
//! let app = Router::new()
//!     .route("/checkout", get(async |_: TelenorUser| "filled in"))
//!     .layer(auth);
//!
//! // A browser opens the page and is sent to Telenor, with a cookie that remembers this login.
//! let page = Request::get("/checkout").header("accept", "text/html").body(Body::empty())?;
//! let challenge = app.clone().oneshot(page).await?;
//! assert_eq!(challenge.status(), StatusCode::SEE_OTHER);
//! let authorize = challenge.headers()[header::LOCATION].to_str()?;
//! let cookie = challenge.headers()[header::SET_COOKIE].to_str()?.split(';').next().unwrap();
//!
//! // The subscriber says yes, and Telenor sends the browser back.
//! let callback = gateway.allow(authorize)?;
//! let callback = Request::get(callback.trim_start_matches("https://shop.example"))
//!     .header("accept", "text/html")
//!     .header("cookie", cookie)
//!     .body(Body::empty())?;
//! let signed_in = app.oneshot(callback).await?;
//! assert_eq!(signed_in.headers()[header::LOCATION], "https://shop.example/checkout");
//! # Ok(()) }
//! # #[cfg(not(feature = "mock"))] fn main() {}
//! ```
//!
//! # Where to put the layer
//!
//! A layer sees what its router hands on, and the callback must be among that. Measured on axum 0.8.9:
//!
//! | composition | works | unknown paths |
//! | --- | --- | --- |
//! | `router.layer(auth)` as the last call | yes | guarded |
//! | `router.fallback(f).layer(auth)` | yes | guarded |
//! | `router.telenor_auth(auth)`, with or without a later `.fallback(f)` | yes | 404, or `f` |
//! | `outer.merge(router.telenor_auth(auth))` | yes | `outer`'s |
//! | `outer.nest("/app", router.telenor_auth(auth))` with [`nested_at("/app")`](TelenorAuthBuilder::nested_at) | yes | 404 |
//! | `Router::new().fallback_service(auth.layer(router))` | yes, at the lowest cost | guarded |
//! | `outer.nest_service("/app", auth.layer(router))` | yes, with a redirect URI below `/app` | guarded |
//! | `outer.nest("/app", router.layer(auth))` | only if `router` has a fallback of its own | guarded |
//! | `router.layer(auth).fallback(f)`, `router.route_layer(auth)`, `get(h).layer(auth)` | **no**: nobody gets in, and the callback is a 404 | |
//!
//! A layer inside an axum router must see the path that the router saw: one that was rewritten in between (a language prefix cut off, say)
//! looks like nesting. Rewrite outside the router.
//!
//! Routes that are added after the layer are public, and a [`TelenorUser`] there is a 500 that says so. A layer that is nested where its
//! callback cannot arrive answers 500 and logs what to change, instead of sending people away for good.
//!
//! # Its own routes
//!
//! Siblings of the redirect URI's path, here `/telenor/callback`:
//!
//! | path | method | what |
//! | --- | --- | --- |
//! | `/telenor/callback` | GET | takes the code, or the error, from Telenor |
//! | `/telenor/login?return_to=/path` | GET | starts a login; for buttons |
//! | `/telenor/logout` | POST | ends the session here and the token at Telenor; for a form on your own pages |
//! | `/telenor/logout` | GET | asks whether to log out, or says that one is |
//! | `/telenor/start` | GET | with [`http_start`](TelenorAuthBuilder::http_start): the page on plain http |
//! | `/telenor/session` | GET | `{"signed_in":true,"seconds_left":…}` for your own scripts; never the token |
//! | `/telenor/user-info`, `/telenor/device-info` | GET | with [`script_api`](TelenorAuthBuilder::script_api): JSON for same-origin scripts |
//!
//! # Who gets what without a session
//!
//! | request | answer |
//! | --- | --- |
//! | a person opens or reloads a page (`Sec-Fetch-Mode: navigate` and `-Dest: document`; without those, `Accept: text/html`) | 303 to Telenor, one cookie |
//! | a person sends a form | 303 to a page that says that the form was not sent, and leads back to it |
//! | `fetch`, XHR (`X-Requested-With`), event streams, command lines | 401, `application/problem+json` with the login URL |
//! | images, frames, manifests, service workers | 401 |
//! | HTMX (`HX-Request`) | 401 with `HX-Redirect` to the login route |
//! | `HEAD`, as link scanners send it | 401 |
//! | Microsoft Office looking at a link | 200, a page with a button; the browser it opens logs in for itself |
//! | prefetch, prerender, preview | 503, and nothing happens |
//! | CORS preflight | 403; put your CORS layer outside this one |
//! | WebSocket upgrade | 401 |
//!
//! A form that another site sends is for the app to refuse, with
//! [`is_same_origin`](TelenorAuthLayer::is_same_origin).
//!
//! # The plain-http start
//!
//! Telenor recognises a line in two ways. **By USSD** a prompt comes up on the phone; that works from any network and needs
//! nothing here. **By the mobile network** the operator has to be able to read the request, so, "for now", as Telenor writes, the page that
//! starts the flow must be plain http. For that there is [`http_start`](TelenorAuthBuilder::http_start), which puts one inert page on a
//! plain-http host of its own between the challenge and Telenor.
//!
//! It is a path that is closing, and you should expect it to fail for many visitors:
//!
//! - **HSTS** on the start host, or `includeSubDomains` on a parent, and no browser will ever open the page over http again. Keep HSTS
//!   on the app's host; this layer sends none.
//! - **https-first browsers** upgrade the page when port 443 answers, or warn before it when it does not. The page works over https too, but
//!   then nobody has read it on the way.
//! - **Wi-Fi**, a **VPN** or **iCloud Private Relay** (all of Safari, and all plain http of an iPhone) go past the operator.
//!
//! So USSD and the page that says "not recognised" are main paths, and [`continue_without`](TelenorAuthBuilder::continue_without) should
//! lead somewhere useful. Headers that claim a phone number (`X-MSISDN` and its kin) are removed before your handlers see a request:
//! anybody can send them.
//!
//! # From JavaScript
//!
//! With [`script_api`](TelenorAuthBuilder::script_api) a script of your own page asks your own app, and the cookie does the rest:
//!
//! ```js
//! const answer = await fetch('/telenor/user-info');
//! if (answer.status === 401) location = '/telenor/login?return_to=' + encodeURIComponent(location.pathname);
//! const user = await answer.json();
//! ```
//!
//! Telenor's pages describe another way: register your origin under CORS on the app's page at developer.telenor.no, and send
//! `Authorization: Bearer <token>` to `https://api.telenor.no/user-info/v1/users` from the page. For that a handler of yours has to hand
//! the page [`access_token().secret()`](AccessToken::secret); do it in the body of a `no-store` answer, never in a URL, and know that
//! every script on that page can then read it.
//!
//! # Defaults, and why
//!
//! | default | why |
//! | --- | --- |
//! | the layer guards, [`optional`](TelenorAuthBuilder::optional) does not | a forgotten extractor must not open a route |
//! | a login may take 5 minutes | long enough for a USSD prompt, short for whoever finds the cookie |
//! | a session lasts as long as its token, 8 hours at most | recognising the line says who pays for it, not who holds the phone |
//! | `SameSite=Lax` | `Strict` cookies are not sent on the way back from Telenor |
//! | PKCE on | there is no `id_token`, so nothing else ties a code to the login it was issued for |
//! | a random cookie key | a built-in one would be everybody's; the log says so |
//! | 64 exchanges at once, and 64 refreshes | a slow gateway must not take the app with it |
//! | 10 seconds' rest for a token endpoint that failed 5 times in a row | asking more does not mend it, and waiting for it helps nobody |
//! | `Cache-Control: private, no-store` on answers to users | unless the handler says otherwise |
//!
//! # More than one machine
//!
//! Sessions are in this process's memory unless told otherwise; a process that is started again has forgotten them.
//!
//! | what | how |
//! | --- | --- |
//! | share sessions between instances | [`session_store`](TelenorAuthBuilder::session_store) with one of the [stores](session), and the same [`cookie_keys`](TelenorAuthBuilder::cookie_keys) everywhere |
//! | know which store, for how many users | the [figures](session#measured) |
//! | end one session, or all, everywhere that the store is shared | [`revoke`](TelenorAuthLayer::revoke) and [`revoke_all`](TelenorAuthLayer::revoke_all); a session's id is in the log line of its login, and in [`TelenorUser::session_id`] |
//! | end sessions that nobody uses | [`idle_timeout`](TelenorAuthBuilder::idle_timeout) |
//! | outlast an access token | [`refresh_tokens`](|builder| builder.refresh_tokens(true)) |
//! | change keys without a restart | [`CookieKeys::from_file`], and [`follow`](CookieKeys::follow) |
//! | keep sessions anywhere else | a [`SessionStore`](session::SessionStore) of your own, and [`check_store`](session::check_store) |
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `axum` | yes | [`RouterExt`]; without it the layer wraps any tower service |
//! | `metrics` | no | counts [`events`] through the `metrics` facade |
//! | `mock` | no | [`mock`], a gateway for development, and what the [tests of your app](mock#testing-your-own-app) need |
//! | `redis` | no | `RedisStore`, sessions in Redis or Valkey, and logouts that processes with a `CookieStore` share |
//! | `tower-sessions` | no | [`TowerSessionsStore`](session::TowerSessionsStore): sessions in any store that was written for tower-sessions |
#![forbid(unsafe_code)]

// From the top down: nothing imports from what stands above it.

// What an app adds.
mod builder;

mod layer;

// The story of a login, and a gateway to try it against.
mod flow;

#[cfg(feature = "mock")]
pub mod mock;

// What handlers get, and what visitors see.
mod user;

mod response;

// The three parties: the browser, the provider, the store.
mod browser;
mod gateway;
pub mod session;

// What these are made of.
pub mod events;
mod key;
mod oauth;

// Values that everybody knows.
mod access_token;
mod boxed;
mod clock;
mod detached;
mod digest;
mod error;
mod expiring_map;
mod failure;
mod instance;
mod login_id;
mod polling;
mod sync;

#[cfg(feature = "axum")]
pub use self::layer::RouterExt;
pub use self::{
    access_token::AccessToken,
    browser::{
        cookie::CookiePrefix, language::Language, plain_http::PlainHttp, start_script::StartScript,
    },
    builder::TelenorAuthBuilder,
    clock::Clock,
    error::ConfigError,
    events::request_span,
    failure::FailureCause,
    key::CookieKeys,
    layer::{ResponseFuture, TelenorAuth, TelenorAuthLayer},
    user::{
        Address, ApiError, ApiErrorKind, ApiRequest, ApiResponse, DeviceInfo, LoginRequired,
        MissingLayer, MobileNumber, Name, TelenorUser, TelenorUserRejection, UserInfo,
    },
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
