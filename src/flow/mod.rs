//! The story of a login, and the only place where its parts meet.
//!
//! [`admit`] lets a request in, [`challenge`] sends a visitor off, perhaps by way of [`start`], [`callback`] takes them back in,
//! [`exchange`] makes a session of their code, just [`once`], [`refresh`] and [`rotate`] keep it going, [`logout`] sees them out.

mod admit;
mod callback;
mod challenge;
mod exchange;
mod logout;
mod once;
mod refresh;
mod rotate;
mod script_api;
mod start;
mod status;

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header, request::Parts};

pub(crate) use self::{
    admit::{Admitted, Turned},
    refresh::{REFRESH_AGAIN, Refreshed},
};
use crate::{
    AccessToken, FailureCause, Language,
    config::{Config, Route},
    cookie::{self, CookieNames, Found},
    events::Events,
    exchanges::Exchanges,
    gateway::Gateway,
    http_client::TransportError,
    http_start::HttpStart,
    key::Sealer,
    page::{Page, Topic},
    pending::PendingLogins,
    profiles::Profiles,
    response,
    return_to::ReturnTo,
    rounds::Rounds,
    session::{Session, SessionId, SessionStore, SessionToken, StoreError},
    user::{BoxFuture, Guard},
    visit::{Caller, Visit},
};

/// All that a layer is made of, shared by every clone of it.
pub(crate) struct Flow<Store> {
    pub config: Config,
    pub gateway: Gateway,
    pub names: CookieNames,
    pub pending: PendingLogins,
    pub rounds: Rounds,
    pub http_start: Option<HttpStart>,
    pub exchanges: Exchanges<[u8; 16], exchange::Answer>,
    /// By session, and how often it was refreshed before.
    pub refreshes: Exchanges<(SessionId, u32), Refreshed>,
    /// Seals what this instance tells the others of an exchange.
    pub answers: Sealer,
    pub store: Store,
    pub profiles: Option<Profiles>,
    pub events: Arc<Events>,
}

impl<Store: SessionStore> Flow<Store> {
    /// Answers a request to one of the layer's own routes.
    pub(crate) async fn own_route(
        self: Arc<Self>,
        route: Route,
        parts: Parts,
        visit: Visit,
    ) -> Response<Body> {
        let allowed: &[Method] = match route {
            Route::Logout => &[Method::GET, Method::POST],
            _ => &[Method::GET],
        };
        if !allowed.contains(&parts.method) {
            return self.method_not_allowed(&visit, allowed);
        }
        if visit.caller == Caller::Speculative {
            return self.refuse(&visit, Refusal::because(FailureCause::SpeculativeRequest));
        }
        match route {
            Route::Callback => self.callback(&parts, &visit).await,
            Route::Login => self.login(&parts, &visit),
            Route::Logout if parts.method == Method::POST => self.logout(&parts, &visit).await,
            Route::Logout => self.logout_page(&parts, &visit).await,
            Route::Session => self.status(&parts, &visit).await,
            Route::Start => self.start_page(&parts, &visit),
            Route::UserInfo | Route::DeviceInfo => self.script_api(route, &parts, &visit).await,
        }
    }

    /// The token in the session cookie, if there is exactly one such cookie.
    pub(crate) fn session_token<'h>(&self, headers: &'h HeaderMap) -> Option<SessionToken<'h>> {
        match cookie::find(headers, &self.names.session) {
            Found::One(value, _) => SessionToken::from_cookie(value),
            Found::Nothing | Found::Ambiguous => None,
        }
    }

    /// Whether a session that the store knows is one of ours, and not over.
    pub(crate) fn accepts(&self, session: &Session, now: u64) -> bool {
        let idle = self.config.idle_timeout;
        session.is_live(now)
            && session.is_of(self.config.instance)
            && idle.is_none_or(|seconds| !session.is_idle(now, seconds))
            && (session.has_live_token(now) || self.refreshes(session))
    }

    /// The live session that a request came with.
    async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, StoreError> {
        let Some(token) = self.session_token(headers) else {
            return Ok(None);
        };
        let session = self.store.load(&token).await?;
        let now = self.config.clock.seconds();
        Ok(session.filter(|session| self.accepts(session, now)))
    }

    pub(crate) fn store_failed(&self, visit: &Visit, error: &StoreError) -> Response<Body> {
        self.events.store_failed(error);
        self.refuse(visit, Refusal::because(FailureCause::StoreUnavailable))
    }

    /// A page for a person, a few lines for a script.
    pub(crate) fn refuse(&self, visit: &Visit, refusal: Refusal<'_>) -> Response<Body> {
        let language = Language::negotiate(&visit.headers());
        let cause = refusal.cause;
        let mut response = if visit.caller.is_person() {
            let retry = match refusal.retry {
                Retry::Login(target) => self.login_url(target.unwrap_or(self.config.home.as_str())),
                Retry::Page(target) => target.to_owned(),
            };
            let page = Page {
                retry: Some(&retry),
                logout: Some(&self.config.paths.logout),
                description: refusal.description,
                login_id: refusal.login_id,
                ..self.page(Topic::Failure(cause), language)
            };
            response::page(cause.status(), &page)
        } else {
            let login = self.config.absolute(&self.config.paths.login);
            let login = (cause == FailureCause::LoginRequired).then_some(login.as_str());
            response::problem(cause, language, login, refusal.login_id)
        };
        let headers = response.headers_mut();
        if cause.status() == http::StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2 wants a scheme; none that a browser would open a password box for.
            let scheme = HeaderValue::from_static("Telenor");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = cause.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn page(&self, topic: Topic, language: Language) -> Page<'_> {
        Page {
            topic,
            language,
            app_name: self.config.app_name.as_deref(),
            purpose: self.config.purpose(language),
            retry: None,
            without: self.config.without.as_ref().map(ReturnTo::as_str),
            home: Some(self.config.home.as_str()),
            logout: None,
            description: None,
            login_id: None,
            script: None,
        }
    }

    /// Where a login for this target starts.
    fn login_url(&self, return_to: &str) -> String {
        let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        format!("{}?return_to={query}", self.config.paths.login)
    }

    fn method_not_allowed(&self, visit: &Visit, allowed: &[Method]) -> Response<Body> {
        let mut response = self.refuse(visit, Refusal::because(FailureCause::MethodNotAllowed));
        let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
        if let Ok(allowed) = HeaderValue::try_from(allowed.join(", ")) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

/// Why a request is refused, and what its page may add to that.
pub(crate) struct Refusal<'a> {
    cause: FailureCause,
    retry: Retry<'a>,
    description: Option<&'a str>,
    login_id: Option<&'a str>,
}

impl Refusal<'_> {
    pub(crate) fn because(cause: FailureCause) -> Self {
        Self {
            cause,
            retry: Retry::Login(None),
            description: None,
            login_id: None,
        }
    }
}

/// What the one obvious button of a page does.
enum Retry<'a> {
    /// Starts a login that leads to this target, or home.
    Login(Option<&'a str>),
    /// Opens a page of the app, for somebody who is signed in.
    Page(&'a str),
}

impl<Store: SessionStore> Guard for Flow<Store> {
    fn challenge(&self, visit: &Visit) -> Response<Body> {
        Self::challenge(self, visit)
    }

    fn refuse(&self, visit: &Visit, cause: FailureCause) -> Response<Body> {
        let mut refusal = Refusal::because(cause);
        let target = match visit.caller {
            Caller::Form => self.config.return_to(self.own_path(visit.referer())),
            _ => self.target(visit),
        };
        refusal.retry = Retry::Page(target.as_str());
        Self::refuse(self, visit, refusal)
    }

    fn refresh<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, Option<Refreshed>> {
        Box::pin(async move {
            let headers = visit.headers();
            let token = self.session_token(&headers);
            let token = token.filter(|_| self.refreshes(session))?.into_owned();
            Some(self.refreshed(token, session.clone()).await)
        })
    }

    fn end_session<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, ()> {
        Box::pin(async move {
            let headers = visit.headers();
            if let Some(token) = self.session_token(&headers) {
                self.end_dead(token.into_owned(), session.clone()).await;
            }
        })
    }

    fn base(&self) -> &str {
        &self.gateway.base
    }

    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>> {
        Box::pin(self.gateway.call(request, token))
    }

    fn profiles(&self) -> Option<(&Profiles, u64)> {
        let profiles = self.profiles.as_ref()?;
        Some((profiles, self.config.clock.seconds()))
    }

    fn logout_path(&self) -> &str {
        &self.config.paths.logout
    }

    fn session_id(&self, visit: &Visit, session: &Session) -> Option<SessionId> {
        let headers = visit.headers();
        let token = self.session_token(&headers)?;
        Some(self.store.id(&token, session))
    }
}
