//! TLS to the gateway.

use std::sync::atomic::Ordering;

use http::StatusCode;
use telenor_auth::{Clock, ConfigError, TelenorAuthLayer, mock::MockGateway};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::support::{
    self, App, ORIGIN, builder,
    tls::{Authority, Relay},
};

/// The status of a login over this TLS server when the layer trusts only `trusted`, and the number
/// of requests that the server could read.
async fn over_tls(tls: TlsAcceptor, trusted: Option<&Authority>) -> (StatusCode, usize) {
    let gateway = MockGateway::start().await.unwrap();
    let upstream = gateway.base_url().replace("http://", "").parse().unwrap();
    let relay = Relay::start("127.0.0.1:0".parse().unwrap(), upstream, Some(tls)).await;
    let base = format!("https://localhost:{}", relay.address.port());
    let mut layer = builder(&gateway).gateway(&base);
    if let Some(trusted) = trusted {
        layer = layer.gateway_ca(trusted.pem.clone());
    }
    let router = support::routes(&support::Hits::default()).layer(layer.build().unwrap());
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let authorization = browser
        .start("/private")
        .await
        .replace(&base, &app.gateway.base_url());
    let callback = app.gateway.allow(&authorization).unwrap();
    let status = browser.open(&callback).await.status;
    (status, relay.read.load(Ordering::SeqCst))
}

/// S44.
#[tokio::test]
async fn gateway_behind_a_private_authority_works() {
    let authority = Authority::generate();
    for versions in [
        rustls::ALL_VERSIONS,
        &[&rustls::version::TLS12],
        &[&rustls::version::TLS13],
    ] {
        let tls = authority.acceptor("localhost", 2050, versions);
        assert_eq!(
            over_tls(tls, Some(&authority)).await,
            (StatusCode::SEE_OTHER, 1)
        );
    }
}

/// S44.
#[tokio::test]
async fn server_without_a_valid_certificate_gets_nothing() {
    let (authority, stranger) = (Authority::generate(), Authority::generate());
    let all = rustls::ALL_VERSIONS;
    for (tls, trusted, why) in [
        (
            authority.acceptor("localhost", 2050, all),
            None,
            "unknown authority",
        ),
        (
            authority.acceptor("localhost", 2050, all),
            Some(&stranger),
            "another authority",
        ),
        (
            authority.acceptor("localhost", 2021, all),
            Some(&authority),
            "expired",
        ),
        (
            authority.acceptor("other.test", 2050, all),
            Some(&authority),
            "another name",
        ),
    ] {
        assert_eq!(
            over_tls(tls, trusted).await,
            (StatusCode::BAD_GATEWAY, 0),
            "{why}"
        );
    }
}

/// No TLS library here offers less than 1.2, so the server writes a ServerHello for TLS 1.0 by
/// hand.
///
/// S44.
#[tokio::test]
async fn tls_older_than_1_2_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut header = [0; 5];
        stream.read_exact(&mut header).await.unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        stream.read_exact(&mut hello).await.unwrap();
        let body = [&[3, 1][..], &[7; 32], &[0], &[0x00, 0x2f], &[0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let record = [&[22, 3, 1, 0, length + 4, 2, 0, 0, length][..], &body].concat();
        stream.write_all(&record).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    });
    let gateway = MockGateway::start().await.unwrap();
    let layer = builder(&gateway).gateway(&base).build().unwrap();
    let app = App::mounted(
        support::routes(&support::Hits::default()).layer(layer),
        gateway,
    );
    let mut browser = app.browser();
    let authorization = browser
        .start("/private")
        .await
        .replace(&base, &app.gateway.base_url());
    let callback = app.gateway.allow(&authorization).unwrap();
    assert_eq!(
        browser.open(&callback).await.status,
        StatusCode::BAD_GATEWAY
    );
    let alert = server.await.unwrap();
    // RFC 5246 section 7.2.2: fatal (2) protocol_version (70).
    assert_eq!(alert.get(alert.len().wrapping_sub(2)..), Some(&[2, 70][..]));
}

#[test]
fn authorities_in_invalid_pem_are_refused() {
    let layer = |pem: &str| {
        TelenorAuthLayer::builder("id", "secret", format!("{ORIGIN}/telenor/callback"))
            .clock(Clock::default())
            .gateway_ca(pem)
            .build()
    };
    for pem in [
        "",
        "rubbish",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(
            layer(pem).unwrap_err(),
            ConfigError::InvalidCertificates,
            "{pem}"
        );
    }
}
