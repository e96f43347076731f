//! Sends a visitor to Telenor (RFC 6749 section 4.1.1), if the kind of the request allows it.

use std::{borrow::Cow, sync::Arc};

use axum_core::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use url::form_urlencoded;

use super::{Flow, Refusal, Retry};
use crate::{
    browser::{
        redirect_loop::LoopDetector,
        request::{self, RequestInfo, RequestKind},
        return_to::ReturnTo,
    },
    events::Event,
    failure::FailureCause,
    oauth::{State, Verifier},
    response::{
        self,
        page::{Page, Topic},
    },
    session_refusal::SessionRefusal,
};

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

impl Flow {
    /// The response to a request that needs a session and has none.
    pub(crate) fn challenge(&self, info: &RequestInfo) -> Response<Body> {
        match info.kind {
            RequestKind::Navigation => self.challenge_navigation(info),
            RequestKind::FormPost => self.lead_back_to_form(info),
            // Office opens the page by itself and hands a browser the address that it ends at: this
            // one, and no login of its own.
            RequestKind::OfficeProbe => {
                self.login_page(info, &self.config.return_to(info.path_and_query()))
            }
            RequestKind::Htmx => self.login_by_htmx(info),
            RequestKind::Prefetch => {
                self.refuse(info, Refusal::because(FailureCause::SpeculativeRequest))
            }
            RequestKind::Preflight => {
                self.refuse(info, Refusal::because(FailureCause::CrossSiteRequest))
            }
            RequestKind::Subresource => {
                self.refuse(info, Refusal::because(FailureCause::LoginRequired))
            }
        }
    }

    fn challenge_navigation(&self, info: &RequestInfo) -> Response<Body> {
        let return_to = self.config.return_to(info.path_and_query());
        let after_logout = self.config.after_logout.as_ref();
        if after_logout.is_some_and(|page| page.path() == return_to.path()) {
            return self.signed_out(info);
        }
        if self.is_loop(info, LoopDetector::MAX_AUTOMATIC) {
            return self.loop_page(info, &return_to);
        }
        if self.config.login_page {
            return self.login_page(info, &return_to);
        }
        self.begin(info, &return_to)
    }

    /// Responds on the login route: for buttons, and for another attempt after a failure.
    pub(super) async fn login(
        self: &Arc<Self>,
        headers: &HeaderMap,
        info: &RequestInfo,
    ) -> Response<Body> {
        if info.kind != RequestKind::Navigation {
            return self.refuse(info, Refusal::because(FailureCause::LoginRequired));
        }
        // With a button this time: clocks that differ, or a browser that asks twice, would make a
        // loop.
        if let Some(token) = parameter(info, "resume") {
            return match self.resume(info, &token) {
                Some(return_to) => self.login_page(info, &return_to),
                None => self.refuse(info, Refusal::because(FailureCause::StateUnknown)),
            };
        }
        let return_to = parameter(info, "return_to");
        let return_to = self.config.return_to(return_to.as_deref());
        if parameter(info, "form").is_some() {
            return self.form_not_sent(info, &return_to);
        }
        if self.config.login_page && request::is_from_elsewhere(headers) {
            return self.login_page(info, &return_to);
        }
        // A person may press a button a few times. An app that redirects here by itself must not do
        // so without end.
        if self.is_loop(info, LoopDetector::MAX_MANUAL) {
            let current = self.current_session(info, self.config.clock.now()).await;
            let refusal = current.ok().and_then(Result::err);
            let info = RequestInfo::clone(info);
            let info = match refusal {
                Some(refusal) => info.refused(refusal),
                None => info,
            };
            return self.loop_page(&info, &return_to);
        }
        self.begin(info, &return_to)
    }

    fn begin(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        let state = State::random();
        let verifier = self.gateway.pkce.then(Verifier::random);
        let challenge = verifier.as_ref().map(Verifier::challenge);
        let now = self.config.clock.seconds();
        let location = match &self.http_start {
            Some(start) => start.url(&state, challenge, now),
            None => self.gateway.authorization_url(&state, challenge.as_deref()),
        };
        let cookies = self.pending.begin(info, &state, return_to, verifier, now);
        self.events.emit(Event::LoginStarted {
            login_id: &state.login_id().to_string(),
        });
        response::with_cookies(response::see_other(&location), cookies)
    }

    /// Nothing happens before the button is pressed: a foreign page cannot have a visitor
    /// recognized by a mere link.
    fn login_page(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        let login = self.config.login_path(return_to.as_str());
        let page = Page {
            retry: Some(&login),
            ..self.page(Topic::LoginPage, info.language())
        };
        response::page(StatusCode::OK, &page)
    }

    fn is_loop(&self, info: &RequestInfo, logins: u8) -> bool {
        let now = self.config.clock.seconds();
        self.loop_detector.count(info, now) >= logins
    }

    fn loop_page(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        self.events.emit(Event::LoginFailed {
            login_id: None,
            cause: FailureCause::LoginLoop,
            reason: info.refusal,
            detail: info.refusal.map_or("", SessionRefusal::detail_after_login),
        });
        let refusal = Refusal {
            retry: Retry::Login(Some(return_to.as_str())),
            ..Refusal::because(FailureCause::LoginLoop)
        };
        self.refuse(info, refusal)
    }

    /// Nothing of the form is kept. The response leads to a page that can be loaded again, which
    /// says so, and leads back to where the form is.
    fn lead_back_to_form(&self, info: &RequestInfo) -> Response<Body> {
        let return_to = self.config.return_to(self.config.own_path(info.referer()));
        let page = self.config.login_path(return_to.as_str());
        response::see_other(&self.config.absolute(&format!("{page}&form=not-sent")))
    }

    fn form_not_sent(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        let refusal = Refusal {
            retry: Retry::Login(Some(return_to.as_str())),
            ..Refusal::because(FailureCause::FormNotSent)
        };
        self.refuse(info, refusal)
    }

    /// HTMX would put a login page into the middle of the page that it is on. This header makes it
    /// open one instead.
    fn login_by_htmx(&self, info: &RequestInfo) -> Response<Body> {
        let return_to = self
            .config
            .return_to(self.config.own_path(info.htmx_page()));
        let login = self.config.login_path(return_to.as_str());
        let mut response = self.refuse(info, Refusal::because(FailureCause::LoginRequired));
        if let Ok(login) = HeaderValue::try_from(self.config.absolute(&login)) {
            response.headers_mut().insert(HX_REDIRECT, login);
        }
        response
    }
}

fn parameter<'p>(info: &'p RequestInfo, name: &str) -> Option<Cow<'p, str>> {
    let mut query = form_urlencoded::parse(info.query().as_bytes());
    query
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}
