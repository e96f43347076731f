//! The sources that keys are read from: the environment, a file, or a function of the app.

use std::{env::VarError, error::Error, fs, path::PathBuf};

use crate::error::{ConfigError, chain};

/// Returns the keys as text. Its error holds nothing of them.
pub(super) type Source = Box<dyn FnMut() -> Result<String, ConfigError> + Send>;

pub(super) fn env(name: String) -> Source {
    Box::new(move || variable(&name, std::env::var(&name)))
}

pub(super) fn file(path: PathBuf) -> Source {
    Box::new(move || {
        fs::read_to_string(&path).map_err(|error| {
            ConfigError::KeysUnavailable(format!("the file {} ({error})", path.display()))
        })
    })
}

pub(super) fn callback<F, E>(mut read: F) -> Source
where
    F: FnMut() -> Result<String, E> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    Box::new(move || {
        read().map_err(|error| {
            let error = chain(&*error.into());
            ConfigError::KeysUnavailable(format!("the app's own source ({error})"))
        })
    })
}

fn variable(name: &str, value: Result<String, VarError>) -> Result<String, ConfigError> {
    value.map_err(|error| {
        // The error itself would show the value.
        let why = match error {
            VarError::NotPresent => "it is not set",
            VarError::NotUnicode(_) => "it is not UTF-8",
        };
        ConfigError::KeysUnavailable(format!("the environment variable {name} ({why})"))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::{super::root::tests::key, *};
    use crate::key::CookieKeys;

    /// The text of a ring.
    pub(in crate::key) fn text(seeds: &[u8]) -> String {
        let keys = seeds.iter().map(|seed| BASE64_STANDARD.encode(key(*seed)));
        keys.collect::<Vec<_>>().join(",")
    }

    /// A source that holds a given text, and counts how often it is read.
    #[derive(Clone)]
    pub(in crate::key) struct Vault(Arc<Mutex<(String, usize)>>);

    impl Vault {
        pub(in crate::key) const FAILS: &str = "the vault is sealed";
        pub(in crate::key) const PANICS: &str = "the vault panics";

        pub(in crate::key) fn of(text: &str) -> Self {
            Self(Arc::new(Mutex::new((text.to_owned(), 0))))
        }

        pub(in crate::key) fn hold(&self, text: &str) {
            text.clone_into(&mut self.0.lock().unwrap().0);
        }

        pub(in crate::key) fn reads(&self) -> usize {
            self.0.lock().unwrap().1
        }

        pub(in crate::key) fn keys(&self) -> CookieKeys {
            let vault = self.clone();
            let read = move || {
                let text = {
                    let mut vault = vault.0.lock().unwrap();
                    vault.1 += 1;
                    vault.0.clone()
                };
                assert_ne!(text, Self::PANICS, "on purpose");
                if text == Self::FAILS {
                    Err(text)
                } else {
                    Ok(text)
                }
            };
            CookieKeys::from_fn(read).unwrap()
        }
    }

    fn error_text(mut source: Source) -> String {
        let error = source().expect_err("there are no keys");
        assert!(matches!(error, ConfigError::KeysUnavailable(_)));
        error.to_string()
    }

    #[test]
    fn source_that_cannot_be_read_is_named_with_the_reason() {
        for (source, says) in [
            (
                env("TELENOR_NO_SUCH_VARIABLE".into()),
                "TELENOR_NO_SUCH_VARIABLE (it is not set)",
            ),
            (file("/no/such/file".into()), "/no/such/file (No such file"),
            (
                callback(|| Err("the vault is sealed")),
                "(the vault is sealed)",
            ),
            (
                callback(|| Err(io::Error::other("no network"))),
                "(no network)",
            ),
        ] {
            let error = error_text(source);
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn variable_that_is_not_utf_8_is_not_shown() {
        let value = Err(VarError::NotUnicode("hunter2".into()));
        let error = variable("KEYS", value).unwrap_err().to_string();
        assert!(
            error.contains("KEYS (it is not UTF-8)") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn file_is_read_again_each_time() {
        let name = format!("telenor-auth-source-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut source = file(path.clone());
        for text in ["first", "second"] {
            fs::write(&path, text).unwrap();
            assert_eq!(source().unwrap(), text);
        }
        fs::remove_file(path).unwrap();
        assert!(source().is_err());
    }
}
