//! A script on the start page, for an app whose agreement with Telenor includes one.

use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use crate::{digest::sha256, error::ConfigError};

/// The script that Telenor provides for the page that starts the flow, and the origins that it may
/// reach.
///
/// [Telenor says][page] that the page which starts the flow "makes a cross-site Ajax call to a
/// Telenor service", and not which one, so this type assumes nothing. The page's policy allows this
/// script and the named origins, and nothing else.
///
/// [page]: https://developer.telenor.no/api/identity/mobileuserinfoapi/docs/ref/user-info.html
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
    integrity: Option<String>,
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
            integrity: None,
        }
    }

    /// Makes a script that is loaded from this URL.
    ///
    /// On an https page it runs on the origin of the app. So the owner of the URL can act as the
    /// app's users: prefer [`inline`](Self::inline), or set its [`integrity`](Self::integrity).
    pub fn external(url: impl Into<String>) -> Self {
        Self {
            source: Source::External(url.into()),
            connect: Vec::new(),
            integrity: None,
        }
    }

    /// Adds an origin that the script may call and load images from, like `http://line.example`.
    pub fn connect(mut self, origin: impl Into<String>) -> Self {
        self.connect.push(origin.into());
        self
    }

    /// Sets the hash of a script from a URL, such as `sha384-…` ([Subresource Integrity]): browsers
    /// run no other text. It defaults to no hash.
    ///
    /// The server of the script must allow other origins to read it
    /// (`Access-Control-Allow-Origin`). Any change of the script needs a new hash:
    /// `openssl dgst -sha384 -binary line.js | base64`.
    ///
    /// [Subresource Integrity]: https://www.w3.org/TR/sri/
    ///
    /// ```
    /// use telenor_auth::StartScript;
    ///
    /// let hash = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
    /// let script = StartScript::external("https://line.example/line.js").integrity(hash);
    /// ```
    pub fn integrity(mut self, hash: impl Into<String>) -> Self {
        self.integrity = Some(hash.into());
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
        match (&self.integrity, &self.source) {
            (Some(_), Source::Inline(_)) => {
                return refuse("has an integrity hash, which only a script from a URL can have");
            }
            (Some(hash), Source::External(_)) if !is_hash(hash) => {
                return refuse("has an integrity value that is not one hash like sha384-…");
            }
            _ => {}
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

    pub(crate) fn hash(&self) -> Option<&str> {
        self.integrity.as_deref()
    }

    pub(crate) fn url(&self) -> Option<&str> {
        match &self.source {
            Source::External(url) => Some(url),
            Source::Inline(_) => None,
        }
    }
}

/// Whether this is one hash of Subresource Integrity. Browsers ignore a value that is none.
fn is_hash(text: &str) -> bool {
    let is_of = |(name, length): (&str, usize)| {
        let hash = text
            .strip_prefix(name)
            .map(|hash| BASE64_STANDARD.decode(hash));
        hash.is_some_and(|hash| hash.is_ok_and(|hash| hash.len() == length))
    };
    [("sha256-", 32), ("sha384-", 48), ("sha512-", 64)]
        .into_iter()
        .any(is_of)
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
    fn script_from_a_url_can_have_one_hash() {
        let external = || StartScript::external("https://line.example/line.js");
        let hash =
            |name: &str, length| format!("{name}-{}", BASE64_STANDARD.encode(vec![1; length]));
        for (name, length) in [("sha256", 32), ("sha384", 48), ("sha512", 64)] {
            let script = external().integrity(hash(name, length));
            script.check().unwrap();
            assert_eq!(script.hash(), Some(&*hash(name, length)));
        }
        let two = format!("{0} {0}", hash("sha384", 48));
        for script in [
            external().integrity(""),
            external().integrity(hash("sha384", 32)),
            external().integrity(hash("sha1", 20)),
            external().integrity(two),
            external().integrity("sha384-\" onload=\"x"),
            StartScript::inline("x").integrity(hash("sha384", 48)),
        ] {
            let error = script.check().unwrap_err().to_string();
            assert!(error.contains("integrity"), "{error}");
        }
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
