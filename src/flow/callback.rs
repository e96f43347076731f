//! Takes a visitor back from Telenor (RFC 6749 sections 4.1.2 to 4.1.4).

use std::sync::Arc;

use axum_core::body::Body;
use http::Response;
use tracing::Instrument;
use zeroize::Zeroizing;

use super::{
    Flow, LoginOutcome, Refusal, Retry, printable::printable, routes::Route,
    single_flight::FlightError,
};
use crate::{
    browser::{
        pending_login::{Pending, PendingLogin},
        request::RequestInfo,
    },
    clock::unix_seconds,
    events::{Event, login_span, record_login},
    failure::FailureCause,
    login_id::LoginId,
    oauth::{AuthorizationResponse, Outcome, State},
    response,
    session::StoreError,
    session_refusal::SessionRefusal,
};

impl Flow {
    pub(super) async fn callback(self: &Arc<Self>, info: &RequestInfo) -> Response<Body> {
        let Some(AuthorizationResponse { state, outcome }) =
            AuthorizationResponse::parse(info.query())
        else {
            return self.reject(info, Rejection::because(FailureCause::CallbackMalformed));
        };
        if let Some(state) = &state {
            record_login(&state.login_id().to_array_string());
        }
        let now = self.config.clock.now();
        let pending = match &state {
            Some(state) => self.pending.find(info, state, unix_seconds(now)),
            None => Pending::Unknown,
        };
        if let Some(state) = &state {
            self.came_back(state, &pending, unix_seconds(now));
        }
        let current = match self.current_session(info, now).await {
            Ok(current) => current.ok(),
            Err(error) => {
                let login = state.as_ref().map(State::login_id);
                return self.store_failed_for(login, info, &error);
            }
        };
        if let (Some(current), Some(state)) = (&current, &state)
            && current.session.login_id() == state.login_id()
        {
            // Loaded once more, by reload, Back or a second tab: the login is complete already.
            return response::see_other(self.config.absolute(current.session.return_to()));
        }
        match (outcome, state, pending) {
            (Outcome::Code(code), Some(state), Pending::Live(login)) => {
                self.finish(info, state, login, code).await
            }
            (Outcome::Error { code, description }, Some(state), Pending::Live(login)) => {
                self.denied(info, &state, &login, &code, description.as_deref())
            }
            (
                Outcome::Error { code, description },
                Some(state),
                Pending::Expired(login) | Pending::FromFuture(login),
            ) => self.denied(info, &state, &login, &code, description.as_deref()),
            (Outcome::Error { code, .. }, state, _) => {
                let home = current.map(|_| self.config.home.as_str());
                let cause = self.cause_without_login(info, &code, state.as_ref());
                self.reject(
                    info,
                    Rejection {
                        state: state.as_ref(),
                        home,
                        ..Rejection::because(cause)
                    },
                )
            }
            (Outcome::Code(_), Some(state), Pending::FromFuture(login)) => {
                self.began_in_future(info, &state, &login)
            }
            (Outcome::Code(_), Some(state), Pending::Expired(login)) => {
                self.login_failed(FailureCause::StateExpired, state.login_id(), "");
                let refusal = refusal(FailureCause::StateExpired, state.login_id(), &login);
                self.refuse(info, refusal)
            }
            // Perhaps this is an old tab of a user who is signed in by now. Then the first link
            // leads into the app.
            (Outcome::Code(_), state, pending) => {
                let home = current.map(|_| self.config.home.as_str());
                let twice = matches!(pending, Pending::Twice);
                self.reject(
                    info,
                    Rejection {
                        state: state.as_ref(),
                        home,
                        reason: twice.then_some(SessionRefusal::CookieTwice),
                        ..Rejection::because(FailureCause::StateUnknown)
                    },
                )
            }
        }
    }

    /// The login of this browser that a callback concerns, which may have expired.
    ///
    /// Where the gateway returns no state with an error, it is the newest one.
    pub(super) fn login_of_callback(&self, info: &RequestInfo) -> Option<PendingLogin> {
        let now = self.config.clock.seconds();
        let response = AuthorizationResponse::parse(info.query())?;
        let Some(state) = response.state else {
            return self.pending.newest(info, now);
        };
        match self.pending.find(info, &state, now) {
            Pending::Live(login) | Pending::Expired(login) | Pending::FromFuture(login) => {
                Some(login)
            }
            Pending::Twice | Pending::Unknown => None,
        }
    }

    /// Whether a request is a callback whose login goes on when the browser sends it again.
    pub(super) fn can_continue(&self, info: &RequestInfo) -> bool {
        if self.config.paths.route(info.uri.path()) != Some(Route::Callback) {
            return false;
        }
        let now = self.config.clock.seconds();
        match AuthorizationResponse::parse(info.query()) {
            Some(AuthorizationResponse {
                state: Some(state),
                outcome: Outcome::Code(_),
            }) => matches!(self.pending.find(info, &state, now), Pending::Live(_)),
            _ => false,
        }
    }

    /// The response to a callback that arrived at another path than its own, where something in
    /// between changes the path. A challenge would send the browser round without end.
    ///
    /// The code is not redeemed: only the exact path is the callback.
    pub(super) fn stray_callback(&self, info: &RequestInfo) -> Option<Response<Body>> {
        let state = AuthorizationResponse::parse(info.query())?.state?;
        let now = self.config.clock.seconds();
        let pending = self.pending.find(info, &state, now);
        self.came_back(&state, &pending, now);
        let Pending::Live(login) = pending else {
            return None;
        };
        let (path, callback) = (info.uri.path(), &self.config.paths.callback);
        let detail = format!(
            "the callback arrived at {} and not at {}: what is in front of the app changes the \
             path. Let it pass the path on unchanged, or set stripped_prefix to what it takes away",
            printable(path),
            self.config.paths.received(callback)
        );
        let cause = FailureCause::CallbackAstray;
        self.login_failed(cause, state.login_id(), &detail);
        Some(self.failed(info, &state, &login, cause, None))
    }

    /// The cause of an error that names no login of this browser.
    ///
    /// Any site can make such a link, so it is no evidence about the gateway. But not every gateway
    /// returns the state with an error, and a user who has said no must read what that means.
    fn cause_without_login(
        &self,
        info: &RequestInfo,
        code: &str,
        state: Option<&State>,
    ) -> FailureCause {
        let now = self.config.clock.seconds();
        match FailureCause::of_authorization_error(code) {
            cause @ (FailureCause::AccessDenied | FailureCause::LineNotRecognized)
                if state.is_none() && self.pending.newest(info, now).is_some() =>
            {
                cause
            }
            _ => FailureCause::ErrorWithoutLogin,
        }
    }

    /// A callback that belongs to no login of this browser changes nothing and reveals nothing.
    fn reject(&self, info: &RequestInfo, rejection: Rejection<'_>) -> Response<Body> {
        let Rejection {
            cause,
            state,
            home,
            reason,
        } = rejection;
        let login_id = state.map(State::login_id);
        self.events.emit(Event::LoginFailed {
            login_id: login_id.map(|id| id.to_string()).as_deref(),
            cause,
            reason,
            detail: match (cause, reason) {
                (FailureCause::CallbackMalformed, _) => "the query is malformed",
                (_, Some(_)) => "the cookie of the login came twice, with different values",
                _ => "no login of this browser",
            },
        });
        let refusal = Refusal {
            login_id,
            retry: home.map_or(Retry::Login(None), Retry::Page),
            ..Refusal::because(cause)
        };
        self.refuse(info, refusal)
    }

    /// The clock of the instance where the login began is ahead of ours.
    fn began_in_future(
        &self,
        info: &RequestInfo,
        state: &State,
        login: &PendingLogin,
    ) -> Response<Body> {
        let (cause, login_id) = (FailureCause::StateExpired, state.login_id());
        self.events.emit(Event::LoginFailed {
            login_id: Some(&login_id.to_string()),
            cause,
            reason: Some(SessionRefusal::FromFuture),
            detail: "the login began in the future: set the clocks of the instances",
        });
        let refusal = Refusal {
            reason: Some(SessionRefusal::FromFuture),
            ..refusal(cause, login_id, login)
        };
        self.refuse(info, refusal)
    }

    /// The gateway returned an error in place of a code.
    fn denied(
        &self,
        info: &RequestInfo,
        state: &State,
        login: &PendingLogin,
        code: &str,
        description: Option<&str>,
    ) -> Response<Body> {
        let cause = FailureCause::of_authorization_error(code);
        let description = description.map(printable);
        // The description may name the user, so only the page has it.
        self.login_failed(cause, state.login_id(), &printable(code));
        self.failed(info, state, login, cause, description.as_deref())
    }

    async fn finish(
        self: &Arc<Self>,
        info: &RequestInfo,
        state: State,
        login: PendingLogin,
        code: Zeroizing<String>,
    ) -> Response<Body> {
        let (id, login) = (state.login_id(), Arc::new(login));
        let (previous, _) = self.session_tokens(info);
        let exchange = {
            let (flow, login) = (Arc::clone(self), Arc::clone(&login));
            let info = info.clone();
            move || async move {
                // In a box, since the task around it is moved as a whole, several times.
                let exchange = Box::pin(flow.exchange(&info, id, &login, &code, previous));
                let exchange = exchange.instrument(login_span(id));
                match tokio::time::timeout(flow.deadlines.exchange(), exchange).await {
                    Ok(outcome) => outcome,
                    // The gateway and the app have limits of their own. The store hangs.
                    Err(_) => {
                        let error = StoreError::new("it did not answer in the time of a login");
                        LoginOutcome::failed(flow.store_failed_at_login(id, &error))
                    }
                }
            }
        };
        let now = self.config.clock.seconds();
        let outcome = self.exchanges.run(id, now, exchange, LoginOutcome::effect);
        let cause = match outcome.await {
            Ok(LoginOutcome::SignedIn {
                token,
                expires_at,
                return_to,
            }) => {
                let seconds = expires_at.saturating_sub(self.config.clock.seconds());
                let cookies = [
                    self.names.set(&self.names.session, token.secret(), seconds),
                    self.loop_detector.record_login(info, now),
                    self.pending.end(&state),
                ];
                let home = response::see_other(self.config.absolute(&return_to));
                return response::with_cookies(home, cookies);
            }
            Ok(LoginOutcome::Failed {
                cause,
                retryable: true,
                ..
            }) => return self.not_yet(info, refusal(cause, id, &login)),
            Ok(LoginOutcome::Failed {
                cause,
                words: Some(words),
                ..
            }) => {
                let refusal = Refusal {
                    words: Some((&words.title, &words.text)),
                    ..refusal(cause, id, &login)
                };
                return self.ended(info, &state, refusal);
            }
            Ok(LoginOutcome::Failed { cause, .. }) => cause,
            Err(FlightError::AtCapacity) => {
                let cause = FailureCause::TooManyLogins;
                self.login_failed(cause, id, "");
                return self.not_yet(info, refusal(cause, id, &login));
            }
            Err(FlightError::AlreadyUsed) => self.code_was_used(id, "the code was sent before"),
            Err(FlightError::Panicked) => {
                self.login_failed(FailureCause::Internal, id, "the exchange panicked");
                FailureCause::Internal
            }
        };
        self.failed(info, &state, &login, cause, None)
    }

    /// Notes that a callback came again, and its result is not at hand: a replay, perhaps.
    pub(super) fn code_was_used(&self, id: LoginId, detail: &str) -> FailureCause {
        let cause = FailureCause::CodeReplayed;
        self.login_failed(cause, id, detail);
        cause
    }

    /// The code was not used up, and the login stays. To load the same address again continues it.
    fn not_yet(&self, info: &RequestInfo, refusal: Refusal<'_>) -> Response<Body> {
        let refusal = Refusal {
            login_pending: true,
            ..refusal
        };
        self.refuse(info, refusal)
    }

    /// The end of a login that failed.
    fn failed(
        &self,
        info: &RequestInfo,
        state: &State,
        login: &PendingLogin,
        cause: FailureCause,
        description: Option<&str>,
    ) -> Response<Body> {
        let refusal = Refusal {
            description,
            ..refusal(cause, state.login_id(), login)
        };
        self.ended(info, state, refusal)
    }

    fn ended(&self, info: &RequestInfo, state: &State, refusal: Refusal<'_>) -> Response<Body> {
        response::with_cookies(self.refuse(info, refusal), [self.pending.end(state)])
    }
}

/// Why a callback belongs to no login of this browser.
struct Rejection<'a> {
    cause: FailureCause,
    state: Option<&'a State>,
    /// Where the page leads to, for a user who is signed in.
    home: Option<&'a str>,
    reason: Option<SessionRefusal>,
}

impl Rejection<'_> {
    fn because(cause: FailureCause) -> Self {
        Self {
            cause,
            state: None,
            home: None,
            reason: None,
        }
    }
}

fn refusal(cause: FailureCause, id: LoginId, login: &PendingLogin) -> Refusal<'_> {
    Refusal {
        retry: Retry::Login(Some(login.return_to())),
        place: Some(login.place()),
        login_id: Some(id),
        ..Refusal::because(cause)
    }
}
