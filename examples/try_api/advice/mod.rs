//! The meaning of each error of the gateway, and what to change.
//!
//! The meanings are Telenor's, as documented with its APIs. Where Telenor documents no remedy, the
//! advice is inferred, and says "probably".

mod codes;

use telenor_auth::{ApiError, ApiErrorKind, FailureCause};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) meaning: &'static str,
    /// Starts with whether the change is made on the portal.
    pub(crate) change: &'static str,
}

/// For a call to an API.
pub(crate) fn for_call(error: &ApiError) -> Advice {
    if let Some(advice) = error.code().and_then(for_code) {
        return advice;
    }
    match error.kind() {
        ApiErrorKind::Unauthorized => {
            let description = error.description().unwrap_or_default();
            if description.to_ascii_lowercase().contains("expired") {
                EXPIRED_TOKEN
            } else {
                INVALID_TOKEN
            }
        }
        ApiErrorKind::Forbidden => FORBIDDEN,
        ApiErrorKind::RateLimited => SLOW_DOWN,
        ApiErrorKind::Unavailable if error.status().is_none() => UNREACHABLE,
        ApiErrorKind::Unavailable => OUT_OF_ORDER,
        _ => UNEXPECTED,
    }
}

/// For a failed login; `detail` is what the layer knows beyond the cause.
pub(crate) fn for_login(cause: FailureCause, detail: &str) -> Advice {
    match cause {
        FailureCause::AccessDenied => DENIED,
        FailureCause::LineNotRecognized => NOT_RECOGNIZED,
        FailureCause::ClientRejected => BAD_CREDENTIALS,
        FailureCause::CodeRejected => BAD_CODE,
        FailureCause::CodeReplayed => REPLAYED,
        FailureCause::ProviderRefused => {
            // From the callback the detail is the error's code and its description.
            let (error, description) = detail.split_once(": ").unwrap_or((detail, ""));
            for_oauth(error, description).unwrap_or(REFUSED)
        }
        FailureCause::GatewayUnreachable => UNREACHABLE,
        FailureCause::GatewayTimeout => NO_ANSWER,
        FailureCause::GatewayBusy => SLOW_DOWN,
        FailureCause::ProviderError | FailureCause::ProviderUnavailable => OUT_OF_ORDER,
        FailureCause::StateUnknown | FailureCause::LoginLoop => NO_COOKIE,
        FailureCause::StateExpired => TOO_SLOW,
        _ => UNEXPECTED,
    }
}

/// For the `error` and `error_description` of the authorization endpoint or the callback.
pub(crate) fn for_oauth(error: &str, description: &str) -> Option<Advice> {
    let description = description.to_ascii_lowercase();
    let says = |part| description.contains(part);
    match error {
        "invalid_request" if says("is required") && says("redirection") => Some(NO_REDIRECT_URI),
        "invalid_request" if says("required param") && says("redirect_uri") => {
            Some(NO_REDIRECT_URI)
        }
        "invalid_request" if says("redirection uri") || says("redirect_uri") => {
            Some(BAD_REDIRECT_URI)
        }
        "invalid_request" if says("client id") || says("clientid") => Some(BAD_CLIENT_ID),
        "invalid_request" if says("challenge") || says("transform") => Some(NO_PKCE),
        "invalid_client" => Some(BAD_CREDENTIALS),
        "unauthorized_client" => Some(NOT_FOR_THIS_CLIENT),
        "invalid_scope" => for_code(40301),
        _ => None,
    }
}

/// For a code that the gateway documents.
pub(crate) fn for_code(code: u32) -> Option<Advice> {
    let known = codes::CODES.iter().find(|(known, _)| *known == code);
    known.map(|(_, advice)| *advice)
}

const INVALID_TOKEN: Advice = Advice {
    meaning: "The gateway does not know the access token (401, or the fault invalid_access_token).",
    change: "Nothing on developer.telenor.no: run this again for a new token. If it comes back at once, the path is probably another gateway's, or the consent was withdrawn.",
};
const EXPIRED_TOKEN: Advice = Advice {
    meaning: "The access token has expired (the fault access_token_expired).",
    change: "Nothing on developer.telenor.no: run this again for a new token.",
};
const FORBIDDEN: Advice = Advice {
    meaning: "The token is good, but not for this.",
    change: "On developer.telenor.no: subscribe the app to the API's product, which access is probably tied to.",
};
const SLOW_DOWN: Advice = Advice {
    meaning: "Too many calls: a quota is used up, or they came too fast.",
    change: "Nothing on developer.telenor.no: wait, then try again.",
};
const OUT_OF_ORDER: Advice = Advice {
    meaning: "The gateway reports that it cannot answer.",
    change: "Nothing on developer.telenor.no: try again later, and ask at /support there if it persists.",
};
pub(crate) const UNREACHABLE: Advice = Advice {
    meaning: "The gateway could not be reached, or gave no answer in time.",
    change: "Nothing on developer.telenor.no: check --gateway, an endpoint that is set, the network, and a firewall in between; proxies of the environment are not used.",
};
const NO_ANSWER: Advice = Advice {
    meaning: "The gateway did not answer in time.",
    change: "Nothing on developer.telenor.no: try again later.",
};
const UNEXPECTED: Advice = Advice {
    meaning: "An undocumented answer.",
    change: "Nothing on developer.telenor.no, as far as is known: check --gateway and the path.",
};
const REPLAYED: Advice = Advice {
    meaning: "The callback came a second time. Its code was sent before, and was not sent again.",
    change: "Nothing on developer.telenor.no: run this again, and do not reload the last page.",
};
const DENIED: Advice = Advice {
    meaning: "The user said no, and nothing was shared. It is the most common failure.",
    change: "Nothing on developer.telenor.no: run this again and agree.",
};
const NOT_RECOGNIZED: Advice = Advice {
    meaning: "Telenor could not recognize the line.",
    change: "Nothing on developer.telenor.no: turn off Wi-Fi and VPN on a phone with a Telenor line, or answer the question that comes up on it (USSD).",
};
const BAD_CREDENTIALS: Advice = Advice {
    meaning: "Client id or client secret is wrong.",
    change: "On developer.telenor.no: copy both again from the app's page. Another gateway than production probably has others, so check --gateway. If the secret has more than letters and digits in it, try --raw-credentials.",
};
const BAD_CLIENT_ID: Advice = Advice {
    meaning: "The gateway does not know the client id.",
    change: "On developer.telenor.no: copy it again from the app's page. Another gateway than production probably has others, so check --gateway.",
};
const BAD_REDIRECT_URI: Advice = Advice {
    meaning: "The redirect URI is not the registered one.",
    change: "On developer.telenor.no: register it for the app, under Applications, letter for letter. Or give the registered one with --redirect-uri.",
};
const NO_REDIRECT_URI: Advice = Advice {
    meaning: "The gateway wants a redirect URI in the request.",
    change: "On developer.telenor.no: register the redirect URI for the app, under Applications. Then run this without --omit-redirect-uri.",
};
const NO_PKCE: Advice = Advice {
    meaning: "The gateway refuses the PKCE challenge.",
    change: "Nothing on developer.telenor.no: Telenor does not document PKCE. --no-pkce probably helps.",
};
const NOT_FOR_THIS_CLIENT: Advice = Advice {
    meaning: "The app may not log people in this way.",
    change: "On developer.telenor.no: the app probably lacks the product of an identity API; subscribe it.",
};
const BAD_CODE: Advice = Advice {
    meaning: "The authorization code is used, too old, or not for this request.",
    change: "Nothing on developer.telenor.no: run this again. If it persists, it is probably the redirect URI or PKCE: try --omit-redirect-uri, then --no-pkce.",
};
const REFUSED: Advice = Advice {
    meaning: "Telenor refused the request itself.",
    change: "On developer.telenor.no: compare the redirect URI with the registered one, under Applications. If it is the same, try --omit-redirect-uri, then --no-pkce, which probably shows which of them it is.",
};
const NO_COOKIE: Advice = Advice {
    meaning: "The browser that came back is not the one that started the login, or it keeps no cookies.",
    change: "Nothing on developer.telenor.no: open the address again, and stay in that browser.",
};
const TOO_SLOW: Advice = Advice {
    meaning: "The login took longer than it may.",
    change: "Nothing on developer.telenor.no: give more time with --timeout.",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Telenor's table, as documented with every API of the gateway.
    const DOCUMENTED: [u32; 18] = [
        40001, 40101, 40102, 40103, 40104, 40105, 40106, 40107, 40108, 40301, 40401, 4_042_000,
        42901, 42902, 50001, 50002, 50003, 500_100,
    ];

    #[test]
    fn every_documented_code_has_advice() {
        for code in DOCUMENTED {
            assert!(for_code(code).is_some(), "{code}");
        }
        assert_eq!(codes::CODES.len(), DOCUMENTED.len());
        assert_eq!(for_code(40109), None);
    }

    #[test]
    fn every_advice_starts_with_whether_the_portal_is_the_place() {
        let others = [
            INVALID_TOKEN,
            EXPIRED_TOKEN,
            FORBIDDEN,
            SLOW_DOWN,
            OUT_OF_ORDER,
            UNREACHABLE,
            NO_ANSWER,
            UNEXPECTED,
            DENIED,
            NOT_RECOGNIZED,
            BAD_CREDENTIALS,
            BAD_CLIENT_ID,
            BAD_REDIRECT_URI,
            NO_REDIRECT_URI,
            NO_PKCE,
            NOT_FOR_THIS_CLIENT,
            BAD_CODE,
            REFUSED,
            NO_COOKIE,
            TOO_SLOW,
        ];
        for Advice { meaning, change } in
            codes::CODES.iter().map(|(_, advice)| *advice).chain(others)
        {
            let portal = [
                "On developer.telenor.no: ",
                "Nothing on developer.telenor.no",
            ];
            assert!(
                portal.iter().any(|start| change.starts_with(start)),
                "{change}"
            );
            assert!(
                meaning.ends_with('.') && change.ends_with('.'),
                "{meaning} {change}"
            );
        }
    }

    #[test]
    fn errors_of_the_authorization_endpoint_differ_by_their_description() {
        for (description, advice) in [
            (
                "Invalid redirection uri http://127.0.0.1/client",
                BAD_REDIRECT_URI,
            ),
            ("Redirection URI is required", NO_REDIRECT_URI),
            ("Required param : redirect_uri", NO_REDIRECT_URI),
            ("Invalid client id : x. ClientId is Invalid", BAD_CLIENT_ID),
            ("code challenge required", NO_PKCE),
        ] {
            assert_eq!(
                for_oauth("invalid_request", description),
                Some(advice),
                "{description}"
            );
        }
        assert_eq!(
            for_oauth("invalid_client", "ClientId is Invalid"),
            Some(BAD_CREDENTIALS)
        );
        assert_eq!(for_oauth("invalid_scope", ""), for_code(40301));
        assert_eq!(for_oauth("invalid_request", "something new"), None);
    }

    #[test]
    fn a_refusal_in_the_callback_is_known_by_its_code() {
        let refused = |detail| for_login(FailureCause::ProviderRefused, detail);
        assert_eq!(Some(refused("invalid_scope: x: y")), for_code(40301));
        assert_eq!(refused("unauthorized_client: "), NOT_FOR_THIS_CLIENT);
        assert_eq!(
            refused("the token endpoint answered 400 Bad Request"),
            REFUSED
        );
        assert_eq!(for_login(FailureCause::AccessDenied, ""), DENIED);
    }
}
