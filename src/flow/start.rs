//! By way of plain http: the page that recognition by the mobile network starts from, and nothing else.

use axum_core::body::Body;
use http::{Extensions, HeaderMap, Response, StatusCode, Uri, header, request::Parts};

use super::{Flow, Refusal};
use crate::{
    browser::{
        pending_login::Pending,
        plain_http::ClearText,
        request::{Caller, Visit},
        return_to::ReturnTo,
    },
    failure::FailureCause,
    flow::routes::Route,
    response::{
        self,
        page::{Language, Page, Topic},
    },
    session::SessionStore,
};

impl<Store: SessionStore> Flow<Store> {
    /// The page, on whichever scheme the browser made of it: there is nothing on it that https would spoil.
    pub(super) fn start_page(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        let Some(start) = &self.http_start else {
            return self.to_https(visit);
        };
        if visit.caller != Caller::Page {
            return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
        }
        let token = parts.uri.query().and_then(|query| query.strip_prefix("t="));
        let now = self.config.clock.seconds();
        let hop = match token.and_then(|token| Some((start.open(token)?, token))) {
            Some((hop, _)) if start.admit(&hop, now) => hop,
            // Late, or seen before: on to https, where the cookie knows the place to go to.
            Some((_, token)) => return self.resume_on_https(token),
            None => return self.resume_on_https(""),
        };
        let location = self
            .gateway
            .authorization_url(&hop.state(), hop.challenge());
        let language = Language::negotiate(&parts.headers);
        let page = Page {
            retry: Some(&location),
            script: start.script.as_ref(),
            ..self.page(Topic::Start, language)
        };
        response::page(StatusCode::OK, &page)
    }

    fn resume_on_https(&self, token: &str) -> Response<Body> {
        let login = format!("{}?resume={token}", self.config.paths.login);
        response::see_other(&self.config.absolute(&login))
    }

    /// Where the login of a start page that came too late was to lead; `None` for an address that was never ours, from which
    /// a next try would fare no better.
    pub(super) fn resume(&self, headers: &HeaderMap, token: &str) -> Option<ReturnTo> {
        let hop = self.http_start.as_ref()?.open(token)?;
        let now = self.config.clock.seconds();
        let pending = self.pending.find(&self.names, headers, &hop.state(), now);
        Some(match &pending {
            Pending::Live(login) | Pending::Expired(login) => {
                self.config.return_to(Some(login.return_to()))
            }
            Pending::Unknown => self.config.home.clone(),
        })
    }

    /// Whether a request came over plain http although the app lives on https: the listener says so, or it was meant for the host
    /// of the start page.
    pub(crate) fn is_clear_text(
        &self,
        extensions: &Extensions,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> bool {
        if self.config.origin.scheme() == "https" && extensions.get::<ClearText>().is_some() {
            return true;
        }
        let Some(start) = &self.http_start else {
            return false;
        };
        let host = headers.get(header::HOST).map(http::HeaderValue::as_bytes);
        let host = host.or_else(|| Some(uri.authority()?.as_str().as_bytes()));
        host.is_some_and(|host| host.eq_ignore_ascii_case(start.authority.as_bytes()))
    }

    /// The answer to everything on plain http: the start page, or the way to https. Cookies are neither looked at nor set.
    pub(crate) fn on_clear_text(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        let route = self.config.paths.route(visit.uri.path());
        match visit.caller {
            Caller::Speculative => {
                self.refuse(visit, Refusal::because(FailureCause::SpeculativeRequest))
            }
            _ if route == Some(Route::Start) && self.http_start.is_some() => {
                self.start_page(parts, visit)
            }
            _ => self.to_https(visit),
        }
    }

    fn to_https(&self, visit: &Visit) -> Response<Body> {
        if visit.caller != Caller::Page {
            return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
        }
        let target = self.target(visit);
        response::see_other(&self.config.absolute(target.as_str()))
    }
}
