//! The subscribers that the gateway knows.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

use super::address::SubscriberAddress;

/// A subscriber, with the data that the two identity APIs return.
///
/// Data that is not set is not in the responses. `Debug` shows none of it, because a developer may
/// enter their own details.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{Subscriber, SubscriberAddress};
///
/// let subscriber = Subscriber::new("91234567")
///     .with_name("Solveig", None, "Prøve")
///     .with_address(SubscriberAddress::new("Storgata", "1", "0155", "Oslo"))
///     .with_birth_date("1990-01-31")
///     .with_email("solveig@example.com")
///     .with_device("Fairphone", "Fairphone 5", "00100003")
///     .with_capability("lte", true);
/// assert_eq!(subscriber.mobile_number(), "4791234567");
/// ```
///
/// Source: Telenor's documentation of the Mobile User Info API and the Mobile Device Info API.
#[derive(Clone)]
#[must_use]
pub struct Subscriber {
    user: UserRecord,
    device: DeviceRecord,
}

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct UserRecord {
    mobile_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<NameRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SubscriberAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_address: Option<String>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct NameRecord {
    given_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<String>,
    family_name: String,
}

#[derive(Clone, Default, Serialize)]
struct DeviceRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tac: Option<String>,
    capabilities: BTreeMap<String, bool>,
}

impl Subscriber {
    /// Returns a subscriber with only a number.
    ///
    /// All that is not a digit is dropped, such as `+` and blanks, and then a `00` at the start.
    /// Eight digits get the country code 47. Nothing else is checked: a number may be too short,
    /// or empty.
    pub fn new(mobile_number: impl AsRef<str>) -> Self {
        Self {
            user: UserRecord {
                mobile_number: msisdn(mobile_number.as_ref()),
                ..UserRecord::default()
            },
            device: DeviceRecord::default(),
        }
    }

    /// Returns Kari Nordmann, who has all data. All of it is fictitious.
    pub fn kari() -> Self {
        Self::new("4791234567")
            .with_name("Kari", Some("Eksempel"), "Nordmann")
            .with_address(
                SubscriberAddress::new("Prøveveien", "12", "9008", "Tromsø").with_entrance("B"),
            )
            .with_birth_date("1985-05-17")
            .with_email("kari.nordmann@example.com")
            .with_device("Apple", "iPhone 13", "00100001")
            .with_capability("hdVoice", true)
            .with_capability("lte", true)
            .with_capability("lteAdvanced", true)
    }

    /// Returns Ola Nordmann, who has no address and a device with little data. All of it is
    /// fictitious.
    pub fn ola() -> Self {
        Self::new("4741234567")
            .with_name("Ola", None, "Nordmann")
            .with_birth_date("1972-12-01")
            .with_email("ola.nordmann@example.com")
            .with_device("Doro", "Doro 5516", "00100002")
            .with_capability("lte", false)
    }

    /// Sets the name.
    pub fn with_name(
        mut self,
        given: impl Into<String>,
        middle: Option<&str>,
        family: impl Into<String>,
    ) -> Self {
        self.user.name = Some(NameRecord {
            given_name: given.into(),
            middle_name: middle.map(str::to_owned),
            family_name: family.into(),
        });
        self
    }

    /// Sets the address.
    pub fn with_address(mut self, address: SubscriberAddress) -> Self {
        self.user.address = Some(address);
        self
    }

    /// Sets the birth date, an ISO 8601 date.
    pub fn with_birth_date(mut self, date: impl Into<String>) -> Self {
        self.user.birth_date = Some(date.into());
        self
    }

    /// Sets the e-mail address.
    pub fn with_email(mut self, address: impl Into<String>) -> Self {
        self.user.email_address = Some(address.into());
        self
    }

    /// Sets the phone's manufacturer, model and Type Allocation Code.
    pub fn with_device(
        mut self,
        manufacturer: impl Into<String>,
        model: impl Into<String>,
        tac: impl Into<String>,
    ) -> Self {
        self.device.manufacturer = Some(manufacturer.into());
        self.device.model = Some(model.into());
        self.device.tac = Some(tac.into());
        self
    }

    /// Sets one of the phone's capabilities, such as `hdVoice`, `lte` or `lteAdvanced`.
    pub fn with_capability(mut self, name: impl Into<String>, present: bool) -> Self {
        self.device.capabilities.insert(name.into(), present);
        self
    }

    /// Returns the number with country code and without a plus sign.
    #[must_use]
    pub fn mobile_number(&self) -> &str {
        &self.user.mobile_number
    }

    pub(super) fn user_info(&self) -> Value {
        serde_json::to_value(&self.user).expect("strings and structs are JSON")
    }

    pub(super) fn device_info(&self) -> Value {
        serde_json::to_value(&self.device).expect("strings and booleans are JSON")
    }

    pub(super) fn full_name(&self) -> Option<String> {
        let name = self.user.name.as_ref()?;
        let middle = name.middle_name.iter().map(String::as_str);
        let parts: Vec<_> = [name.given_name.as_str()]
            .into_iter()
            .chain(middle)
            .chain([name.family_name.as_str()])
            .collect();
        Some(parts.join(" "))
    }

    pub(super) fn formatted_address(&self) -> Option<&str> {
        self.user
            .address
            .as_ref()
            .map(SubscriberAddress::formatted_address)
    }

    pub(super) fn birth_date(&self) -> Option<&str> {
        self.user.birth_date.as_deref()
    }

    pub(super) fn email_address(&self) -> Option<&str> {
        self.user.email_address.as_deref()
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").finish_non_exhaustive()
    }
}

/// Returns a number in Telenor's form: country code first, digits only.
pub(super) fn msisdn(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    if digits.len() == 8 {
        format!("47{digits}")
    } else {
        digits.to_owned()
    }
}
