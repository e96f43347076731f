//! The story of a login, and the only place where its parts meet.
//!
//! [`admit`] lets a request in, [`challenge`] sends a visitor off, perhaps by way of [`start`], [`callback`] takes them back in,
//! [`exchange`] makes a session of their code, just once over all instances (`coordinate`), [`refresh`] and [`rotate`] keep it going, [`logout`] sees them out.

mod admit;
mod callback;
mod challenge;
pub(crate) mod config;
mod coordinate;
mod exchange;
mod logout;
mod own_routes;
pub(crate) mod placement;
mod refresh;
mod rotate;
pub(crate) mod routes;
mod script_api;
pub(crate) mod single_flight;
mod start;
mod status;
mod user_backend;

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

pub(crate) use self::{
    admit::{Admitted, Turned},
    refresh::REFRESH_AGAIN,
};
use crate::{
    browser::{
        cookie::{self, CookieNames, Found},
        http_start::HttpStart,
        pending_login::PendingLogins,
        redirect_loop::Rounds,
        request::Visit,
        return_to::ReturnTo,
    },
    events::{Event, Events},
    failure::FailureCause,
    flow::{config::Config, single_flight::Exchanges},
    gateway::Gateway,
    key::Sealer,
    oauth::{State, TokenResponse},
    response::{
        self,
        page::{Language, Page, Topic},
    },
    session::{Session, SessionId, SessionStore, SessionToken, StoreError, Tokens},
    user::{Profiles, Refreshed},
};

/// A token that is about to end is no use to a handler.
const LEEWAY: u64 = 30;
/// The last seconds of a token, in which it is refreshed while it is still good.
const REFRESH_BEFORE: u64 = 60;

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
}

impl<Store: SessionStore> Flow<Store> {
    /// Only path and query of a request: what comes before them is the client's choice.
    fn target(&self, visit: &Visit) -> ReturnTo {
        let target = visit.uri.path_and_query();
        self.config.return_to(target.map(|path| path.as_str()))
    }

    /// The path of an address on this app, as a browser tells it in a header.
    fn own_path<'a>(&self, address: Option<&'a str>) -> Option<&'a str> {
        let path = address?.strip_prefix(&*self.config.origin_text)?;
        path.starts_with('/').then_some(path)
    }

    fn tell_failure(&self, cause: FailureCause, state: &State, detail: &str) {
        self.events.tell(Event::LoginFailed {
            login_id: Some(&state.login_id()),
            cause,
            detail,
        });
    }

    /// What the token endpoint answered, with its times by our clock.
    fn tokens(&self, response: TokenResponse, issued_at: u64) -> Tokens {
        // A token that lives shorter than the leeway keeps a quarter of its life.
        let leeway = LEEWAY.min(response.expires_in - response.expires_in / 4);
        let lifetime = (response.expires_in - leeway).max(1);
        let expires_at = issued_at.saturating_add(lifetime);
        Tokens {
            access_token: response.access_token,
            refresh_token: response
                .refresh_token
                .filter(|_| self.config.refresh_tokens),
            scope: response.scope,
            refresh_at: expires_at - REFRESH_BEFORE.min(lifetime / 4),
            expires_at,
        }
    }

    fn forget_profile(&self, session: &Session) {
        if let Some(profiles) = &self.profiles {
            profiles.forget(session.login());
        }
    }

    fn signed_out(&self, visit: &Visit) -> Response<Body> {
        let language = Language::negotiate(&visit.headers());
        let retry = self.login_url(self.config.home.as_str());
        let page = Page {
            retry: Some(&retry),
            ..self.page(Topic::SignedOut, language)
        };
        response::page(StatusCode::OK, &page)
    }

    /// Whether this session's access token can be refreshed.
    fn refreshes(&self, session: &Session) -> bool {
        self.config.refresh_tokens && session.record().refresh_token.is_some()
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
