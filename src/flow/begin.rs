//! Begins a login: one cookie, and the way to Telenor (RFC 6749 section 4.1.1).

use axum_core::body::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode, request::Parts};

use super::{Flow, printable::printable};
use crate::{
    app_value::AppValue,
    browser::{
        host::HostAndPort, login_button::BUTTON, pending_login::NewLogin,
        redirect_loop::LoopDetector, request::RequestInfo, request_kind::RequestKind,
        return_to::ReturnTo, signals::Initiator,
    },
    events::{Event, LoginTrigger, record_login},
    oauth::{CodeChallenge, State, Verifier},
    response::{
        self,
        page::{Page, Topic},
    },
    session_refusal::SessionRefusal,
    user::{LoginOptions, LoginSource},
};

pub(super) const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Whether the user pressed a button that begins a login.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    Yes,
    No,
}

/// What a login begins with.
pub(super) struct Beginning<'a> {
    pub return_to: &'a ReturnTo,
    pub trigger: LoginTrigger,
    pub note: Option<AppValue>,
    pub parameters: Vec<(String, String)>,
}

/// The way to Telenor, and the cookies that the browser needs when it comes back.
struct WayOut {
    location: String,
    cookies: Vec<HeaderValue>,
}

impl Flow {
    /// Where a request comes from that no layer has seen, for a login that its handler starts.
    pub(crate) fn login_source(&self, request: &Parts) -> LoginSource {
        let Parts {
            method,
            uri,
            headers,
            extensions,
            ..
        } = request;
        if self.is_plain_http(extensions, uri, headers) {
            return LoginSource::PlainHttp;
        }
        let cross_origin = self.cross_origin(&RequestInfo::of(request), method, headers);
        cross_origin.map_or(LoginSource::Own, LoginSource::OtherOrigin)
    }

    /// Begins the login that a handler asks for, where the kind of its request allows that.
    ///
    /// A form is the app's: its handler has seen it, so nothing of it is lost.
    pub(super) fn begin_for_handler(
        &self,
        info: &RequestInfo,
        options: LoginOptions,
    ) -> Response<Body> {
        match &options.source {
            LoginSource::Own => {}
            LoginSource::OtherOrigin(request) => return self.refuse_of_other_origin(info, request),
            // Neither the cookie nor `state` may go over that connection.
            LoginSource::PlainHttp => return self.redirect_to_https(info),
        }
        let is_signed_in = options.is_signed_in.unwrap_or_else(|| {
            // A route that the layer does not see: a cookie may be a session.
            self.session_token(info.cookies()).is_ok()
        });
        let return_to = match (options.return_to, info.kind) {
            (Some(path), _) => self.config.return_to(Some(&path)),
            (None, RequestKind::FormPost | RequestKind::Htmx) => self.config.return_to_page(info),
            (None, _) => self.config.return_here(info),
        };
        let is_htmx = match info.kind {
            RequestKind::Navigation if self.asks_before_handler(info, is_signed_in) => {
                return self.page_before_handler(info, &return_to);
            }
            RequestKind::Navigation | RequestKind::FormPost => false,
            // HTMX asks without an action of the user as well.
            RequestKind::Htmx if self.config.login_page => {
                return self.login_by_htmx(info, &return_to, Pressed::No);
            }
            RequestKind::Htmx | RequestKind::HtmxNavigation => true,
            RequestKind::OfficeProbe => return self.page_before_handler(info, &return_to),
            // A script may have sent this, so it starts no login. The button of the page starts
            // one, without the note.
            RequestKind::Relayed | RequestKind::Subresource => {
                return self.require_login(info, &return_to);
            }
            RequestKind::Prefetch | RequestKind::Preflight => return self.challenge(info),
        };
        // An app whose page asks for a login each time it is loaded must not do so without end.
        let rounds = match (info.kind, info.initiator) {
            (RequestKind::Navigation, Initiator::OtherOrigin | Initiator::User) => {
                LoopDetector::MAX_AUTOMATIC
            }
            _ => LoopDetector::MAX_MANUAL,
        };
        if self.is_loop(info, rounds) {
            return self.loop_page(info, &return_to);
        }
        let beginning = Beginning {
            return_to: &return_to,
            trigger: LoginTrigger::Handler,
            note: options.note,
            parameters: options.parameters,
        };
        if !is_htmx {
            return self.begin(info, beginning);
        }
        // HTMX cannot follow a redirect to another origin. It opens this address as a page.
        let WayOut { location, cookies } = self.way_out(info, beginning);
        let mut response = self.require_login(info, &return_to);
        if let Ok(mut location) = HeaderValue::try_from(location) {
            // It holds `state`.
            location.set_sensitive(true);
            response.headers_mut().insert(HX_REDIRECT, location);
        }
        response::with_cookies(response, cookies)
    }

    /// Whether the login of a handler waits for a button, by the rules of the login route: where
    /// the app wants that for every login, and where another site would end a session by a link.
    fn asks_before_handler(&self, info: &RequestInfo, is_signed_in: bool) -> bool {
        match info.initiator {
            Initiator::SameOrigin => false,
            Initiator::User => self.config.login_page,
            Initiator::OtherOrigin => self.config.login_page || is_signed_in,
            Initiator::Unstated => {
                (self.config.login_page || is_signed_in) && !self.login_button.was_pressed(info)
            }
        }
    }

    /// The page whose button opens the same address again, so that the handler starts the login.
    fn page_before_handler(&self, info: &RequestInfo, return_to: &ReturnTo) -> Response<Body> {
        let here = self.config.return_here(info);
        let states_nothing = info.initiator == Initiator::Unstated;
        if states_nothing && self.login_button.cannot_be_proven(info) {
            let info = info.clone().refused(SessionRefusal::NoCookie);
            return self.loop_page(&info, return_to);
        }
        // Where the browser will not say that the button was pressed, a cookie says it.
        let button = states_nothing.then(|| self.login_button.show(info));
        let here = match &button {
            Some(button) => with_button(here.as_str(), &button.value),
            None => here.as_str().to_owned(),
        };
        let page = Page {
            retry: Some(&here),
            ..self.page(Topic::LoginPage, info, Some(return_to))
        };
        let page = response::page(StatusCode::OK, &page);
        response::with_cookies(page, button.map(|button| button.cookie))
    }

    pub(super) fn begin(&self, info: &RequestInfo, beginning: Beginning<'_>) -> Response<Body> {
        if let Some(redirect) = self.to_registered_host(info, beginning.return_to) {
            if beginning.note.is_none() && beginning.parameters.is_empty() {
                return redirect;
            }
            // The redirect goes to the login route, which cannot have the note.
            let host = printable(info.host().unwrap_or_default());
            self.notices.foreign_host(&host, &self.config.origin_str);
        }
        let WayOut { location, cookies } = self.way_out(info, beginning);
        response::with_cookies(response::see_other(location), cookies)
    }

    fn way_out(&self, info: &RequestInfo, beginning: Beginning<'_>) -> WayOut {
        let Beginning {
            return_to,
            trigger,
            note,
            parameters,
        } = beginning;
        let state = State::random();
        let verifier = self.gateway.pkce.then(Verifier::random);
        let challenge = verifier.as_ref().map(Verifier::challenge);
        let now = self.config.clock.seconds();
        let challenge = challenge.as_ref().map(CodeChallenge::as_str);
        let location = match &self.start_page {
            Some(start) => start.url(&state, challenge, parameters, now),
            None => self
                .gateway
                .authorization_url(&state, challenge, &parameters),
        };
        let login_id = state.login_id();
        let new = NewLogin {
            state,
            return_to,
            home: &self.config.home,
            verifier,
            note,
            place_of: &|target| self.config.words.place_of(target).to_owned(),
        };
        let begun = self.pending.begin(info, new, now);
        if begun.found_foreign {
            self.notices.foreign_cookie(&self.names.session);
        }
        self.notices.login_started(&self.config.paths.callback);
        let login_id = login_id.to_array_string();
        record_login(&login_id);
        self.events.emit(Event::LoginStarted {
            login_id: &login_id,
            path: &printable(return_to.path()),
            trigger,
        });
        let cookies = begun.cookies;
        WayOut { location, cookies }
    }

    /// The way to the redirect URI's host, for a visitor of another name of this machine.
    ///
    /// A cookie that is set here would not come along to the callback. The redirect is made once: a
    /// proxy for development may have changed the host of a browser that is right already.
    fn to_registered_host(
        &self,
        info: &RequestInfo,
        return_to: &ReturnTo,
    ) -> Option<Response<Body>> {
        let registered = &self.config.host;
        let host = info.host()?;
        if registered.is_spelled(host) {
            return None;
        }
        let parsed = HostAndPort::parse(host, 0)?;
        if parsed.shares_cookies(registered) {
            return None;
        }
        if !(registered.is_loopback() && parsed.is_loopback()) {
            let shown = printable(host);
            self.notices.foreign_host(&shown, &self.config.origin_str);
            return None;
        }
        let path = self.config.paths.seen(info.uri.path());
        if self.config.paths.is_own(&path) && info.parameter("host").is_some() {
            return None;
        }
        let login = self.config.login_path(return_to.as_str());
        let login = self.config.absolute(&format!("{login}&host=registered"));
        Some(response::see_other(login))
    }
}

/// The same address, with the proof that its button was pressed.
fn with_button(address: &str, value: &str) -> String {
    let (address, fragment) = match address.find('#') {
        Some(at) => address.split_at(at),
        None => (address, ""),
    };
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{BUTTON}={value}{fragment}")
}
