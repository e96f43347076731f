//! TLS to the gateway: version 1.2 or newer, and verified servers alone.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, crypto::aws_lc_rs, pki_types::CertificateDer, pki_types::ServerName,
    pki_types::pem::PemObject, version,
};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::error::{ConfigError, chain};

pub(super) struct Tls(TlsConnector);

/// The name or the address that a server's certificate must have.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, ConfigError> {
    let name = ServerName::try_from(host.to_owned());
    name.map_err(|error| ConfigError::InvalidGateway(format!("cannot be used ({error})")))
}

impl Tls {
    /// `authorities`, in PEM, are trusted in addition to the system's.
    pub(super) fn new(authorities: Option<&[u8]>) -> Result<Self, ConfigError> {
        let authorities = authorities.map(parse).transpose()?.unwrap_or_default();
        let given = !authorities.is_empty();
        // Never the process's default provider, which another crate may set.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(&provider));
        let verifier = verifier.map_err(|error| match given {
            true => ConfigError::InvalidCertificates,
            false => ConfigError::Tls(chain(&error)),
        })?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| ConfigError::Tls(chain(&error)))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config).into()))
    }

    pub(super) async fn connect<S>(
        &self,
        server: &ServerName<'static>,
        stream: S,
    ) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.0.connect(server.clone(), stream).await
    }
}

fn parse(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.ok().filter(|certificates| !certificates.is_empty());
    read.ok_or(ConfigError::InvalidCertificates)
}
