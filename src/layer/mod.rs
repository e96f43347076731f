//! The layer: what an app adds.

mod drain;
mod future;
mod kept_body;
mod recent_login;
#[cfg(feature = "axum")]
mod router;
mod service;

use std::sync::Arc;

use http::{HeaderMap, request::Parts};
use tower_layer::Layer;

#[cfg(feature = "axum")]
pub use self::router::RouterExt;
pub use self::{
    future::ResponseFuture,
    recent_login::{RecentLoginFuture, RecentLoginLayer, RecentLoginService},
    service::TelenorAuth,
};
#[cfg(any(test, fuzzing))]
use crate::instance::InstanceId;
use crate::{
    browser::request,
    flow::{Flow, placement::Placement},
    response::Readiness,
    session::{SessionId, StoreError, SubjectId},
    user::{TelenorLogin, UserBackend},
};

/// Adds Telenor line authentication to an axum app or a tower service.
///
/// Requests with a session pass, and handlers can take a [`TelenorUser`](crate::TelenorUser).
/// Without a session, a person who opens a page is sent to Telenor and comes back to that page. All
/// other requests get 401.
///
/// The chapter [Where to mount](crate::manual::mounting) says where to put it.
///
/// ```
/// use axum::{Router, routing::get};
/// use telenor_auth::{TelenorAuthLayer, TelenorUser};
///
/// # fn app() -> Result<Router, telenor_auth::ConfigError> {
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
///
/// async fn checkout(user: TelenorUser) -> String {
///     format!("signed in until {:?}", user.expires_at())
/// }
/// let app = Router::new().route("/checkout", get(checkout)).layer(auth);
/// # Ok(app) }
/// # app().unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct TelenorAuthLayer {
    flow: Arc<Flow>,
    placement: Placement,
}

impl TelenorAuthLayer {
    pub(crate) fn new(flow: Flow, placement: Placement) -> Self {
        let flow = Arc::new(flow);
        Self { flow, placement }
    }

    /// Returns a login for the visitor of a request, which a handler starts by returning it. It is
    /// for routes that the layer does not see: elsewhere, take a [`TelenorLogin`] as an argument.
    ///
    /// ```
    /// use axum::extract::State;
    /// use http::request::Parts;
    /// use telenor_auth::{TelenorAuthLayer, TelenorLogin};
    ///
    /// /// A public route, with the layer as its state.
    /// async fn sign_in(State(auth): State<TelenorAuthLayer>, parts: Parts) -> TelenorLogin {
    ///     auth.login(&parts).return_to("/account")
    /// }
    /// ```
    pub fn login(&self, request: &Parts) -> TelenorLogin {
        let backend: Arc<dyn UserBackend> = Arc::clone(&self.flow) as _;
        TelenorLogin::new(backend, request, self.flow.login_source(request))
    }

    /// Returns the path of a login that leads to `return_to`, for a link:
    /// `/telenor/login?return_to=%2Fcheckout`. Handlers and templates that have no layer at hand
    /// get it from [`TelenorLogin::path`].
    ///
    /// ```
    /// use telenor_auth::TelenorAuthLayer;
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
    /// assert_eq!(auth.login_path("/checkout"), "/telenor/login?return_to=%2Fcheckout");
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    #[must_use]
    pub fn login_path(&self, return_to: &str) -> String {
        UserBackend::login_path(&*self.flow, return_to)
    }

    /// Ends one session on every instance that shares the store: for an operator, or when a
    /// customer asks for it.
    ///
    /// The id is in the log line of the login, and
    /// [`TelenorUser::session_id`](crate::TelenorUser::session_id) returns it. A session that has
    /// ended already is not an error.
    ///
    /// ```
    /// use telenor_auth::{TelenorAuthLayer, session::{SessionId, StoreError}};
    ///
    /// async fn end(auth: &TelenorAuthLayer, id: SessionId) -> Result<(), StoreError> {
    ///     auth.revoke(id).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached: the session may go on.
    pub async fn revoke(&self, session: SessionId) -> Result<(), StoreError> {
        self.flow.revoke(session).await
    }

    /// Ends every session of this subject, on every instance that shares the store: all logins of
    /// one customer, for example after a change of the customer's phone number.
    ///
    /// The hook [`on_login`](crate::TelenorAuthBuilder::on_login) names the subject. After a change
    /// of keys, do so for each of [`SubjectId::under_each_key`].
    ///
    /// ```
    /// use telenor_auth::{
    ///     CookieKeys, TelenorAuthLayer,
    ///     session::{StoreError, SubjectId},
    /// };
    ///
    /// async fn end(auth: &TelenorAuthLayer, keys: &CookieKeys) -> Result<(), StoreError> {
    ///     for subject in SubjectId::under_each_key(keys, "customer 17") {
    ///         auth.revoke_subject(subject).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached: some sessions may go on.
    pub async fn revoke_subject(&self, subject: SubjectId) -> Result<(), StoreError> {
        self.flow.revoke_subject(subject).await
    }

    /// Returns the sessions of this subject, or `None` where the store cannot list them, as a
    /// [`CookieStore`](crate::session::CookieStore) cannot.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached.
    pub async fn sessions_of(
        &self,
        subject: SubjectId,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let now = self.flow.config.clock.now();
        self.flow.store.sessions_of(subject, now).await
    }

    /// Ends every session of the store: all users have to log in again. A login that completes
    /// while this runs may go on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be reached: some sessions may go on.
    pub async fn revoke_all(&self) -> Result<(), StoreError> {
        self.flow.revoke_all().await
    }

    /// Returns whether the layer can serve requests: its session store can be reached. The answer
    /// also says what the layer knows of its keys and of the gateway.
    ///
    /// It is for a route that a load balancer or an orchestrator asks. It takes two seconds at
    /// most. The store is asked once a second at most, for any number of calls, and the gateway is
    /// not asked at all. A store that cannot be reached is also an
    /// [event](crate::events::Event::StoreFailed), with its error text.
    ///
    /// The chapter [Behind a proxy](crate::manual::proxy#health-probes) says when such a route
    /// helps, and when it does harm.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use telenor_auth::{TelenorAuthLayer, TelenorUser};
    ///
    /// fn app(auth: TelenorAuthLayer) -> Router {
    ///     Router::new()
    ///         .route("/checkout", get(async |_: TelenorUser| "filled in"))
    ///         .layer(auth.clone())
    ///         // Public, since it comes after the layer.
    ///         .route("/ready", get(async move || auth.ready().await))
    /// }
    /// # let redirect_uri = "https://shop.example/telenor/callback";
    /// # app(TelenorAuthLayer::builder("id", "secret", redirect_uri).build().unwrap());
    /// ```
    pub async fn ready(&self) -> Readiness {
        self.flow.ready().await
    }

    /// Returns whether a page of the app's own origin sent this request, as the browser states it.
    ///
    /// The layer itself refuses what pages of
    /// [other origins](crate::manual::requests#forms-and-sockets) have the browser of a signed-in
    /// user do. This is for the app's own use, for a public form say, and
    /// stricter: no origin is trusted, and a browser has to state something.
    ///
    /// The app's origin is that of the redirect URI. `Sec-Fetch-Site` has to be `same-origin` and
    /// `Origin` has to be the app's, where they are sent. A request that has neither header, or
    /// one of them twice, is not known to come from the app, so this is `false`.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue, header};
    /// use telenor_auth::TelenorAuthLayer;
    ///
    /// # fn main() -> Result<(), telenor_auth::ConfigError> {
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
    ///
    /// let mut headers = HeaderMap::new();
    /// assert!(!auth.is_same_origin(&headers));
    /// headers.insert(header::ORIGIN, HeaderValue::from_static("https://shop.example"));
    /// assert!(auth.is_same_origin(&headers));
    /// headers.append(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
    /// assert!(!auth.is_same_origin(&headers));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        request::is_same_origin(headers, &self.flow.config.origin_str)
    }

    /// What the sessions of this layer name.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn instance(&self) -> InstanceId {
        self.flow.config.instance
    }

    /// Returns the paths that a router must have, the claim to be the first such router, and the
    /// layer for its routes.
    #[cfg(feature = "axum")]
    fn on_routes(self) -> (Vec<String>, Option<Arc<()>>, Self) {
        let placement = self.placement.on_routes();
        let paths = self.flow.config.paths.all();
        let paths = paths.map(|path| placement.inner(path).to_owned());
        let paths = paths.collect();
        let flow = self.flow;
        let claim = flow.route_owner.claim();
        (paths, claim, Self { flow, placement })
    }
}

impl<S> Layer<S> for TelenorAuthLayer {
    type Service = TelenorAuth<S>;

    fn layer(&self, inner: S) -> TelenorAuth<S> {
        TelenorAuth::new(inner, Arc::clone(&self.flow), self.placement.clone())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;
    use crate::{
        boxed::BoxFuture, clock::unix_seconds, detached, key::CookieKeys, session::SessionToken,
    };

    const REDIRECT_URI: &str = "https://shop.example/telenor/callback";

    #[test]
    fn debug_shows_the_origin_and_the_paths() {
        let layer = TelenorAuthLayer::builder("client", "secret", REDIRECT_URI);
        let shown = format!("{:?}", layer.build().unwrap());
        let start = "TelenorAuthLayer { flow: Flow { config: Config { \
                     origin: \"https://shop.example\", paths: RoutePaths { ";
        assert!(shown.starts_with(start), "{shown}");
    }

    /// The three ways in which an app revokes sessions.
    fn revocations(
        layer: &TelenorAuthLayer,
        session: SessionId,
    ) -> [BoxFuture<'_, Result<(), StoreError>>; 3] {
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        [
            Box::pin(layer.revoke(session)),
            Box::pin(layer.revoke_subject(subject)),
            Box::pin(layer.revoke_all()),
        ]
    }

    #[cfg(feature = "mock")]
    #[tokio::test(start_paused = true)]
    async fn revocation_whose_caller_goes_away_is_an_event_and_leaves_no_user_info() {
        use std::{
            sync::atomic::{AtomicUsize, Ordering},
            time::Duration,
        };

        use crate::{
            events::Event,
            session::{Fault, FaultyStore, MemoryStore},
        };

        let store = FaultyStore::new(MemoryStore::new());
        store.set(Fault::Slow);
        let revoked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&revoked);
        let layer = TelenorAuthLayer::builder("id", "secret", REDIRECT_URI)
            .cache_user_info(Duration::from_secs(60))
            .session_store(store)
            .on_event(move |event| {
                if let Event::SessionsRevoked { .. } = event {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            })
            .build()
            .unwrap();
        let cache = layer.flow.info_cache.as_ref().unwrap();
        let session = SessionToken::random().id();
        for (at, mut revocation) in revocations(&layer, session).into_iter().enumerate() {
            cache.fill(session);
            assert!(detached::now(&mut revocation).is_none());
            drop(revocation);
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(revoked.load(Ordering::SeqCst), at + 1);
            assert_eq!(cache.len(), 0, "{at}");
        }
    }

    #[test]
    fn revocation_needs_no_runtime() {
        let layer = TelenorAuthLayer::builder("id", "secret", REDIRECT_URI);
        let layer = layer.build().unwrap();
        for mut revocation in revocations(&layer, SessionToken::random().id()) {
            let outcome = loop {
                if let Some(outcome) = detached::now(&mut revocation) {
                    break outcome;
                }
            };
            assert!(outcome.is_ok());
        }
    }

    /// S115.
    #[tokio::test]
    async fn revoked_session_leaves_no_user_info_behind() {
        let redirect_uri = "https://shop.example/telenor/callback";
        let layer = TelenorAuthLayer::builder("id", "secret", redirect_uri)
            .cache_user_info(std::time::Duration::from_secs(60))
            .build()
            .unwrap();
        let cache = layer.flow.info_cache.as_ref().unwrap();
        let tokens = [SessionToken::random(), SessionToken::random()];
        for token in &tokens {
            cache.fill(token.id());
        }
        layer.revoke(tokens[0].id()).await.unwrap();
        assert_eq!(cache.len(), 1);
        // One that ended elsewhere, when that is noticed.
        let now = layer.flow.config.clock.now();
        let loaded = layer.flow.store.load(&tokens[1], now).await;
        assert!(
            layer
                .flow
                .judge(&tokens[1], loaded, unix_seconds(now))
                .unwrap()
                .is_err()
        );
        assert_eq!(cache.len(), 0);
        cache.fill(tokens[0].id());
        layer.revoke_all().await.unwrap();
        assert_eq!(cache.len(), 0);
        // It is not known whose info it is.
        cache.fill(tokens[0].id());
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        layer.revoke_subject(subject).await.unwrap();
        assert_eq!(cache.len(), 0);
    }

    /// S115.
    #[cfg(feature = "mock")]
    #[tokio::test]
    async fn user_info_is_forgotten_with_its_session() {
        use std::time::Duration;

        use axum::{Router, body::Body, routing::get};
        use http::{Method, Request, Response, StatusCode};
        use tower::ServiceExt;

        use crate::{
            clock::Clock,
            mock::{Answer, Endpoint, MockGateway},
            user::{ApiError, TelenorUser},
        };

        async fn info(user: TelenorUser) -> Result<(), ApiError> {
            user.info().await.map(drop)
        }
        async fn device(user: TelenorUser) -> Result<(), ApiError> {
            user.device().await.map(drop)
        }
        for end in ["logout", "new login", "dead token", "refused refresh"] {
            let refreshes = end == "refused refresh";
            let gateway = MockGateway::builder().refresh_tokens(refreshes);
            let gateway = gateway.start().await.unwrap();
            gateway.set_expires_in(600);
            let (id, secret) = (gateway.client_id(), gateway.client_secret());
            let clock = Clock::manual();
            let layer = TelenorAuthLayer::builder(id, secret, REDIRECT_URI)
                .gateway(gateway.base_url())
                .clock(clock.clone())
                .refresh_tokens(refreshes)
                .cache_user_info(Duration::from_secs(3_600))
                .build()
                .unwrap();
            let cache = layer.flow.info_cache.as_ref().unwrap();
            let routes = Router::new().route("/info", get(info));
            let app = routes.route("/device", get(device)).layer(layer.clone());
            let user = gateway.login(&app, "/info").await.unwrap();
            let cookies = user.cookie_header().to_str().unwrap().to_owned();
            let send = async |method, target: &str, more: &str| -> Response<Body> {
                let request = Request::builder().method(method).uri(target);
                let request = request
                    .header("cookie", format!("{cookies}{more}"))
                    .header("accept", "text/html")
                    .header("sec-fetch-mode", "navigate")
                    .header("sec-fetch-site", "same-origin");
                let request = request.body(Body::empty()).unwrap();
                app.clone().oneshot(request).await.unwrap()
            };
            let location = |response: &Response<Body>| {
                let location = &response.headers()["location"];
                location.to_str().unwrap().to_owned()
            };
            let opened = send(Method::GET, "/info", "").await;
            assert_eq!(opened.status(), StatusCode::OK);
            assert_eq!(cache.len(), 1);
            match end {
                "logout" => drop(send(Method::POST, "/telenor/logout", "").await),
                "new login" => {
                    let login = send(Method::GET, "/telenor/login", "").await;
                    let pending = login.headers()["set-cookie"].to_str().unwrap();
                    let pending = format!("; {}", pending.split(';').next().unwrap());
                    let callback = gateway.allow(&location(&login)).unwrap();
                    let callback = callback.strip_prefix("https://shop.example").unwrap();
                    send(Method::GET, callback, &pending).await;
                }
                "dead token" => {
                    gateway.answer_next(Endpoint::DeviceInfo, Answer::gateway_error(40106));
                    send(Method::GET, "/device", "").await;
                }
                _ => {
                    clock.advance(Duration::from_secs(600));
                    gateway.revoke_tokens();
                    send(Method::GET, "/device", "").await;
                }
            }
            assert_eq!(cache.len(), 0, "{end}");
        }
    }

    #[test]
    fn the_apps_origin_is_that_of_the_redirect_uri() {
        for (redirect_uri, ours, foreign) in [
            (
                "https://a.example/x/callback",
                "https://a.example",
                "http://a.example",
            ),
            (
                "https://a.example:8443/callback",
                "https://a.example:8443",
                "https://a.example",
            ),
            (
                "http://localhost:3000/callback",
                "http://localhost:3000",
                "http://127.0.0.1:3000",
            ),
        ] {
            let layer = TelenorAuthLayer::builder("id", "secret", redirect_uri)
                .build()
                .unwrap();
            let same_origin = |origin| {
                let origin = HeaderValue::from_static(origin);
                layer.is_same_origin(&HeaderMap::from_iter([(header::ORIGIN, origin)]))
            };
            assert!(same_origin(ours), "{redirect_uri}");
            assert!(!same_origin(foreign), "{redirect_uri}");
        }
    }
}
