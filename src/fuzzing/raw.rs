//! A record of any bytes, which can be sealed.

use serde::{Serialize, Serializer, ser::SerializeTuple};

/// Bytes that are written as they are, so that anything can be sealed.
pub(super) struct Raw<'a>(pub &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = serializer.serialize_tuple(self.0.len())?;
        for byte in self.0 {
            bytes.serialize_element(byte)?;
        }
        bytes.end()
    }
}
