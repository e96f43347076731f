//! The authorization request (RFC 6749 section 4.1.1), which sends the browser to log in.

use std::borrow::Cow;

use url::Url;

use super::State;

const OWN_PARAMETERS: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// The part of the authorization request that is the same for every login.
#[derive(Debug)]
pub(crate) struct Authorization {
    endpoint: Url,
    /// What the app adds to every request.
    extra: Vec<(String, String)>,
}

impl Authorization {
    /// Without a `redirect_uri`, Telenor takes it from the app's dashboard.
    pub(crate) fn new(
        mut endpoint: Url,
        client_id: &str,
        redirect_uri: Option<&str>,
        scope: Option<&str>,
        extra: &[(String, String)],
    ) -> Self {
        {
            let mut query = endpoint.query_pairs_mut();
            query.append_pair("response_type", "code");
            query.append_pair("client_id", client_id);
            if let Some(redirect_uri) = redirect_uri {
                query.append_pair("redirect_uri", redirect_uri);
            }
            if let Some(scope) = scope {
                query.append_pair("scope", scope);
            }
        }
        let extra = extra.to_vec();
        Self { endpoint, extra }
    }

    /// Adds parameters to an authorization URL, unless it has one of that name already. A request
    /// with two of one name is invalid (RFC 6749 section 3.1).
    pub(crate) fn with_parameters<'p>(
        &self,
        url: String,
        parameters: impl Iterator<Item = (Cow<'p, str>, Cow<'p, str>)>,
    ) -> String {
        let Ok(mut url) = Url::parse(&url) else {
            return url;
        };
        for (name, value) in parameters {
            let is_sent = url.query_pairs().any(|(known, _)| known == name);
            if !(is_sent || is_reserved_parameter(&name)) {
                url.query_pairs_mut().append_pair(&name, &value);
            }
        }
        url.into()
    }

    /// `challenge` is the `code_challenge` of PKCE (RFC 7636 section 4.3), method S256.
    /// `parameters` are those of this login. They take the place of what every request has under
    /// the same name.
    pub(crate) fn url(
        &self,
        state: &State,
        challenge: Option<&str>,
        parameters: &[(String, String)],
    ) -> String {
        let mut url = self.endpoint.clone();
        {
            let mut query = url.query_pairs_mut();
            let is_replaced = |name: &str| parameters.iter().any(|(new, _)| new == name);
            query.extend_pairs(self.extra.iter().filter(|(name, _)| !is_replaced(name)));
            query.extend_pairs(parameters);
            query.append_pair("state", state.as_str());
            if let Some(challenge) = challenge {
                query.append_pair("code_challenge", challenge);
                query.append_pair("code_challenge_method", "S256");
            }
        }
        url.into()
    }
}

/// Whether the layer sends a parameter of this name itself. If it were sent twice, the gateway
/// would pick one.
pub(crate) fn is_reserved_parameter(name: &str) -> bool {
    name.is_empty() || OWN_PARAMETERS.contains(&name)
}

/// Whether this is a valid scope (RFC 6749 section 3.3).
pub(crate) fn is_scope(scope: &str) -> bool {
    scope.split(' ').all(|token| {
        !token.is_empty()
            && token
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::oauth::Verifier;

    #[test]
    fn every_parameter_is_sent_once_and_encoded() {
        let endpoint = Url::parse("https://gateway.example/oauth/v2/authorize").unwrap();
        let extra = [("ui_locales".to_owned(), "nb å&+".to_owned())];
        let redirect = Some("https://shop.example/telenor/callback");
        let authorization =
            Authorization::new(endpoint, "id å&+", redirect, Some("a b:c&d+å"), &extra);
        let verifier = Verifier::random();
        let state = State::random();
        let url = authorization.url(&state, Some(&verifier.challenge()), &[]);
        assert!(url.is_ascii());
        let pairs: Vec<_> = Url::parse(&url)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        let sent: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(sent.len(), pairs.len(), "no name is sent twice");
        let expected = [
            ("response_type", "code"),
            ("client_id", "id å&+"),
            ("redirect_uri", "https://shop.example/telenor/callback"),
            ("scope", "a b:c&d+å"),
            ("ui_locales", "nb å&+"),
            ("state", state.as_str()),
            ("code_challenge", &verifier.challenge()),
            ("code_challenge_method", "S256"),
        ];
        let expected: BTreeMap<_, _> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(sent, expected);
        assert!(!url.contains(&verifier.secret()));
    }

    #[test]
    fn optional_parameters_are_not_sent_when_absent() {
        let endpoint = Url::parse("https://gateway.example/oauth/v2/authorize").unwrap();
        let url = Authorization::new(endpoint, "id", None, None, &[]).url(
            &State::from_untrusted("s".into()),
            None,
            &[],
        );
        assert_eq!(
            url,
            "https://gateway.example/oauth/v2/authorize?response_type=code&client_id=id&state=s"
        );
    }

    #[test]
    fn parameters_of_one_login_replace_those_of_every_login() {
        let endpoint = Url::parse("https://gateway.example/oauth/v2/authorize").unwrap();
        let [nb, en, hint] = [
            ("ui_locales", "nb"),
            ("ui_locales", "en"),
            ("login_hint", "a b"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let authorization = Authorization::new(endpoint, "id", None, None, &[nb]);
        let state = State::from_untrusted("s".into());
        let url = authorization.url(&state, None, &[en, hint]);
        assert!(
            url.ends_with("client_id=id&ui_locales=en&login_hint=a+b&state=s"),
            "{url}"
        );
    }

    #[test]
    fn scope_follows_the_rfc() {
        for scope in ["user-info-v1", "a b", "api:mobile-product-v2"] {
            assert!(is_scope(scope));
        }
        for scope in ["", " ", "a  b", "a ", "a\"b", "a\\b", "å", "a\tb"] {
            assert!(!is_scope(scope), "{scope:?}");
        }
    }
}
