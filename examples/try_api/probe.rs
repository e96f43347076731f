//! The authorization request, sent once without a browser.
//!
//! The gateway does not redirect back with an unknown client id or redirect URI: it shows an error
//! page, which the app never sees. The endpoint's first answer depends neither on the user's
//! network nor on cookies, so it is the same from here.

use std::{error::Error, time::Duration};

use reqwest::{Client, header, redirect};
use serde_json::Value;
use url::form_urlencoded;

use crate::advice::{self, Advice};

/// What the gateway's answer means.
pub(crate) enum Probe {
    Accepted,
    Rejected {
        description: String,
        advice: Advice,
    },
    /// A browser may get another answer than this status.
    Unclear(u16),
    Unreachable(String),
}

/// Requests an authorization URL as a browser would, and follows no redirect.
pub(crate) async fn send(url: &str) -> Probe {
    match request(url).await {
        Ok(answer) => read(&answer),
        Err(error) => {
            // The URL holds a state.
            let error = error.without_url();
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            Probe::Unreachable(text)
        }
    }
}

struct Answer {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

/// It follows no redirect.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("telenor-auth-try_api/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
}

async fn request(url: &str) -> reqwest::Result<Answer> {
    let request = client()?
        .get(url)
        .header(header::ACCEPT, "application/json");
    let mut answer = request.send().await?;
    let location = answer.headers().get(header::LOCATION);
    let location = location.and_then(|location| location.to_str().ok().map(str::to_owned));
    let mut body = Vec::new();
    while body.len() < MAX_BODY
        && let Some(chunk) = answer.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: answer.status().as_u16(),
        location,
        body,
    })
}

fn read(answer: &Answer) -> Probe {
    match answer.status {
        200..=299 => Probe::Accepted,
        status @ 300..=399 => match answer.location.as_deref().and_then(error_in) {
            Some((error, description)) => classify(status, &error, &description, None),
            None => Probe::Accepted,
        },
        status => {
            // Apigee's shape, that of RFC 6749, and the envelope of Telenor's APIs.
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let text = |names: &[&str]| names.iter().find_map(|name| body[*name].as_str());
            let error = text(&["error", "ErrorCode"]).unwrap_or_default();
            let description =
                text(&["error_description", "Error", "description"]).unwrap_or_default();
            let code = &body["errorCode"];
            let code = code.as_u64().or_else(|| code.as_str()?.parse().ok());
            let code = code.and_then(|code| u32::try_from(code).ok());
            classify(status, error, description, code)
        }
    }
}

/// The error in a redirect to the callback (RFC 6749 section 4.1.2.1).
fn error_in(location: &str) -> Option<(String, String)> {
    let (_, query) = location.split_once('?')?;
    let value = |name| {
        let mut query = form_urlencoded::parse(query.as_bytes());
        let found = query.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    };
    Some((
        value("error")?,
        value("error_description").unwrap_or_default(),
    ))
}

fn classify(status: u16, error: &str, description: &str, code: Option<u32>) -> Probe {
    match advice::for_oauth(error, description).or_else(|| advice::for_code(code?)) {
        Some(advice) => Probe::Rejected {
            description: match code {
                Some(code) => format!("status {status}, code {code}: {description}"),
                None => format!("status {status}, {error}: {description}"),
            },
            advice,
        },
        None => Probe::Unclear(status),
    }
}

const MAX_BODY: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(status: u16, location: Option<&str>, body: &str) -> Probe {
        read(&Answer {
            status,
            location: location.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn a_known_error_rejects_in_every_shape_and_no_other_does() {
        for (body, known) in [
            (
                r#"{"ErrorCode":"invalid_request","Error":"Invalid redirection uri x"}"#,
                true,
            ),
            (r#"{"error":"invalid_client"}"#, true),
            (
                r#"{"httpStatus":401,"errorCode":40108,"description":"x"}"#,
                true,
            ),
            (r#"{"errorCode":"40108"}"#, true),
            (r#"{"error":"slow_down"}"#, false),
            ("<h1>Bad Gateway</h1>", false),
            ("[]", false),
            ("", false),
        ] {
            let rejected = matches!(probe(400, None, body), Probe::Rejected { .. });
            assert_eq!(rejected, known, "{body}");
        }
    }

    #[test]
    fn a_redirect_is_accepted_unless_it_has_an_error() {
        let redirect = |location| probe(302, Some(location), "");
        assert!(matches!(redirect("/mock/login/x/network"), Probe::Accepted));
        assert!(matches!(
            redirect("https://idp.example/sso?a=b"),
            Probe::Accepted
        ));
        let back = "http://127.0.0.1/cb?error=invalid_scope&state=x";
        assert!(matches!(redirect(back), Probe::Rejected { .. }));
    }
}
