//! The error for a mistake in the configuration, for the developer who can correct it.

use std::fmt;

/// Set first, of all variables that `from_env` reads.
pub(crate) const CLIENT_ID: &str = "TELENOR_CLIENT_ID";

/// A mistake in the configuration, found by [`TelenorAuthBuilder::build`] before the first request.
///
/// The text says what to change. `Debug` shows it too, so a `main` that returns this error prints
/// it.
///
/// ```
/// use telenor_auth::{ConfigError, TelenorAuthLayer};
///
/// let mistake = TelenorAuthLayer::builder("id", "secret", "http://shop.example/telenor/callback")
///     .build()
///     .unwrap_err();
/// assert!(matches!(mistake, ConfigError::InsecureRedirectUri));
/// assert!(mistake.to_string().contains("https"));
/// ```
///
/// [`TelenorAuthBuilder::build`]: crate::TelenorAuthBuilder::build
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A required environment variable is not set. For the client id, the text also names the ways
    /// to one: the mock gateway, and Telenor's portal.
    MissingVariable(&'static str),
    /// Two environment variables for the same setting are set.
    ConflictingVariables(&'static str, &'static str),
    /// An environment variable is set to bytes that are not UTF-8.
    VariableNotUnicode(&'static str),
    /// An environment variable is neither `true` nor `false`.
    VariableNotBool(&'static str),
    /// The client id is empty. The text names the ways to one: the mock gateway, which needs none
    /// of Telenor's, and Telenor's portal.
    MissingClientId,
    /// The client id has blanks around it or control characters. The text says which.
    InvalidClientId(&'static str),
    /// The client secret is empty, or has blanks around it or control characters. The text says
    /// which.
    InvalidClientSecret(&'static str),
    /// The redirect URI is not an absolute URL, or its path has no last part.
    InvalidRedirectUri(String),
    /// The redirect URI is not written as a browser writes it. The text is how a browser does.
    RedirectUriNotNormal(String),
    /// The redirect URI is plain `http` on a host that is not this machine. With the feature
    /// `mock`, `dangerous_allow_plain_http` accepts it beside a gateway on plain `http`.
    InsecureRedirectUri,
    /// The path of the redirect URI is that of another route of the layer.
    RedirectPathTaken(String),
    /// The gateway is not an absolute URL.
    InvalidGateway(String),
    /// The gateway is plain `http` on a host that is not this machine. With the feature `mock`,
    /// `dangerous_allow_plain_http` accepts it.
    InsecureGateway,
    /// An endpoint is neither a path on the gateway nor an `https` URL.
    InvalidEndpoint {
        /// The endpoint: `authorization`, `token`, `logout`, `user info` or `device info`.
        endpoint: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The extra certificate authorities are not a PEM bundle.
    InvalidCertificates,
    /// The URL of the egress proxy is invalid. The error does not show the URL, which may hold a
    /// password.
    InvalidProxy(String),
    /// The scope has characters that RFC 6749 section 3.3 does not allow.
    InvalidScope,
    /// An extra authorization parameter has no name, the name of one that the layer sends itself,
    /// or the same name as another.
    ReservedParameter(String),
    /// A cookie key is shorter than 32 bytes. The number is its length.
    KeyTooShort(usize),
    /// A cookie key is text, a repetition, or a sample from a document.
    WeakKey,
    /// The same cookie key is listed twice.
    RepeatedKey,
    /// A cookie key is neither hexadecimal nor base64.
    UnreadableKey,
    /// The list of cookie keys is empty.
    NoKeys,
    /// The session store seals with other keys than the layer.
    StoreKeysDiffer,
    /// The cookie keys could not be read from their source. The text names the source and the
    /// reason, and no key.
    KeysUnavailable(String),
    /// The cookie name is not 1 to 32 letters, digits and dashes.
    InvalidCookieName(String),
    /// A path of the app (home, way on without login, page after logout) is not a path on its own
    /// origin.
    InvalidPath {
        /// The builder method that set the path.
        setting: &'static str,
        /// The path as given.
        path: String,
    },
    /// The path for which the app sets its words is not a path on its own origin, or has a query.
    InvalidPlace {
        /// The builder method that set the words.
        setting: &'static str,
        /// The path as given.
        path: String,
    },
    /// A color of the pages is not written as `#rrggbb`.
    InvalidColor {
        /// The builder method that set the color.
        setting: &'static str,
        /// The color as given.
        color: String,
    },
    /// Text in this color, or on it, could not be read.
    LowContrast {
        /// The builder method that set the color.
        setting: &'static str,
        /// The color as given.
        color: String,
        /// The nearest darker or lighter color with enough contrast.
        better: String,
    },
    /// The logo is not an image that a page can show. The text says why.
    InvalidLogo(String),
    /// A link to help has no text, or does not lead to a path of the app or to a URL of `https:`,
    /// `mailto:` or `tel:`.
    InvalidSupportLink(String),
    /// The redirect URI's path is not below the path at which the router is nested.
    NotBelowNest(String),
    /// The redirect URI's path is not below the prefix that the proxy takes away.
    NotBelowStrippedPrefix(String),
    /// A duration is zero or longer than the layer allows.
    InvalidDuration {
        /// The builder method that set the duration.
        setting: &'static str,
        /// The durations that it allows.
        allowed: &'static str,
    },
    /// Refresh tokens need a store that keeps sessions on the server.
    RefreshNeedsServer,
    /// The origin of the plain-http start page is invalid, or has no host of its own.
    InvalidHttpStart(&'static str),
    /// An origin in `trusted_origin` is not the origin of a page on https.
    InvalidTrustedOrigin(String),
    /// The script of the start page cannot be put on it safely.
    InvalidStartScript(String),
    /// A limit is zero.
    ZeroLimit(&'static str),
    /// The URL of a store is invalid. The error does not show the URL, which may hold a password.
    InvalidStoreUrl(String),
    /// The TLS library could not be set up.
    Tls(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingVariable(CLIENT_ID) => f.write_str(
                "set the environment variables TELENOR_CLIENT_ID, TELENOR_CLIENT_SECRET and \
                 TELENOR_REDIRECT_URI to what your app's page on developer.telenor.no shows. \
                 Without an app there, run the mock gateway and set the variables that it prints: \
                 `cargo install telenor-auth --example mock_gateway --features mock`, then \
                 `mock_gateway`",
            ),
            Self::MissingVariable(name) => write!(f, "set the environment variable {name}"),
            Self::ConflictingVariables(one, other) => write!(
                f,
                "the environment variables {one} and {other} are both set: remove one of them"
            ),
            Self::VariableNotUnicode(name) => write!(
                f,
                "the environment variable {name} is not UTF-8: set it to text, or unset it"
            ),
            Self::VariableNotBool(name) => {
                write!(
                    f,
                    "the environment variable {name} is neither true nor false: set one"
                )
            }
            Self::MissingClientId => f.write_str(
                "the client id is empty: set the one that your app's page on developer.telenor.no \
                 shows. Without an app there, use the mock gateway: enable the feature `mock` of \
                 telenor-auth, start it with \
                 `let gateway = telenor_auth::mock::MockGateway::start().await?;`, and build the \
                 layer with `TelenorAuthLayer::builder(gateway.client_id(), \
                 gateway.client_secret(), redirect_uri).gateway(gateway.base_url())`",
            ),
            Self::InvalidClientId(why) => write!(
                f,
                "the client id {why}: set exactly what your app's page on developer.telenor.no \
                 shows"
            ),
            Self::InvalidClientSecret(why) => write!(
                f,
                "the client secret {why}: set exactly what your app's page on developer.telenor.no \
                 shows"
            ),
            Self::InvalidRedirectUri(why) => write!(
                f,
                "the redirect URI {why}: set it exactly as it is registered at Telenor, like \
                 https://shop.example/telenor/callback"
            ),
            Self::RedirectUriNotNormal(normal) => write!(
                f,
                "the redirect URI is not in its normal form, which is {normal}: register that form \
                 at Telenor, and set the same here"
            ),
            Self::InsecureRedirectUri => f.write_str(
                "the redirect URI is plain http: use https, or a loopback address (127.0.0.1, \
                 [::1], localhost) during development. For a phone in the same network, a mock \
                 gateway with all endpoints on plain http, the feature `mock` and \
                 dangerous_allow_plain_http(true) allow another one",
            ),
            Self::RedirectPathTaken(path) => write!(
                f,
                "the path of the redirect URI, {path}, is the path of another route: use one like \
                 /telenor/callback, whose last part is not login, logout, start, session, \
                 user-info or device-info"
            ),
            Self::InvalidGateway(why) => write!(
                f,
                "the gateway URL {why}: set a base URL like https://api.telenor.no"
            ),
            Self::InsecureGateway => f.write_str(
                "the gateway URL is plain http, which would show the client secret: use https, or \
                 a mock gateway on a loopback address. For a mock under another name during \
                 development, enable the feature `mock` and set dangerous_allow_plain_http(true), \
                 or TELENOR_DANGEROUS_ALLOW_PLAIN_HTTP=true for from_env",
            ),
            Self::InvalidEndpoint { endpoint, why } => write!(
                f,
                "the {endpoint} endpoint {why}: set a path on the gateway, like /oauth/v2/token, or \
                 a full https URL"
            ),
            Self::InvalidCertificates => f.write_str(
                "the certificate authorities cannot be read: give one or more certificates in PEM \
                 form",
            ),
            Self::InvalidProxy(why) => write!(
                f,
                "the proxy URL {why}: use one like http://user:password@proxy.example:3128, with \
                 special characters of the password percent-encoded"
            ),
            Self::InvalidScope => f.write_str(
                "the scope has characters that are not allowed: separate scopes with one space \
                 each, without quotes, backslashes or non-ASCII letters",
            ),
            Self::ReservedParameter(name) => write!(
                f,
                "the authorization parameter {name:?} is empty, repeated, or one that the layer \
                 sets itself or must not send: remove it"
            ),
            Self::KeyTooShort(length) => write!(
                f,
                "a cookie key has {length} bytes and needs at least 32: make one with \
                 `openssl rand -base64 32`"
            ),
            Self::WeakKey => f.write_str(
                "a cookie key is text, a repetition or a sample, which can be guessed: make one \
                 with `openssl rand -base64 32` and read it with CookieKeys::parse",
            ),
            Self::RepeatedKey => f.write_str(
                "the same cookie key is listed twice: list each key once, and first the key that \
                 seals",
            ),
            Self::UnreadableKey => f.write_str(
                "a cookie key is neither hexadecimal nor base64: make one with \
                 `openssl rand -base64 32`, and separate several with commas or new lines",
            ),
            Self::NoKeys => f.write_str(
                "the list of cookie keys is empty: give at least one key, or do not set \
                 cookie_keys, for a random key that lasts as long as the process",
            ),
            Self::StoreKeysDiffer => f.write_str(
                "the session store seals with other keys than cookie_keys: give the same keys to \
                 both, or give them to the store alone",
            ),
            Self::KeysUnavailable(source) => write!(
                f,
                "the cookie keys cannot be read from {source}: put them there in the form that \
                 CookieKeys::parse reads, and allow this process to read them"
            ),
            Self::InvalidCookieName(name) => write!(
                f,
                "the cookie name {name:?} is invalid: use 1 to 32 letters, digits and dashes"
            ),
            Self::InvalidPath { setting, path } => write!(
                f,
                "{setting}({path:?}) is not a path on the app's own origin: begin it with one \
                 slash, percent-encode blanks, and do not use a route of the layer"
            ),
            Self::InvalidPlace { setting, path } => write!(
                f,
                "{setting} has the path {path:?}, which is no place of the app: begin it with one \
                 slash, percent-encode blanks, leave query and fragment away, and do not use a \
                 route of the layer"
            ),
            Self::InvalidColor { setting, color } => write!(
                f,
                "{setting}({color:?}) is not a color: write it as #rrggbb, like #1d5b4d"
            ),
            Self::LowContrast {
                setting,
                color,
                better,
            } => write!(
                f,
                "{setting}({color:?}) cannot be read well on the pages: text needs a contrast of \
                 4.5:1 to its ground (WCAG 2.2 AA), so use a color like {better}"
            ),
            Self::InvalidLogo(why) => write!(
                f,
                "the logo {why}: use an SVG document with its xmlns, or a PNG, JPEG, GIF, WebP or \
                 AVIF image with its media type, of 32 KiB at most"
            ),
            Self::InvalidSupportLink(target) => write!(
                f,
                "the support_link to {target:?} has no text, or does not lead to help: use a path \
                 of the app, or a URL of https:, mailto: or tel: without blanks"
            ),
            Self::NotBelowNest(prefix) => write!(
                f,
                "the redirect URI's path is not below {prefix}, where the router is nested: \
                 register a redirect URI below that path, or put the layer on the outer router"
            ),
            Self::NotBelowStrippedPrefix(prefix) => write!(
                f,
                "stripped_prefix({prefix:?}) is not the beginning of the redirect URI's path: set \
                 it to the beginning that the proxy takes away, with a slash in front, and \
                 register the redirect URI that browsers see"
            ),
            Self::InvalidDuration { setting, allowed } => {
                write!(f, "{setting} is out of range: set it to a time {allowed}")
            }
            Self::RefreshNeedsServer => f.write_str(
                "refresh_tokens needs a store that keeps sessions on the server: use a MemoryStore \
                 or a store that instances share, or do not set refresh_tokens",
            ),
            Self::InvalidHttpStart(why) => write!(
                f,
                "the origin in http_start {why}: use an origin with a host of its own, like \
                 http://start.shop.example, that no HSTS covers"
            ),
            Self::InvalidTrustedOrigin(why) => write!(
                f,
                "the origin in trusted_origin {why}: use one like https://pay.example, with scheme \
                 and host alone"
            ),
            Self::InvalidStartScript(why) => write!(
                f,
                "the script in start_script {why}: use the script exactly as Telenor provides it, \
                 and https addresses where the page is https"
            ),
            Self::ZeroLimit(setting) => write!(f, "{setting} is 0: set it to at least 1"),
            Self::InvalidStoreUrl(why) => write!(
                f,
                "the store's URL {why}: use one like rediss://user:password@redis.example:6379/0, \
                 with special characters of the password percent-encoded"
            ),
            Self::Tls(why) => write!(
                f,
                "TLS cannot be set up ({why}): install the system's certificate authorities (the \
                 package ca-certificates), or give gateway_ca, or check the file that \
                 SSL_CERT_FILE names"
            ),
        }
    }
}

impl ConfigError {
    fn variant(&self) -> &'static str {
        match self {
            Self::MissingVariable(..) => "MissingVariable",
            Self::ConflictingVariables(..) => "ConflictingVariables",
            Self::VariableNotUnicode(..) => "VariableNotUnicode",
            Self::VariableNotBool(..) => "VariableNotBool",
            Self::MissingClientId => "MissingClientId",
            Self::InvalidClientId(..) => "InvalidClientId",
            Self::InvalidClientSecret(..) => "InvalidClientSecret",
            Self::InvalidRedirectUri(..) => "InvalidRedirectUri",
            Self::RedirectUriNotNormal(..) => "RedirectUriNotNormal",
            Self::InsecureRedirectUri => "InsecureRedirectUri",
            Self::RedirectPathTaken(..) => "RedirectPathTaken",
            Self::InvalidGateway(..) => "InvalidGateway",
            Self::InsecureGateway => "InsecureGateway",
            Self::InvalidEndpoint { .. } => "InvalidEndpoint",
            Self::InvalidCertificates => "InvalidCertificates",
            Self::InvalidProxy(_) => "InvalidProxy",
            Self::InvalidScope => "InvalidScope",
            Self::ReservedParameter(..) => "ReservedParameter",
            Self::KeyTooShort(..) => "KeyTooShort",
            Self::WeakKey => "WeakKey",
            Self::RepeatedKey => "RepeatedKey",
            Self::UnreadableKey => "UnreadableKey",
            Self::NoKeys => "NoKeys",
            Self::StoreKeysDiffer => "StoreKeysDiffer",
            Self::KeysUnavailable(..) => "KeysUnavailable",
            Self::InvalidCookieName(..) => "InvalidCookieName",
            Self::InvalidPath { .. } => "InvalidPath",
            Self::InvalidPlace { .. } => "InvalidPlace",
            Self::InvalidColor { .. } => "InvalidColor",
            Self::LowContrast { .. } => "LowContrast",
            Self::InvalidLogo(..) => "InvalidLogo",
            Self::InvalidSupportLink(..) => "InvalidSupportLink",
            Self::NotBelowNest(..) => "NotBelowNest",
            Self::NotBelowStrippedPrefix(..) => "NotBelowStrippedPrefix",
            Self::InvalidDuration { .. } => "InvalidDuration",
            Self::RefreshNeedsServer => "RefreshNeedsServer",
            Self::InvalidHttpStart(..) => "InvalidHttpStart",
            Self::InvalidTrustedOrigin(..) => "InvalidTrustedOrigin",
            Self::InvalidStartScript(..) => "InvalidStartScript",
            Self::ZeroLimit(..) => "ZeroLimit",
            Self::InvalidStoreUrl(..) => "InvalidStoreUrl",
            Self::Tls(..) => "Tls",
        }
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.variant())
    }
}

impl std::error::Error for ConfigError {}

/// Returns an error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
