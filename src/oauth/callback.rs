//! The authorization response (RFC 6749 section 4.1.2), which a browser brings to the redirect URI.
//!
//! Any client can send one, so the parameters that decide anything are parsed strictly: none twice,
//! no invalid encoding, no control characters. All others are ignored as they are.

use std::{borrow::Cow, fmt, mem};

use url::form_urlencoded;
use zeroize::Zeroizing;

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
    Code(Zeroizing<String>),
    Error {
        code: String,
        description: Option<String>,
    },
}

impl AuthorizationResponse {
    /// Returns `None` if a parameter that decides anything is malformed.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        if query.len() > MAX_QUERY {
            return None;
        }
        let (mut code, mut state, mut error, mut description, mut issuer) =
            (None, None, None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (slot, strict) = match decode(name).as_deref() {
                Some("code") => (&mut code, true),
                Some("state") => (&mut state, true),
                Some("error") => (&mut error, true),
                Some("iss") => (&mut issuer, true),
                Some("error_description") => (&mut description, false),
                // RFC 6749 section 4.1.2: unrecognized parameters are ignored, with any value.
                _ => continue,
            };
            let value = match strict {
                true => decode(value)?.into_owned(),
                false => decode_lossily(value),
            };
            if slot.replace(Zeroizing::new(value)).is_some() {
                return None;
            }
        }
        // RFC 6749 section 3.1: a parameter without a value counts as left out.
        let given = |value: Option<Zeroizing<String>>| value.filter(|value| !value.is_empty());
        let public = |mut value: Zeroizing<String>| mem::take(&mut *value);
        let outcome = match (given(code), given(error)) {
            (Some(code), None) => {
                let printable = code.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                (printable && code.len() <= MAX_CODE).then_some(Outcome::Code(code))?
            }
            (None, Some(code)) => Outcome::Error {
                code: public(code),
                description: given(description).map(public),
            },
            _ => return None,
        };
        let state = given(state);
        if state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
            return None;
        }
        Some(Self {
            state: state.map(public).map(State::from_untrusted),
            outcome,
        })
    }
}

/// Decodes a text that only a person reads. What cannot be decoded becomes a question mark in a
/// diamond; the page leaves control characters out.
fn decode_lossily(raw: &str) -> String {
    let pair = [b"=", raw.as_bytes()].concat();
    let mut decoded = form_urlencoded::parse(&pair);
    let value = decoded.next().map(|(_, value)| value.into_owned());
    value.unwrap_or_default()
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
    // Of a code, perhaps.
    let mut decoded = Zeroizing::new(Vec::with_capacity(raw.len()));
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
    let text = str::from_utf8(&decoded).ok()?;
    (!text.chars().any(char::is_control)).then(|| Cow::Owned(text.to_owned()))
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
            Outcome::Code(code) => Some(code.to_string()),
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

    /// S25.
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

    /// S26.
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

    /// S29.
    #[test]
    fn invalid_bytes_are_refused_where_they_decide() {
        for query in [
            "code=%FF%FE&state=s",
            "code=a&state=%00",
            "error=%0d%0aX",
            "code=a&iss=%0a",
            "code=a&iss=50%",
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
    fn odd_bytes_beside_what_decides_are_ignored() {
        for beside in [
            "utm_campaign=50%",
            "q=%E5%F8",
            "x=a%0Ab",
            "%00=b",
            "%E5=1",
            "%",
            "session_state=%zz",
            "x=\u{e5}",
            "codes=1&Code=2&code%20=3",
            "error_description=%00",
        ] {
            for query in [
                format!("code=a&state=s&{beside}"),
                format!("{beside}&state=s&code=a"),
            ] {
                assert_eq!(code(&query).as_deref(), Some("a"), "{query}");
            }
        }
    }

    #[test]
    fn description_is_read_however_it_is_encoded() {
        for (raw, read) in [
            ("a%0D%0Ab", "a\r\nb"),
            ("nei%E5", "nei\u{fffd}"),
            ("50%", "50%"),
            ("r%C3%B8d+sko", "rød sko"),
        ] {
            let query = format!("error=access_denied&error_description={raw}&state=s");
            let parsed = AuthorizationResponse::parse(&query).expect(raw);
            let Outcome::Error { description, .. } = parsed.outcome else {
                panic!("an error is an outcome");
            };
            assert_eq!(description.as_deref(), Some(read));
        }
    }

    /// S10, S28.
    #[test]
    fn sizes_are_bounded() {
        let code = |len: usize| format!("state=s&code={}", "a".repeat(len));
        assert!(AuthorizationResponse::parse(&code(MAX_CODE)).is_some());
        assert!(AuthorizationResponse::parse(&code(MAX_CODE + 1)).is_none());
        let state = |len: usize| format!("code=a&state={}", "s".repeat(len));
        assert!(AuthorizationResponse::parse(&state(MAX_STATE)).is_some());
        assert!(AuthorizationResponse::parse(&state(MAX_STATE + 1)).is_none());
        let long = format!("code=a&state=s&x={}", "x".repeat(MAX_QUERY));
        assert!(AuthorizationResponse::parse(&long).is_none());
    }

    #[test]
    fn debug_shows_neither_code_nor_state() {
        let parsed = AuthorizationResponse::parse("code=canary-code&state=canary-state");
        assert!(!format!("{parsed:?}").contains("canary"));
    }
}
