//! Which keys are in use just now?

use std::sync::{
    Mutex, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::aead::LessSafeKey;
use tokio::sync::watch;

use super::{root::RootKey, source::Source, text};
use crate::error::ConfigError;

/// Shared by every clone of a [`CookieKeys`](super::CookieKeys) and all sealers made from it.
pub(super) struct Ring {
    /// The first seals, all of them open.
    keys: RwLock<Vec<RootKey>>,
    /// Counts the changes of `keys`, under its lock: so a sealer learns of one without taking that lock.
    generation: AtomicU64,
    source: Option<Mutex<Source>>,
    /// Goes down with the ring, which tells a follower to end.
    alive: watch::Sender<()>,
}

/// What a sealer derived from the ring as it was in one generation.
pub(super) struct SubKeys {
    pub generation: u64,
    /// With the id of the key that each is from.
    pub keys: Box<[(u8, LessSafeKey)]>,
}

impl Ring {
    /// A ring that stays as it is.
    pub(super) fn fixed(keys: Vec<RootKey>) -> Self {
        Self::new(keys, None)
    }

    /// A ring of what the source says, now and later.
    pub(super) fn read(mut source: Source) -> Result<Self, ConfigError> {
        let keys = parse(&source()?)?;
        Ok(Self::new(keys, Some(Mutex::new(source))))
    }

    fn new(keys: Vec<RootKey>, source: Option<Mutex<Source>>) -> Self {
        Self {
            keys: RwLock::new(keys),
            generation: AtomicU64::new(0),
            source,
            alive: watch::Sender::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.len()
    }

    pub(super) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Whether the keys are others than before.
    pub(super) fn reload(&self) -> Result<bool, ConfigError> {
        let Some(source) = &self.source else {
            return Ok(false);
        };
        // Kept until the keys are in place, or else what was read first could be put in place last.
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        let read = parse(&source()?)?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *keys != read;
        if changed {
            *keys = read;
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(changed)
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn sub_keys(&self, purpose: &[u8], context: &[u8]) -> SubKeys {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let derived = keys
            .iter()
            .map(|key| (key.id, key.sub_key(purpose, context)));
        SubKeys {
            generation: self.generation(),
            keys: derived.collect(),
        }
    }

    /// By the first key.
    pub(super) fn keyed_hash(&self, purpose: &[u8], text: &[u8]) -> [u8; 16] {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys[0].keyed_hash(purpose, text)
    }

    /// Says nothing until the ring is gone.
    pub(super) fn gone(&self) -> watch::Receiver<()> {
        self.alive.subscribe()
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<RootKey>, ConfigError> {
    checked(text::keys(text)?)
}

/// Keys that can be used together.
pub(super) fn checked<K: AsRef<[u8]>>(
    keys: impl IntoIterator<Item = K>,
) -> Result<Vec<RootKey>, ConfigError> {
    let mut checked: Vec<RootKey> = Vec::new();
    for key in keys {
        let key = RootKey::new(key.as_ref())?;
        if checked.contains(&key) {
            return Err(ConfigError::RepeatedKey);
        }
        checked.push(key);
    }
    if checked.is_empty() {
        return Err(ConfigError::NoKeys);
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicBool, thread, time::SystemTime};

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

    /// A sealer that has these keys and never others.
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
    fn only_other_keys_or_another_order_is_a_change() {
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
    fn keys_stay_in_use_when_the_next_are_none() {
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
            assert_eq!(error, expected);
            assert_eq!(open(&sealer(&keys), &sealed), Some(1));
        }
        vault.hold(Vault::FAILS);
        assert!(matches!(
            keys.reload(),
            Err(ConfigError::KeysUnavailable(_))
        ));
        assert_eq!(open(&sealer(&keys), &sealed), Some(1));
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
