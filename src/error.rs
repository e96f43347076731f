//! What is wrong with the set-up, said to the developer who can change it.

use std::fmt;

/// A mistake in the configuration, found by [`TelenorAuthBuilder::build`] before the first request.
///
/// The text says what to change.
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// An environment variable that is needed is not set.
    MissingVariable(&'static str),
    /// Two environment variables that say the same thing are set.
    ConflictingVariables(&'static str, &'static str),
    /// The client id is empty or holds control characters.
    InvalidClientId,
    /// The client secret is empty.
    EmptyClientSecret,
    /// The redirect URI is not an absolute URL in its normal spelling.
    InvalidRedirectUri(String),
    /// The redirect URI is plain `http` on a host that is not this machine.
    InsecureRedirectUri,
    /// The path of the redirect URI is `/` or the name of another route of the layer.
    RedirectPathTaken(String),
    /// The gateway is not an absolute URL.
    InvalidGateway(String),
    /// The gateway is plain `http` on a host that is not this machine.
    InsecureGateway,
    /// The extra certificate authorities are not a PEM bundle.
    InvalidCertificates,
    /// The scope holds characters that RFC 6749 section 3.3 does not allow.
    InvalidScope,
    /// An extra authorization parameter has the name of one that the layer sends itself.
    ReservedParameter(String),
    /// A cookie key is shorter than 32 bytes; the number is its length.
    KeyTooShort(usize),
    /// A cookie key is text, a repetition, or a sample from a document.
    WeakKey,
    /// The same cookie key is listed twice.
    RepeatedKey,
    /// A cookie key is neither hexadecimal nor base64.
    UnreadableKey,
    /// The list of cookie keys is empty.
    NoKeys,
    /// The cookie keys could not be read from where they are kept; the text names the place and the reason, and no key.
    KeysUnavailable(String),
    /// A cookie prefix cannot be had on plain `http`, or the cookie name is not a token.
    InvalidCookieName(String),
    /// A path of the app (home, way on without login, page after logout) is not a path on its own origin.
    InvalidPath {
        /// The builder method that was given the path.
        setting: &'static str,
        /// The path as given.
        path: String,
    },
    /// The redirect URI does not lie below the path the router is nested at.
    NotBelowNest(String),
    /// A duration is zero or longer than the layer allows.
    InvalidDuration {
        /// The builder method that was given the duration.
        setting: &'static str,
        /// What it allows.
        allowed: &'static str,
    },
    /// Refreshing tokens needs a store that keeps sessions on the server.
    RefreshNeedsServer,
    /// The origin of the plain-http start page is none, or has no host of its own.
    InvalidHttpStart(&'static str),
    /// The script of the start page cannot be put on it safely.
    InvalidStartScript(String),
    /// A limit is zero.
    ZeroLimit(&'static str),
    /// The address of a store is not one that can be connected to. It is not shown, as it may hold a password.
    InvalidStoreUrl(String),
    /// The TLS library could not be set up.
    Tls(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingVariable(name) => write!(f, "set the environment variable {name}"),
            Self::ConflictingVariables(one, other) => write!(
                f,
                "the environment variables {one} and {other} are both set: keep the one that you mean"
            ),
            Self::InvalidClientId => f.write_str(
                "the client id is empty or has control characters: copy it from your app's page on developer.telenor.no",
            ),
            Self::EmptyClientSecret => f.write_str(
                "the client secret is empty: copy it from your app's page on developer.telenor.no",
            ),
            Self::InvalidRedirectUri(why) => write!(
                f,
                "the redirect URI {why}: give the very address registered at Telenor, like https://shop.example/telenor/callback"
            ),
            Self::InsecureRedirectUri => f.write_str(
                "the redirect URI is plain http: use https, or a loopback address (127.0.0.1, [::1], localhost) during development",
            ),
            Self::RedirectPathTaken(path) => write!(
                f,
                "the path of the redirect URI, {path}, is needed for something else: use one like /telenor/callback, whose last part is not login, logout, start or session"
            ),
            Self::InvalidGateway(why) => write!(
                f,
                "the gateway address {why}: give a base URL like https://api.telenor.no"
            ),
            Self::InsecureGateway => f.write_str(
                "the gateway address is plain http: the client secret may only travel over https (plain http is for a mock on a loopback address)",
            ),
            Self::InvalidCertificates => f.write_str(
                "the certificate authorities cannot be read: give one or more certificates in PEM form",
            ),
            Self::InvalidScope => f.write_str(
                "the scope has characters that are not allowed: separate scopes with one space each, without quotes, backslashes or non-ASCII letters",
            ),
            Self::ReservedParameter(name) => write!(
                f,
                "the authorization parameter {name} is empty or one that the layer sets itself: remove it"
            ),
            Self::KeyTooShort(length) => write!(
                f,
                "a cookie key has {length} bytes and needs at least 32: make one with `openssl rand -base64 32`"
            ),
            Self::WeakKey => f.write_str(
                "a cookie key is text, a repetition or a sample, which can be guessed: make one with `openssl rand -base64 32` and pass it through CookieKeys::parse",
            ),
            Self::RepeatedKey => f.write_str("the same cookie key is listed twice: list each once, and first the one that seals"),
            Self::UnreadableKey => f.write_str(
                "a cookie key is neither hexadecimal nor base64: make one with `openssl rand -base64 32`, and separate several with commas or new lines",
            ),
            Self::NoKeys => f.write_str(
                "the list of cookie keys is empty: give at least one, or none at all for a random key that lasts as long as the process",
            ),
            Self::KeysUnavailable(place) => write!(
                f,
                "the cookie keys cannot be read from {place}: put them there, as CookieKeys::parse reads them, for this process to read"
            ),
            Self::InvalidCookieName(name) => write!(
                f,
                "the cookie name {name:?} cannot be used: use 1 to 32 letters, digits and dashes"
            ),
            Self::InvalidPath { setting, path } => write!(
                f,
                "{setting}({path:?}) is not a path on the app's own origin: start it with one slash, keep it in ASCII and away from the layer's own routes"
            ),
            Self::NotBelowNest(prefix) => write!(
                f,
                "the redirect URI's path is not below {prefix}, where the router is nested: register a callback below that path, or layer the outer router"
            ),
            Self::InvalidDuration { setting, allowed } => {
                write!(f, "{setting} must be {allowed}")
            }
            Self::RefreshNeedsServer => f.write_str(
                "refresh_tokens needs a store that keeps sessions on the server: use a MemoryStore or one that instances share, or leave refresh_tokens out",
            ),
            Self::InvalidHttpStart(why) => write!(
                f,
                "the plain-http start {why}: give an origin of its own, like http://start.shop.example, that no HSTS covers"
            ),
            Self::InvalidStartScript(why) => {
                write!(f, "the script of the start page {why}: hand it over as Telenor gave it")
            }
            Self::ZeroLimit(setting) => write!(f, "{setting} must be at least 1"),
            Self::InvalidStoreUrl(why) => write!(
                f,
                "the store's URL {why}: give one like rediss://user:password@redis.example:6379/0, with special characters of the password percent-encoded"
            ),
            Self::Tls(why) => write!(f, "TLS cannot be set up: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// An error and its causes in one line.
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
