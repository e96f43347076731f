//! The keys that are in use now.

use aws_lc_rs::aead::LessSafeKey;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{parse, root::RootKey, source::Source};
use crate::{
    error::ConfigError,
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        lock, read, write,
    },
};

/// All clones of a [`CookieKeys`](super::CookieKeys) and all its sealers share it.
pub(super) struct Ring {
    /// The first key seals, and all keys open.
    keys: RwLock<Vec<RootKey>>,
    /// Counts the changes of `keys`. It changes under the lock of `keys`, and a sealer reads it
    /// without that lock.
    generation: AtomicU64,
    source: Option<Mutex<Source>>,
    /// The last attempt to read the source again failed.
    is_stale: AtomicBool,
    /// This process made the key, and no other has it.
    pub is_random: bool,
    /// Dropped with the ring, which ends the follower.
    alive: watch::Sender<()>,
}

/// The keys that a sealer derived from one generation of the ring.
pub(super) struct SubKeys {
    pub generation: u64,
    /// Each with the id of its root key.
    pub keys: Box<[(u8, LessSafeKey)]>,
}

impl Ring {
    /// A ring that never changes.
    pub(super) fn fixed(keys: Vec<RootKey>) -> Self {
        Self::new(keys, None)
    }

    /// A ring of one random key.
    pub(super) fn random() -> Self {
        let is_random = true;
        Self {
            is_random,
            ..Self::fixed(vec![RootKey::random()])
        }
    }

    /// A ring of the keys in the source.
    pub(super) fn from_source(mut source: Source) -> Result<Self, ConfigError> {
        let keys = parse(&Zeroizing::new(source()?))?;
        Ok(Self::new(keys, Some(Mutex::new(source))))
    }

    fn new(keys: Vec<RootKey>, source: Option<Mutex<Source>>) -> Self {
        Self {
            keys: RwLock::new(keys),
            generation: AtomicU64::new(0),
            source,
            is_stale: AtomicBool::new(false),
            is_random: false,
            alive: watch::Sender::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        read(&self.keys).len()
    }

    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        *read(&self.keys) == *read(&other.keys)
    }

    pub(super) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Reads the source again, and returns whether the keys have changed.
    pub(super) fn reload(&self) -> Result<bool, ConfigError> {
        let Some(source) = &self.source else {
            return Ok(false);
        };
        // Held until the keys are replaced. Otherwise an older read could replace a newer one.
        let mut source = lock(source);
        let mut reading = Reading {
            ring: self,
            succeeded: false,
        };
        let new = parse(&Zeroizing::new(source()?))?;
        reading.succeeded = true;
        let mut keys = write(&self.keys);
        let changed = *keys != new;
        if changed {
            *keys = new;
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(changed)
    }

    pub(super) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn sub_keys(&self, info: &[u8]) -> SubKeys {
        let keys = read(&self.keys);
        let derived = keys.iter().map(|key| (key.id, key.sub_key(info)));
        SubKeys {
            generation: self.generation(),
            keys: derived.collect(),
        }
    }

    /// One under each key, in their order.
    pub(super) fn keyed_hashes(&self, purpose: &[u8], text: &[u8]) -> Vec<[u8; 16]> {
        let keys = read(&self.keys);
        let hashes = keys.iter().map(|key| key.keyed_hash(purpose, text));
        hashes.collect()
    }

    /// Returns a receiver that is closed when the ring is dropped.
    pub(super) fn dropped(&self) -> watch::Receiver<()> {
        self.alive.subscribe()
    }
}

/// Notes how an attempt to read the source ended, also where that panics.
struct Reading<'r> {
    ring: &'r Ring,
    succeeded: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.ring.is_stale.store(!self.succeeded, Ordering::Relaxed);
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<RootKey>, ConfigError> {
    validate(parse::keys(text)?)
}

/// Returns the keys as a ring's keys, if they are good enough and distinct.
pub(super) fn validate<K: AsRef<[u8]>>(
    keys: impl IntoIterator<Item = K>,
) -> Result<Vec<RootKey>, ConfigError> {
    let mut valid: Vec<RootKey> = Vec::new();
    for key in keys {
        let key = RootKey::new(key.as_ref())?;
        if valid.contains(&key) {
            return Err(ConfigError::RepeatedKey);
        }
        valid.push(key);
    }
    if valid.is_empty() {
        return Err(ConfigError::NoKeys);
    }
    Ok(valid)
}

#[cfg(test)]
mod tests {
    use std::{thread, time::SystemTime};

    use super::{
        super::{
            CookieKeys, Purpose, Sealer,
            source::tests::{Vault, text},
        },
        *,
    };
    use crate::session::{Session, SessionToken};

    fn sealer(keys: &CookieKeys) -> Sealer {
        keys.sealer(Purpose::Session, b"shop")
    }

    /// A sealer with these keys only.
    fn fixed(seeds: &[u8]) -> Sealer {
        sealer(&CookieKeys::parse(&text(seeds)).unwrap())
    }

    fn open(sealer: &Sealer, sealed: &str) -> Option<u8> {
        sealer.open("name", sealed.as_bytes())
    }

    #[test]
    fn new_keys_reach_every_clone_and_sealer_at_once() {
        let vault = Vault::of(&text(&[1]));
        let keys = vault.keys();
        let (clone, before) = (sealer(&keys.clone()), sealer(&keys));
        let old = before.seal("name", &1_u8);
        for (ring, first, old_opens) in
            [(&[1, 2][..], 1, true), (&[2, 1], 2, true), (&[2], 2, false)]
        {
            vault.hold(&text(ring));
            assert_eq!(keys.reload(), Ok(true));
            for sealer in [&clone, &before, &sealer(&keys)] {
                assert_eq!(open(sealer, &old).is_some(), old_opens, "{ring:?}");
                let sealed = sealer.seal("name", &2_u8);
                assert_eq!(open(&fixed(&[first]), &sealed), Some(2), "{ring:?}");
            }
        }
    }

    #[test]
    fn sealed_session_opens_as_long_as_its_key_is_in_the_ring() {
        let vault = Vault::of(&text(&[1]));
        let keys = vault.keys();
        let id = SessionToken::random().id();
        let sealed = Session::new("token", SystemTime::now()).seal(&keys, id);
        for (ring, opens) in [(&[2, 1][..], true), (&[2], false)] {
            vault.hold(&text(ring));
            assert_eq!(keys.reload(), Ok(true));
            let opened = Session::open(&keys, id, &sealed);
            assert_eq!(opened.is_some(), opens, "{ring:?}");
        }
    }

    #[test]
    fn only_new_keys_or_a_new_order_is_a_change() {
        let vault = Vault::of(&text(&[1, 2]));
        let keys = vault.keys();
        let same = format!("# the same\n{}\n", text(&[1, 2]).replace(',', "\n"));
        for (holds, changed) in [(same, false), (text(&[2, 1]), true), (text(&[2]), true)] {
            vault.hold(&holds);
            assert_eq!(keys.reload(), Ok(changed), "{holds}");
            assert_eq!(keys.reload(), Ok(false), "{holds}");
        }
        assert_eq!(CookieKeys::random().reload(), Ok(false));
    }

    #[test]
    fn keys_stay_in_use_when_the_new_ones_are_invalid() {
        let vault = Vault::of(&text(&[1]));
        let keys = vault.keys();
        let sealed = sealer(&keys).seal("name", &1_u8);
        let bad = format!("{},hunter2!", text(&[2]));
        let repeated = text(&[2, 2]);
        for (holds, expected) in [
            ("", ConfigError::NoKeys),
            (&bad, ConfigError::UnreadableKey),
            ("hunter2+", ConfigError::KeyTooShort(6)),
            (&"00".repeat(32), ConfigError::WeakKey),
            (&repeated, ConfigError::RepeatedKey),
        ] {
            vault.hold(holds);
            let error = keys.reload().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            assert!(!keys.is_current());
            assert_eq!(error, expected);
            assert_eq!(open(&sealer(&keys), &sealed), Some(1));
        }
        vault.hold(Vault::FAILS);
        assert!(matches!(
            keys.reload(),
            Err(ConfigError::KeysUnavailable(_))
        ));
        assert!(!keys.is_current());
        assert_eq!(open(&sealer(&keys), &sealed), Some(1));
        vault.hold(&text(&[1]));
        assert!(keys.reload().is_ok() && keys.is_current());
    }

    #[test]
    fn changes_under_load_lose_nothing() {
        let vault = Vault::of(&text(&[1, 2]));
        let keys = vault.keys();
        let (shared, done) = (sealer(&keys), AtomicBool::new(false));
        thread::scope(|threads| {
            let load = || {
                while !done.load(Ordering::SeqCst) {
                    let sealed = shared.seal("name", &1_u8);
                    assert_eq!(open(&shared, &sealed), Some(1));
                }
            };
            let loads = [threads.spawn(load), threads.spawn(load)];
            for round in 0..200 {
                let ring = if round % 2 == 0 { [2, 1] } else { [1, 2] };
                vault.hold(&text(&ring));
                assert_eq!(keys.reload(), Ok(true));
                let sealed = shared.seal("name", &round);
                assert_eq!(open(&fixed(&ring[..1]), &sealed), Some(round));
            }
            done.store(true, Ordering::SeqCst);
            for load in loads {
                load.join().unwrap();
            }
        });
    }
}
