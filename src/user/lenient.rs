//! Reads members that may have another type than documented. Such a member counts as missing, and
//! hides no other.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A string that is not blank, or a number. Anything else counts as missing.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text_of(&Value::deserialize(deserializer)?))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        // Some systems write whole numbers as 12.0.
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        }),
        _ => None,
    }
}

/// The text of the first of these members that holds any.
pub(super) fn first_text(members: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text_of(members.get(*name)?))
}

/// An object, or the first object of a list that has anything to read.
pub(super) fn first_object<T>(
    value: Option<&Value>,
    read: impl Fn(&Map<String, Value>) -> Option<T>,
) -> Option<T> {
    match value? {
        Value::Object(members) => read(members),
        Value::Array(items) => items.iter().find_map(|item| read(item.as_object()?)),
        _ => None,
    }
}

/// An object. Anything else counts as missing.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(value
        .is_object()
        .then(|| T::deserialize(value).ok())
        .flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_read_as_it_is_written_without_a_fraction_of_zero() {
        for (json, text) in [
            ("12", "12"),
            ("12.0", "12"),
            ("12.5", "12.5"),
            // No floating-point number has this value.
            ("9007199254740993", "9007199254740993"),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(text_of(&value).as_deref(), Some(text), "{json}");
        }
    }
}
