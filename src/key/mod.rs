//! The key ring that everything is sealed with, as the developer holds it.

mod follow;
mod ring;
mod root;
mod sealer;
mod source;
mod text;

use std::{error::Error, fmt, path::PathBuf, sync::Arc, time::Duration};

pub(crate) use self::sealer::{Purpose, Sealer};
use self::{ring::Ring, root::RootKey, source::Source};
use crate::error::ConfigError;

/// The keys that seal cookies and stored sessions: the first seals, all of them open.
///
/// Share them between the instances of an app. Clones are one ring, and so is whatever was made from it.
///
/// ```no_run
/// use telenor_auth::CookieKeys;
///
/// // Each key from `openssl rand -base64 32`, with commas between them or one on each line.
/// let keys = CookieKeys::from_file("/run/secrets/cookie-keys")?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
///
/// # Changing keys
///
/// A ring that was made with [`from_file`](Self::from_file), [`from_env`](Self::from_env) or [`from_fn`](Self::from_fn) has a source. The
/// source is read again by [`reload`](Self::reload), or now and then by [`follow`](Self::follow), and new keys are in use at once,
/// without a restart. Nobody is logged out and no login is lost, on any number of instances, if each step has reached all of them
/// before the next:
///
/// 1. Add the new key as the **last**. Now every instance can open what it will seal.
/// 2. Move it to the **front**. From now on it seals, and the old key still opens what it sealed before.
/// 3. Remove the old key when the longest session that it sealed has expired: 8 hours later, unless
///    [`max_session_age`](crate::TelenorAuthBuilder::max_session_age) says otherwise. Logins under way need no more than 10 minutes.
///
/// To throw a thief out, remove the old key at once: whoever has a session that it sealed is logged out.
///
/// Put a new file in place by renaming it, as Kubernetes does with mounted secrets. Otherwise half a file may be read, and half a ring
/// be used until the next look.
#[derive(Clone)]
pub struct CookieKeys(Arc<Ring>);

impl CookieKeys {
    /// A ring of raw keys of 32 random bytes or more each; the first seals.
    ///
    /// It has no source, and never changes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no key, or one is short, guessable or listed twice.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, ConfigError> {
        Ok(Self::fixed(ring::checked(keys)?))
    }

    /// A ring from text: keys in base64 or hexadecimal, with commas between them or on lines of their own; the first seals.
    ///
    /// Lines that begin with `#` are ignored. The ring has no source, and never changes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnreadableKey`] when a key is neither, and all errors of [`CookieKeys::new`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Ok(Self::fixed(ring::parse(text)?))
    }

    /// One random key that lasts as long as this process.
    #[must_use]
    pub fn random() -> Self {
        Self::fixed(vec![RootKey::random()])
    }

    /// A ring of what an environment variable holds, as [`parse`](Self::parse) reads it.
    ///
    /// From outside, nobody can change the environment of a process that runs: to follow changes, use a file.
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeysUnavailable`] when the variable is not set or is no text, and all errors of [`CookieKeys::parse`].
    pub fn from_env(name: impl Into<String>) -> Result<Self, ConfigError> {
        Self::read(source::env(name.into()))
    }

    /// A ring of what a file holds, as [`parse`](Self::parse) reads it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeysUnavailable`] when the file cannot be read, and all errors of [`CookieKeys::parse`].
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        Self::read(source::file(path.into()))
    }

    /// A ring of what a function gives, as [`parse`](Self::parse) reads it: for a vault of your own.
    ///
    /// The function is called now, and for each look at the source; it may block. What its error says is logged and shown.
    ///
    /// ```
    /// use telenor_auth::CookieKeys;
    /// # use base64::{Engine, prelude::BASE64_STANDARD};
    /// # fn ask_the_vault() -> Result<String, std::io::Error> {
    /// #     Ok(BASE64_STANDARD.encode(rand::random::<[u8; 32]>()))
    /// # }
    ///
    /// let keys = CookieKeys::from_fn(ask_the_vault)?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeysUnavailable`] when the function fails, and all errors of [`CookieKeys::parse`].
    pub fn from_fn<F, E>(read: F) -> Result<Self, ConfigError>
    where
        F: FnMut() -> Result<String, E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::read(source::callback(read))
    }

    /// Reads the source again; whether the keys are others than before. Without a source they never are.
    ///
    /// It blocks as long as the source does.
    ///
    /// ```
    /// use telenor_auth::CookieKeys;
    /// # use base64::{Engine, prelude::BASE64_STANDARD};
    /// # fn ask_the_vault() -> Result<String, std::io::Error> {
    /// #     Ok(BASE64_STANDARD.encode(rand::random::<[u8; 32]>()))
    /// # }
    ///
    /// let keys = CookieKeys::from_fn(ask_the_vault)?; // another key with every call
    /// assert!(keys.reload()?);
    /// assert!(!CookieKeys::random().reload()?);
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of reading it the first time. The keys from before stay in use then.
    pub fn reload(&self) -> Result<bool, ConfigError> {
        self.0.reload()
    }

    /// Reads the source again and again, with this time between; for a task of its own.
    ///
    /// A change of keys is logged, and so is a source that can be read no longer, once, while the keys from before stay in use. The future
    /// ends when nothing else uses the ring any more, and at once if there is no source. Times below a second count as one second.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use telenor_auth::CookieKeys;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), telenor_auth::ConfigError> {
    /// let keys = CookieKeys::from_file("/run/secrets/cookie-keys")?;
    /// tokio::spawn(keys.follow(Duration::from_secs(10)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// The future panics outside a Tokio runtime, and in one without timers.
    pub fn follow(&self, every: Duration) -> impl Future<Output = ()> + Send + use<> {
        follow::follow(Arc::downgrade(&self.0), every)
    }

    /// A sealer whose values open only under the same purpose and context.
    pub(crate) fn sealer(&self, purpose: Purpose, context: &[u8]) -> Sealer {
        Sealer::new(Arc::clone(&self.0), purpose, context)
    }

    /// A hash that only the holder of the keys can compute.
    pub(crate) fn keyed_hash(&self, purpose: &[u8], text: &[u8]) -> [u8; 16] {
        self.0.keyed_hash(purpose, text)
    }

    fn fixed(keys: Vec<RootKey>) -> Self {
        Self(Arc::new(Ring::fixed(keys)))
    }

    pub(crate) fn read(source: Source) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Ring::read(source)?)))
    }
}

impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieKeys({} redacted)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::{root::tests::key, *};

    #[test]
    fn ring_has_keys_and_each_of_them_once() {
        let twice = CookieKeys::new([key(1), key(2), key(1)]);
        assert_eq!(twice.unwrap_err(), ConfigError::RepeatedKey);
        let none = CookieKeys::new([[0; 32]; 0]);
        assert_eq!(none.unwrap_err(), ConfigError::NoKeys);
        for nothing in ["", " , ", "# no key yet\n"] {
            let none = CookieKeys::parse(nothing);
            assert_eq!(none.unwrap_err(), ConfigError::NoKeys);
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = CookieKeys::parse(&BASE64_STANDARD.encode(key(1))).unwrap();
        assert_eq!(format!("{keys:?}"), "CookieKeys(1 redacted)");
    }
}
