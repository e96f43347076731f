//! Sends a visitor to Telenor (RFC 6749 section 4.1.1), if the kind of the request allows it.

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderValue, Response, StatusCode};

use super::{
    Flow, Refusal, Retry,
    begin::{Beginning, HX_REDIRECT, Pressed},
};
use crate::{
    browser::{
        login_button::BUTTON,
        redirect_loop::{ForeignCookie, LoopDetector},
        request::RequestInfo,
        request_kind::RequestKind,
        return_to::ReturnTo,
        signals::Initiator,
    },
    events::{Event, LoginTrigger},
    failure::FailureCause,
    response::{
        self,
        page::{Page, Topic},
    },
    session_refusal::SessionRefusal,
};

/// In the address that a form of another site leads to.
const FOREIGN_FORM: &str = "foreign";

impl Flow {
    /// The response to a request that needs a session and has none.
    pub(crate) fn challenge(&self, info: &RequestInfo) -> Response<Body> {
        match info.kind {
            RequestKind::Navigation => self.challenge_navigation(info),
            RequestKind::FormPost => self.lead_on_from_form(info),
            // Office opens the page by itself, and then its address in a browser. So it must not be
            // redirected to a login.
            RequestKind::OfficeProbe => self.login_page(info, &self.config.return_here(info)),
            RequestKind::Htmx => {
                self.login_by_htmx(info, &self.config.return_to_page(info), Pressed::No)
            }
            RequestKind::HtmxNavigation => {
                self.login_by_htmx(info, &self.config.return_here(info), Pressed::No)
            }
            RequestKind::Prefetch => {
                self.refuse(info, Refusal::because(FailureCause::SpeculativeRequest))
            }
            RequestKind::Preflight => self.refuse(
                info,
                Refusal {
                    hint: Some("put the CORS layer outside the TelenorAuthLayer"),
                    ..Refusal::because(FailureCause::ForeignOrigin)
                },
            ),
            // A script may have sent this, so it starts no login. The page has a button.
            RequestKind::Relayed | RequestKind::Subresource => {
                self.require_login(info, &self.config.return_here(info))
            }
        }
    }

    fn challenge_navigation(&self, info: &RequestInfo) -> Response<Body> {
        let return_to = self.config.return_here(info);
        let is = |page: &ReturnTo| match page.as_str().contains('?') {
            true => *page == return_to,
            false => page.path() == return_to.path(),
        };
        if self.config.after_logout.as_ref().is_some_and(is) {
            return self.signed_out(info);
        }
        if self.is_loop(info, LoopDetector::MAX_AUTOMATIC) {
            return self.loop_page(info, &return_to);
        }
        if self.config.words.ways_out().any(is) {
            // A user who wants to go on without a login does not get one by that.
            self.notices.guarded_way_out(return_to.path());
            return self.login_page(info, &return_to);
        }
        if self.config.home_is_set && self.config.home.path() == return_to.path() {
            self.notices.guarded_home(return_to.path());
        }
        if self.config.login_page {
            return self.login_page(info, &return_to);
        }
        self.begin_by(LoginTrigger::Challenge, info, &return_to)
    }

    /// Responds on the login route: for buttons, and for another attempt after a failure.
    pub(super) async fn login(self: &Arc<Self>, info: &RequestInfo) -> Response<Body> {
        let return_to = info.parameter("return_to");
        let return_to = self.config.return_to(return_to.as_deref());
        match info.kind {
            RequestKind::Navigation | RequestKind::Relayed => {}
            RequestKind::OfficeProbe => return self.login_page(info, &return_to),
            RequestKind::HtmxNavigation => {
                return self.login_by_htmx(info, &return_to, Pressed::Yes);
            }
            RequestKind::Htmx => return self.login_by_htmx(info, &return_to, Pressed::No),
            _ => return self.require_login(info, &return_to),
        }
        // With a button this time: clocks that differ, or a browser that asks twice, would make a
        // loop.
        if let Some(token) = info.parameter("resume") {
            return match self.resume(info, &token) {
                Some(return_to) => self.login_page(info, &return_to),
                None => self.refuse(info, Refusal::because(FailureCause::StateUnknown)),
            };
        }
        match info.parameter("form").as_deref() {
            Some(FOREIGN_FORM) if self.has_session(info).await => {
                return response::see_other(self.config.absolute(return_to.as_str()));
            }
            Some(FOREIGN_FORM) => return self.require_login(info, &return_to),
            Some(_) => return self.refuse(info, Refusal::because(FailureCause::FormNotSent)),
            None => {}
        }
        if self.asks_first(info).await {
            if self.login_button.cannot_be_proven(info) {
                let info = info.clone().refused(SessionRefusal::NoCookie);
                return self.loop_page(&info, &return_to);
            }
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
        self.begin_by(LoginTrigger::Button, info, &return_to)
    }

    /// Whether a login that another site may have caused waits for a button: where the app wants
    /// that for every login, and where it would end a session.
    ///
    /// A browser that does not say who caused the request may be such a case.
    async fn asks_first(self: &Arc<Self>, info: &RequestInfo) -> bool {
        if self.login_button.was_pressed(info) {
            return false;
        }
        if info.parameter("ask").is_some() {
            return true;
        }
        match info.initiator {
            Initiator::SameOrigin => false,
            Initiator::User => self.config.login_page,
            Initiator::OtherOrigin | Initiator::Unstated => {
                self.config.login_page || self.has_session(info).await
            }
        }
    }

    /// A store that does not answer may have a session.
    async fn has_session(self: &Arc<Self>, info: &RequestInfo) -> bool {
        let current = self.current_session(info, self.config.clock.now()).await;
        current.as_ref().map_or(true, Result::is_ok)
    }

    fn begin_by(
        &self,
        trigger: LoginTrigger,
        info: &RequestInfo,
        return_to: &ReturnTo,
    ) -> Response<Body> {
        let beginning = Beginning {
            return_to,
            trigger,
            note: None,
            parameters: Vec::new(),
        };
        self.begin(info, beginning)
    }

    /// Nothing happens before the button is pressed: a foreign page cannot have a visitor
    /// recognized by a mere link.
    pub(super) fn login_page(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        let login = self.config.login_path(return_to.as_str());
        // Where the browser will not say that the button was pressed, a cookie says it.
        let states_nothing = info.initiator == Initiator::Unstated;
        let by_a_browser = matches!(info.kind, RequestKind::Navigation | RequestKind::Relayed);
        let button = (states_nothing && by_a_browser).then(|| self.login_button.show(info));
        let login = match &button {
            Some(button) => format!("{login}&{BUTTON}={}", button.value),
            None => login,
        };
        let page = Page {
            retry: Some(&login),
            ..self.page(Topic::LoginPage, info, Some(return_to))
        };
        let page = response::page(StatusCode::OK, &page);
        response::with_cookies(page, button.map(|button| button.cookie))
    }

    pub(super) fn is_loop(&self, info: &RequestInfo, logins: u8) -> bool {
        let now = self.config.clock.seconds();
        match self.loop_detector.count(info, now) {
            Ok(count) => count >= logins,
            Err(ForeignCookie) => {
                self.notices.foreign_cookie(&self.names.session);
                false
            }
        }
    }

    pub(super) fn loop_page(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
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

    /// Nothing of the form is kept.
    ///
    /// A form of the app is lost. The response leads to a page that can be loaded again, which says
    /// so, and leads back to where the form is.
    ///
    /// Another site has a browser send a form when it returns from a payment, for example. That
    /// request comes without its cookies (`SameSite=Lax`), and the next one with them. So that one
    /// finds out whether there is a session, and leads on to the same address.
    fn lead_on_from_form(&self, info: &RequestInfo) -> Response<Body> {
        let (return_to, form) = if info.is_foreign_form(&self.config.origin_str) {
            (self.config.return_here(info), FOREIGN_FORM)
        } else {
            (self.config.return_to_page(info), "not-sent")
        };
        let page = self.config.login_path(return_to.as_str());
        response::see_other(self.config.absolute(&format!("{page}&form={form}")))
    }

    /// A client that cannot go through a login, but may show a person the way to it.
    pub(super) fn require_login(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        let refusal = Refusal {
            retry: Retry::Login(Some(return_to.as_str())),
            ..Refusal::because(FailureCause::LoginRequired)
        };
        self.refuse(info, refusal)
    }

    /// HTMX would put a login page into the middle of the page that it is on. This header makes it
    /// open one instead.
    ///
    /// HTMX asks for a part of a page, or for a page of its history, without an action of the user
    /// as well. Where each login waits for the user, that one does too.
    pub(super) fn login_by_htmx(
        &self,
        info: &RequestInfo,
        return_to: &ReturnTo,
        pressed: Pressed,
    ) -> Response<Body> {
        let mut login = self.config.login_path(return_to.as_str());
        if self.config.login_page && pressed == Pressed::No {
            login.push_str("&ask=first");
        }
        let mut response = self.require_login(info, return_to);
        if let Ok(login) = HeaderValue::try_from(self.config.absolute(&login)) {
            response.headers_mut().insert(HX_REDIRECT, login);
        }
        response
    }
}
