//! The plain-http page from which recognition by the mobile network starts, and its redirect to
//! https.

use axum_core::body::Body;
use http::{Extensions, HeaderMap, Response, StatusCode, Uri, header, request::Parts};

use super::{Flow, Refusal, printable::printable, routes::Route};
use crate::{
    browser::{
        host::HostAndPort,
        pending_login::Pending,
        plain_http::PlainHttp,
        request::{RequestInfo, RequestKind},
        return_to::ReturnTo,
    },
    failure::FailureCause,
    response::{
        self,
        page::{Page, Topic},
    },
};

impl Flow {
    /// Responds with the page on either scheme, since a browser may upgrade it to https.
    pub(super) fn start_page(&self, info: &RequestInfo) -> Response<Body> {
        let Some(start) = &self.http_start else {
            return self.redirect_to_https(info);
        };
        if info.kind != RequestKind::Navigation {
            return self.refuse(info, Refusal::because(FailureCause::LoginRequired));
        }
        let token = info.query().strip_prefix("t=");
        let now = self.config.clock.seconds();
        let ticket = match token.and_then(|token| Some((start.open(token)?, token))) {
            Some((ticket, _)) if start.admit(&ticket, now) => ticket,
            // The ticket is late, or was shown before. On https, the cookie holds the target of the
            // login.
            Some((_, token)) => return self.resume_on_https(token),
            None => return self.resume_on_https(""),
        };
        let location = self.gateway.authorization_url(
            &ticket.state(),
            ticket.challenge(),
            ticket.parameters(),
        );
        let page = Page {
            retry: Some(&location),
            script: start.script.as_ref(),
            ..self.page(Topic::Start, info, None)
        };
        response::page(StatusCode::OK, &page)
    }

    /// The response to a start page that was asked for at another path than its own. A redirect to
    /// https would lead to a challenge, and so back to the start page, without end.
    pub(super) fn stray_start_page(&self, info: &RequestInfo) -> Option<Response<Body>> {
        let token = info.query().strip_prefix("t=")?;
        self.http_start.as_ref()?.open(token)?;
        let paths = &self.config.paths;
        let arrived_at = printable(info.uri.path());
        self.notices
            .stray_start_page(&arrived_at, paths.received(&paths.start));
        Some(self.resume_on_https(token))
    }

    fn resume_on_https(&self, token: &str) -> Response<Body> {
        let login = format!("{}?resume={token}", self.config.paths.login);
        response::see_other(&self.config.absolute(&login))
    }

    /// Returns the target of a login whose start page came too late. `None` for an address that
    /// this app did not make, where another attempt would not help.
    pub(super) fn resume(&self, info: &RequestInfo, token: &str) -> Option<ReturnTo> {
        let ticket = self.http_start.as_ref()?.open(token)?;
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
        let Some(start) = &self.http_start else {
            return false;
        };
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.or_else(|| Some(uri.authority()?.as_str()));
        host.and_then(|host| HostAndPort::parse(host, 80)).as_ref() == Some(&start.host)
    }

    /// The response to everything on plain http: the start page, or the way to https. Cookies are
    /// neither read nor set.
    pub(crate) fn on_plain_http(&self, parts: &Parts) -> Response<Body> {
        let info = &RequestInfo::of(parts);
        let route = self.config.paths.route(info.uri.path());
        match info.kind {
            RequestKind::Prefetch => {
                self.refuse(info, Refusal::because(FailureCause::SpeculativeRequest))
            }
            _ if route == Some(Route::Start) && self.http_start.is_some() => self.start_page(info),
            _ => match self.stray_start_page(info) {
                Some(response) => response,
                None => self.redirect_to_https(info),
            },
        }
    }

    fn redirect_to_https(&self, info: &RequestInfo) -> Response<Body> {
        if info.kind != RequestKind::Navigation {
            return self.refuse(info, Refusal::because(FailureCause::LoginRequired));
        }
        let target = self.config.return_here(info);
        response::see_other(&self.config.absolute(target.as_str()))
    }
}
