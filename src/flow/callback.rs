//! Takes a visitor back in (RFC 6749 sections 4.1.2 to 4.1.4).

use std::{sync::Arc, time::Duration};

use axum_core::body::Body;
use http::{Response, request::Parts};

use super::{Flow, Refusal, Retry, exchange::Answer};
use crate::{
    browser::{
        pending_login::{Pending, PendingLogin},
        request::Visit,
    },
    events::Event,
    failure::FailureCause,
    flow::single_flight::NoAnswer,
    oauth::{AuthorizationResponse, Outcome, State},
    response,
    session::{SessionStore, SessionToken, StoreError},
};

const MAX_DESCRIPTION: usize = 256;
/// Ten seconds are the gateway's, twelve another instance's that is at it; the rest is for a store behind a network.
const EXCHANGE: Duration = Duration::from_secs(30);

impl<Store: SessionStore> Flow<Store> {
    pub(super) async fn callback(self: &Arc<Self>, parts: &Parts, visit: &Visit) -> Response<Body> {
        let query = parts.uri.query().unwrap_or_default();
        let Some(AuthorizationResponse { state, outcome }) = AuthorizationResponse::parse(query)
        else {
            return self.reject(visit, FailureCause::CallbackMalformed, None, None);
        };
        let session = match self.session(&parts.headers).await {
            Ok(session) => session,
            Err(error) => return self.store_failed(visit, &error),
        };
        if let (Some(session), Some(state)) = (&session, &state)
            && session.login() == state.login()
        {
            // Loaded once more, by reload, Back or a second tab: the login is done already.
            return response::see_other(&self.config.absolute(session.return_to()));
        }
        let now = self.config.clock.seconds();
        let pending = match &state {
            Some(state) => self.pending.find(&self.names, &parts.headers, state, now),
            None => Pending::Unknown,
        };
        match (outcome, state, pending) {
            (Outcome::Code(code), Some(state), Pending::Live(login)) => {
                self.finish(parts, visit, state, login, code).await
            }
            (Outcome::Error { code, description }, Some(state), Pending::Live(login)) => {
                let description = description.map(|text| printable(&text));
                self.refused_at_gateway(visit, &state, &login, &code, description)
            }
            // Whoever sent this, no login of this browser's ends by it: the page says what the code means and no more.
            (Outcome::Error { code, .. }, state, _) => {
                self.reject(visit, cause_of(&code), state.as_ref(), None)
            }
            (Outcome::Code(_), Some(state), Pending::Expired(login)) => {
                self.tell_failure(FailureCause::StateExpired, &state, "");
                let mut refusal = Refusal::because(FailureCause::StateExpired);
                refusal.retry = Retry::Login(Some(login.return_to()));
                self.refuse(visit, refusal)
            }
            // Perhaps an old tab of somebody who is signed in by now: the way into the app comes first then.
            (Outcome::Code(_), state, _) => {
                let home = session.map(|_| self.config.home.as_str());
                self.reject(visit, FailureCause::StateUnknown, state.as_ref(), home)
            }
        }
    }

    /// A callback that belongs to no login of this browser: it changes nothing and tells nothing.
    fn reject(
        &self,
        visit: &Visit,
        cause: FailureCause,
        state: Option<&State>,
        app: Option<&str>,
    ) -> Response<Body> {
        let login_id = state.map(State::login_id);
        self.events.tell(Event::LoginFailed {
            login_id: login_id.as_deref(),
            cause,
            detail: "no login of this browser",
        });
        let mut refusal = Refusal::because(cause);
        refusal.login_id = login_id.as_deref();
        if let Some(app) = app {
            refusal.retry = Retry::Page(app);
        }
        self.refuse(visit, refusal)
    }

    fn refused_at_gateway(
        &self,
        visit: &Visit,
        state: &State,
        login: &PendingLogin,
        code: &str,
        description: Option<String>,
    ) -> Response<Body> {
        let cause = cause_of(code);
        let said = printable(&format!(
            "{code}: {}",
            description.as_deref().unwrap_or_default()
        ));
        self.tell_failure(cause, state, &said);
        self.failed(visit, state, login, cause, description.as_deref())
    }

    /// The end of a login that came to nothing.
    fn failed(
        &self,
        visit: &Visit,
        state: &State,
        login: &PendingLogin,
        cause: FailureCause,
        description: Option<&str>,
    ) -> Response<Body> {
        let refusal = Refusal {
            cause,
            retry: Retry::Login(Some(login.return_to())),
            description,
            login_id: Some(&state.login_id()),
        };
        let over = self.pending.end(&self.names, state);
        response::with_cookies(self.refuse(visit, refusal), [over])
    }

    async fn finish(
        self: &Arc<Self>,
        parts: &Parts,
        visit: &Visit,
        state: State,
        login: PendingLogin,
        code: String,
    ) -> Response<Body> {
        let now = self.config.clock.seconds();
        let (flow, login) = (Arc::clone(self), Arc::new(login));
        let previous = self
            .session_token(&parts.headers)
            .map(SessionToken::into_owned);
        let exchange = {
            let (state, login) = (state.clone(), Arc::clone(&login));
            || async move {
                let exchange = flow.exchange(&state, &login, &code, previous);
                match tokio::time::timeout(EXCHANGE, exchange).await {
                    Ok(answer) => answer,
                    // The gateway has limits of its own, so it is the store that hangs.
                    Err(_) => {
                        let error = StoreError::new("it did not answer for half a minute");
                        flow.store_failed_at_login(&state, &error, false)
                    }
                }
            }
        };
        let unsent = |answer: &Answer| matches!(answer, Answer::Failed { unsent: true, .. });
        let answer = self.exchanges.answer(state.login(), now, exchange, unsent);
        let cause = match answer.await {
            Ok(Answer::SignedIn {
                token,
                session,
                return_to,
            }) => {
                let seconds = session.seconds_left(self.config.clock.seconds());
                let cookies = [
                    self.names.set(&self.names.session, token.expose(), seconds),
                    self.rounds.finished(&self.names, &parts.headers, now),
                    self.pending.end(&self.names, &state),
                ];
                let home = response::see_other(&self.config.absolute(&return_to));
                return response::with_cookies(home, cookies);
            }
            Ok(Answer::Failed {
                cause,
                unsent: false,
            }) => cause,
            // The code is as good as before, and so is the login: loading the same address once more goes on with it.
            Ok(Answer::Failed {
                cause,
                unsent: true,
            }) => return self.wait(visit, &state, &login, cause),
            Err(NoAnswer::Full) => {
                self.tell_failure(FailureCause::TooManyLogins, &state, "");
                return self.wait(visit, &state, &login, FailureCause::TooManyLogins);
            }
            Err(NoAnswer::Used) => FailureCause::CodeRejected,
            Err(NoAnswer::Lost) => {
                self.tell_failure(FailureCause::Internal, &state, "the exchange panicked");
                FailureCause::Internal
            }
        };
        self.failed(visit, &state, &login, cause, None)
    }

    /// A failure that leaves the login as it was.
    fn wait(
        &self,
        visit: &Visit,
        state: &State,
        login: &PendingLogin,
        cause: FailureCause,
    ) -> Response<Body> {
        let refusal = Refusal {
            cause,
            retry: Retry::Login(Some(login.return_to())),
            description: None,
            login_id: Some(&state.login_id()),
        };
        self.refuse(visit, refusal)
    }
}

/// RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6; Telenor documents the first alone.
fn cause_of(error: &str) -> FailureCause {
    match error {
        "access_denied" => FailureCause::AccessDenied,
        "login_required" | "interaction_required" => FailureCause::LineNotRecognised,
        "server_error" => FailureCause::ProviderError,
        "temporarily_unavailable" => FailureCause::ProviderUnavailable,
        _ => FailureCause::ProviderRefused,
    }
}

/// What a stranger wrote, short and in one line.
fn printable(text: &str) -> String {
    let shown = |character: &char| !character.is_control() && !is_invisible(*character);
    text.chars().filter(shown).take(MAX_DESCRIPTION).collect()
}

/// Characters that turn the direction of what follows, or hide in it.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_is_short_and_in_one_line() {
        assert_eq!(printable("a\nb\u{1b}[2Jc\u{202e}d"), "ab[2Jcd");
        assert_eq!(printable(&"ø".repeat(1_000)).chars().count(), 256);
    }

    #[test]
    fn unknown_error_codes_have_a_cause() {
        assert_eq!(cause_of("access_denied"), FailureCause::AccessDenied);
        assert_eq!(cause_of("<b>"), FailureCause::ProviderRefused);
    }

    #[test]
    fn who_could_not_be_identified_is_a_line_not_recognised() {
        for error in ["login_required", "interaction_required"] {
            assert_eq!(cause_of(error), FailureCause::LineNotRecognised);
        }
    }
}
