//! Sealed values: AES-256-GCM-SIV, a random nonce in front, base64.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

const NONCE: usize = 12;

pub struct Seal(LessSafeKey);

impl Seal {
    pub(super) fn random() -> Self {
        let key: [u8; 32] = rand::random();
        let key = UnboundKey::new(&AES_256_GCM_SIV, &key);
        Self(LessSafeKey::new(key.expect("the key has its length")))
    }

    /// Adds the sealed value to a text.
    pub(super) fn seal<T: Serialize>(&self, name: &[u8], value: &T, text: &mut String) {
        let nonce: [u8; NONCE] = rand::random();
        let mut sealed = Vec::with_capacity(512);
        sealed.extend_from_slice(&nonce);
        sealed = postcard::to_extend(value, sealed).expect("it can be encoded");
        let tag = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(name),
            &mut sealed[NONCE..],
        );
        sealed.extend_from_slice(tag.expect("it can be sealed").as_ref());
        BASE64_URL_SAFE_NO_PAD.encode_string(sealed, text);
    }

    pub(super) fn open<T: DeserializeOwned>(&self, name: &[u8], sealed: &[u8]) -> Option<T> {
        // The app knows how long its sessions are.
        let mut buffer = [0; 512];
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(sealed, &mut buffer);
        let (nonce, body) = buffer[..length.ok()?].split_first_chunk_mut()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.open_in_place(nonce, Aad::from(name), body).ok()?;
        postcard::from_bytes(plain).ok()
    }
}
