//! Sign-in with Telenor line authentication for axum and tower: add one layer, and handlers get a
//! [`TelenorUser`].
//!
//! Telenor recognizes the user by a USSD prompt on the phone or by the mobile network. The user
//! consents at Telenor and returns with an authorization code. The layer exchanges the code for an
//! access token, keeps the token in a session, and passes it to your handlers.
//!
//! ```text
//!   browser                 your app + TelenorAuthLayer                 Telenor
//!      │  GET /checkout             │                                      │
//!      ├───────────────────────────▶│ no session: challenge                │
//!      │◀───────── 303, one cookie ─┤                                      │
//!      ├──────────────────────────── recognized, consents ────────────────▶│
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
//! A whole login against the mock gateway (feature `mock`), as in a test of your own app:
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
//! // A browser opens the page and is redirected to Telenor, with a cookie for this login.
//! let page = Request::get("/checkout").header("accept", "text/html").body(Body::empty())?;
//! let challenge = app.clone().oneshot(page).await?;
//! assert_eq!(challenge.status(), StatusCode::SEE_OTHER);
//! let authorize = challenge.headers()[header::LOCATION].to_str()?;
//! let cookie = challenge.headers()[header::SET_COOKIE].to_str()?.split(';').next().unwrap();
//!
//! // The subscriber consents, and Telenor redirects the browser back.
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
//! A layer receives the requests that its router passes on, and the callback must be one of them.
//! Measured on axum 0.8.9:
//!
//! | composition | works | unknown paths |
//! | --- | --- | --- |
//! | `router.layer(auth)` as the last call | yes | guarded |
//! | `router.fallback(f).layer(auth)` | yes | guarded |
//! | `router.telenor_auth(auth)`, with or without a later `.fallback(f)` | yes | 404, or `f` |
//! | `outer.merge(router.telenor_auth(auth))` | yes | `outer`'s |
//! | `public.merge(router.layer(auth))` | yes, as long as neither has a fallback of its own | guarded |
//! | `a.telenor_auth(auth.clone()).merge(b.telenor_auth(auth))` | yes: clones of one layer share its routes | 404 |
//! | `outer.telenor_auth(auth.clone()).nest("/api", router.layer(auth))` | yes: the callback arrives at the other clone | 404 |
//! | `outer.nest("/app", router.telenor_auth(auth))` with [`nested_at("/app")`](TelenorAuthBuilder::nested_at) | yes | 404 |
//! | `Router::new().fallback_service(auth.layer(router))` | yes, at the lowest cost | guarded |
//! | `outer.nest_service("/app", auth.layer(router))` | yes, with a redirect URI below `/app` | guarded |
//! | `outer.nest("/app", router.layer(auth))` | only if `router` has a fallback of its own | guarded |
//! | `router.layer(auth).fallback(f)`, `router.layer(auth).merge(public)`, `public.merge(router.layer(auth)).fallback(f)`, `router.route_layer(auth)`, `get(h).layer(auth)` | **no**: no user can log in, and the callback is a 404 | |
//!
//! A layer inside an axum router must see the same path as the router. A path that was rewritten in
//! between, for example by the removal of a language prefix, looks like nesting. Rewrite paths
//! outside the router.
//!
//! Routes that are added after the layer are public. A [`TelenorUser`] on such a route is a 500
//! that names the mistake, also in the log.
//!
//! A mounting that cannot work is logged once, at WARN, with what to change: a layer that is nested
//! where its callback cannot arrive, three logins without any callback, a second layer that was
//! built apart, logins that start on another host than the redirect URI's, another app that uses
//! the same cookie name, a [`continue_without`](TelenorAuthBuilder::continue_without) that the
//! layer guards. A callback that arrives at another path than its own ends on a page, with one
//! error line that has both paths. For a proxy that takes a prefix away, set
//! [`stripped_prefix`](TelenorAuthBuilder::stripped_prefix).
//!
//! # In production
//!
//! - **Behind a proxy.** A proxy that passes the path on needs no setting. For one that takes a
//!   prefix away, there is [`stripped_prefix`](TelenorAuthBuilder::stripped_prefix). The page
//!   [`behind_a_proxy`] has tried configurations for nginx, HAProxy, Caddy, Traefik and Apache
//!   httpd.
//! - **Health probes** need a public route, added after the layer. A guarded path answers 401, and
//!   the instance is killed ([example](behind_a_proxy#health-probes)).
//!   [`ready`](TelenorAuthLayer::ready) says for such a route whether the session store can be
//!   reached.
//! - **Time limits.** A callback may take 30 seconds, and as long as
//!   [`on_login`](TelenorAuthBuilder::on_login) may take in addition (5 seconds by default). A
//!   `TimeoutLayer` belongs inside the layer, where it limits the handlers alone
//!   ([example](behind_a_proxy#time-limits)).
//! - **Logs.** A default `TraceLayer` writes the code and `state` of a callback into the log.
//!   [`request_span`] leaves the query out.
//! - **Returns of payment providers**, `form-action`, CORS: see
//!   [forms](behind_a_proxy#forms-and-returns-from-other-sites).
//!
//! # Its own routes
//!
//! Siblings of the redirect URI's path, here `/telenor/callback`:
//!
//! | path | method | purpose |
//! | --- | --- | --- |
//! | `/telenor/callback` | GET | receives the code, or the error, from Telenor |
//! | `/telenor/login?return_to=/path` | GET | starts a login; for buttons |
//! | `/telenor/logout` | POST | ends the session here and the token at Telenor; for a form on your own pages |
//! | `/telenor/logout` | GET | asks whether to log out, or shows that the user is logged out |
//! | `/telenor/start` | GET | with [`start_script`](TelenorAuthBuilder::start_script) or [`http_start`](TelenorAuthBuilder::http_start): the [start page] |
//! | `/telenor/session` | GET | `{"signed_in":true,"seconds_left":…}` for your own scripts, without the token |
//! | `/telenor/user-info`, `/telenor/device-info` | GET | with [`script_api`](TelenorAuthBuilder::script_api): JSON for same-origin scripts |
//!
//! [start page]: start_page
//!
//! # Responses without a session
//!
//! | request | response |
//! | --- | --- |
//! | the user opens or reloads a page (`Sec-Fetch-Mode: navigate`, but not for a frame; without that header, an `Accept` that prefers HTML), also in a web view and, in most engines, through a service worker | 303 to Telenor, one cookie |
//! | a page that a service worker passes on with the mode `same-origin`: in Firefox, or where the worker changes a setting of the request | 401, a page whose button starts the login |
//! | the user sends a form | 303 to a page that says that the form was not sent, and leads back to it |
//! | another site sends a form, as some payment pages do when they lead back | 303 to a page that leads on to the same address by GET if there is a session, and else asks to log in |
//! | `fetch`, XHR (`X-Requested-With: XMLHttpRequest`), event streams, command lines | 401, `application/problem+json` with the login URL, or a page where `Accept` asks for HTML |
//! | images, manifests, the script of a service worker | 401 |
//! | frames and embeds, and anything else whose `Accept` prefers HTML | 401, a page with a button; it cannot be framed |
//! | a part of a page by HTMX (`HX-Request: true`) | 401 with `HX-Redirect` to the login route, for the page that it is on |
//! | a page by HTMX (`HX-Boosted: true`) | the same, for the page that the link leads to |
//! | `HEAD`, as link scanners send it | 401 |
//! | Microsoft Office opens a link | 200, a page with a button; the browser that Office opens has a login of its own |
//! | prefetch, prerender, preview | 503, without any effect |
//! | CORS preflight | 403; put your CORS layer outside this one |
//! | WebSocket upgrade | 401; an offer of any other protocol is ignored |
//!
//! A client whose `Accept` asks for HTML, and not for JSON before it, gets every refusal of the
//! layer as a page. All others get `application/problem+json`.
//!
//! On the login route, a link of another site asks first, with a page, when there is a session that
//! the new login would replace.
//!
//! These responses, and those of the layer's own routes, go out when the body of the request is
//! read. After 16 MiB or ten seconds the layer responds and closes an HTTP/1 connection.
//!
//! # Forms and sockets
//!
//! A page of another origin can have a browser send a request with your user's cookie. The layer
//! refuses it for a signed-in user, if it can change something (every method but GET, HEAD, OPTIONS
//! and TRACE) or opens a WebSocket. The response is 403, a page or a problem document with the
//! cause `cross_origin_request`, and there is [one event](events::Event::CrossOriginRefused).
//!
//! | the browser states | the request |
//! | --- | --- |
//! | `Sec-Fetch-Site: same-origin` or `none`, and in `Origin` the app's own origin, `null` or nothing | reaches the app |
//! | only `Origin`, and it is the app's own, as Chromium does for a WebSocket | reaches the app |
//! | an `Origin` that is a [`trusted_origin`](TelenorAuthBuilder::trusted_origin) | reaches the app |
//! | neither header, so it is no current browser | reaches the app |
//! | anything else, also `Origin: null` alone, and two different values of one header | 403 |
//!
//! The app's own origin is that of the redirect URI, in every letter. What this adds to
//! `SameSite=Lax` of the cookie:
//!
//! | attack | with `SameSite=Lax` alone | with the check |
//! | --- | --- | --- |
//! | a form or a script of another site | the browser sends no cookie, unless it is old | refused |
//! | the same of a sibling host, like a forgotten `campaign.shop.example` | the browser sends the cookie | refused |
//! | the same of a page on plain http, which anyone on the network can forge | Firefox and Safari send the cookie | refused |
//! | a WebSocket that such a page opens, and then reads and writes (cross-site WebSocket hijacking) | as above, and CORS does not apply | refused |
//!
//! What it does not do:
//!
//! - It does not stop a script in one of your own pages, or in a page of a trusted origin.
//! - It does not look at a GET. A handler must not change anything by a GET, and must not read a
//!   method from a parameter.
//! - It sees the method that the request has at the layer. A middleware inside the layer must not
//!   make another method of a GET, by the header `X-HTTP-Method-Override`, a form field or a
//!   parameter: the check has let the GET pass. Put such a middleware outside the layer.
//! - It does not look at requests without a session, which have nothing of a user's. Where a public
//!   form should come from your own pages alone, use
//!   [`is_same_origin`](TelenorAuthLayer::is_same_origin).
//! - It knows nothing of a browser from before 2020, or behind a proxy that removes both headers.
//! - It cannot always see through a service worker of yours that passes on the forms of others. A
//!   worker should leave forms to the browser (`docs/browsers.md`).
//!
//! The builder's [`dangerous_allow_cross_origin_requests`] turns it off.
//!
//! [`dangerous_allow_cross_origin_requests`]: TelenorAuthBuilder::dangerous_allow_cross_origin_requests
//!
//! # Answers that outlast their request
//!
//! The layer looks at the session when a request begins. An event stream or a WebSocket goes on for
//! hours, and must not go on for a user who has logged out. It waits for
//! [`TelenorUser::ended`], which is ready when the session has expired, was logged out or revoked:
//! through this layer and its clones at once, and elsewhere within 30 seconds. The example `live`
//! shows both in a browser.
//!
//! An API call of a user that was kept beyond the end of the session is not sent, and fails with
//! [`ApiErrorKind::SessionEnded`].
//!
//! # Pages of your own
//!
//! The layer's pages say what happened, what that means for the app, and what the user can do. They
//! can be the app's own, step by step:
//!
//! | what | how |
//! | --- | --- |
//! | what a login is for, and the way to go on without one | [`purpose`](TelenorAuthBuilder::purpose), [`continue_without`](TelenorAuthBuilder::continue_without) |
//! | other words for a path and what lies below it | [`purpose_at`](TelenorAuthBuilder::purpose_at), [`continue_without_at`](TelenorAuthBuilder::continue_without_at) |
//! | name, logo, color, help | [`app_name`](TelenorAuthBuilder::app_name), [`logo`](TelenorAuthBuilder::logo), [`accent_color`](TelenorAuthBuilder::accent_color), [`support_link`](TelenorAuthBuilder::support_link) |
//! | a page of the app for a failure | [`failure_page`](TelenorAuthBuilder::failure_page) |
//! | a log of failures, or any other response | a middleware outside the layer that finds the [`Failure`] in the response's extensions |
//!
//! ```
//! use telenor_auth::{FailureCause, FailurePage, Language, Logo, TelenorAuthLayer};
//!
//! # fn build() -> Result<TelenorAuthLayer, telenor_auth::ConfigError> {
//! let logo = Logo::svg(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>"#);
//! let redirect_uri = "https://shop.example/telenor/callback";
//! TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
//!     .app_name("Fjellbua")
//!     .logo(logo)
//!     .accent_color("#b92a1e")
//!     .support_link(Language::Bokmal, "Skriv til oss", "mailto:hjelp@shop.example")
//!     .purpose(Language::Bokmal, "fylle ut adressen din")
//!     .continue_without("/manual-form")
//!     .purpose_at("/support", Language::Bokmal, "vise henvendelsene dine")
//!     .continue_without_at("/support", "/contact")
//!     .failure_page(|failure| match failure.cause() {
//!         FailureCause::AccessDenied => Some(FailurePage::html("<h1>Helt i orden</h1>")),
//!         _ => None, // the layer's page
//!     })
//!     .build()
//! # }
//! # build().unwrap();
//! ```
//!
//! The address of a failure page may hold the code of a login. So a page of your own has no script
//! of anyone else, analytics included, and escapes all that it takes from the [`Failure`]. See
//! [`FailurePage`].
//!
//! # How Telenor recognizes the line
//!
//! **By USSD**: a prompt appears on the phone. It works on any network, on a phone and beside a
//! computer, and needs no setting here. Build on it. If Telenor gives you a script for the page
//! that starts the flow, [`start_script`](TelenorAuthBuilder::start_script) puts it on a page of
//! its own on https, between the challenge and Telenor.
//!
//! **By the mobile network**: the user does nothing, but the operator has to read the request. So,
//! "for now", as Telenor writes, the page that starts the flow must be plain http.
//! [`http_start`](TelenorAuthBuilder::http_start) puts one inert page on a plain-http host of its
//! own. Browsers are closing this path, so expect it to fail for many visitors:
//!
//! - **Chrome 154**, of October 2026, is announced to ask the user before it opens plain http.
//!   Chrome, Safari and Firefox try https first. The page works over https too, but then the
//!   operator has not read it.
//! - **HSTS** on the start host, or `includeSubDomains` on a parent: no browser opens the page over
//!   http again. Keep HSTS on the app's host. This layer sends none.
//! - **Wi-Fi**, a **VPN** or **iCloud Private Relay** (all of Safari, and all plain http of an
//!   iPhone) bypass the operator.
//!
//! The page [`start_page`] has the dates with their sources, the rules of both pages, and how to
//! count the visitors that a start page loses.
//!
//! The page that says "not recognized" is a main path in any case, and
//! [`continue_without`](TelenorAuthBuilder::continue_without) should lead to a useful page. The
//! layer removes headers that claim a phone number or a SIM card (`X-MSISDN` and similar headers)
//! before your handlers see a request, since any client can send them.
//!
//! # From JavaScript
//!
//! **First choice:** let the app ask Telenor. With
//! [`script_api(true)`](TelenorAuthBuilder::script_api), a script of your own page calls your own
//! app, which knows the user by the cookie. The token never enters a page, and Telenor needs no
//! setting:
//!
//! ```js
//! const response = await fetch('/telenor/user-info');
//! if (response.status === 401) {
//!   location = '/telenor/login?return_to=' + encodeURIComponent(location.pathname);
//! }
//! const user = await response.json();
//! ```
//!
//! Telenor's pages describe another way, **direct** calls from the page: register your origin under
//! CORS on the app's page at developer.telenor.no, and send `Authorization: Bearer <token>` to
//! `https://api.telenor.no/user-info/v1/users`. For that, one of your handlers has to give the page
//! [`access_token().secret()`](AccessToken::secret):
//!
//! ```
//! use axum::{Json, extract::State, http::{HeaderMap, StatusCode, header}, response::IntoResponse};
//! use telenor_auth::{TelenorAuthLayer, TelenorUser};
//!
//! // A POST route, so that no link and no preloading leads to it.
//! async fn access_token(
//!     State(auth): State<TelenorAuthLayer>,
//!     headers: HeaderMap,
//!     user: TelenorUser,
//! ) -> Result<impl IntoResponse, StatusCode> {
//!     if !auth.is_same_origin(&headers) {
//!         return Err(StatusCode::FORBIDDEN);
//!     }
//!     let token = user.access_token().secret().to_owned();
//!     Ok(([(header::CACHE_CONTROL, "no-store")], Json(token)))
//! }
//! ```
//!
//! What the direct way costs:
//!
//! - Every script on that page can read the token, also one that an advertisement or a hacked
//!   package brings. It can send the token away, and use it elsewhere until it expires.
//! - A logout cannot take it back from a page. It ends the token at Telenor, as it always does.
//! - The page has to handle an expired token and Telenor's errors itself. There is no retry and no
//!   cache, and a refreshed token has to be handed out again.
//! - The page's Content Security Policy has to allow `connect-src https://api.telenor.no`.
//!
//! Never put the token into a URL, into HTML, or into `localStorage`. The demo has both ways, at
//! `/javascript`. The direct one is off until `TELENOR_TOKEN_TO_SCRIPTS=true` is set. The mock
//! gateway gives permission to the origins that are registered with `cors_origin`, as described
//! [there](mock#calls-from-javascript).
//!
//! # From a native app
//!
//! An app for iOS or Android opens the browser for the login, and comes back by a link that opens
//! the app. The page [`native_apps`] has both sides, and the example `native` runs.
//!
//! # Your own customers
//!
//! The page [`your_customers`] says how an app makes a login its own:
//!
//! - A handler starts a login with a place to return to, parameters, and a note of the app that
//!   travels with it: [`TelenorLogin`].
//! - A hook between token and session looks the customer up, attaches a value to the session, or
//!   refuses the login with words of the app: [`on_login`](TelenorAuthBuilder::on_login).
//! - All sessions of a customer end together: [`revoke_subject`](TelenorAuthLayer::revoke_subject).
//! - What matters more needs a login of the last minutes: [`RecentLogin`], [`RecentLoginLayer`].
//!
//! Telenor's answers have no id of a user. That page says what can be a key, and what cannot.
//!
//! # Defaults, and why
//!
//! | default | why |
//! | --- | --- |
//! | the layer guards: [`optional`](TelenorAuthBuilder::optional) is `false` | a forgotten extractor must not open a route |
//! | a login may take 5 minutes | long enough for a USSD prompt, short for a thief of the cookie |
//! | a session lasts as long as its token, 8 hours at most | the recognition of a line says who pays for it, not who holds the phone |
//! | `SameSite=Lax` | browsers do not send `Strict` cookies on the way back from Telenor |
//! | a form, any other request that can change something, and a WebSocket handshake of a signed-in user are refused if a page of another origin began them | `SameSite=Lax` does not stop sibling hosts, and CORS does not apply to WebSockets ([more](#forms-and-sockets)) |
//! | PKCE is on | there is no `id_token`, so nothing else binds a code to its login |
//! | a random cookie key | a built-in key would be known to all; the log says that the key is random |
//! | the hook [`on_login`](TelenorAuthBuilder::on_login) has 5 seconds | long enough to look a customer up, short for a user who waits for the page and for the proxy in front |
//! | 64 exchanges at once, and 64 refreshes | a slow gateway must not block the app |
//! | a pause of 10 seconds for a token endpoint when more than half of the last 20 calls failed and none succeeded for 10 seconds; codes and refresh tokens have one each | more requests do not repair it, and users should not wait for it |
//! | `Cache-Control: private, no-store` on responses to users | unless the handler sets another one |
//!
//! # More than one machine
//!
//! Sessions are in this process's memory by default. They are lost when the process ends.
//!
//! | purpose | how |
//! | --- | --- |
//! | share sessions between instances | [`session_store`](TelenorAuthBuilder::session_store) with one of the [stores](session), and the same keys on every instance: those of the store, or [`cookie_keys`](TelenorAuthBuilder::cookie_keys) for a store that seals nothing |
//! | choose a store for a number of users | the [figures](session#measured) |
//! | end one session, or all, on every instance that shares the store | [`revoke`](TelenorAuthLayer::revoke) and [`revoke_all`](TelenorAuthLayer::revoke_all); the log line of a login and [`TelenorUser::session_id`] have the session's id |
//! | end all sessions of one customer | [`revoke_subject`](TelenorAuthLayer::revoke_subject), after [`on_login`](TelenorAuthBuilder::on_login) has named the customer |
//! | end idle sessions | [`idle_timeout`](TelenorAuthBuilder::idle_timeout) |
//! | keep sessions longer than an access token lives | [`refresh_tokens(true)`](TelenorAuthBuilder::refresh_tokens) |
//! | change keys without a restart | [`CookieKeys::from_file`], and [`follow`](CookieKeys::follow) |
//! | keep sessions in any other place | a [`SessionStore`](session::SessionStore) of your own; `session::check_store` (feature `mock`) runs the conformance suite on it |
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
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// From the top down: no module imports from one above it.

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

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/proxy.md")]
pub mod behind_a_proxy {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/native.md")]
pub mod native_apps {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/start_page.md")]
pub mod start_page {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/customers.md")]
pub mod your_customers {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
