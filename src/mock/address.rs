//! The address of a subscriber.

use std::fmt;

use serde::Serialize;

/// A subscriber's address.
///
/// Telenor documents only the JSON name `streetAddress`. The other names, `streetNumber`,
/// `entrance`, `postalCode`, `postalLocation`, `country` and `formattedAddress`, are guesses from
/// its text.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::SubscriberAddress;
///
/// let address = SubscriberAddress::new("Storgata", "1", "0155", "Oslo").with_entrance("B");
/// ```
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct SubscriberAddress {
    street_address: String,
    street_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrance: Option<String>,
    postal_code: String,
    postal_location: String,
    country: &'static str,
    formatted_address: String,
}

impl SubscriberAddress {
    /// Returns an address in Norway: street, number in the street, postal code and postal location.
    pub fn new(
        street: impl Into<String>,
        number: impl Into<String>,
        postal_code: impl Into<String>,
        postal_location: impl Into<String>,
    ) -> Self {
        let address = Self {
            street_address: street.into(),
            street_number: number.into(),
            entrance: None,
            postal_code: postal_code.into(),
            postal_location: postal_location.into(),
            country: "Norge",
            formatted_address: String::new(),
        };
        address.formatted()
    }

    /// Sets the entrance of the building, a letter (in Norwegian «oppgang»).
    pub fn with_entrance(mut self, entrance: impl Into<String>) -> Self {
        self.entrance = Some(entrance.into());
        self.formatted()
    }

    pub(super) fn formatted_address(&self) -> &str {
        &self.formatted_address
    }

    fn formatted(mut self) -> Self {
        self.formatted_address = format!(
            "{} {}{}, {} {}",
            self.street_address,
            self.street_number,
            self.entrance.as_deref().unwrap_or_default(),
            self.postal_code,
            self.postal_location,
        );
        self
    }
}

impl fmt::Debug for SubscriberAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberAddress").finish_non_exhaustive()
    }
}
