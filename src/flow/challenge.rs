//! Sends a visitor to Telenor (RFC 6749 section 4.1.1), if it is one who can go.

use axum_core::body::Body;
use http::{HeaderMap, Response, StatusCode, request::Parts};
use url::form_urlencoded;

use super::{Flow, Refusal};
use crate::{
    ClearText, FailureCause, Language,
    oauth::{State, Verifier},
    page::{Page, Topic},
    response,
    return_to::ReturnTo,
    session::SessionStore,
    visit::{self, Caller, Visit},
};

impl<Store: SessionStore> Flow<Store> {
    /// The answer to a request that needs a session and has none.
    pub(crate) fn challenge(&self, visit: &Visit) -> Response<Body> {
        match visit.caller {
            Caller::Page => {}
            Caller::Form => return self.form_not_sent(visit),
            Caller::Speculative => {
                return self.refuse(visit, Refusal::because(FailureCause::SpeculativeRequest));
            }
            Caller::Preflight => {
                return self.refuse(visit, Refusal::because(FailureCause::CrossSiteRequest));
            }
            Caller::Script => {
                return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
            }
        }
        // Only path and query: what comes before them in a request line is the client's choice.
        let return_to = self
            .config
            .return_to(visit.uri.path_and_query().map(|path| path.as_str()));
        let after_logout = self.config.after_logout.as_ref();
        if after_logout.is_some_and(|page| page.path() == return_to.path()) {
            return self.signed_out(visit);
        }
        let headers = visit.headers();
        let now = self.config.clock.seconds();
        if self.rounds.is_loop(&self.names, &headers, now) {
            tracing::warn!(cause = %FailureCause::LoginLoop, "login refused: the browser does not bring back its session cookie");
            let mut refusal = Refusal::because(FailureCause::LoginLoop);
            refusal.retry = Some(return_to.as_str());
            return self.refuse(visit, refusal);
        }
        if self.config.login_page {
            return self.login_page(visit, &return_to);
        }
        self.begin(&headers, &return_to)
    }

    /// The login route: for buttons, and for the next try after a failure.
    pub(super) fn login(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        if visit.caller != Caller::Page {
            return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
        }
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let mut query = form_urlencoded::parse(query);
        let target = query.find(|(name, _)| name == "return_to");
        let return_to = self
            .config
            .return_to(target.as_ref().map(|(_, target)| &**target));
        if self.config.login_page && visit::is_from_elsewhere(&parts.headers) {
            return self.login_page(visit, &return_to);
        }
        self.begin(&parts.headers, &return_to)
    }

    /// Nothing happens before the button is pressed: a foreign page cannot have a visitor recognised by a mere link.
    fn login_page(&self, visit: &Visit, return_to: &ReturnTo) -> Response<Body> {
        let language = Language::negotiate(&visit.headers());
        let login = self.login_url(return_to.as_str());
        let page = Page {
            retry: Some(&login),
            ..self.page(Topic::LoginPage, language)
        };
        response::page(StatusCode::OK, language, page.render())
    }

    fn begin(&self, headers: &HeaderMap, return_to: &ReturnTo) -> Response<Body> {
        let state = State::random();
        let verifier = self.gateway.pkce.then(Verifier::random);
        let location = self.gateway.authorization_url(&state, verifier.as_ref());
        let now = self.config.clock.seconds();
        let cookies = self
            .pending
            .begin(&self.names, headers, &state, return_to, verifier, now);
        tracing::debug!(login_id = %state.login_id(), "login started");
        response::with_cookies(response::see_other(&location), cookies)
    }

    /// Nothing of the form is kept: the next try leads to the page that it was on.
    fn form_not_sent(&self, visit: &Visit) -> Response<Body> {
        let from = visit.referer().and_then(|referer| {
            let path = referer.strip_prefix(&*self.config.origin_text)?;
            path.starts_with('/').then_some(path)
        });
        let return_to = self.config.return_to(from);
        let mut refusal = Refusal::because(FailureCause::FormNotSent);
        refusal.retry = Some(return_to.as_str());
        self.refuse(visit, refusal)
    }

    /// Everything on plain http is sent to https, with neither a look at cookies nor one set.
    pub(crate) fn to_https(&self, visit: &Visit) -> Response<Body> {
        if visit.caller != Caller::Page {
            return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
        }
        let target = visit.uri.path_and_query().map(|path| path.as_str());
        let target = self.config.return_to(target);
        response::see_other(&self.config.absolute(target.as_str()))
    }

    /// Whether a request came over plain http although the app lives on https.
    pub(crate) fn is_clear_text(&self, extensions: &http::Extensions) -> bool {
        extensions.get::<ClearText>().is_some() && self.config.origin.scheme() == "https"
    }
}
