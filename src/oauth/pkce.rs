//! Proof key for code exchange (RFC 7636), method S256.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::digest::sha256;

/// A code verifier: 256 random bits, which this crate keeps until the token request.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Verifier([u8; 32]);

impl Verifier {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    /// Returns the `code_verifier`, 43 characters.
    pub(crate) fn secret(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns the `code_challenge`, which may be public.
    pub(crate) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(sha256(&[self.secret().as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_is_that_of_rfc_7636_appendix_b() {
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
            .unwrap();
        let verifier = Verifier(bytes.try_into().unwrap());
        assert_eq!(
            verifier.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn verifiers_are_distinct() {
        let verifiers: std::collections::HashSet<_> =
            (0..1000).map(|_| Verifier::random().0).collect();
        assert_eq!(verifiers.len(), 1000);
    }
}
