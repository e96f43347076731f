//! The host that a request names, in the spellings that browsers and proxies give it.

use std::net::IpAddr;

/// A host and port in one spelling: lower case, no dot at the end, the port always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostAndPort {
    host: Box<str>,
    port: u16,
}

impl HostAndPort {
    /// Parses the value of a `Host` header, or the authority of a URI. `default_port` is that of
    /// the scheme.
    pub(crate) fn parse(authority: &str, default_port: u16) -> Option<Self> {
        let authority = authority.trim();
        // The colons of an IPv6 address are inside brackets.
        let colon = authority
            .rfind(':')
            .filter(|at| !authority[*at..].contains(']'));
        let (host, port) = match colon.map(|at| (&authority[..at], &authority[at + 1..])) {
            None | Some((_, "")) => (authority.trim_end_matches(':'), default_port),
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, port.parse().ok()?)
            }
            Some(_) => return None,
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        let host = host.to_ascii_lowercase().into();
        Some(Self { host, port })
    }

    /// Whether an authority is this host in the usual spelling, and names no port.
    pub(crate) fn is_spelled(&self, authority: &str) -> bool {
        *self.host == *authority
    }

    /// Whether both are the same host. Cookies do not know ports.
    pub(crate) fn shares_cookies(&self, other: &Self) -> bool {
        self.host == other.host
    }

    /// Whether the host is the machine itself, as a developer names it.
    pub(crate) fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        let address = address.parse::<IpAddr>();
        &*self.host == "localhost"
            || self.host.ends_with(".localhost")
            || address.is_ok_and(|address| address.is_loopback() || address.is_unspecified())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(authority: &str) -> HostAndPort {
        HostAndPort::parse(authority, 80).unwrap()
    }

    #[test]
    fn spellings_of_one_host_are_equal() {
        let start = parse("start.shop.example");
        for same in [
            "start.shop.example:80",
            "start.shop.example.",
            "start.shop.example.:80",
            "START.shop.example",
            "start.shop.example:",
            " start.shop.example ",
            "start.shop.example:080",
        ] {
            assert_eq!(parse(same), start, "{same}");
        }
        for other in [
            "shop.example",
            "start.shop.example:81",
            "start.shop.example..",
        ] {
            assert_ne!(parse(other), start, "{other}");
        }
        assert_eq!(HostAndPort::parse("a:b", 80), None);
        assert_eq!(HostAndPort::parse("a:+80", 80), None);
        assert_eq!(HostAndPort::parse("a:99999", 80), None);
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for host in [
            "localhost:3000",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9:1",
            "0.0.0.0:3000",
            "[::1]:3000",
        ] {
            assert!(parse(host).is_loopback(), "{host}");
        }
        for host in [
            "shop.example",
            "localhost.example",
            "10.0.0.1",
            "[::2]",
            "127.example",
        ] {
            assert!(!parse(host).is_loopback(), "{host}");
        }
    }

    #[test]
    fn ipv6_address_keeps_its_colons() {
        assert_eq!(parse("[::1]"), parse("[::1]:80"));
        assert_ne!(parse("[::1]"), parse("[::1]:3000"));
    }
}
