//! The steps of a login, and the only place where the parts meet.
//!
//! [`admit`] admits a request. [`challenge`] sends a visitor to log in: [`begin`] begins that
//! login, perhaps by way of [`start`]. [`callback`] takes the visitor back, [`exchange`] makes a
//! session of the code, once over all instances ([`coordinate`]), if the app accepts the login
//! ([`on_login`]). [`refresh`] and [`rotate`] renew the access token. [`logout`] ends the session.
//! [`refusal`] says why a request has none, and [`readiness`] whether any can have one. [`confirm`]
//! looks for the end of a session whose user the app has kept. This file holds what these steps
//! share.

mod admit;
mod begin;
mod callback;
mod challenge;
pub(crate) mod config;
mod confirm;
mod coordinate;
mod cross_origin;
pub(crate) mod deadlines;
mod end_token;
mod exchange;
mod login_outcome;
mod logout;
pub(crate) mod notices;
mod on_login;
mod own_routes;
pub(crate) mod placement;
mod printable;
mod readiness;
mod recent_login;
mod refresh;
mod refusal;
mod rotate;
pub(crate) mod routes;
mod script_api;
pub(crate) mod single_flight;
mod start;
mod status;
mod user_backend;
pub(crate) mod words;

use std::{fmt, sync::Arc, time::Duration};

use axum_core::body::Body;
use http::{Response, StatusCode};

pub(crate) use self::{
    admit::{Admission, Answer, Look, OnResponse},
    login_outcome::LoginOutcome,
};
use crate::{
    browser::{
        cookie::{self, CookieNames},
        login_button::LoginButton,
        pending_login::{PendingLogin, PendingLogins},
        redirect_loop::LoopDetector,
        request::RequestInfo,
        request_kind::RequestKind,
        return_to::ReturnTo,
        start_page::StartPage,
    },
    events::{Event, Events},
    failure::FailureCause,
    flow::{
        config::Config, deadlines::Deadlines, notices::Notices, routes::Route,
        single_flight::SingleFlight,
    },
    gateway::Gateway,
    key::Sealer,
    login_id::LoginId,
    oauth::TokenResponse,
    response::{
        self, Failure, FailurePages, Problem,
        page::{Page, Topic},
    },
    session::{Session, SessionId, SessionToken, StoreError, Tokens, watch::WatchedStore},
    session_refusal::SessionRefusal,
    user::{OnLogin, RefreshOutcome, UserInfoCache},
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
    /// The app's pages in place of ours.
    pub failure_pages: Option<FailurePages>,
    pub store: WatchedStore,
    pub info_cache: Option<UserInfoCache>,
    pub events: Arc<Events>,
    pub on_login: Option<Arc<OnLogin>>,
    pub deadlines: Deadlines,
    // The browser's side.
    pub names: Arc<CookieNames>,
    pub pending: PendingLogins,
    pub loop_detector: LoopDetector,
    pub login_button: LoginButton,
    /// Seals what a logout form of the layer proves.
    pub logout_forms: Sealer,
    pub start_page: Option<StartPage>,
    // The provider's side.
    pub gateway: Gateway,
    pub exchanges: SingleFlight<LoginId, LoginOutcome>,
    /// By session, and how often it was refreshed before.
    pub refreshes: SingleFlight<(SessionId, u32), RefreshOutcome>,
    /// Seals what this instance leaves for the others about an exchange.
    pub shared_outcomes: Sealer,
    // The operator's side.
    pub notices: Notices,
    pub last_ping: readiness::LastPing,
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
        self.config.limits().can_refresh(session)
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
        self.store_failed_for(None, info, error)
    }

    fn store_failed_for(
        &self,
        login_id: Option<LoginId>,
        info: &RequestInfo,
        error: &StoreError,
    ) -> Response<Body> {
        self.events.store_failed_at(login_id, error);
        let refusal = Refusal {
            login_id,
            login_pending: self.can_continue(info),
            ..Refusal::because(FailureCause::StoreUnavailable)
        };
        self.refuse(info, refusal)
    }

    /// A page for a person, a few lines for a script.
    fn refuse(&self, info: &RequestInfo, refusal: Refusal<'_>) -> Response<Body> {
        let cause = refusal.cause;
        let (place, retry) = match refusal.retry {
            Retry::Login(target) => {
                let known = refusal.place.or(target);
                let known = known.and_then(|place| self.config.place(place));
                let place = known.unwrap_or_else(|| self.place(info));
                let retry = self.config.login_path(target.unwrap_or(place.as_str()));
                (Some(place), retry)
            }
            Retry::Page(target) => (self.config.place(target), target.to_owned()),
        };
        let reason = refusal.reason.or(info.refusal);
        let login_id = refusal.login_id.map(|login| login.to_string());
        let page = Page {
            retry: Some(&retry),
            logout: refusal.logout,
            description: refusal.description,
            login_id: login_id.as_deref(),
            reason: reason.filter(|_| cause.has_reason()),
            words: refusal.words,
            login_pending: refusal.login_pending,
            ..self.page(Topic::Failure(cause), info, place.as_ref())
        };
        if info.wants_html {
            return response::failure(&page, cause, self.failure_pages.as_ref());
        }
        let login = self.config.absolute(&self.config.paths.login);
        response::problem(Problem {
            failure: Failure::of(&page, cause),
            detail: refusal.hint.or(refusal.words.map(|(_, summary)| summary)),
            login: cause.needs_login().then_some(login.as_str()),
            max_age: refusal.max_age,
        })
    }

    /// The place of the app that a request concerns: for the words of its page, and for another
    /// attempt.
    fn place(&self, info: &RequestInfo) -> ReturnTo {
        match self.config.paths.route(info.uri.path()) {
            Some(Route::Login) => {
                let return_to = info.parameter("return_to");
                self.config.return_to(return_to.as_deref())
            }
            Some(Route::Callback) => {
                let login = self.login_of_callback(info);
                self.config
                    .return_to(login.as_ref().map(PendingLogin::return_to))
            }
            None if matches!(info.kind, RequestKind::FormPost | RequestKind::Htmx) => {
                self.config.return_to_page(info)
            }
            _ => self.config.return_here(info),
        }
    }

    fn signed_out(&self, info: &RequestInfo) -> Response<Body> {
        let retry = self.config.login_path(self.config.home.as_str());
        let page = Page {
            retry: Some(&retry),
            ..self.page(Topic::SignedOut, info, None)
        };
        response::page(StatusCode::OK, &page)
    }

    /// A page with the app's words for a place of the app, or else for the app as a whole.
    fn page(&self, topic: Topic, info: &RequestInfo, place: Option<&ReturnTo>) -> Page<'_> {
        let language = info.language();
        let words = &self.config.words;
        let path = place.unwrap_or(&self.config.home).path();
        Page {
            app_name: self.config.app_name.as_deref(),
            purpose: words.purpose(language, path),
            continue_without: words.way_out(path).map(ReturnTo::as_str),
            home: Some(self.config.home.as_str()),
            form_may_lead_away: self.config.after_logout.is_some(),
            look: Some(&self.config.look),
            ..Page::new(topic, language)
        }
    }
}

/// Why a request is refused, and what its page adds to that.
struct Refusal<'a> {
    cause: FailureCause,
    retry: Retry<'a>,
    /// The place of the app that it concerns. It defaults to where another attempt leads.
    place: Option<&'a str>,
    description: Option<&'a str>,
    /// What a developer can change, for the problem document.
    hint: Option<&'a str>,
    /// Where the logout form posts to.
    logout: Option<&'a str>,
    login_id: Option<LoginId>,
    /// Why there is no session, or no login. It defaults to what is known of the request.
    reason: Option<SessionRefusal>,
    /// In seconds: how old a login may be.
    max_age: Option<u64>,
    /// The app's own title and summary.
    words: Option<(&'a str, &'a str)>,
    /// Whether the login goes on when the browser loads the same address again.
    login_pending: bool,
}

impl Refusal<'_> {
    fn because(cause: FailureCause) -> Self {
        Self {
            cause,
            retry: Retry::Login(None),
            place: None,
            description: None,
            hint: None,
            logout: None,
            login_id: None,
            reason: None,
            max_age: None,
            words: None,
            login_pending: false,
        }
    }
}

/// What the main button of a page does.
enum Retry<'a> {
    /// It starts a login that leads to this target, or to the place that the request concerns.
    Login(Option<&'a str>),
    /// It opens a page of the app, for a user who is signed in.
    Page(&'a str),
}
