//! The URL of Redis. It may hold a password, so it is never shown.

use std::time::Duration;

use redis::{
    Client, ConnectionAddr, ConnectionInfo, TlsCertificates,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use url::Url;

use crate::error::ConfigError;

/// Keeps an idle connection open in the network devices on its way.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Makes a client for this address, which has not connected yet.
pub(super) fn client(address: &str) -> Result<Client, ConfigError> {
    if checked(address)? {
        // TLS uses the process's default provider. Without a default, rustls panics where it has
        // two to choose from.
        let _ = aws_lc_rs::default_provider().install_default();
    }
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE));
    let info = address.parse::<ConnectionInfo>().map_err(|_| unusable())?;
    Client::open(info.set_tcp_settings(settings)).map_err(|_| unusable())
}

/// Makes the same client, with these authorities instead of the system's.
pub(super) fn trusting(client: &Client, pem: &[u8]) -> Result<Client, ConfigError> {
    let info = client.get_connection_info().clone();
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return wrong("is without TLS, but a certificate authority is set for it");
    }
    if CertificateDer::pem_slice_iter(pem).next().is_none() {
        return Err(ConfigError::InvalidCertificates);
    }
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(pem.to_vec()),
    };
    Client::build_with_tls(info, certificates).map_err(|_| ConfigError::InvalidCertificates)
}

/// Checks an address, and returns whether it is one with TLS.
fn checked(address: &str) -> Result<bool, ConfigError> {
    let url = Url::parse(address)
        .map_err(|error| ConfigError::InvalidStoreUrl(format!("cannot be read ({error})")))?;
    let tls = match url.scheme() {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return wrong("does not begin with redis:// or rediss://"),
    };
    if url.host_str().is_none_or(str::is_empty) {
        return wrong("has no host");
    }
    if !url.username().is_empty() && url.password().is_none() {
        return wrong("has a user and no password (a password alone needs a colon before it)");
    }
    // `#insecure` is not supported, and a password may hold such a character by mistake.
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("has a ? or a #");
    }
    let database = url.path().trim_matches('/');
    if !database.is_empty() && database.parse::<u16>().is_err() {
        return wrong("has a path that is not a database number");
    }
    Ok(tls)
}

fn wrong<T>(why: &str) -> Result<T, ConfigError> {
    Err(ConfigError::InvalidStoreUrl(why.to_owned()))
}

fn unusable() -> ConfigError {
    ConfigError::InvalidStoreUrl("cannot be used".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_form_are_accepted() {
        for good in [
            "redis://localhost",
            "redis://127.0.0.1:6379/0",
            "redis://[::1]:6379/15/",
            "redis://:password@redis.test",
            "rediss://user:p%40ss%2Fword@redis.test:6380/2",
            "valkey://valkey.test",
            "valkeys://user:password@valkey.test",
        ] {
            assert!(client(good).is_ok(), "{good}");
        }
        let info = client("rediss://user:p%40ss@redis.test:6380/2").unwrap();
        let info = info.get_connection_info();
        assert_eq!(info.addr().to_string(), "redis.test:6380");
        assert_eq!(info.redis_settings().db(), 2);
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
    }

    #[test]
    fn error_for_an_address_shows_no_password() {
        for (bad, why) in [
            ("", "cannot be read"),
            ("localhost:6379", "does not begin"),
            ("https://:zqxzqx@redis.test", "does not begin"),
            ("redis+unix:///zqxzqx", "does not begin"),
            ("redis://", "has no host"),
            ("redis:///0", "has no host"),
            ("redis://:zqx/zqx@redis.test", "cannot be read"),
            ("redis://:zqx#zqx@redis.test", "cannot be read"),
            ("redis://zqxzqx@redis.test", "has a user and no password"),
            ("redis://:zqxzqx@redis.test:port", "cannot be read"),
            ("redis://:zqxzqx@0.0.0.0", "cannot be used"),
            ("redis://:zqxzqx@redis.test/zero", "not a database number"),
            ("redis://:zqxzqx@redis.test/-1", "not a database number"),
            ("redis://redis.test/?password=zqxzqx", "has a ? or a #"),
            ("rediss://:zqxzqx@redis.test/#insecure", "has a ? or a #"),
        ] {
            let mistake = client(bad).unwrap_err();
            assert!(
                matches!(&mistake, ConfigError::InvalidStoreUrl(said) if said.contains(why)),
                "{bad}: {mistake}"
            );
            assert!(
                !format!("{mistake} {mistake:?}").contains("zqx"),
                "{mistake}"
            );
        }
    }

    #[test]
    fn invalid_certificate_authority_is_refused() {
        let refused = |address, pem: &str| {
            let client = client(address).unwrap();
            trusting(&client, pem.as_bytes()).unwrap_err()
        };
        let address = "rediss://redis.test";
        assert_eq!(
            refused(address, "not PEM"),
            ConfigError::InvalidCertificates
        );
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(refused(address, empty), ConfigError::InvalidCertificates);
        assert!(matches!(
            refused("redis://redis.test", empty),
            ConfigError::InvalidStoreUrl(_)
        ));
    }
}
