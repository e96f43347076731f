//! The response of the Mobile User Info API: the user.

use std::fmt;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    MobileNumber,
    lenient::{object, text},
};

/// The data of the user that Telenor shares with the app. Any part of it may be missing.
///
/// `Debug` shows none of the data. Documented members have getters, and [`json`](Self::json)
/// returns the whole response.
#[derive(Clone)]
pub struct UserInfo {
    json: Box<str>,
    number: Option<MobileNumber>,
    fields: UserInfoFields,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct UserInfoFields {
    #[serde(deserialize_with = "text")]
    mobile_number: Option<String>,
    #[serde(deserialize_with = "object")]
    name: Option<Name>,
    #[serde(deserialize_with = "object")]
    address: Option<Address>,
    #[serde(deserialize_with = "text")]
    birth_date: Option<String>,
    #[serde(deserialize_with = "text")]
    email_address: Option<String>,
}

/// The user's name.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Name {
    #[serde(deserialize_with = "text")]
    given_name: Option<String>,
    #[serde(deserialize_with = "text")]
    middle_name: Option<String>,
    #[serde(deserialize_with = "text")]
    family_name: Option<String>,
}

/// The user's address.
///
/// Telenor documents seven parts, but only the JSON name of the first. The names of the others are
/// guesses, and several are accepted for each.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Address {
    #[serde(deserialize_with = "text")]
    street_address: Option<String>,
    #[serde(deserialize_with = "text", alias = "houseNumber")]
    street_number: Option<String>,
    #[serde(deserialize_with = "text", alias = "streetLetter")]
    entrance: Option<String>,
    #[serde(deserialize_with = "text")]
    postal_code: Option<String>,
    #[serde(deserialize_with = "text", alias = "postalPlace", alias = "city")]
    postal_location: Option<String>,
    #[serde(deserialize_with = "text")]
    country: Option<String>,
    #[serde(deserialize_with = "text", alias = "formatted")]
    formatted_address: Option<String>,
}

impl UserInfo {
    pub(crate) fn parse(body: Vec<u8>) -> Option<Self> {
        let json = String::from_utf8(body).ok()?;
        let fields: UserInfoFields = match serde_json::from_str(&json).ok()? {
            // An invalid member counts as missing and hides no other, such as an address with both
            // a name and its alias.
            Value::Object(members) => {
                UserInfoFields::deserialize(Value::Object(members)).unwrap_or_default()
            }
            _ => return None,
        };
        let number = fields
            .mobile_number
            .as_deref()
            .and_then(MobileNumber::parse);
        Some(Self {
            json: json.into(),
            number,
            fields,
        })
    }

    /// Returns the number that the data belongs to.
    #[must_use]
    pub fn mobile_number(&self) -> Option<&MobileNumber> {
        self.number.as_ref()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        self.fields.name.as_ref()
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.fields.address.as_ref()
    }

    /// Returns the birth date, in ISO 8601.
    #[must_use]
    pub fn birth_date(&self) -> Option<&str> {
        self.fields.birth_date.as_deref()
    }

    /// Returns the e-mail address.
    #[must_use]
    pub fn email_address(&self) -> Option<&str> {
        self.fields.email_address.as_deref()
    }

    /// Returns the whole response, as JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Deserializes the whole response into your own type.
    ///
    /// # Errors
    ///
    /// The response does not fit the type. The error may hold a part of the data: keep it out of
    /// the log.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, impl std::error::Error + use<T>> {
        serde_json::from_str(&self.json)
    }
}

impl Name {
    /// Returns the given name.
    #[must_use]
    pub fn given_name(&self) -> Option<&str> {
        self.given_name.as_deref()
    }

    /// Returns the middle name.
    #[must_use]
    pub fn middle_name(&self) -> Option<&str> {
        self.middle_name.as_deref()
    }

    /// Returns the family name.
    #[must_use]
    pub fn family_name(&self) -> Option<&str> {
        self.family_name.as_deref()
    }
}

impl Address {
    /// Returns the street.
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

    /// Returns the postal code.
    #[must_use]
    pub fn postal_code(&self) -> Option<&str> {
        self.postal_code.as_deref()
    }

    /// Returns the place that the postal code belongs to.
    #[must_use]
    pub fn postal_location(&self) -> Option<&str> {
        self.postal_location.as_deref()
    }

    /// Returns the country.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// Returns the address as a whole.
    #[must_use]
    pub fn formatted_address(&self) -> Option<&str> {
        self.formatted_address.as_deref()
    }
}

macro_rules! redacted {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )*};
}

redacted!(UserInfo Name Address);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Option<UserInfo> {
        UserInfo::parse(json.as_bytes().to_vec())
    }

    #[test]
    fn documented_members_have_getters() {
        let info = parse(
            r#"{"mobileNumber":"4791234567",
                "name":{"givenName":"Kari","middleName":"","familyName":"Nordmann"},
                "address":{"streetAddress":"Storgat*","houseNumber":12,"streetLetter":"B",
                    "postalCode":"0155","city":"Oslo","country":"Norge"},
                "birthDate":"1990-05-17","emailAddress":"kari@example.no","shoeSize":38}"#,
        );
        let info = info.unwrap();
        assert_eq!(info.mobile_number().unwrap().secret(), "4791234567");
        let name = info.name().unwrap();
        assert_eq!(
            (name.given_name(), name.middle_name(), name.family_name()),
            (Some("Kari"), None, Some("Nordmann"))
        );
        let address = info.address().unwrap();
        assert_eq!(address.street_address(), Some("Storgat*"));
        assert_eq!(
            (address.street_number(), address.entrance()),
            (Some("12"), Some("B"))
        );
        assert_eq!(
            (address.postal_code(), address.postal_location()),
            (Some("0155"), Some("Oslo"))
        );
        assert_eq!(
            (address.country(), address.formatted_address()),
            (Some("Norge"), None)
        );
        assert_eq!(
            (info.birth_date(), info.email_address()),
            (Some("1990-05-17"), Some("kari@example.no"))
        );
    }

    #[test]
    fn unknown_members_are_kept() {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Mine {
            shoe_size: u8,
        }
        let info = parse(r#"{"shoeSize":38}"#).unwrap();
        assert_eq!(info.deserialize::<Mine>().unwrap().shoe_size, 38);
        assert!(info.json().contains("shoeSize"));
    }

    #[test]
    fn members_of_another_type_are_missing_and_do_not_hide_others() {
        let info = parse(
            r#"{"mobileNumber":{},"name":"Kari","address":[],"birthDate":null,
                "emailAddress":"a@b.example"}"#,
        )
        .unwrap();
        assert!(
            info.mobile_number().is_none() && info.name().is_none() && info.birth_date().is_none()
        );
        assert_eq!(info.email_address(), Some("a@b.example"));
    }

    #[test]
    fn only_a_json_object_is_a_user() {
        for json in ["", "[]", "\"x\"", "{", "null", "<html>"] {
            assert!(parse(json).is_none(), "{json:?}");
        }
        assert!(UserInfo::parse(b"{\"a\":\"\xff\"}".to_vec()).is_none());
    }

    #[test]
    fn debug_shows_no_data() {
        let info = parse(r#"{"name":{"givenName":"canary"},"address":{"streetAddress":"canary"}}"#)
            .unwrap();
        let shown = format!("{info:?} {:?} {:?}", info.name(), info.address());
        assert!(!shown.contains("canary"));
    }
}
