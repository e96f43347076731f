//! The URLs and paths that a developer sets.

use url::{Host, Url};

use crate::{browser::return_to::ReturnTo, error::ConfigError, flow::routes::RoutePaths};

/// Parses an absolute URL of `http` or `https`. It must have nothing that a base URL or a redirect
/// URI must not have: no user, no password, no query, no fragment.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has the scheme {:?}", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or a password".to_owned());
    }
    if url.fragment().is_some() || url.query().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    Ok(url)
}

/// Whether plain http to this host never leaves the machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether others on the network can read and change what is sent to this URL.
pub(super) fn is_exposed(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

/// Whether this is plain http to a host of Telenor, which is never a mock.
pub(super) fn is_telenor_on_plain_http(url: &Url) -> bool {
    let host = url.domain().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    url.scheme() == "http" && (host == "telenor.no" || host.ends_with(".telenor.no"))
}

/// A path that the app receives, as browsers see it. The app does not know the prefix.
pub(super) fn app_path(
    setting: &'static str,
    path: &str,
    paths: &RoutePaths,
    origin: &Url,
) -> Result<ReturnTo, ConfigError> {
    let plain = path.starts_with('/') && !path.starts_with("//") && !path.contains(' ');
    Some(paths.seen(path))
        .filter(|_| plain)
        .and_then(|seen| ReturnTo::parse(&seen, origin))
        .filter(|target| !paths.is_own(target.path()))
        .ok_or_else(|| ConfigError::InvalidPath {
            setting,
            path: path.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4, S66.
    #[test]
    fn loopback_is_this_machine_only() {
        let loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in [
            "http://127.0.0.1:3000",
            "http://127.9.9.9",
            "http://[::1]",
            "http://localhost",
            "http://a.localhost",
        ] {
            assert!(loopback(url), "{url}");
        }
        for url in [
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "http://[::2]",
        ] {
            assert!(!loopback(url), "{url}");
        }
    }
}
