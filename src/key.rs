//! The key ring, and what it seals: values that only this app can read or make.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hkdf,
};
use base64::{Engine, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

use crate::ConfigError;

const MIN_KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;
/// Format version, key id, nonce: what stands in front of the ciphertext.
const HEADER_LEN: usize = 2 + NONCE_LEN;
const FORMAT: u8 = 1;

/// The keys that seal cookies and stored sessions: the first seals, all of them open.
///
/// To change keys without logging anyone out, put the new one first and keep the old ones until the last session they
/// sealed has expired; to throw a thief out, remove the old key at once. Share the ring between the instances of an app.
///
/// ```no_run
/// use telenor_auth::CookieKeys;
///
/// // From a secret store or the environment, comma-separated, each `openssl rand -base64 32`.
/// let keys = CookieKeys::parse(&std::env::var("TELENOR_COOKIE_KEYS")?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CookieKeys(Arc<[RootKey]>);

struct RootKey {
    id: u8,
    fingerprint: [u8; 32],
    prk: hkdf::Prk,
}

impl CookieKeys {
    /// A ring of raw keys of 32 random bytes or more each, newest first.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no key, or one is short, guessable or listed twice.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, ConfigError> {
        let mut ring: Vec<RootKey> = Vec::new();
        for key in keys {
            let root = RootKey::new(key.as_ref())?;
            if ring
                .iter()
                .any(|known| known.fingerprint == root.fingerprint)
            {
                return Err(ConfigError::RepeatedKey);
            }
            ring.push(root);
        }
        if ring.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        Ok(Self(ring.into()))
    }

    /// A ring from text: comma-separated keys, each in base64 or hexadecimal, newest first.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnreadableKey`] when a key is neither, and all errors of [`CookieKeys::new`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let keys = text
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .map(decode_key)
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(keys)
    }

    /// One random key that lasts as long as this process.
    #[must_use]
    pub fn random() -> Self {
        let key: [u8; 32] = rand::random();
        Self(Arc::new([RootKey::derive(&key)]))
    }

    /// A sealer whose values open only under the same purpose and context.
    pub(crate) fn sealer(&self, purpose: Purpose, context: &[u8]) -> Sealer {
        let keys = self.0.iter().map(|root| {
            let info = [purpose.as_str().as_bytes(), context];
            let key = UnboundKey::from(
                root.prk
                    .expand(&info, &AES_256_GCM_SIV)
                    .expect("a sub-key of 32 bytes is within what HKDF can give"),
            );
            (root.id, LessSafeKey::new(key))
        });
        Sealer {
            keys: keys.collect(),
            purpose,
        }
    }
}

impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieKeys({} redacted)", self.0.len())
    }
}

impl RootKey {
    fn new(key: &[u8]) -> Result<Self, ConfigError> {
        if key.len() < MIN_KEY_LEN {
            return Err(ConfigError::KeyTooShort(key.len()));
        }
        let mut seen = [false; 256];
        key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        let distinct = seen.iter().filter(|seen| **seen).count();
        // 32 random bytes have fewer than 16 distinct values, or are all printable, less than once in 10^13 tries.
        let text = key
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let counting = key
            .windows(2)
            .all(|pair| pair[1] == pair[0].wrapping_add(1));
        if distinct < 16 || text || counting {
            return Err(ConfigError::WeakKey);
        }
        Ok(Self::derive(key))
    }

    fn derive(key: &[u8]) -> Self {
        let fingerprint = digest::digest(&digest::SHA256, &[b"telenor-auth key id", key].concat());
        let fingerprint: [u8; 32] = fingerprint
            .as_ref()
            .try_into()
            .expect("SHA-256 gives 32 bytes");
        Self {
            id: fingerprint[0],
            fingerprint,
            prk: hkdf::Salt::new(hkdf::HKDF_SHA256, b"telenor-auth").extract(key),
        }
    }
}

fn decode_key(text: &str) -> Result<Vec<u8>, ConfigError> {
    // 64 hexadecimal digits are valid base64 too; nobody writes a 48-byte key with only those.
    if text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let digits = text.as_bytes().chunks_exact(2);
        return Ok(digits
            .map(|pair| {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
                digit(pair[0]) << 4 | digit(pair[1])
            })
            .collect());
    }
    let unpadded = text.trim_end_matches('=');
    BASE64_STANDARD_NO_PAD
        .decode(unpadded)
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(unpadded))
        .map_err(|_| ConfigError::UnreadableKey)
}

/// What a sealed value is for; a value sealed for one purpose never opens for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Answer,
    Hop,
    PendingLogin,
    Rounds,
    Session,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Hop => "hop",
            Self::PendingLogin => "pending login",
            Self::Rounds => "rounds",
            Self::Session => "session",
        }
    }
}

/// Seals and opens values for one purpose.
///
/// AES-256-GCM-SIV with random nonces: a repeated nonce, which a flood of anonymous visitors could bring about with plain GCM,
/// gives nothing away (RFC 8452).
pub(crate) struct Sealer {
    keys: Box<[(u8, LessSafeKey)]>,
    purpose: Purpose,
}

impl Sealer {
    pub(crate) fn seal<T: Serialize>(&self, name: &str, value: &T) -> String {
        let (id, key) = &self.keys[0];
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut body = postcard::to_allocvec(value).expect("our own plain structs can be encoded");
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(self.associated_data(name)),
            &mut body,
        )
        .expect("a few kilobytes are within what AES-GCM-SIV can seal");
        let mut sealed = Vec::with_capacity(HEADER_LEN + body.len());
        sealed.extend([FORMAT, *id]);
        sealed.extend(nonce);
        sealed.extend(body);
        BASE64_URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The value, or `None` for whatever is wrong with it: the causes look alike on purpose.
    pub(crate) fn open<T: DeserializeOwned>(&self, name: &str, sealed: &[u8]) -> Option<T> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (header, body) = sealed.split_at_checked(HEADER_LEN)?;
        let nonce: [u8; NONCE_LEN] = header[2..].try_into().ok()?;
        if header[0] != FORMAT {
            return None;
        }
        let mut buffer = Vec::with_capacity(body.len());
        for (_, key) in self.keys.iter().filter(|(id, _)| *id == header[1]) {
            buffer.clear();
            buffer.extend_from_slice(body);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let aad = Aad::from(self.associated_data(name));
            if let Ok(plain) = key.open_in_place(nonce, aad, &mut buffer) {
                return postcard::from_bytes(plain).ok();
            }
        }
        None
    }

    fn associated_data(&self, name: &str) -> Vec<u8> {
        [
            &[FORMAT],
            self.purpose.as_str().as_bytes(),
            &[0],
            name.as_bytes(),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key(seed: u8) -> Vec<u8> {
        digest::digest(&digest::SHA256, &[seed]).as_ref().to_vec()
    }

    fn sealer(seeds: &[u8]) -> Sealer {
        let keys = CookieKeys::new(seeds.iter().map(|seed| key(*seed))).unwrap();
        keys.sealer(Purpose::Session, b"shop")
    }

    #[test]
    fn weak_keys_are_refused() {
        let refused = |key: &[u8]| CookieKeys::new([key]).unwrap_err();
        assert_eq!(refused(&key(1)[..31]), ConfigError::KeyTooShort(31));
        assert_eq!(refused(&[0; 32]), ConfigError::WeakKey);
        assert_eq!(refused(&b"ab\x80\xff".repeat(16)), ConfigError::WeakKey);
        assert_eq!(
            refused(b"correct horse battery staple, but longer"),
            ConfigError::WeakKey
        );
        assert_eq!(refused(&(0..64).collect::<Vec<u8>>()), ConfigError::WeakKey);
        assert_eq!(
            CookieKeys::new([key(1), key(2), key(1)]).unwrap_err(),
            ConfigError::RepeatedKey
        );
        assert_eq!(
            CookieKeys::new([[0; 32]; 0]).unwrap_err(),
            ConfigError::NoKeys
        );
        assert_eq!(CookieKeys::parse(" , ").unwrap_err(), ConfigError::NoKeys);
        assert_eq!(
            CookieKeys::parse("not a key").unwrap_err(),
            ConfigError::UnreadableKey
        );
    }

    #[test]
    fn keys_are_read_in_every_common_spelling() {
        let raw = key(7);
        let hex: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        for text in [
            hex,
            BASE64_STANDARD.encode(&raw),
            BASE64_STANDARD_NO_PAD.encode(&raw),
            BASE64_URL_SAFE.encode(&raw),
        ] {
            let read = CookieKeys::parse(&format!(" {text} ,")).unwrap();
            assert_eq!(
                read.0[0].fingerprint,
                RootKey::derive(&raw).fingerprint,
                "{text}"
            );
        }
    }

    #[test]
    fn first_key_seals_and_all_open() {
        let sealed_by_old = sealer(&[1]).seal("name", &"value");
        let both = sealer(&[2, 1]);
        assert_eq!(
            both.open("name", sealed_by_old.as_bytes()),
            Some("value".to_owned())
        );
        let sealed_by_both = both.seal("name", &"value");
        assert_eq!(
            sealer(&[2]).open("name", sealed_by_both.as_bytes()),
            Some("value".to_owned())
        );
        assert_eq!(
            sealer(&[1]).open::<String>("name", sealed_by_both.as_bytes()),
            None
        );
    }

    #[test]
    fn keys_with_the_same_id_are_all_tried() {
        let keys: Vec<_> = (0..=255).map(key).collect();
        let first = RootKey::derive(&keys[0]).id;
        let twin = keys[1..]
            .iter()
            .position(|key| RootKey::derive(key).id == first);
        let Some(twin) = twin else { return };
        let old = CookieKeys::new([&keys[0]])
            .unwrap()
            .sealer(Purpose::Session, b"");
        let ring = CookieKeys::new([&keys[twin + 1], &keys[0]])
            .unwrap()
            .sealer(Purpose::Session, b"");
        assert_eq!(ring.open("n", old.seal("n", &5_u8).as_bytes()), Some(5_u8));
    }

    #[test]
    fn purpose_context_and_name_are_bound() {
        let keys = CookieKeys::new([key(1)]).unwrap();
        let sealed = keys.sealer(Purpose::Session, b"shop").seal("name", &1_u32);
        let open = |purpose, context: &[u8], name| {
            keys.sealer(purpose, context)
                .open::<u32>(name, sealed.as_bytes())
        };
        assert_eq!(open(Purpose::Session, b"shop", "name"), Some(1));
        assert_eq!(open(Purpose::PendingLogin, b"shop", "name"), None);
        assert_eq!(open(Purpose::Session, b"other shop", "name"), None);
        assert_eq!(open(Purpose::Session, b"shop", "other name"), None);
    }

    #[test]
    fn every_altered_spelling_is_refused() {
        let sealer = sealer(&[1]);
        let sealed = sealer.seal("name", &"a value of some length");
        let refused = |text: &[u8]| assert_eq!(sealer.open::<String>("name", text), None);
        for at in 0..sealed.len() {
            refused(&sealed.as_bytes()[..at]);
            for bit in 0..8 {
                let mut flipped = sealed.clone().into_bytes();
                flipped[at] ^= 1 << bit;
                refused(&flipped);
            }
        }
        refused(format!("{sealed}=").as_bytes());
        refused(format!("{sealed}A").as_bytes());
        refused(format!("{sealed}AAAA").as_bytes());
        refused(b"");
        refused(b"\xff\xfe");
    }

    #[test]
    fn nonces_never_repeat() {
        let sealer = sealer(&[1]);
        let nonces: HashSet<_> = (0..100_000)
            .map(|_| sealer.seal("name", &1_u8)[3..20].to_owned())
            .collect();
        assert_eq!(nonces.len(), 100_000);
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = CookieKeys::parse(&BASE64_STANDARD.encode(key(1))).unwrap();
        assert_eq!(format!("{keys:?}"), "CookieKeys(1 redacted)");
    }
}
