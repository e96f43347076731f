//! The addresses of a run: where the browser starts, and where this machine listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// The listener's address, and the redirect URI unless it depends on the listener's port.
pub(crate) fn to_listen(
    redirect_uri: Option<&str>,
    port: Option<u16>,
) -> Result<(SocketAddr, Option<String>), lexopt::Error> {
    let Some(uri) = redirect_uri else {
        let address = (Ipv4Addr::LOCALHOST, port.unwrap_or(0)).into();
        return Ok((address, None));
    };
    let url = Url::parse(uri).map_err(|error| format!("--redirect-uri {uri:?}: {error}"))?;
    let here = loopback(&url).filter(|_| url.scheme() == "http");
    let port = port.or_else(|| url.port_or_known_default().filter(|_| here.is_some()));
    let Some(port) = port else {
        return Err(
            "--redirect-uri leads to another host or needs TLS: give --port, the port on this \
             machine where its requests arrive"
                .into(),
        );
    };
    let address = here.unwrap_or(Ipv4Addr::LOCALHOST.into());
    Ok(((address, port).into(), Some(uri.to_owned())))
}

/// The page that the browser opens first. Its cookies come back only on the redirect URI's origin.
pub(crate) fn start_page(redirect_uri: &str) -> String {
    let origin = Url::parse(redirect_uri).map(|url| url.origin().ascii_serialization());
    format!("{}/", origin.unwrap_or_default())
}

fn loopback(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => address.is_loopback().then_some(address.into()),
        Host::Ipv6(address) => (address == Ipv6Addr::LOCALHOST).then_some(address.into()),
        Host::Domain(name) => {
            let here = name == "localhost" || name.ends_with(".localhost");
            here.then_some(Ipv4Addr::LOCALHOST.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listens(redirect_uri: Option<&str>, port: Option<u16>) -> Option<String> {
        let (address, _) = to_listen(redirect_uri, port).ok()?;
        Some(address.to_string())
    }

    #[test]
    fn a_loopback_redirect_uri_says_where_to_listen() {
        for (uri, address) in [
            ("http://127.0.0.1:8085/telenor/callback", "127.0.0.1:8085"),
            ("http://localhost:8085/cb", "127.0.0.1:8085"),
            ("http://[::1]:8085/cb", "[::1]:8085"),
            ("http://localhost/cb", "127.0.0.1:80"),
        ] {
            assert_eq!(listens(Some(uri), None).as_deref(), Some(address), "{uri}");
        }
        assert_eq!(listens(None, None).as_deref(), Some("127.0.0.1:0"));
    }

    #[test]
    fn a_tunnel_needs_a_port_to_end_at() {
        for uri in ["https://tunnel.example/cb", "https://localhost:8085/cb"] {
            let mistake = to_listen(Some(uri), None).unwrap_err().to_string();
            assert!(
                mistake.contains("--redirect-uri") && mistake.contains("--port"),
                "{mistake}"
            );
            assert_eq!(
                listens(Some(uri), Some(9000)).as_deref(),
                Some("127.0.0.1:9000")
            );
        }
        assert!(to_listen(Some("nonsense"), None).is_err());
    }

    #[test]
    fn the_start_page_shares_the_origin_of_the_redirect_uri() {
        assert_eq!(start_page("http://[::1]:8085/a/b"), "http://[::1]:8085/");
        assert_eq!(
            start_page("https://tunnel.example/cb"),
            "https://tunnel.example/"
        );
    }
}
