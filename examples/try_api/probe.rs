//! Would the gateway take the authorization request at all?
//!
//! An unknown client id or redirect URI never comes back to the app: the gateway shows it to the browser, where nobody waits for
//! it. The endpoint's first answer depends on neither the user's network nor cookies, so asking for it from here tells.

use std::{error::Error, time::Duration};

use reqwest::{Client, header, redirect};
use serde_json::Value;
use url::form_urlencoded;

use crate::advice::{self, Advice};

pub(crate) enum Verdict {
    Willing,
    Refused {
        said: String,
        advice: Advice,
    },
    /// An answer that need not mean anything for a browser.
    Unclear(u16),
    Unreachable(String),
}

/// Asks for an authorization URL as a browser would, and goes no further.
pub(crate) async fn ask(url: &str) -> Verdict {
    match answer(url).await {
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
            Verdict::Unreachable(text)
        }
    }
}

struct Answer {
    status: u16,
    /// Where it redirects to.
    location: Option<String>,
    body: Vec<u8>,
}

async fn answer(url: &str) -> reqwest::Result<Answer> {
    let client = Client::builder()
        .user_agent(concat!("telenor-auth-try_api/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()?;
    let request = client.get(url).header(header::ACCEPT, "application/json");
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

fn read(answer: &Answer) -> Verdict {
    match answer.status {
        200..=299 => Verdict::Willing,
        status @ 300..=399 => match answer.location.as_deref().and_then(error_in) {
            Some((error, said)) => judge(status, &error, &said, None),
            None => Verdict::Willing,
        },
        status => {
            // Apigee's shape, that of RFC 6749, and the envelope of Telenor's APIs.
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let text = |names: &[&str]| names.iter().find_map(|name| body[*name].as_str());
            let error = text(&["error", "ErrorCode"]).unwrap_or_default();
            let said = text(&["error_description", "Error", "description"]).unwrap_or_default();
            let code = &body["errorCode"];
            let code = code.as_u64().or_else(|| code.as_str()?.parse().ok());
            let code = code.and_then(|code| u32::try_from(code).ok());
            judge(status, error, said, code)
        }
    }
}

/// The error that a redirect to the callback brings (RFC 6749 section 4.1.2.1).
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

fn judge(status: u16, error: &str, said: &str, code: Option<u32>) -> Verdict {
    match advice::for_oauth(error, said).or_else(|| advice::for_code(code?)) {
        Some(advice) => Verdict::Refused {
            said: match code {
                Some(code) => format!("status {status}, code {code}: {said}"),
                None => format!("status {status}, {error}: {said}"),
            },
            advice,
        },
        None => Verdict::Unclear(status),
    }
}

const MAX_BODY: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, location: Option<&str>, body: &str) -> Verdict {
        read(&Answer {
            status,
            location: location.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn a_refusal_is_known_in_every_shape_and_nothing_else_is_one() {
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
            let refused = matches!(verdict(400, None, body), Verdict::Refused { .. });
            assert_eq!(refused, known, "{body}");
        }
    }

    #[test]
    fn a_redirect_is_good_unless_it_brings_an_error() {
        let redirect = |location| verdict(302, Some(location), "");
        assert!(matches!(
            redirect("/mock/login/x/network"),
            Verdict::Willing
        ));
        assert!(matches!(
            redirect("https://idp.example/sso?a=b"),
            Verdict::Willing
        ));
        let back = "http://127.0.0.1/cb?error=invalid_scope&state=x";
        assert!(matches!(redirect(back), Verdict::Refused { .. }));
    }
}
