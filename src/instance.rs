//! What an app is known by.

use serde::{Deserialize, Serialize};

use crate::digest;

/// Distinguishes an app, its client and its gateway from every other that shares its keys or its
/// store. The token of a session is sent to no other gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceId([u8; 8]);

impl InstanceId {
    /// `moved` are the endpoints of the gateway where they are not the default ones.
    pub(crate) fn new(
        gateway: &str,
        client_id: &str,
        redirect_uri: &str,
        moved: Option<[&str; 5]>,
    ) -> Self {
        let texts = [gateway, client_id, redirect_uri].into_iter();
        let texts: Vec<&str> = texts.chain(moved.into_iter().flatten()).collect();
        let lengths: Vec<_> = texts
            .iter()
            .map(|text| (text.len() as u64).to_be_bytes())
            .collect();
        let mut parts: Vec<&[u8]> = Vec::new();
        for (length, text) in lengths.iter().zip(&texts) {
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
        let app = InstanceId::new("gateway", "client", "uri", None);
        assert_eq!(app, InstanceId::new("gateway", "client", "uri", None));
        for other in [
            InstanceId::new("gateway2", "client", "uri", None),
            InstanceId::new("gateway", "client2", "uri", None),
            InstanceId::new("gateway", "client", "uri2", None),
            InstanceId::new("gatewayclient", "", "uri", None),
        ] {
            assert_ne!(app, other);
        }
    }

    #[test]
    fn apps_differ_by_each_endpoint_that_moved() {
        let moved = |moved| InstanceId::new("gateway", "client", "uri", moved);
        let endpoints = ["/a", "/b", "/c", "/d", "/e"];
        let mut known = vec![moved(None), moved(Some(endpoints))];
        for at in 0..endpoints.len() {
            let mut other = endpoints;
            other[at] = "https://other.example/a";
            known.push(moved(Some(other)));
        }
        let all = known.len();
        known.sort_by_key(|id| id.0);
        known.dedup();
        assert_eq!(known.len(), all);
        assert_eq!(moved(Some(endpoints)), moved(Some(endpoints)));
    }

    #[test]
    fn id_with_the_default_endpoints_stays_what_it_was() {
        let app = InstanceId::new("gateway", "client", "uri", None);
        assert_eq!(app.0, [0x75, 0xbd, 0xe9, 0xbd, 0xad, 0x5c, 0xa6, 0x12]);
    }
}
