//! The authorization response (RFC 6749 section 4.1.2), which a browser brings to the redirect URI.
//!
//! Any client can send one, so it is parsed strictly: no parameter twice, no invalid encoding, no
//! control characters.

use std::{borrow::Cow, fmt};

use super::State;

const MAX_QUERY: usize = 8 * 1024;
const MAX_CODE: usize = 2048;
const MAX_STATE: usize = 256;

/// A well-formed query at the redirect URI.
#[derive(Debug)]
pub(crate) struct AuthorizationResponse {
    /// Not every gateway returns it with an error.
    pub state: Option<State>,
    pub outcome: Outcome,
}

pub(crate) enum Outcome {
    Code(String),
    Error {
        code: String,
        description: Option<String>,
    },
}

impl AuthorizationResponse {
    /// Returns `None` if the query is malformed in any way.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        if query.len() > MAX_QUERY {
            return None;
        }
        let (mut code, mut state, mut error, mut description, mut issuer) =
            (None, None, None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let slot = match &*name {
                "code" => &mut code,
                "state" => &mut state,
                "error" => &mut error,
                "error_description" => &mut description,
                "iss" => &mut issuer,
                // RFC 6749 section 4.1.2: unrecognized parameters are ignored.
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        // RFC 6749 section 3.1: a parameter without a value counts as left out.
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        let outcome = match (given(code), given(error)) {
            (Some(code), None) => {
                let printable = code.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                (printable && code.len() <= MAX_CODE).then_some(Outcome::Code(code))?
            }
            (None, Some(code)) => Outcome::Error {
                code,
                description: given(description),
            },
            _ => return None,
        };
        let state = given(state);
        if state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
            return None;
        }
        Some(Self {
            state: state.map(State::from_untrusted),
            outcome,
        })
    }
}

/// Strict percent-decoding: it refuses bad escapes, bad UTF-8 and control characters, which the
/// usual one accepts.
fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if raw.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    if !raw.contains(['%', '+']) {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = raw.bytes();
    let mut decoded = Vec::with_capacity(raw.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            plain => plain,
        });
    }
    let decoded = String::from_utf8(decoded).ok()?;
    (!decoded.chars().any(char::is_control)).then_some(Cow::Owned(decoded))
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code(redacted)",
            Self::Error { .. } => "Error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> Option<String> {
        match AuthorizationResponse::parse(query)?.outcome {
            Outcome::Code(code) => Some(code),
            Outcome::Error { .. } => None,
        }
    }

    #[test]
    fn code_is_decoded_and_otherwise_unchanged() {
        assert_eq!(code("code=abc&state=s").as_deref(), Some("abc"));
        assert_eq!(
            code("state=s&code=a%2Bb%2Fc%3D%26%25&foo=bar").as_deref(),
            Some("a+b/c=&%")
        );
        assert_eq!(code("&&code=a+b&").as_deref(), Some("a b"));
        assert_eq!(code("c%6Fde=x").as_deref(), Some("x"));
    }

    #[test]
    fn error_comes_with_its_description() {
        let parsed = AuthorizationResponse::parse(
            "error=access_denied&error_description=The+owner+said+%22no%22&state=s",
        );
        let Some(AuthorizationResponse {
            outcome: Outcome::Error { code, description },
            state,
        }) = parsed
        else {
            panic!("an error is an outcome");
        };
        assert_eq!(code, "access_denied");
        assert_eq!(description.as_deref(), Some("The owner said \"no\""));
        assert_eq!(state.unwrap().as_str(), "s");
    }

    #[test]
    fn repeated_parameters_are_refused_even_when_equal() {
        for query in [
            "code=a&code=b&state=s",
            "code=a&code=a&state=s",
            "code=a&state=s&state=s",
            "code=a&state=s&st%61te=s",
            "error=a&error=a",
            "error=a&error_description=a&error_description=a",
            "code=a&iss=a&iss=a",
            "code=&code=a",
        ] {
            assert!(AuthorizationResponse::parse(query).is_none(), "{query}");
        }
    }

    #[test]
    fn code_and_error_together_or_neither_is_refused() {
        for query in [
            "code=x&error=access_denied&state=s",
            "state=s",
            "code=&state=s",
            "code&state=s",
            "error=&state=s",
            "",
            "&&&",
            "&",
            "=",
            "=&=",
        ] {
            assert!(AuthorizationResponse::parse(query).is_none(), "{query:?}");
        }
    }

    #[test]
    fn invalid_bytes_are_refused_in_any_parameter() {
        for query in [
            "code=%FF%FE&state=s",
            "code=a&state=%00",
            "error=%0d%0aX",
            "code=a&other=%0a",
            "code=a&%00=b",
            "code=%",
            "code=%2",
            "code=%zz",
            "code=a%C2%85b",
            "code=\u{e5}",
            "code=a\tb",
        ] {
            assert!(AuthorizationResponse::parse(query).is_none(), "{query:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let code = |len: usize| format!("state=s&code={}", "a".repeat(len));
        assert!(AuthorizationResponse::parse(&code(MAX_CODE)).is_some());
        assert!(AuthorizationResponse::parse(&code(MAX_CODE + 1)).is_none());
        let state = format!("code=a&state={}", "s".repeat(MAX_STATE + 1));
        assert!(AuthorizationResponse::parse(&state).is_none());
        let long = format!("code=a&state=s&x={}", "x".repeat(MAX_QUERY));
        assert!(AuthorizationResponse::parse(&long).is_none());
    }

    #[test]
    fn debug_shows_neither_code_nor_state() {
        let parsed = AuthorizationResponse::parse("code=canary-code&state=canary-state");
        assert!(!format!("{parsed:?}").contains("canary"));
    }
}
