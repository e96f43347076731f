//! The user's address, whose members have several names.

use std::fmt;

use serde_json::{Map, Value};

use super::lenient::first_text;

/// The user's address.
///
/// Telenor documents seven parts, but only the JSON name of the first. The names of the others are
/// guesses, and several are accepted for each. The first name that holds anything counts.
///
/// A postal code that lost its leading zeros as a JSON number has them again, unless the address
/// is in another country than Norway.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    street_address: Option<String>,
    street_number: Option<String>,
    entrance: Option<String>,
    postal_code: Option<String>,
    postal_location: Option<String>,
    country: Option<String>,
    formatted_address: Option<String>,
}

impl Address {
    /// Reads an address, unless it has no part.
    pub(super) fn read(members: &Map<String, Value>) -> Option<Self> {
        let text = |names: &[&str]| first_text(members, names);
        let country = text(&["country"]);
        let address = Self {
            street_address: text(&["streetAddress"]),
            street_number: text(&["streetNumber", "houseNumber"]),
            entrance: text(&["entrance", "streetLetter"]),
            postal_code: postal_code(members, country.as_deref()),
            postal_location: text(&["postalLocation", "postalPlace", "city"]),
            country,
            formatted_address: text(&["formattedAddress", "formatted"]),
        };
        (address != Self::default()).then_some(address)
    }

    /// Returns the street, without the number.
    #[must_use]
    pub fn street_address(&self) -> Option<&str> {
        self.street_address.as_deref()
    }

    /// Returns the number in the street.
    #[must_use]
    pub fn street_number(&self) -> Option<&str> {
        self.street_number.as_deref()
    }

    /// Returns the entrance, in Norwegian «oppgang».
    #[must_use]
    pub fn entrance(&self) -> Option<&str> {
        self.entrance.as_deref()
    }

    /// Returns the postal code, which has four digits in Norway: `0155`.
    #[must_use]
    pub fn postal_code(&self) -> Option<&str> {
        self.postal_code.as_deref()
    }

    /// Returns the place that the postal code belongs to.
    #[must_use]
    pub fn postal_location(&self) -> Option<&str> {
        self.postal_location.as_deref()
    }

    /// Returns the country. How Telenor writes it is not documented.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// Returns the address as a whole, in one text, if Telenor sends it.
    #[must_use]
    pub fn formatted_address(&self) -> Option<&str> {
        self.formatted_address.as_deref()
    }
}

/// Norwegian postal codes have four digits, and many begin with a zero.
fn postal_code(members: &Map<String, Value>, country: Option<&str>) -> Option<String> {
    const NAME: &str = "postalCode";
    let code = first_text(members, &[NAME])?;
    let is_short = (1..4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    let lost_zeros = match country {
        Some(country) => is_norway(country),
        // A text of three digits may be a code of Iceland.
        None => members.get(NAME).is_some_and(Value::is_number),
    };
    Some(if is_short && lost_zeros {
        format!("{code:0>4}")
    } else {
        code
    })
}

fn is_norway(country: &str) -> bool {
    const NAMES: [&str; 8] = [
        "no", "nor", "norge", "noreg", "norway", "norga", "47", "578",
    ];
    let country = country.trim().trim_start_matches('+');
    NAMES.iter().any(|name| country.eq_ignore_ascii_case(name))
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Address> {
        Address::read(
            serde_json::from_str::<Value>(json)
                .unwrap()
                .as_object()
                .unwrap(),
        )
    }

    #[test]
    fn documented_name_counts_before_an_alias_if_it_holds_anything() {
        for (json, expected) in [
            (r#"{"postalLocation":"Oslo","city":"Bergen"}"#, "Oslo"),
            (r#"{"city":"Bergen","postalLocation":"Oslo"}"#, "Oslo"),
            (r#"{"postalLocation":null,"city":"Bergen"}"#, "Bergen"),
            (r#"{"postalLocation":" ","city":"Bergen"}"#, "Bergen"),
            (
                r#"{"postalLocation":{},"postalPlace":[],"city":"Bergen"}"#,
                "Bergen",
            ),
            (r#"{"postalPlace":"Voss","city":""}"#, "Voss"),
        ] {
            assert_eq!(
                read(json).unwrap().postal_location(),
                Some(expected),
                "{json}"
            );
        }
        let address = read(
            r#"{"streetNumber":null,"houseNumber":12.0,"entrance":"","streetLetter":"B","formatted":"x"}"#,
        );
        let address = address.unwrap();
        assert_eq!(address.street_number(), Some("12"));
        assert_eq!(address.entrance(), Some("B"));
        assert_eq!(address.formatted_address(), Some("x"));
    }

    #[test]
    fn postal_code_of_norway_has_its_leading_zeros() {
        for (json, expected) in [
            (r#"{"postalCode":218}"#, "0218"),
            (r#"{"postalCode":18,"country":null}"#, "0018"),
            (r#"{"postalCode":5003}"#, "5003"),
            (r#"{"postalCode":218,"country":"Norge"}"#, "0218"),
            (r#"{"postalCode":"218","country":"NO"}"#, "0218"),
            (r#"{"postalCode":218,"country":" noreg "}"#, "0218"),
            (r#"{"postalCode":218,"country":47}"#, "0218"),
            (r#"{"postalCode":"0218"}"#, "0218"),
            (r#"{"postalCode":218,"country":"IS"}"#, "218"),
            (r#"{"postalCode":218,"country":"Island"}"#, "218"),
            (r#"{"postalCode":"218"}"#, "218"),
            (r#"{"postalCode":"N-2","country":"NOR"}"#, "N-2"),
        ] {
            assert_eq!(read(json).unwrap().postal_code(), Some(expected), "{json}");
        }
    }

    #[test]
    fn address_without_a_part_is_none() {
        for json in [
            "{}",
            r#"{"country":"","city":null}"#,
            r#"{"streetAddress":[],"x":"y"}"#,
        ] {
            assert!(read(json).is_none(), "{json}");
        }
    }
}
