//! Explanations of each step, on standard error.

use std::{
    fmt,
    io::{self, Write},
    time::Instant,
};

use axum::http::StatusCode;
use telenor_auth::{
    TelenorUser,
    events::{Event, StartPageStep},
};
use url::form_urlencoded;

use crate::{
    advice::Advice,
    mask::{self, Masked},
};

/// Writes one line, under the name of its step, in one piece: several tasks write.
pub(crate) fn step(name: &str, text: impl fmt::Display) {
    // With standard error closed, the answers and the exit code are still of use.
    let _ = io::stderr().write_all(format!("{name:<10} {text}\n").as_bytes());
}

pub(crate) fn advice(advice: Advice) {
    step("meaning", advice.meaning);
    step("change", advice.change);
}

/// What a call came to, and how long it took.
pub(crate) fn answered(status: Option<StatusCode>, started: Instant) {
    let took = started.elapsed().as_millis();
    match status {
        Some(status) => step("", format_args!("{status} after {took} ms")),
        None => step("", format_args!("no answer after {took} ms")),
    }
}

/// The layer sends the browser to the gateway.
pub(crate) fn authorization(url: &str) {
    let url = mask::authorization_url(url);
    step("authorize", format_args!("the browser is sent to {url}"));
}

/// The browser is back.
pub(crate) fn callback(query: &str) {
    let parameters = form_urlencoded::parse(query.as_bytes()).take(8);
    let parameters: Vec<_> = parameters
        .map(|(name, value)| parameter(&name, &value))
        .collect();
    let parameters = parameters.join(", ");
    step(
        "callback",
        format_args!("the browser is back, with {parameters}"),
    );
}

/// Any page can send a browser to the callback, so its values are never shown unmasked.
fn parameter(name: &str, value: &str) -> String {
    match name {
        "code" => format!("code … ({} characters)", value.chars().count()),
        "state" => format!("state {}", Masked(value)),
        "error" | "error_description" => {
            let value: String = value.chars().take(200).collect();
            format!("{name} {:?}", mask::message(&value, &[]))
        }
        other => {
            let other: String = other.chars().take(40).collect();
            format!("{:?}, which is ignored", mask::message(&other, &[]))
        }
    }
}

/// The parts of the token request, shown along with its result.
pub(crate) struct TokenRequest {
    pub(crate) endpoint: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: bool,
    pub(crate) pkce: bool,
}

impl fmt::Display for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |sent| if sent { "with" } else { "without" };
        write!(
            f,
            "POST {} as client {:?}, secret masked, {} redirect_uri, {} PKCE verifier",
            self.endpoint,
            self.client_id,
            with(self.redirect_uri),
            with(self.pkce),
        )
    }
}

/// The layer's own events.
pub(crate) fn event(event: &Event<'_>, token_request: &TokenRequest) {
    match *event {
        Event::GatewayCall {
            endpoint,
            outcome,
            duration,
            ..
        } => {
            let (outcome, milliseconds) = (outcome.as_str(), duration.as_millis());
            match (endpoint.as_str(), outcome) {
                ("token", _) => step(
                    "exchange",
                    format_args!("{token_request}: {outcome} after {milliseconds} ms"),
                ),
                // These may be followed by a retry. Other outcomes are shown with their status.
                ("api", "failed" | "timed_out" | "unreachable") => {
                    step(
                        "",
                        format_args!("one attempt: {outcome} after {milliseconds} ms"),
                    );
                }
                _ => {}
            }
        }
        Event::StartPage {
            step: StartPageStep::Shown,
            ..
        } => step("start page", "shown"),
        Event::StartPage {
            step: StartPageStep::Passed,
            ..
        } => step("", "the browser goes on from it"),
        Event::LoginFailed { cause, detail, .. } => {
            let detail = mask::message(detail, &[]);
            step("failed", format_args!("{cause}: {detail}"));
        }
        _ => {}
    }
}

/// A token's properties, with the token masked.
pub(crate) fn token(user: &TelenorUser) {
    let token = user.access_token().secret();
    let scope = match user.scope() {
        Some(scope) => format!("scope {:?}", mask::message(scope, &[token])),
        None => "no scope named".to_owned(),
    };
    let left = user
        .expires_at()
        .duration_since(std::time::SystemTime::now());
    let left = left.unwrap_or_default().as_secs();
    step(
        "token",
        format_args!(
            "{} ({} characters), {scope}, used for {left} s, until shortly before it expires",
            Masked(token),
            token.len(),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_callback_is_shown_unmasked() {
        assert_eq!(parameter("code", "aB3dE6gH"), "code … (8 characters)");
        assert_eq!(parameter("state", "0123456789abcdefghij"), "state 0123…");
        assert_eq!(
            parameter("error_description", "4791234567\u{1b}[2J"),
            r#"error_description "…567 [2J""#
        );
        assert!(!parameter("\u{1b}0123456789abcdefghij", "canary").contains("cdef"));
        assert!(!parameter("x", "canary").contains("canary"));
    }

    #[test]
    fn the_token_request_names_the_client_and_not_the_secret() {
        let request = TokenRequest {
            endpoint: "/oauth/v2/token".to_owned(),
            client_id: "id".to_owned(),
            redirect_uri: true,
            pkce: false,
        };
        assert_eq!(
            request.to_string(),
            "POST /oauth/v2/token as client \"id\", secret masked, with redirect_uri, \
             without PKCE verifier"
        );
    }
}
