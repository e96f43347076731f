//! The response of the Mobile Device Info API: the user's phone.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::Value;

use super::{
    charset,
    lenient::{object, text},
};

/// The phone that the line is used in. Any part of it may be missing.
///
/// The capabilities are those on Telenor's network. A capability without a value is unknown, not
/// absent.
///
/// `Debug` shows none of the data.
///
/// Source: [Telenor's page about the API][page].
///
/// [page]: https://developer.telenor.no/api/identity/mobiledeviceinfoapi/docs/ref/mobile-device-info
#[derive(Clone)]
pub struct DeviceInfo {
    json: Box<str>,
    fields: DeviceInfoFields,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DeviceInfoFields {
    #[serde(deserialize_with = "text")]
    model: Option<String>,
    #[serde(deserialize_with = "text")]
    manufacturer: Option<String>,
    #[serde(deserialize_with = "text")]
    tac: Option<String>,
    #[serde(deserialize_with = "object")]
    capabilities: Option<BTreeMap<String, Value>>,
}

impl DeviceInfo {
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let json = charset::decode(body);
        let value: Value = serde_json::from_str(&json).ok()?;
        let fields = value
            .is_object()
            .then(|| DeviceInfoFields::deserialize(value).unwrap_or_default())?;
        Some(Self {
            json: json.into(),
            fields,
        })
    }

    /// Returns the model, such as `iPhone 7`.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.fields.model.as_deref()
    }

    /// Returns the manufacturer, such as `Apple`.
    #[must_use]
    pub fn manufacturer(&self) -> Option<&str> {
        self.fields.manufacturer.as_deref()
    }

    /// Returns the type allocation code: the first eight digits of the IMEI, which all phones of
    /// one model share.
    #[must_use]
    pub fn tac(&self) -> Option<&str> {
        self.fields.tac.as_deref()
    }

    /// Returns whether the phone supports HD voice, or `None` where that is unknown.
    #[must_use]
    pub fn hd_voice(&self) -> Option<bool> {
        self.capability("hdVoice")
    }

    /// Returns whether the phone supports LTE, or `None` where that is unknown.
    #[must_use]
    pub fn lte(&self) -> Option<bool> {
        self.capability("lte")
    }

    /// Returns whether the phone supports LTE Advanced, or `None` where that is unknown.
    #[must_use]
    pub fn lte_advanced(&self) -> Option<bool> {
        self.capability("lteAdvanced")
    }

    /// Returns a capability by Telenor's name for it, such as `hdVoice`. Returns `None` where it is
    /// unknown.
    #[must_use]
    pub fn capability(&self, name: &str) -> Option<bool> {
        self.fields.capabilities.as_ref()?.get(name)?.as_bool()
    }

    /// Returns the whole response, as the text of a JSON object.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl fmt::Debug for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceInfo(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Option<DeviceInfo> {
        DeviceInfo::parse(json.as_bytes())
    }

    #[test]
    fn capability_that_is_missing_is_unknown() {
        let device = parse(
            r#"{"model":"iPhone 7","manufacturer":"Apple","tac":35316208,
                "capabilities":{"lte":true,"hdVoice":false,"volte":true,"odd":"yes"},"x":1}"#,
        )
        .unwrap();
        assert_eq!(
            (device.model(), device.manufacturer(), device.tac()),
            (Some("iPhone 7"), Some("Apple"), Some("35316208"))
        );
        assert_eq!(
            (device.lte(), device.hd_voice(), device.lte_advanced()),
            (Some(true), Some(false), None)
        );
        assert_eq!(
            (device.capability("volte"), device.capability("odd")),
            (Some(true), None)
        );
        assert!(device.json().contains("\"x\":1"));
    }

    #[test]
    fn invalid_members_do_not_hide_others() {
        let device =
            parse(r#"{"model":null,"manufacturer":{},"tac":"1","capabilities":[]}"#).unwrap();
        assert_eq!(
            (
                device.model(),
                device.manufacturer(),
                device.tac(),
                device.lte()
            ),
            (None, None, Some("1"), None)
        );
        assert!(parse("[]").is_none() && parse("").is_none());
        let latin1 = DeviceInfo::parse(b"{\"model\":\"Bl\xe5\"}").unwrap();
        assert_eq!(latin1.model(), Some("Bl\u{e5}"));
    }

    #[test]
    fn debug_shows_no_data() {
        assert!(!format!("{:?}", parse(r#"{"model":"canary"}"#)).contains("canary"));
    }

    #[test]
    fn capability_has_the_value_that_telenor_states() {
        for value in [true, false] {
            let json = format!(
                r#"{{"capabilities":{{"lte":{value},"hdVoice":{value},"lteAdvanced":{value}}}}}"#
            );
            let device = parse(&json).unwrap();
            assert_eq!(
                [device.lte(), device.hd_voice(), device.lte_advanced()],
                [Some(value); 3]
            );
        }
    }
}
