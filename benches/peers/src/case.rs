//! One subject in one row: an app, the request that is sent to it, and what it must answer.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use telenor_auth_benches::{requests, respond};

use crate::{app::SIGNED_IN, browser::page};

pub struct Case {
    pub subject: &'static str,
    pub app: Router,
    pub path: &'static str,
    /// The session's cookie, as `name=value`; empty for a visitor.
    pub session: String,
    pub answer: Answer,
}

/// What the app must answer.
#[derive(Clone, Copy)]
pub enum Answer {
    /// 200, by a handler that read the token.
    User,
    /// 200, for every visitor.
    Plain,
    /// A redirect to the gateway, with a cookie.
    Challenge,
}

impl Case {
    /// The request, as a browser sends it.
    #[must_use]
    pub fn request(&self) -> Request<Body> {
        let cookies = match self.session.as_str() {
            "" => requests::cookies(3, "_gid=GA1.1.987654321.1732600000"),
            session => requests::cookies(3, session),
        };
        page(self.path, &cookies)
    }

    /// Checks that the app answers as it must, and that it refuses a forged session.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn check(&mut self) {
        let subject = self.subject;
        let request = self.request();
        let response = respond(&mut self.app, request);
        match self.answer {
            Answer::User => {
                assert_eq!(body(response).await, SIGNED_IN, "{subject}");
                let mut app = self.app.clone();
                for forged in [self.forged(), "a=b".to_owned()] {
                    let cookies = requests::cookies(3, &forged);
                    let response = respond(&mut app, page(self.path, &cookies));
                    let status = response.status();
                    let is_bare = self.subject == "bare";
                    assert!(is_bare || !status.is_success(), "{subject} takes {forged}");
                }
            }
            Answer::Plain => assert_eq!(body(response).await, "plain", "{subject}"),
            Answer::Challenge => {
                let headers = response.headers();
                assert!(
                    response.status().is_redirection(),
                    "{subject}: {response:?}"
                );
                let location = headers[header::LOCATION].to_str().unwrap_or_default();
                assert!(location.contains("state="), "{subject}: {location}");
                assert!(
                    location.contains("code_challenge="),
                    "{subject}: {location}"
                );
                assert!(headers.contains_key(header::SET_COOKIE) || subject == "axum-oidc");
            }
        }
    }

    /// The session's cookie with one character of its value changed.
    fn forged(&self) -> String {
        let at = self.session.len() - 12;
        let mut forged = self.session.clone();
        let other = if &forged[at..=at] == "1" { "2" } else { "1" };
        forged.replace_range(at..=at, other);
        forged
    }
}

async fn body(response: Response<Body>) -> String {
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await;
    let body = String::from_utf8(body.expect("a body").to_vec()).expect("text");
    assert!(status.is_success(), "{status}: {body}");
    body
}
