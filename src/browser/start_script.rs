//! A script on the start page, for an app whose agreement with Telenor includes one.

use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use crate::{digest::sha256, error::ConfigError};

/// The script that Telenor provides for the page that starts the flow, and the origins that it may
/// reach.
///
/// Telenor's pages say that the page which starts the flow "makes a cross-site Ajax call to a
/// Telenor service" without saying which one, so this type assumes nothing. The page's policy
/// allows this script and the named origins, and nothing else.
///
/// ```
/// use telenor_auth::StartScript;
///
/// let script = StartScript::inline("fetch('http://line.example/who')")
///     .connect("http://line.example");
/// ```
#[derive(Clone, Debug)]
#[must_use = "hand it to `start_script`"]
pub struct StartScript {
    source: Source,
    connect: Vec<String>,
}

#[derive(Clone, Debug)]
enum Source {
    Inline(String),
    External(String),
}

impl StartScript {
    /// Makes a script of this text.
    pub fn inline(script: impl Into<String>) -> Self {
        Self {
            source: Source::Inline(script.into()),
            connect: Vec::new(),
        }
    }

    /// Makes a script that is loaded from this URL.
    pub fn external(url: impl Into<String>) -> Self {
        Self {
            source: Source::External(url.into()),
            connect: Vec::new(),
        }
    }

    /// Adds an origin that the script may call and load images from, like `http://line.example`.
    pub fn connect(mut self, origin: impl Into<String>) -> Self {
        self.connect.push(origin.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |why: &str| Err(ConfigError::InvalidStartScript(why.to_owned()));
        match &self.source {
            Source::Inline(script) => {
                let script = script.to_ascii_lowercase();
                if script.contains("</script") || script.contains("<!--") {
                    return refuse("has a tag that would end it");
                }
            }
            Source::External(url) => {
                let safe = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>;,".contains(&byte);
                let http =
                    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
                if !http || !url.bytes().all(safe) {
                    return refuse("has an invalid URL");
                }
            }
        }
        for origin in &self.connect {
            let parsed = Url::parse(origin).map(|url| url.origin().ascii_serialization());
            if parsed.as_deref() != Ok(origin) {
                return refuse(
                    "has a connect value that is not an origin like http://line.example",
                );
            }
        }
        Ok(())
    }

    /// The addresses that it is loaded from and may reach.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let connect = self.connect.iter().map(String::as_str);
        self.url().into_iter().chain(connect)
    }

    /// The part of the page's policy that allows the script, without the images that it loads.
    pub(crate) fn policy(&self) -> String {
        let script = match &self.source {
            Source::Inline(script) => {
                let hash = sha256(&[script.as_bytes()]);
                format!("'sha256-{}'", BASE64_STANDARD.encode(hash))
            }
            Source::External(url) => url.clone(),
        };
        let mut policy = format!("; script-src {script}");
        if !self.connect.is_empty() {
            let origins = self.connect.join(" ");
            policy.push_str(&format!("; connect-src {origins}"));
        }
        policy
    }

    /// The origins that the script may call and load images from.
    pub(crate) fn origins(&self) -> &[String] {
        &self.connect
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.source {
            Source::Inline(script) => Some(script),
            Source::External(_) => None,
        }
    }

    pub(crate) fn url(&self) -> Option<&str> {
        match &self.source {
            Source::External(url) => Some(url),
            Source::Inline(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_allows_this_script_and_no_other() {
        let inline = StartScript::inline("alert(1)").connect("http://line.example");
        inline.check().unwrap();
        assert_eq!(
            inline.policy(),
            "; script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='; \
             connect-src http://line.example"
        );
        assert_eq!(inline.origins(), ["http://line.example"]);
        let external = StartScript::external("http://line.example/line.js");
        external.check().unwrap();
        assert_eq!(
            external.policy(),
            "; script-src http://line.example/line.js"
        );
    }

    #[test]
    fn script_that_would_end_its_tag_or_policy_is_refused() {
        for script in [
            StartScript::inline("x</SCRIPT>"),
            StartScript::inline("<!-- x"),
            StartScript::external("javascript:alert(1)"),
            StartScript::external("http://line.example/a;script-src *"),
            StartScript::external("/line.js"),
            StartScript::inline("x").connect("http://line.example/path"),
            StartScript::inline("x").connect("*"),
            StartScript::inline("x").connect("http://line.example; default-src *"),
        ] {
            assert!(
                matches!(script.check(), Err(ConfigError::InvalidStartScript(_))),
                "{script:?}"
            );
        }
    }
}
