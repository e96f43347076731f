//! The settings that differ between machines, from the environment.

use crate::{ConfigError, CookieKeys, TelenorAuthBuilder, TelenorAuthLayer};

impl TelenorAuthLayer {
    /// A builder with what the environment says.
    ///
    /// | variable | setting |
    /// | --- | --- |
    /// | `TELENOR_CLIENT_ID` | client id, needed |
    /// | `TELENOR_CLIENT_SECRET` | client secret, needed |
    /// | `TELENOR_REDIRECT_URI` | redirect URI, needed |
    /// | `TELENOR_GATEWAY` | [`gateway`](TelenorAuthBuilder::gateway) |
    /// | `TELENOR_SCOPE` | [`scope`](TelenorAuthBuilder::scope) |
    /// | `TELENOR_COOKIE_KEYS` | [`cookie_keys`](TelenorAuthBuilder::cookie_keys), as [`CookieKeys::parse`] reads them |
    ///
    /// A variable that is set to nothing counts as not set.
    ///
    /// ```no_run
    /// use telenor_auth::TelenorAuthLayer;
    ///
    /// let auth = TelenorAuthLayer::from_env()?.optional().build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingVariable`] and the errors of [`CookieKeys::parse`].
    pub fn from_env() -> Result<TelenorAuthBuilder, ConfigError> {
        from(|name| std::env::var(name).ok())
    }
}

fn from(read: impl Fn(&'static str) -> Option<String>) -> Result<TelenorAuthBuilder, ConfigError> {
    let optional = |name| read(name).filter(|value| !value.trim().is_empty());
    let needed = |name| optional(name).ok_or(ConfigError::MissingVariable(name));
    let mut builder = TelenorAuthLayer::builder(
        needed("TELENOR_CLIENT_ID")?,
        needed("TELENOR_CLIENT_SECRET")?,
        needed("TELENOR_REDIRECT_URI")?,
    );
    if let Some(gateway) = optional("TELENOR_GATEWAY") {
        builder = builder.gateway(gateway);
    }
    if let Some(scope) = optional("TELENOR_SCOPE") {
        builder = builder.scope(scope);
    }
    if let Some(keys) = optional("TELENOR_COOKIE_KEYS") {
        builder = builder.cookie_keys(CookieKeys::parse(&keys)?);
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(settings: &[(&str, &str)]) -> Result<TelenorAuthLayer, ConfigError> {
        let read = |name: &str| {
            let mut settings = settings.iter();
            settings
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        from(read)?.build()
    }

    const NEEDED: [(&str, &str); 3] = [
        ("TELENOR_CLIENT_ID", "id"),
        ("TELENOR_CLIENT_SECRET", "secret"),
        (
            "TELENOR_REDIRECT_URI",
            "https://shop.example/telenor/callback",
        ),
    ];

    #[test]
    fn three_variables_are_enough() {
        assert!(with(&NEEDED).is_ok());
    }

    #[test]
    fn missing_variable_is_named() {
        for (at, (missing, _)) in NEEDED.iter().enumerate() {
            let mut settings = NEEDED.to_vec();
            settings[at].1 = " ";
            let error = with(&settings).unwrap_err();
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn every_variable_reaches_its_setting() {
        for (name, bad) in [
            ("TELENOR_GATEWAY", "http://gateway.example"),
            ("TELENOR_SCOPE", "a\"b"),
            ("TELENOR_COOKIE_KEYS", "00"),
        ] {
            let settings = [&NEEDED[..], &[(name, bad)]].concat();
            assert!(with(&settings).is_err(), "{name} is read");
        }
    }
}
