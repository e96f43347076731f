//! Where the gateway listens, and under which address others reach it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use http::uri::Authority;
use url::Url;

/// The settings. By default only this machine reaches the gateway.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub(super) listen: Option<SocketAddr>,
    /// The host under which other machines reach the gateway, perhaps with a port.
    pub(super) host: Option<String>,
}

impl Reach {
    /// Returns the address to listen on. Port 0 stands for a free one.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        match (self.listen, &self.host) {
            (None, None) => Ok((Ipv4Addr::LOCALHOST, 0).into()),
            (None, Some(_)) => Ok((Ipv4Addr::UNSPECIFIED, 0).into()),
            (Some(address), None) if !is_loopback(address.ip()) => Err(invalid(format!(
                "the mock does not listen on {address}, because anyone who reaches it can sign in \
                 as any subscriber: use a loopback address such as 127.0.0.1, or name the host \
                 under which containers and phones reach it with dangerous_reachable_as"
            ))),
            (Some(address), _) => Ok(address),
        }
    }

    /// Returns the base URL, in the form that a browser makes of it.
    pub(super) fn base_url(&self, address: SocketAddr) -> io::Result<Url> {
        let url = match &self.host {
            None => Some(format!("http://{address}")),
            Some(host) => with_port(host, address.port()),
        };
        let url = url.and_then(|url| Url::parse(&url).ok());
        url.ok_or_else(|| {
            let host = self.host.as_deref().unwrap_or_default();
            invalid(format!(
                "dangerous_reachable_as({host:?}) is not a host: use a name or an IP address, such \
                 as \"192.168.1.20\" or \"mock:4000\""
            ))
        })
    }
}

/// Returns the URL of a host that may have a port of its own.
fn with_port(host: &str, port: u16) -> Option<String> {
    let parsed = host.parse::<Authority>().ok()?;
    let port = match parsed.as_str().strip_prefix(parsed.host())? {
        "" => port,
        own => own.strip_prefix(':')?.parse().ok()?,
    };
    Some(format!("http://{}:{port}", parsed.host()))
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn invalid(error: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(listen: Option<&str>, host: Option<&str>) -> Reach {
        Reach {
            listen: listen.map(|address| address.parse().unwrap()),
            host: host.map(str::to_owned),
        }
    }

    #[test]
    fn without_a_dangerous_setting_only_this_machine_reaches_it() {
        assert!(reach(None, None).address().unwrap().ip().is_loopback());
        for loopback in [
            "127.0.0.1:0",
            "127.9.9.9:1",
            "[::1]:0",
            "[::ffff:127.0.0.1]:0",
        ] {
            assert!(reach(Some(loopback), None).address().is_ok(), "{loopback}");
        }
        for open in ["0.0.0.0:0", "[::]:0", "192.168.1.20:0", "[2001:db8::1]:0"] {
            let error = reach(Some(open), None).address().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let text = error.to_string();
            assert!(text.contains("dangerous_reachable_as"), "{text}");
            assert!(reach(Some(open), Some("mock")).address().is_ok(), "{open}");
        }
        let all = reach(None, Some("mock")).address().unwrap();
        assert!(all.ip().is_unspecified());
    }

    #[test]
    fn base_url_has_the_host_as_browsers_write_it() {
        let base = |host| {
            let address = "0.0.0.0:4000".parse().unwrap();
            let url = reach(None, Some(host)).base_url(address);
            url.map(|url| url.origin().ascii_serialization())
        };
        for (host, expected) in [
            ("mock", "http://mock:4000"),
            ("MOCK.test", "http://mock.test:4000"),
            ("mock:8080", "http://mock:8080"),
            ("mock:80", "http://mock"),
            ("192.168.1.20", "http://192.168.1.20:4000"),
            ("[2001:db8::1]", "http://[2001:db8::1]:4000"),
        ] {
            assert_eq!(base(host).unwrap(), expected, "{host}");
        }
        for wrong in [
            "",
            " ",
            "http://mock",
            "mock/",
            "kari@mock",
            "mock:port",
            "mock:99999",
            "2001:db8::1",
            "a b",
        ] {
            let error = base(wrong).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{wrong}");
            assert!(error.to_string().contains("is not a host"), "{error}");
        }
    }
}
