//! A small value of the app's own, which travels with a login or is kept in a session, as JSON.

use std::fmt;

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The value as JSON. It may name a person, so `Debug` shows its length only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppValue(Box<[u8]>);

impl AppValue {
    /// The value, if its JSON has at most `max` bytes.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T, max: usize) -> Result<Self, AppValueError> {
        let json = serde_json::to_vec(value).map_err(|_| AppValueError::NotSerializable {
            type_name: std::any::type_name::<T>(),
        })?;
        if json.len() > max {
            return Err(AppValueError::TooLarge {
                len: json.len(),
                max,
            });
        }
        Ok(Self(json.into()))
    }

    pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, AppValueError> {
        // The text of the error of `serde_json` has parts of the value.
        serde_json::from_slice(json).map_err(|_| AppValueError::NotDeserializable {
            type_name: std::any::type_name::<T>(),
        })
    }

    pub(crate) fn json(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_json(self) -> Box<[u8]> {
        self.0
    }
}

impl fmt::Debug for AppValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppValue({} bytes)", self.0.len())
    }
}

/// A value of the app cannot travel with a login, be kept in a session, or be read from there.
///
/// The text names the type and never the value. As a response it is a 500, which is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppValueError {
    /// The JSON of the value has too many bytes.
    #[non_exhaustive]
    TooLarge {
        /// How many bytes it has.
        len: usize,
        /// How many it may have.
        max: usize,
    },
    /// The value cannot be written as JSON.
    #[non_exhaustive]
    NotSerializable {
        /// The type of the value.
        type_name: &'static str,
    },
    /// What was kept is not of this type. Perhaps an earlier version of the app wrote it.
    #[non_exhaustive]
    NotDeserializable {
        /// The type that was asked for.
        type_name: &'static str,
    },
}

impl fmt::Display for AppValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len, max } => write!(
                f,
                "the value has {len} bytes as JSON, and {max} are allowed: keep it in the app, and \
                 let only its id travel"
            ),
            Self::NotSerializable { type_name } => {
                write!(
                    f,
                    "a value of the type {type_name} cannot be written as JSON"
                )
            }
            Self::NotDeserializable { type_name } => write!(
                f,
                "the value that was kept is not of the type {type_name}: give new fields a default"
            ),
        }
    }
}

impl std::error::Error for AppValueError {}

impl IntoResponse for AppValueError {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a value of the app is no good");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn value_is_read_as_it_was_written() {
        let value = AppValue::of(&("kurv", 17), 64).unwrap();
        assert_eq!(AppValue::read(value.json()), Ok(("kurv".to_owned(), 17)));
    }

    #[test]
    fn exactly_the_allowed_bytes_fit() {
        // Two quotes, and the letters.
        assert!(AppValue::of(&"x".repeat(510), 512).is_ok());
        let error = AppValue::of(&"x".repeat(511), 512).unwrap_err();
        assert_eq!(error, AppValueError::TooLarge { len: 513, max: 512 });
    }

    #[test]
    fn errors_name_the_type_and_never_the_value() {
        let no_keys = HashMap::from([((1, 2), "hemmelig")]);
        let written = AppValue::of(&no_keys, 512).unwrap_err();
        let read = AppValue::read::<u8>(br#""hemmelig""#).unwrap_err();
        for error in [written, read] {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hemmelig"), "{text}");
        }
        let value = AppValue::of("hemmelig", 64).unwrap();
        assert_eq!(format!("{value:?}"), "AppValue(10 bytes)");
    }
}
