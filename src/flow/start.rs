//! The page between the app and Telenor, its link to Telenor, and the redirect from plain http to
//! https.

use axum_core::body::Body;
use http::{Extensions, HeaderMap, Response, StatusCode, Uri, header, request::Parts};
use url::form_urlencoded;

use super::{Flow, Refusal, printable::printable, routes::Route};
use crate::{
    browser::{
        host::HostAndPort, pending_login::Pending, plain_http::PlainHttp, request::RequestInfo,
        request_kind::RequestKind, return_to::ReturnTo,
    },
    events::{Event, StartPageStep, record_login},
    failure::FailureCause,
    login_id::LoginId,
    oauth::State,
    response::{
        self,
        page::{Page, Topic},
    },
};

/// In the address of the page.
const TICKET: &str = "t=";
/// In the address that the page leads on to. What follows the token are parameters of the script.
const GO: &str = "go=";
/// What a script may add to the link: bytes as sent, and parameters.
const MAX_ADDED: usize = 2048;
const MAX_PARAMETERS: usize = 32;

impl Flow {
    /// Responds on the start route of the app's own origin.
    pub(super) fn start_route(&self, info: &RequestInfo) -> Response<Body> {
        match info.query().strip_prefix(GO) {
            Some(rest) if self.start_page.is_some() => {
                let (token, parameters) = rest.split_once('&').unwrap_or((rest, ""));
                self.go_on(info, token, parameters)
            }
            _ => self.start_page(info),
        }
    }

    /// Responds with the page on either scheme, since a browser may upgrade it to https.
    fn start_page(&self, info: &RequestInfo) -> Response<Body> {
        let Some(start) = &self.start_page else {
            return self.redirect_to_https(info);
        };
        if !is_navigation(info) {
            return self.refuse(info, Refusal::because(FailureCause::LoginRequired));
        }
        let token = info.query().strip_prefix(TICKET);
        let now = self.config.clock.seconds();
        let (ticket, token) = match token.and_then(|token| Some((start.open(token)?, token))) {
            Some((ticket, token)) if start.admit(&ticket, now) => (ticket, token),
            // The ticket is late, or was shown before. On https, the cookie holds the target of the
            // login.
            Some((_, token)) => return self.resume_on_https(token),
            None => return self.resume_on_https(""),
        };
        self.step(ticket.state().login_id(), StartPageStep::Shown);
        // Over the app's own origin: there, the cookie shows whose login it is. So neither `state`
        // nor what a script adds is readable to others where the page is on plain http.
        let go = format!("{}?{GO}{token}", self.config.paths.start);
        let go = self.config.absolute(&go);
        let page = Page {
            retry: Some(&go),
            script: start.script.as_ref(),
            ..self.page(Topic::Start, info, None)
        };
        response::page(StatusCode::OK, &page)
    }

    /// The page's link: it leads the browser that began the login on to Telenor.
    ///
    /// On plain http, others on the way can read the page and its link. Only the browser has the
    /// cookie. It is `Lax`, so the browser sends it from the page of another site too.
    fn go_on(&self, info: &RequestInfo, token: &str, parameters: &str) -> Response<Body> {
        if !is_navigation(info) {
            return self.refuse(info, Refusal::because(FailureCause::LoginRequired));
        }
        if parameters.len() > MAX_ADDED || parameters.split('&').count() > MAX_PARAMETERS {
            return self.resume_on_https("");
        }
        let now = self.config.clock.seconds();
        let start = self.start_page.as_ref();
        let ticket = start.and_then(|start| Some((start, start.open(token)?)));
        let Some((start, ticket)) = ticket else {
            return self.resume_on_https("");
        };
        if !start.may_pass(&ticket, now) {
            return self.resume_on_https(token);
        }
        let state = ticket.state();
        if !matches!(self.pending.find(info, &state, now), Pending::Live(_)) {
            return self.resume_on_https(token);
        }
        if start.is_first_pass(state.login_id(), now) {
            self.step(state.login_id(), StartPageStep::Passed);
        }
        let parameters = form_urlencoded::parse(parameters.as_bytes());
        let (challenge, own) = (ticket.challenge(), ticket.parameters());
        let location = self.gateway.authorization_url(&state, challenge, own);
        response::see_other(self.gateway.with_parameters(location, parameters))
    }

    /// Notes that a login came back, with a code or with an error.
    pub(super) fn came_back(&self, state: &State, pending: &Pending, now: u64) {
        let begun_here = !matches!(pending, Pending::Twice | Pending::Unknown);
        if let Some(start) = &self.start_page
            && begun_here
            && start.is_first_return(state.login_id(), now)
        {
            self.step(state.login_id(), StartPageStep::Returned);
        }
    }

    fn step(&self, login: LoginId, step: StartPageStep) {
        let login_id = login.to_string();
        record_login(&login_id);
        let login_id = login_id.as_str();
        self.events.emit(Event::StartPage { login_id, step });
    }

    /// The response to a start page, or its link, at another path than its own. A redirect to https
    /// would lead to a challenge, and so back to the start page, without end.
    pub(super) fn stray_start_page(&self, info: &RequestInfo) -> Option<Response<Body>> {
        let query = info.query();
        let go = query.strip_prefix(GO);
        let go = go.and_then(|rest| rest.split('&').next());
        let token = query.strip_prefix(TICKET).or(go)?;
        self.start_page.as_ref()?.open(token)?;
        let paths = &self.config.paths;
        let arrived_at = printable(info.uri.path());
        self.notices
            .stray_start_page(&arrived_at, paths.received(&paths.start));
        Some(self.resume_on_https(token))
    }

    fn resume_on_https(&self, token: &str) -> Response<Body> {
        let login = format!("{}?resume={token}", self.config.paths.login);
        response::see_other(self.config.absolute(&login))
    }

    /// Returns the target of a login whose start page came too late. `None` for an address that
    /// this app did not make, where another attempt would not help.
    pub(super) fn resume(&self, info: &RequestInfo, token: &str) -> Option<ReturnTo> {
        let ticket = self.start_page.as_ref()?.open(token)?;
        let now = self.config.clock.seconds();
        Some(match &self.pending.find(info, &ticket.state(), now) {
            Pending::Live(login) | Pending::Expired(login) | Pending::FromFuture(login) => {
                self.config.return_to(Some(login.return_to()))
            }
            Pending::Twice | Pending::Unknown => self.config.home.clone(),
        })
    }

    /// Whether a request came over plain http although the app lives on https: the listener marked
    /// it, or it was sent to the host of the start page.
    pub(crate) fn is_plain_http(
        &self,
        extensions: &Extensions,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> bool {
        if self.config.origin.scheme() == "https" && extensions.get::<PlainHttp>().is_some() {
            return true;
        }
        let Some(start) = self.http_start_host() else {
            return false;
        };
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.or_else(|| Some(uri.authority()?.as_str()));
        host.and_then(|host| HostAndPort::parse(host, 80)).as_ref() == Some(start)
    }

    /// The host of a start page on plain http.
    fn http_start_host(&self) -> Option<&HostAndPort> {
        self.start_page.as_ref()?.http_host.as_ref()
    }

    /// The response to everything on plain http: the start page, or the way to https. Cookies are
    /// neither read nor set.
    pub(crate) fn on_plain_http(&self, parts: &Parts) -> Response<Body> {
        let info = &RequestInfo::of(parts);
        let route = self.config.paths.route(info.uri.path());
        if info.kind == RequestKind::Prefetch {
            return self.refuse_on_plain_http(info, FailureCause::SpeculativeRequest);
        }
        match route {
            Some(Route::Start) if self.http_start_host().is_some() => self.start_page(info),
            Some(_) => self.redirect_to_https(info),
            None => match self.stray_start_page(info) {
                Some(response) => response,
                None => self.redirect_to_https(info),
            },
        }
    }

    pub(super) fn redirect_to_https(&self, info: &RequestInfo) -> Response<Body> {
        if info.kind != RequestKind::Navigation {
            return self.refuse_on_plain_http(info, FailureCause::LoginRequired);
        }
        let target = self.config.return_here(info);
        response::see_other(self.config.absolute(target.as_str()))
    }

    /// Refuses by the address alone. A cookie could name the target of a login.
    fn refuse_on_plain_http(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body> {
        let here = self.config.return_here(info);
        let refusal = Refusal {
            place: Some(here.as_str()),
            ..Refusal::because(cause)
        };
        self.refuse(info, refusal)
    }
}

/// Whether a browser opens a page, perhaps through a service worker of the app.
fn is_navigation(info: &RequestInfo) -> bool {
    matches!(info.kind, RequestKind::Navigation | RequestKind::Relayed)
}
