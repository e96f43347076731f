//! Sends a visitor to Telenor (RFC 6749 section 4.1.1), if it is one who can go.

use std::borrow::Cow;

use axum_core::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request::Parts};
use url::form_urlencoded;

use super::{Flow, Refusal, Retry};
use crate::{
    browser::{
        redirect_loop::Rounds,
        request::{self, Caller, Visit},
        return_to::ReturnTo,
    },
    events::Event,
    failure::FailureCause,
    oauth::{State, Verifier},
    response::{
        self,
        page::{Language, Page, Topic},
    },
    session::SessionStore,
};

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

impl<Store: SessionStore> Flow<Store> {
    /// The answer to a request that needs a session and has none.
    pub(crate) fn challenge(&self, visit: &Visit) -> Response<Body> {
        match visit.caller {
            Caller::Page => {}
            Caller::Form => return self.lead_back_to_form(visit),
            // Opens the page by itself and hands a browser the address that it ends at: this one, and no login of its own.
            Caller::Office => return self.login_page(visit, &self.target(visit)),
            Caller::Htmx => return self.login_by_htmx(visit),
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
        let return_to = self.target(visit);
        let after_logout = self.config.after_logout.as_ref();
        if after_logout.is_some_and(|page| page.path() == return_to.path()) {
            return self.signed_out(visit);
        }
        let headers = visit.headers();
        if self.is_loop(&headers, Rounds::BY_ITSELF) {
            return self.loop_page(visit, &return_to);
        }
        if self.config.login_page {
            return self.login_page(visit, &return_to);
        }
        self.begin(&headers, &return_to)
    }

    fn is_loop(&self, headers: &HeaderMap, rounds: u8) -> bool {
        let now = self.config.clock.seconds();
        self.rounds.count(&self.names, headers, now) >= rounds
    }

    fn loop_page(&self, visit: &Visit, return_to: &ReturnTo) -> Response<Body> {
        self.events.tell(Event::LoginFailed {
            login_id: None,
            cause: FailureCause::LoginLoop,
            detail: "the browser does not bring back its session cookie",
        });
        let mut refusal = Refusal::because(FailureCause::LoginLoop);
        refusal.retry = Retry::Login(Some(return_to.as_str()));
        self.refuse(visit, refusal)
    }

    /// The login route: for buttons, and for the next try after a failure.
    pub(super) fn login(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        if visit.caller != Caller::Page {
            return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
        }
        let return_to = match parameter(parts, "resume") {
            None => self
                .config
                .return_to(parameter(parts, "return_to").as_deref()),
            // With a button this time: clocks that disagree, or a browser that asks twice, would go round for ever.
            Some(token) => {
                return match self.resume(&parts.headers, &token) {
                    Some(return_to) => self.login_page(visit, &return_to),
                    None => self.refuse(visit, Refusal::because(FailureCause::StateUnknown)),
                };
            }
        };
        if parameter(parts, "form").is_some() {
            return self.form_not_sent(visit, &return_to);
        }
        if self.config.login_page && request::is_from_elsewhere(&parts.headers) {
            return self.login_page(visit, &return_to);
        }
        // Somebody may press a button a few times; an app that redirects here by itself may not do so for ever.
        if self.is_loop(&parts.headers, Rounds::BY_BUTTON) {
            return self.loop_page(visit, &return_to);
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
        response::page(StatusCode::OK, &page)
    }

    fn begin(&self, headers: &HeaderMap, return_to: &ReturnTo) -> Response<Body> {
        let state = State::random();
        let verifier = self.gateway.pkce.then(Verifier::random);
        let challenge = verifier.as_ref().map(Verifier::challenge);
        let now = self.config.clock.seconds();
        let location = match &self.http_start {
            Some(start) => start.url(&state, challenge, now),
            None => self.gateway.authorization_url(&state, challenge.as_deref()),
        };
        let cookies = self
            .pending
            .begin(&self.names, headers, &state, return_to, verifier, now);
        self.events.tell(Event::LoginStarted {
            login_id: &state.login_id(),
        });
        response::with_cookies(response::see_other(&location), cookies)
    }

    /// Nothing of the form is kept. The answer is a page that can be loaded again, which says so, and leads back to where the form is.
    fn lead_back_to_form(&self, visit: &Visit) -> Response<Body> {
        let return_to = self.config.return_to(self.own_path(visit.referer()));
        let page = self.login_url(return_to.as_str());
        response::see_other(&self.config.absolute(&format!("{page}&form=not-sent")))
    }

    fn form_not_sent(&self, visit: &Visit, return_to: &ReturnTo) -> Response<Body> {
        let mut refusal = Refusal::because(FailureCause::FormNotSent);
        refusal.retry = Retry::Login(Some(return_to.as_str()));
        self.refuse(visit, refusal)
    }

    /// HTMX would put a login page into the middle of the one it is on; this header makes it open one instead.
    fn login_by_htmx(&self, visit: &Visit) -> Response<Body> {
        let return_to = self.config.return_to(self.own_path(visit.htmx_page()));
        let login = self.config.absolute(&self.login_url(return_to.as_str()));
        let mut response = self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
        if let Ok(login) = HeaderValue::try_from(login) {
            response.headers_mut().insert(HX_REDIRECT, login);
        }
        response
    }
}

fn parameter<'p>(parts: &'p Parts, name: &str) -> Option<Cow<'p, str>> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut query = form_urlencoded::parse(query);
    query
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}
