//! Proof key for code exchange (RFC 7636), method S256.

use arrayvec::ArrayString;
use aws_lc_rs::digest::{SHA256, digest};
use base64_simd::{Out, URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use zeroize::Zeroizing;

/// A code verifier: 256 random bits, which this crate keeps until the token request. It is wiped
/// when it is dropped, and leaves no copies where it is moved.
#[derive(Clone)]
pub(crate) struct Verifier(Box<Zeroizing<[u8; 32]>>);

impl Verifier {
    pub(crate) fn random() -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        rand::fill(&mut bytes[..]);
        Self(bytes)
    }

    /// Returns the `code_verifier`, 43 characters.
    pub(crate) fn secret(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode_to_string(&self.0[..]))
    }

    /// Returns the `code_challenge`.
    pub(crate) fn challenge(&self) -> CodeChallenge {
        let hash = digest(&SHA256, self.secret().as_bytes());
        let mut text = [0; 43];
        let text = URL_SAFE_NO_PAD.encode_as_str(hash.as_ref(), Out::from_slice(&mut text));
        CodeChallenge(ArrayString::from(text).expect("32 bytes have 43 characters"))
    }
}

// As one piece: derived, it would be 32 numbers.
impl Serialize for Verifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0[..])
    }
}

impl<'de> Deserialize<'de> for Verifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = <&[u8]>::deserialize(deserializer)?;
        let stored: &[u8; 32] = stored.try_into().map_err(D::Error::custom)?;
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        bytes.copy_from_slice(stored);
        Ok(Self(bytes))
    }
}

/// A code challenge, which may be public.
pub(crate) struct CodeChallenge(ArrayString<43>);

impl CodeChallenge {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn challenge_is_that_of_rfc_7636_appendix_b() {
        let bytes = URL_SAFE_NO_PAD
            .decode_to_vec("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
            .unwrap();
        let verifier = Verifier(Box::new(Zeroizing::new(bytes.try_into().unwrap())));
        assert_eq!(
            verifier.challenge().as_str(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    /// Compiles only for what is wiped when it is dropped.
    fn assert_wiped(_: &impl zeroize::ZeroizeOnDrop) {}

    /// S122.
    #[test]
    fn verifier_and_its_text_are_wiped_when_dropped() {
        let verifier = Verifier::random();
        assert_wiped(&*verifier.0);
        assert_wiped(&verifier.secret());
    }

    #[test]
    fn verifiers_are_distinct_and_evenly_random() {
        let verifiers: HashSet<_> = (0..10_000).map(|_| **Verifier::random().0).collect();
        assert_eq!(verifiers.len(), 10_000);
        for bit in 0..256 {
            let is_set = |verifier: &&[u8; 32]| verifier[bit / 8] >> (bit % 8) & 1 == 1;
            let ones = verifiers.iter().filter(is_set).count();
            assert!((4_700..5_300).contains(&ones), "bit {bit}: {ones} of 10000");
        }
    }
}
