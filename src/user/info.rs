//! The response of the Mobile User Info API: the user.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Address, MobileNumber, charset,
    lenient::{first_object, first_text},
};

/// The data of the user that Telenor shares with the app. Any part of it may be missing.
///
/// `Debug` shows none of the data. Documented members have getters, and [`json`](Self::json)
/// returns the whole response.
///
/// ```
/// use telenor_auth::{ApiError, TelenorUser};
///
/// /// The town in a delivery form, before the user changes it.
/// async fn town(user: TelenorUser) -> Result<String, ApiError> {
///     let info = user.info().await?;
///     let town = info.address().and_then(|address| address.postal_location());
///     Ok(town.unwrap_or_default().to_owned())
/// }
/// ```
///
/// Source: [Telenor's page about the API][page], which says of no member that it is always there.
///
/// [page]: https://developer.telenor.no/api/identity/mobileuserinfoapi/docs/ref/user-info.html
#[derive(Clone)]
pub struct UserInfo {
    json: Box<str>,
    mobile_number: Option<MobileNumber>,
    name: Option<Name>,
    address: Option<Address>,
    birth_date: Option<String>,
    email_address: Option<String>,
}

/// The user's name. Any part of it may be missing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Name {
    given_name: Option<String>,
    middle_name: Option<String>,
    family_name: Option<String>,
}

impl UserInfo {
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let json = charset::decode(body);
        let Value::Object(members) = serde_json::from_str(&json).ok()? else {
            return None;
        };
        let number = first_text(&members, &["mobileNumber"]);
        Some(Self {
            json: json.into(),
            mobile_number: number.and_then(|number| MobileNumber::parse(&number)),
            name: first_object(members.get("name"), Name::read),
            address: first_object(members.get("address"), Address::read),
            birth_date: first_text(&members, &["birthDate"]),
            email_address: first_text(&members, &["emailAddress"]),
        })
    }

    /// Returns the number that the data belongs to.
    #[must_use]
    pub fn mobile_number(&self) -> Option<&MobileNumber> {
        self.mobile_number.as_ref()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// Returns the birth date, as Telenor sends it: `1990-01-31` (ISO 8601).
    #[must_use]
    pub fn birth_date(&self) -> Option<&str> {
        self.birth_date.as_deref()
    }

    /// Returns the e-mail address.
    #[must_use]
    pub fn email_address(&self) -> Option<&str> {
        self.email_address.as_deref()
    }

    /// Returns the whole response, as the text of a JSON object.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Deserializes the whole response into your own type, for members that have no getter.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(rename_all = "camelCase")]
    /// struct Contact {
    ///     email_address: Option<String>, // `emailAddress` in Telenor's JSON
    /// }
    ///
    /// async fn contact(user: TelenorUser) -> Result<Option<String>, ApiError> {
    ///     let info = user.info().await?;
    ///     Ok(info.deserialize::<Contact>().ok().and_then(|contact| contact.email_address))
    /// }
    /// ```
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
    /// Reads a name, unless it has no part.
    fn read(members: &Map<String, Value>) -> Option<Self> {
        let name = Self {
            given_name: first_text(members, &["givenName"]),
            middle_name: first_text(members, &["middleName"]),
            family_name: first_text(members, &["familyName"]),
        };
        (name != Self::default()).then_some(name)
    }

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

macro_rules! redacted {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )*};
}

redacted!(UserInfo Name);

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn parse(json: &str) -> Option<UserInfo> {
        UserInfo::parse(json.as_bytes())
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
    }

    #[test]
    fn user_in_another_encoding_is_read() {
        for body in [
            &b"{\"name\":{\"givenName\":\"Bj\xf8rn\"}}"[..],
            b"\xef\xbb\xbf{\"name\":{\"givenName\":\"Bj\xc3\xb8rn\"}}",
        ] {
            let info = UserInfo::parse(body).unwrap();
            assert_eq!(info.name().unwrap().given_name(), Some("Bj\u{f8}rn"));
            assert!(info.json().starts_with('{') && info.deserialize::<Value>().is_ok());
        }
    }

    #[test]
    fn member_that_holds_nothing_is_missing() {
        for empty in [
            "{}",
            "null",
            "[]",
            "[{}]",
            r#"{"givenName":"","city":" "}"#,
            "\"\"",
        ] {
            let json = format!(
                r#"{{"name":{empty},"address":{empty},"birthDate":{empty},"mobileNumber":{empty}}}"#
            );
            let info = parse(&json).unwrap();
            assert!(info.name().is_none() && info.address().is_none(), "{json}");
            assert!(
                info.birth_date().is_none() && info.mobile_number().is_none(),
                "{json}"
            );
        }
        let list = r#"{"address":["x",{},{"city":"Oslo"},{"city":"Bergen"}]}"#;
        let info = parse(list).unwrap();
        assert_eq!(info.address().unwrap().postal_location(), Some("Oslo"));
        let number = parse(r#"{"mobileNumber":4791234567}"#).unwrap();
        assert_eq!(number.mobile_number().unwrap().secret(), "4791234567");
    }

    #[test]
    fn debug_shows_no_data() {
        let info = parse(r#"{"name":{"givenName":"canary"},"address":{"streetAddress":"canary"}}"#)
            .unwrap();
        let shown = format!("{info:?} {:?} {:?}", info.name(), info.address());
        assert!(!shown.contains("canary"));
    }

    #[test]
    fn name_has_each_of_its_parts() {
        let names = r#"{"name":{"givenName":"Kari","middleName":"Moe","familyName":"Lie"}}"#;
        let info = parse(names).unwrap();
        let name = info.name().unwrap();
        assert_eq!(
            [name.given_name(), name.middle_name(), name.family_name()],
            [Some("Kari"), Some("Moe"), Some("Lie")]
        );
    }
}
