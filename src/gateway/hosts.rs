//! The hosts that requests go to.

use http::{
    Request, Response, Uri,
    uri::{Authority, Scheme},
};

use super::{client::HttpClient, error::TransportError};

/// One client for the host of the gateway, and one for each other host that an endpoint is on.
///
/// A client sends a request to its own host, also where the URI names another one. So the URI has
/// to choose the client: a token for a host that no setting names is sent nowhere.
pub(crate) struct Hosts(Vec<Host>);

struct Host {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    client: HttpClient,
}

impl Hosts {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the host of this URI, unless it is there.
    pub(crate) fn add<E>(
        &mut self,
        uri: &Uri,
        client: impl FnOnce() -> Result<HttpClient, E>,
    ) -> Result<(), E> {
        if self.find(uri).is_none() {
            self.0.push(Host {
                scheme: uri.scheme().cloned(),
                authority: uri.authority().cloned(),
                client: client()?,
            });
        }
        Ok(())
    }

    /// Sends a request that may be sent twice: it is safe, or what it carries is good once.
    pub(super) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let client = self.find(request.uri());
        let client = client.ok_or_else(TransportError::unknown_host)?;
        // In a box, since each future around it is moved as a whole, some of them several times.
        Box::pin(client.send(request)).await
    }

    /// Sends a request that must not be sent twice.
    pub(super) async fn send_once(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let client = self.find(request.uri());
        let client = client.ok_or_else(TransportError::unknown_host)?;
        Box::pin(client.send_once(request)).await
    }

    fn find(&self, uri: &Uri) -> Option<&HttpClient> {
        let host = self.0.iter().find(|host| {
            host.scheme.as_ref() == uri.scheme() && host.authority.as_ref() == uri.authority()
        });
        host.map(|host| &host.client)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::{error::ConfigError, gateway::error::TransportErrorKind};

    fn hosts(addresses: &[&'static str]) -> Hosts {
        let mut hosts = Hosts::new();
        for address in addresses {
            let url = Url::parse(address).unwrap();
            let added = hosts.add(&Uri::from_static(address), || {
                HttpClient::new(&url, None, None)
            });
            added.unwrap();
        }
        hosts
    }

    #[test]
    fn host_has_one_client() {
        let hosts = hosts(&[
            "http://127.0.0.1:9/a",
            "http://127.0.0.1:9/b",
            "http://127.0.0.1:10/a",
        ]);
        assert_eq!(hosts.0.len(), 2);
        let again = Uri::from_static("http://127.0.0.1:10/c");
        let mut hosts = hosts;
        assert!(hosts.add(&again, || Err(ConfigError::NoKeys)).is_ok());
    }

    /// S59.
    #[tokio::test]
    async fn nothing_is_sent_to_a_host_that_no_setting_names() {
        let hosts = hosts(&["http://127.0.0.1:9/"]);
        for address in [
            "http://127.0.0.1:10/",
            "http://127.0.0.1/",
            "https://127.0.0.1:9/",
            "http://localhost:9/",
            "http://x@127.0.0.1:9/",
            "/path",
        ] {
            let mut request = Request::new(Vec::new());
            *request.uri_mut() = Uri::from_static(address);
            for sent in [
                hosts.send(request.clone()).await,
                hosts.send_once(request).await,
            ] {
                let error = sent.unwrap_err();
                let kind = TransportErrorKind::NotConnected;
                assert!(error.kind == kind && error.unsent, "{address}");
                assert!(error.to_string().contains("no setting"), "{address}");
            }
        }
    }
}
