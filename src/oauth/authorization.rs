//! The authorization request (RFC 6749 section 4.1.1), which sends the browser to log in.

use std::{borrow::Cow, collections::HashSet};

use url::{Url, form_urlencoded::byte_serialize};

use super::State;

const RESERVED_PARAMETERS: [&str; 12] = [
    // The layer sends these itself.
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    // They replace all others (RFC 9101 section 5).
    "request",
    "request_uri",
    // It moves the response to where the layer does not read it, such as a form that is posted.
    "response_mode",
    // They bind the response to what the layer does not hold (OpenID Connect Core section 3.1.2.1,
    // RFC 9449 section 10).
    "nonce",
    "dpop_jkt",
];

/// The part of the authorization request that is the same for every login.
#[derive(Debug)]
pub(crate) struct Authorization {
    /// The URL with the parameters of the layer that are known when it is built.
    start: String,
    /// What the app adds to every request.
    extra: Vec<(String, String)>,
    /// The URL with both.
    start_with_extra: String,
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
        let start = String::from(endpoint);
        let mut start_with_extra = start.clone();
        append(&mut start_with_extra, extra);
        Self {
            start,
            extra: extra.to_vec(),
            start_with_extra,
        }
    }

    /// Adds parameters to an authorization URL, unless it has one of that name already. A request
    /// with two of one name is invalid (RFC 6749 section 3.1).
    ///
    /// Names that differ in case alone count as one: a lenient gateway could read them as one.
    pub(crate) fn with_parameters<N: AsRef<str>, V: AsRef<str>>(
        &self,
        url: String,
        parameters: impl Iterator<Item = (N, V)>,
    ) -> String {
        let Ok(mut url) = Url::parse(&url) else {
            return url;
        };
        let sent = url.query_pairs();
        let mut sent: HashSet<_> = sent.map(|(name, _)| name.to_ascii_lowercase()).collect();
        let new = parameters.filter(|(name, _)| {
            let name = name.as_ref();
            !is_reserved_parameter(name) && sent.insert(name.to_ascii_lowercase())
        });
        url.query_pairs_mut().extend_pairs(new);
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
        let start = match parameters {
            [] => Cow::Borrowed(&*self.start_with_extra),
            parameters => Cow::Owned(self.start_with(parameters)),
        };
        // The layer made both of these, in base64url, which needs no encoding.
        let state = state.as_str();
        match challenge {
            Some(challenge) => {
                let method = "&code_challenge_method=S256";
                [
                    &start,
                    "&state=",
                    state,
                    "&code_challenge=",
                    challenge,
                    method,
                ]
                .concat()
            }
            None => [&start, "&state=", state].concat(),
        }
    }

    /// The URL with the parameters of one login, and those of every login that have no such name.
    fn start_with(&self, parameters: &[(String, String)]) -> String {
        let is_replaced = |name: &str| {
            let mut new = parameters.iter().map(|(new, _)| new);
            new.any(|new| new.eq_ignore_ascii_case(name))
        };
        let mut url = self.start.clone();
        let extra = self.extra.iter().filter(|(name, _)| !is_replaced(name));
        append(&mut url, extra);
        append(&mut url, parameters);
        url
    }
}

/// Appends parameters to a URL that has some already.
fn append<'p>(url: &mut String, parameters: impl IntoIterator<Item = &'p (String, String)>) {
    for (name, value) in parameters {
        url.push('&');
        url.extend(byte_serialize(name.as_bytes()));
        url.push('=');
        url.extend(byte_serialize(value.as_bytes()));
    }
}

/// Whether a parameter of this name is for the layer alone: it sends the parameter itself, or the
/// parameter would change what the layer sends. If one were sent twice, the gateway would pick one.
///
/// Names have a case (RFC 6749 section 8.2), but a lenient gateway may ignore it.
pub(crate) fn is_reserved_parameter(name: &str) -> bool {
    let mut reserved = RESERVED_PARAMETERS.iter();
    name.is_empty() || reserved.any(|reserved| reserved.eq_ignore_ascii_case(name))
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
    use std::{cell::Cell, collections::BTreeMap};

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
        let challenge = verifier.challenge();
        let url = authorization.url(&state, Some(challenge.as_str()), &[]);
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
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let expected: BTreeMap<_, _> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(sent, expected);
        assert!(!url.contains(verifier.secret().as_str()));
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

    /// S2.
    #[test]
    fn parameters_of_one_login_replace_those_of_every_login() {
        let endpoint = Url::parse("https://gateway.example/oauth/v2/authorize").unwrap();
        let [nb, en, hint] = [
            ("ui_locales", "nb"),
            ("UI_Locales", "en"),
            ("login_hint", "a b"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let authorization = Authorization::new(endpoint, "id", None, None, &[nb]);
        let state = State::from_untrusted("s".into());
        let url = authorization.url(&state, None, &[en, hint]);
        assert!(
            url.ends_with("client_id=id&UI_Locales=en&login_hint=a+b&state=s"),
            "{url}"
        );
    }

    /// A name that counts how often it is read.
    struct Counted<'c>(String, &'c Cell<usize>);

    impl AsRef<str> for Counted<'_> {
        fn as_ref(&self) -> &str {
            self.1.set(self.1.get() + 1);
            &self.0
        }
    }

    #[test]
    fn each_name_is_read_as_often_for_any_number_of_them() {
        let endpoint = Url::parse("https://gateway.example/oauth/v2/authorize").unwrap();
        let authorization = Authorization::new(endpoint, "id", None, None, &[]);
        let reads = |number: usize| {
            let read = Cell::new(0);
            let names = (0..number).map(|at| (Counted(format!("n{at}"), &read), "x"));
            let url = authorization.url(&State::from_untrusted("s".into()), None, &[]);
            let url = authorization.with_parameters(url, names);
            assert!(url.ends_with(&format!("&n{}=x", number - 1)), "{url}");
            read.get()
        };
        assert_eq!(reads(1000), 1000 * reads(1));
    }

    #[test]
    fn added_parameters_replace_none_in_any_case() {
        let endpoint = Url::parse("https://gateway.example/oauth/v2/authorize?preset=1").unwrap();
        let extra = [("ui_locales".to_owned(), "nb".to_owned())];
        let authorization = Authorization::new(endpoint, "id", None, None, &extra);
        let url = authorization.url(&State::from_untrusted("s".into()), None, &[]);
        let same = ["preset", "PRESET", "ui_locales", "UI_Locales", ""];
        let both = RESERVED_PARAMETERS.iter().chain(&same);
        for name in both {
            let upper = name.to_uppercase();
            let added = [(*name, "evil"), (upper.as_str(), "evil")];
            let added = authorization.with_parameters(url.clone(), added.into_iter());
            assert_eq!(added, url, "{name}");
        }
        let new = [("Line", "a"), ("line", "b"), ("hint", "c d")];
        let added = authorization.with_parameters(url.clone(), new.into_iter());
        assert_eq!(added, format!("{url}&Line=a&hint=c+d"));
    }

    #[test]
    fn parameters_for_the_layer_alone_are_reserved_in_any_case() {
        for name in [
            "state",
            "Redirect_URI",
            "CODE_CHALLENGE",
            "request",
            "Request_Uri",
            "response_mode",
            "nonce",
            "dpop_jkt",
            "",
        ] {
            assert!(is_reserved_parameter(name), "{name}");
        }
        for name in ["ui_locales", "login_hint", "prompt", "requested", "states"] {
            assert!(!is_reserved_parameter(name), "{name}");
        }
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
