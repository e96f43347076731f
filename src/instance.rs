//! What an app is known by.

use serde::{Deserialize, Serialize};

use crate::digest;

/// Distinguishes an app, its client and its gateway from every other that shares its keys or its
/// store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceId([u8; 8]);

impl InstanceId {
    pub(crate) fn new(gateway: &str, client_id: &str, redirect_uri: &str) -> Self {
        let texts = [gateway, client_id, redirect_uri];
        let lengths = texts.map(|text| (text.len() as u64).to_be_bytes());
        let mut parts: Vec<&[u8]> = Vec::new();
        for (length, text) in lengths.iter().zip(texts) {
            parts.extend([&length[..], text.as_bytes()]);
        }
        Self(digest::short(&parts))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_differ_by_gateway_client_and_redirect_uri() {
        let app = InstanceId::new("gateway", "client", "uri");
        assert_eq!(app, InstanceId::new("gateway", "client", "uri"));
        for other in [
            InstanceId::new("gateway2", "client", "uri"),
            InstanceId::new("gateway", "client2", "uri"),
            InstanceId::new("gateway", "client", "uri2"),
            InstanceId::new("gatewayclient", "", "uri"),
        ] {
            assert_ne!(app, other);
        }
    }
}
