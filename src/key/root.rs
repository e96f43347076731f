//! One key of the ring: the check of its strength, and the keys and hashes derived from it.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey},
    hkdf,
};
use zeroize::Zeroizing;

use crate::{digest::sha256, error::ConfigError};

const MIN_KEY_LEN: usize = 32;

pub(super) struct RootKey {
    /// Stands in front of each value that the key sealed. Several keys may share one id.
    pub id: u8,
    fingerprint: [u8; 32],
    prk: hkdf::Prk,
}

impl RootKey {
    pub(super) fn new(key: &[u8]) -> Result<Self, ConfigError> {
        if key.len() < MIN_KEY_LEN {
            return Err(ConfigError::KeyTooShort(key.len()));
        }
        let mut seen = [false; 256];
        key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        let distinct = seen.iter().filter(|seen| **seen).count();
        // Less than one in 10^13 random keys of 32 bytes has fewer than 16 distinct values or only
        // printable bytes.
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

    /// A random key, which needs no check.
    pub(super) fn random() -> Self {
        Self::derive(&Zeroizing::new(rand::random::<[u8; 32]>())[..])
    }

    fn derive(key: &[u8]) -> Self {
        let fingerprint = sha256(&[b"telenor-auth key id", key]);
        Self {
            id: fingerprint[0],
            fingerprint,
            prk: hkdf::Salt::new(hkdf::HKDF_SHA256, b"telenor-auth").extract(key),
        }
    }

    /// Returns the key for what `info` says (RFC 5869 section 3.2).
    pub(super) fn sub_key(&self, info: &[u8]) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::from(
            self.prk
                .expand(&[info], &AES_256_GCM_SIV)
                .expect("HKDF can expand to 32 bytes"),
        ))
    }
}

/// The length of a keyed hash.
struct HashLen;

impl hkdf::KeyType for HashLen {
    fn len(&self) -> usize {
        16
    }
}

impl RootKey {
    /// Returns a hash that depends on the key (RFC 5869: HKDF-Expand is HMAC here).
    pub(super) fn keyed_hash(&self, purpose: &[u8], text: &[u8]) -> [u8; 16] {
        let info = [purpose, b"\0", text];
        let mut hash = [0; 16];
        self.prk
            .expand(&info, HashLen)
            .and_then(|output| output.fill(&mut hash))
            .expect("HKDF can expand to 16 bytes");
        hash
    }
}

impl PartialEq for RootKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A strong key, the same for the same seed.
    pub(in crate::key) fn key(seed: u8) -> Vec<u8> {
        sha256(&[&[seed]]).to_vec()
    }

    /// S4, S70.
    #[test]
    fn weak_keys_are_refused() {
        let refused = |key: &[u8]| RootKey::new(key).err();
        assert_eq!(refused(&key(1)), None);
        assert_eq!(refused(&key(1)[..31]), Some(ConfigError::KeyTooShort(31)));
        assert_eq!(refused(&[0; 32]), Some(ConfigError::WeakKey));
        let few = b"ab\x80\xff".repeat(16);
        assert_eq!(refused(&few), Some(ConfigError::WeakKey));
        let text = b"correct horse battery staple, but longer";
        assert_eq!(refused(text), Some(ConfigError::WeakKey));
        let counting: Vec<u8> = (0..64).collect();
        assert_eq!(refused(&counting), Some(ConfigError::WeakKey));
    }
}
