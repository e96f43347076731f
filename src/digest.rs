//! SHA-256 over several parts.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// The digest of these parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let digest = if let [part] = parts {
        // This takes half the time that a context does.
        digest(&SHA256, part)
    } else {
        let mut context = Context::new(&SHA256);
        parts.iter().for_each(|part| context.update(part));
        context.finish()
    };
    let bytes = digest.as_ref().try_into();
    bytes.expect("a SHA-256 digest has 32 bytes")
}

/// The first bytes of that digest.
pub(crate) fn short<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let digest = sha256(parts);
    *digest.first_chunk().expect("no id is longer than a digest")
}
