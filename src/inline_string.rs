//! Short strings without memory of their own.

use std::fmt;

use arrayvec::ArrayString;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use zeroize::{Zeroize, Zeroizing};

/// A string that never changes. Up to `N` bytes of it stand in place, so that a session which is
/// opened from a cookie takes memory once, and not for each of its strings.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct InlineString<const N: usize>(Text<N>);

#[derive(Clone, PartialEq, Eq)]
enum Text<const N: usize> {
    Inline(ArrayString<N>),
    Heap(Box<str>),
}

impl<const N: usize> InlineString<N> {
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline(text) => text,
            Text::Heap(text) => text,
        }
    }
}

impl<const N: usize> From<&str> for InlineString<N> {
    fn from(text: &str) -> Self {
        match ArrayString::from(text) {
            Ok(text) => Self(Text::Inline(text)),
            Err(_) => Self(Text::Heap(text.into())),
        }
    }
}

impl<const N: usize> From<String> for InlineString<N> {
    fn from(text: String) -> Self {
        Self::from(Zeroizing::new(text).as_str())
    }
}

impl<const N: usize> Zeroize for InlineString<N> {
    fn zeroize(&mut self) {
        match &mut self.0 {
            Text::Inline(text) => text.zeroize(),
            Text::Heap(text) => text.zeroize(),
        }
    }
}

impl<const N: usize> Default for InlineString<N> {
    fn default() -> Self {
        Self::from("")
    }
}

impl<const N: usize> Serialize for InlineString<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for InlineString<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Str<const N: usize>;

        impl<const N: usize> Visitor<'_> for Str<N> {
            type Value = InlineString<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_str(Str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_is_the_same_in_place_and_on_the_heap() {
        for text in [
            "",
            "a",
            "tåken",
            "1234567",
            "12345678",
            "123456789",
            "1234567å",
        ] {
            let string = InlineString::<8>::from(text);
            let is_inline = matches!(string.0, Text::Inline(_));
            assert_eq!(is_inline, text.len() <= 8, "{text}");
            assert_eq!(string.as_str(), text);
            assert!(string == text.to_owned().into());
            let bytes = postcard::to_allocvec(&string).unwrap();
            assert_eq!(bytes, postcard::to_allocvec(text).unwrap());
            let read: InlineString<8> = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(read.as_str(), text);
            let json = serde_json::to_string(&string).unwrap();
            assert!(serde_json::from_str::<InlineString<8>>(&json).unwrap() == string);
        }
    }

    /// S122.
    #[test]
    fn nothing_is_left_of_a_wiped_string() {
        for text in ["1234567", "123456789"] {
            let mut string = InlineString::<8>::from(text);
            string.zeroize();
            assert!(string.as_str().bytes().all(|byte| byte == 0), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        for len in [2, 20] {
            let bytes = postcard::to_allocvec(&vec![0xff_u8; len]).unwrap();
            assert!(
                postcard::from_bytes::<InlineString<8>>(&bytes).is_err(),
                "{len}"
            );
        }
    }

    #[test]
    fn longer_strings_than_a_byte_can_count_fit_too() {
        let text = "x".repeat(300);
        assert_eq!(InlineString::<400>::from(&*text).as_str(), text);
    }
}
