//! The steps of a login, and the only place where the parts meet.
//!
//! [`admit`] admits a request. [`challenge`] sends a visitor to log in, perhaps by way of
//! [`start`]. [`callback`] takes the visitor back, [`exchange`] makes a session of the code, once
//! over all instances ([`coordinate`]). [`refresh`] and [`rotate`] renew the access token.
//! [`logout`] ends the session. [`refusal`] says why a request has none. This file holds what these
//! steps share.

mod admit;
mod callback;
mod challenge;
pub(crate) mod config;
mod coordinate;
mod end_token;
mod exchange;
mod login_outcome;
mod logout;
pub(crate) mod notices;
mod own_routes;
pub(crate) mod placement;
mod printable;
mod refresh;
mod refusal;
mod rotate;
pub(crate) mod routes;
mod script_api;
pub(crate) mod single_flight;
mod start;
mod status;
mod user_backend;

use std::{fmt, sync::Arc, time::Duration};

use axum_core::body::Body;
use http::{Response, StatusCode};

pub(crate) use self::{
    admit::{Admission, Look, OnResponse},
    login_outcome::LoginOutcome,
};
use crate::{
    browser::{
        cookie::{self, CookieNames},
        http_start::HttpStart,
        language::Language,
        login_button::LoginButton,
        pending_login::PendingLogins,
        redirect_loop::LoopDetector,
        request::RequestInfo,
        return_to::ReturnTo,
    },
    events::{Event, Events},
    failure::FailureCause,
    flow::{config::Config, notices::Notices, single_flight::SingleFlight},
    gateway::Gateway,
    key::Sealer,
    login_id::LoginId,
    oauth::TokenResponse,
    response::{
        self, Problem,
        page::{Page, Topic},
    },
    session::{Session, SessionId, SessionToken, StoreError, Tokens, erased::ErasedStore},
    session_refusal::SessionRefusal,
    user::{RefreshOutcome, UserInfoCache},
};

/// A token that is about to expire is of no use to a handler.
const LEEWAY: u64 = 30;
/// The last seconds of a token, in which it is refreshed while it is still good.
const REFRESH_BEFORE: u64 = 60;
/// How long a refresh that failed stands before the next.
pub(crate) const REFRESH_COOLDOWN: Duration = Duration::from_secs(5);
/// How many session cookies with different values are looked at, where a login or a logout ends
/// them all. A browser has one, and a sibling host may have set others.
const MAX_SESSION_COOKIES: usize = 8;
/// How often an instance looks whether another one has refreshed.
const REFRESH_POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Says to a developer what a route for the app's own pages needs.
const HEADERS_OF_OWN_PAGE: &str = "the request needs `Sec-Fetch-Site: same-origin`, or an `Origin` \
                                   header with the origin of the redirect URI";

/// The parts of a layer. Its clones share them.
pub(crate) struct Flow {
    // The app's side.
    pub config: Config,
    pub store: Arc<dyn ErasedStore>,
    pub info_cache: Option<UserInfoCache>,
    pub events: Arc<Events>,
    // The browser's side.
    pub names: Arc<CookieNames>,
    pub pending: PendingLogins,
    pub loop_detector: LoopDetector,
    pub login_button: LoginButton,
    /// Seals what a logout form of the layer proves.
    pub logout_forms: Sealer,
    pub http_start: Option<HttpStart>,
    // The provider's side.
    pub gateway: Gateway,
    pub exchanges: SingleFlight<LoginId, LoginOutcome>,
    /// By session, and how often it was refreshed before.
    pub refreshes: SingleFlight<(SessionId, u32), RefreshOutcome>,
    /// Seals what this instance leaves for the others about an exchange.
    pub shared_outcomes: Sealer,
    // The operator's side.
    pub notices: Notices,
    #[cfg(feature = "axum")]
    pub route_owner: placement::RouteOwner,
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Flow {
    /// The tokens in all session cookies of a request, each once, and whether there are more than
    /// that.
    fn session_tokens(&self, info: &RequestInfo) -> (Vec<SessionToken>, bool) {
        let mut tokens = Vec::new();
        for value in cookie::values(info.cookies(), &self.names.session) {
            match SessionToken::in_header(value.line, value.range) {
                Some(token) if tokens.contains(&token) => {}
                Some(_) if tokens.len() >= MAX_SESSION_COOKIES => return (tokens, true),
                Some(token) => tokens.push(token),
                None => {}
            }
        }
        (tokens, false)
    }

    /// Whether this session's access token can be refreshed.
    fn can_refresh(&self, session: &Session) -> bool {
        self.config.refresh_tokens && session.record().refresh_token.is_some()
    }

    /// The tokens of a response, with their times by our clock.
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

    fn forget_user_info(&self, token: &SessionToken, session: &Session) {
        if let Some(cache) = &self.info_cache {
            cache.forget(self.store.id(token, session));
        }
    }

    fn login_failed(&self, cause: FailureCause, login: LoginId, detail: &str) {
        self.events.emit(Event::LoginFailed {
            login_id: Some(&login.to_string()),
            cause,
            reason: None,
            detail,
        });
    }

    fn store_failed(&self, info: &RequestInfo, error: &StoreError) -> Response<Body> {
        self.events.store_failed(error);
        self.refuse(info, Refusal::because(FailureCause::StoreUnavailable))
    }

    /// A page for a person, a few lines for a script.
    fn refuse(&self, info: &RequestInfo, refusal: Refusal<'_>) -> Response<Body> {
        let (cause, language) = (refusal.cause, info.language());
        let reason = refusal.reason.or(info.refusal);
        let reason = reason.filter(|_| cause.has_reason());
        let login_id = refusal.login_id.map(|login| login.to_string());
        let login_id = login_id.as_deref();
        if !info.wants_html {
            let login = self.config.absolute(&self.config.paths.login);
            let login = (cause == FailureCause::LoginRequired).then_some(login.as_str());
            let problem = Problem {
                cause,
                language,
                reason,
                detail: refusal.hint,
                login,
                login_id,
            };
            return response::problem(&problem);
        }
        let retry = match refusal.retry {
            Retry::Login(target) => {
                let target = target.unwrap_or(self.config.home.as_str());
                self.config.login_path(target)
            }
            Retry::Page(target) => target.to_owned(),
        };
        let page = Page {
            retry: Some(&retry),
            logout: refusal.logout,
            description: refusal.description,
            login_id,
            reason,
            ..self.page(Topic::Failure(cause), language)
        };
        response::page(cause.status(), &page)
    }

    fn signed_out(&self, info: &RequestInfo) -> Response<Body> {
        let retry = self.config.login_path(self.config.home.as_str());
        let page = Page {
            retry: Some(&retry),
            ..self.page(Topic::SignedOut, info.language())
        };
        response::page(StatusCode::OK, &page)
    }

    fn page(&self, topic: Topic, language: Language) -> Page<'_> {
        let continue_without = self.config.continue_without.as_ref();
        Page {
            topic,
            language,
            app_name: self.config.app_name.as_deref(),
            purpose: self.config.purpose(language),
            retry: None,
            continue_without: continue_without.map(ReturnTo::as_str),
            home: Some(self.config.home.as_str()),
            logout: None,
            form_may_lead_away: self.config.after_logout.is_some(),
            description: None,
            login_id: None,
            reason: None,
            script: None,
        }
    }
}

/// Why a request is refused, and what its page adds to that.
struct Refusal<'a> {
    cause: FailureCause,
    retry: Retry<'a>,
    description: Option<&'a str>,
    /// What a developer can change, for the problem document.
    hint: Option<&'a str>,
    /// Where the logout form posts to.
    logout: Option<&'a str>,
    login_id: Option<LoginId>,
    /// Why there is no session, or no login. It defaults to what is known of the request.
    reason: Option<SessionRefusal>,
}

impl Refusal<'_> {
    fn because(cause: FailureCause) -> Self {
        Self {
            cause,
            retry: Retry::Login(None),
            description: None,
            hint: None,
            logout: None,
            login_id: None,
            reason: None,
        }
    }
}

/// What the main button of a page does.
enum Retry<'a> {
    /// It starts a login that leads to this target, or home.
    Login(Option<&'a str>),
    /// It opens a page of the app, for a user who is signed in.
    Page(&'a str),
}
