//! The key ring that seals cookies and stored sessions.

mod follow;
mod parse;
mod ring;
mod root;
mod sealer;
mod source;

use std::{error::Error, fmt, path::PathBuf, sync::Arc, time::Duration};

pub(crate) use self::sealer::{Purpose, Sealer};
use self::{ring::Ring, root::RootKey, source::Source};
use crate::error::ConfigError;

/// The keys that seal cookies and stored sessions. The first key seals, and all keys open.
///
/// Share the keys between the instances of an app. All clones, and all layers and stores that use
/// them, share one ring.
///
/// ```no_run
/// use telenor_auth::CookieKeys;
///
/// // Each key is from `openssl rand -base64 32`. Separate keys by commas or line breaks.
/// let keys = CookieKeys::from_file("/run/secrets/cookie-keys")?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
///
/// # Changing keys
///
/// A ring from [`from_file`](Self::from_file), [`from_env`](Self::from_env) or
/// [`from_fn`](Self::from_fn) has a source. [`reload`](Self::reload) reads the source again, and
/// [`follow`](Self::follow) does so at an interval. New keys are in use at once, without a restart.
/// On any number of instances, no user is logged out and no login is lost, if each step has reached
/// all instances before the next step:
///
/// 1. Add the new key as the **last**. Every instance can now open what that key will seal.
/// 2. Move it to the **front**. It now seals, and the old key still opens what it sealed before.
/// 3. Remove the old key when the longest session that it sealed has expired. That is after
///    [`max_session_age`](crate::TelenorAuthBuilder::max_session_age), which defaults to 8 hours. A
///    login in progress needs 10 minutes at most.
///
/// If a key was stolen, remove it at once. All users whose session it sealed are then logged out.
///
/// Replace the file by renaming a new one, as Kubernetes does with mounted secrets. Otherwise a
/// half-written file may be read, and half a ring be used until the next reload.
#[derive(Clone)]
pub struct CookieKeys(Arc<Ring>);

impl CookieKeys {
    /// Returns a ring of raw keys, each of 32 random bytes or more. The first key seals.
    ///
    /// The ring has no source, and never changes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is no key, or if a key is too short, is guessable, or is listed
    /// twice.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, ConfigError> {
        Ok(Self::fixed(ring::validate(keys)?))
    }

    /// Returns a ring from text: keys in base64 or hexadecimal, separated by commas or line breaks.
    /// The first key seals.
    ///
    /// Lines that start with `#` are ignored. The ring has no source, and never changes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnreadableKey`] if a key is neither base64 nor hexadecimal, and all errors of
    /// [`CookieKeys::new`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Ok(Self::fixed(ring::parse(text)?))
    }

    /// Returns a ring of one random key. Another process cannot open what it seals.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(Ring::random()))
    }

    /// Returns a ring from an environment variable, in the format of [`parse`](Self::parse).
    ///
    /// The environment of a running process cannot be changed from outside. To follow changes, use
    /// a file.
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeysUnavailable`] if the variable is not set or is not UTF-8, and all errors
    /// of [`CookieKeys::parse`].
    pub fn from_env(name: impl Into<String>) -> Result<Self, ConfigError> {
        Self::from_source(source::env(name.into()))
    }

    /// Returns a ring from a file, in the format of [`parse`](Self::parse).
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeysUnavailable`] if the file cannot be read, and all errors of
    /// [`CookieKeys::parse`].
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        Self::from_source(source::file(path.into()))
    }

    /// Returns a ring from a function, such as a call to a vault, in the format of
    /// [`parse`](Self::parse).
    ///
    /// The function is called now and for each reload, and may block. Its error text is logged and
    /// shown, so it must not hold a key.
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
    /// [`ConfigError::KeysUnavailable`] if the function fails, and all errors of
    /// [`CookieKeys::parse`].
    pub fn from_fn<F, E>(read: F) -> Result<Self, ConfigError>
    where
        F: FnMut() -> Result<String, E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::from_source(source::callback(read))
    }

    /// Reads the source again, and returns whether the keys have changed. Without a source they
    /// never change.
    ///
    /// The call blocks as long as the source does.
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
    /// Those of the constructor that the ring was made with. The previous keys then stay in use.
    pub fn reload(&self) -> Result<bool, ConfigError> {
        self.0.reload()
    }

    /// Reads the source again at this interval. Spawn the future as a task.
    ///
    /// A change of keys is logged. A source that can no longer be read is logged once, and the
    /// previous keys stay in use. The future ends when nothing else uses the ring, and at once if
    /// there is no source. The interval is at least one second.
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
    /// The future panics outside a Tokio runtime, and in a runtime without timers.
    pub fn follow(&self, every: Duration) -> impl Future<Output = ()> + Send + use<> {
        follow::follow(Arc::downgrade(&self.0), every)
    }

    /// Returns a sealer. Its values open only with the same purpose and context.
    pub(crate) fn sealer(&self, purpose: Purpose, context: &[u8]) -> Sealer {
        Sealer::new(Arc::clone(&self.0), purpose, context)
    }

    /// Returns hashes that cannot be computed without the keys, one under each.
    pub(crate) fn keyed_hashes(&self, purpose: &[u8], text: &[u8]) -> Vec<[u8; 16]> {
        self.0.keyed_hashes(purpose, text)
    }

    /// Returns the ring that a sealer uses.
    pub(crate) fn of(sealer: &Sealer) -> Self {
        Self(Arc::clone(sealer.ring()))
    }

    /// Whether both hold the same keys now, in the same order.
    pub(crate) fn has_keys_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.has_keys_of(&other.0)
    }

    /// Whether another process cannot have these keys.
    pub(crate) fn is_random(&self) -> bool {
        self.0.is_random
    }

    /// Whether the source could be read the last time, if there is one.
    pub(crate) fn is_current(&self) -> bool {
        !self.0.is_stale()
    }

    fn fixed(keys: Vec<RootKey>) -> Self {
        Self(Arc::new(Ring::fixed(keys)))
    }

    pub(crate) fn from_source(source: Source) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Ring::from_source(source)?)))
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

    /// S70.
    #[test]
    fn ring_has_at_least_one_key_and_none_twice() {
        let twice = CookieKeys::new([key(1), key(2), key(1)]);
        assert_eq!(twice.unwrap_err(), ConfigError::RepeatedKey);
        let none = CookieKeys::new([[0; 32]; 0]);
        assert_eq!(none.unwrap_err(), ConfigError::NoKeys);
        for empty in ["", " , ", "# no key yet\n"] {
            let none = CookieKeys::parse(empty);
            assert_eq!(none.unwrap_err(), ConfigError::NoKeys);
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = CookieKeys::parse(&BASE64_STANDARD.encode(key(1))).unwrap();
        assert_eq!(format!("{keys:?}"), "CookieKeys(1 redacted)");
    }
}
