//! The demo as a process of its own, with settings in its environment.

use std::{io::Read, path::PathBuf, process::Command, sync::atomic::Ordering};

use http::StatusCode;
use telenor_auth::{
    Endpoints,
    mock::{Endpoint, MockGateway},
};
use tokio::net::TcpStream;
use tokio_rustls::rustls;

use super::program::between;
use crate::support::{
    self, Browser,
    demo::{Demo, command},
    remote,
    tls::{Authority, Relay},
};

impl Demo {
    /// Starts the demo with these settings, and none of the environment of the tests.
    fn start(settings: &[(&str, &str)]) -> Self {
        Self::of(&mut command(settings))
    }

    fn browser(&self) -> Browser {
        Browser {
            router: remote(&self.base),
            jar: Vec::new(),
        }
    }

    /// Kills the demo, and reads its whole log.
    fn log(mut self) -> String {
        let mut log = String::new();
        let _ = self.child.kill();
        let stderr = self.child.stderr.take();
        stderr.unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

/// A gateway behind TLS whose authority is in a file.
async fn tls_gateway() -> (MockGateway, Relay, PathBuf) {
    let authority = Authority::generate();
    let gateway = MockGateway::start().await.unwrap();
    let upstream = gateway.base_url().replace("http://", "").parse().unwrap();
    let tls = authority.acceptor("localhost", 2050, rustls::ALL_VERSIONS);
    let relay = Relay::start("127.0.0.1:0".parse().unwrap(), upstream, Some(tls)).await;
    let file = std::env::temp_dir().join(format!("telenor-auth-{}.pem", relay.address.port()));
    std::fs::write(&file, &authority.pem).unwrap();
    (gateway, relay, file)
}

async fn login(demo: &Demo, gateway: &MockGateway, base: &str) -> (Browser, StatusCode) {
    let mut browser = demo.browser();
    let authorization = browser
        .start("/whoami")
        .await
        .replace(base, &gateway.base_url());
    let callback = gateway.allow(&authorization).unwrap();
    let status = browser.open(&callback).await.status;
    (browser, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn authority_named_by_ssl_cert_file_is_trusted_and_no_proxy_is_used() {
    let (gateway, relay, pem) = tls_gateway().await;
    let base = format!("https://localhost:{}", relay.address.port());
    let sink = Relay::plain("127.0.0.1:0".parse().unwrap(), relay.address).await;
    let proxy = format!("http://{}", sink.address);
    let client = [
        ("TELENOR_CLIENT_ID", gateway.client_id()),
        ("TELENOR_CLIENT_SECRET", gateway.client_secret()),
        ("TELENOR_GATEWAY", &base),
        ("HTTPS_PROXY", &proxy),
        ("https_proxy", &proxy),
        ("ALL_PROXY", &proxy),
    ];
    let trusting = [&client[..], &[("SSL_CERT_FILE", pem.to_str().unwrap())]].concat();
    let demo = Demo::start(&trusting);
    let (mut browser, status) = login(&demo, &gateway, &base).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let hash = browser.open("/whoami").await.body;
    assert_eq!(hash.trim().len(), 64, "SHA-256 in hexadecimal: {hash}");

    let distrusting = Demo::start(&client);
    let (_, status) = login(&distrusting, &gateway, &base).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(sink.read.load(Ordering::SeqCst), 0, "the proxy saw nothing");
    std::fs::remove_file(pem).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cookie_sessions_survive_a_restart_with_the_same_keys() {
    let gateway = MockGateway::start().await.unwrap();
    let base = gateway.base_url();
    let settings = [
        ("TELENOR_CLIENT_ID", gateway.client_id()),
        ("TELENOR_CLIENT_SECRET", gateway.client_secret()),
        ("TELENOR_GATEWAY", &base),
        (
            "TELENOR_REDIRECT_URI",
            "http://127.0.0.1:3000/telenor/callback",
        ),
        (
            "TELENOR_COOKIE_KEYS",
            "5f1d8f0c6f4e1b7a9c3d2e8b7f6a5d4c3b2a190817f6e5d4c3b2a1f0e9d8c7b6",
        ),
        ("TELENOR_SESSION_STORE", "cookie"),
    ];
    let first = Demo::start(&settings);
    let (mut browser, status) = login(&first, &gateway, &base).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let before = browser.open("/whoami").await;
    assert_eq!(before.status, StatusCode::OK);
    drop(first);
    let second = Demo::start(&settings);
    browser.router = remote(&second.base);
    assert_eq!(browser.open("/whoami").await.body, before.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_logs_in_at_a_gateway_with_other_endpoints() {
    let moved = Endpoints::new()
        .with_authorization("/login/authorize")
        .with_token("/login/token")
        .with_user_info("/users/v2/me");
    let gateway = MockGateway::builder().endpoints(moved).start();
    let gateway = gateway.await.unwrap();
    let base = gateway.base_url();
    let demo = Demo::start(&[
        ("TELENOR_CLIENT_ID", gateway.client_id()),
        ("TELENOR_CLIENT_SECRET", gateway.client_secret()),
        ("TELENOR_GATEWAY", &base),
        ("TELENOR_AUTHORIZATION_ENDPOINT", "/login/authorize"),
        ("TELENOR_TOKEN_ENDPOINT", "/login/token"),
        ("TELENOR_USER_INFO_ENDPOINT", "/users/v2/me"),
        ("TELENOR_TOKEN_TO_SCRIPTS", "true"),
    ]);
    let (mut browser, status) = login(&demo, &gateway, &base).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(browser.open("/checkout").await.status, StatusCode::OK);
    assert_eq!(gateway.hits(Endpoint::UserInfo), 1);
    let page = browser.open("/javascript").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains(&format!("connect-src 'self' {base};")),
        "{policy}"
    );
    let ask = http::Request::post("/access-token")
        .header("origin", &demo.base)
        .body(axum::body::Body::empty());
    let grant = browser.send(ask.unwrap()).await.body;
    let grant: serde_json::Value = serde_json::from_str(&grant).unwrap();
    assert_eq!(grant["user_info"], format!("{base}/users/v2/me"));
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_needs_no_settings_and_logs_no_code_and_no_personal_data() {
    let demo = Demo::start(&[("RUST_LOG", "trace")]);
    let mut browser = demo.browser();
    let landing = browser.open("/").await;
    assert_eq!(landing.status, StatusCode::OK);
    let authorization = browser.start("/checkout").await;
    // Through the mock's own pages, as a user does.
    let (gateway, rest) = authorization.split_at(authorization.find("/oauth").unwrap());
    let mut at_gateway = Browser {
        router: remote(gateway),
        jar: Vec::new(),
    };
    let page = at_gateway.follow(rest).await;
    let consent = between(&page.body, "action=\"", "\"");
    assert!(consent.starts_with("/mock/"), "{consent}");
    let state = support::query(&authorization, "state").unwrap();
    let log = demo.log();
    for canary in [
        state.as_str(),
        "4791234567",
        "91234567",
        "Kari",
        "mock-secret",
    ] {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
}

#[test]
fn bad_settings_are_one_clear_line_and_exit_code_2() {
    for (settings, says) in [
        (&[("TELENOR_CLIENT_ID", "id")][..], "TELENOR_CLIENT_SECRET"),
        (&[("TELENOR_COOKIE_KEYS", "short")], "cookie key"),
        (
            &[("TELENOR_SESSION_STORE", "paper")],
            "TELENOR_SESSION_STORE",
        ),
        (&[("LISTEN", "nowhere")], "LISTEN"),
        (
            &[("TELENOR_TOKEN_TO_SCRIPTS", "yes")],
            "TELENOR_TOKEN_TO_SCRIPTS",
        ),
        (
            &[
                ("TELENOR_CLIENT_ID", "id"),
                ("TELENOR_CLIENT_SECRET", "secret"),
                ("TELENOR_TOKEN_ENDPOINT", "http://elsewhere.example/token"),
            ],
            "the token endpoint is plain http: set a path on the gateway",
        ),
        (
            &[
                ("TELENOR_CLIENT_ID", "id"),
                ("TELENOR_CLIENT_SECRET", "secret"),
                ("TELENOR_GATEWAY", "http://gateway.example"),
            ],
            "https",
        ),
    ] {
        let output = command(settings).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        let last = error.lines().last().unwrap_or_default();
        assert!(last.contains(says), "{says}: {error}");
        assert!(!error.contains("panicked"));
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_progress_gets_its_response_after_sigterm() {
    let gateway = MockGateway::start().await.unwrap();
    let base = gateway.base_url();
    let mut demo = Demo::start(&[
        ("TELENOR_CLIENT_ID", gateway.client_id()),
        ("TELENOR_CLIENT_SECRET", gateway.client_secret()),
        ("TELENOR_GATEWAY", &base),
    ]);
    let (mut browser, _) = login(&demo, &gateway, &base).await;
    let gate = gateway.hold(Endpoint::UserInfo);
    let page = tokio::spawn(async move { browser.open("/checkout").await });
    gate.waiting(1).await;
    let pid = demo.child.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.unwrap().success());
    // It takes no more connections.
    let address = demo.base.replace("http://", "");
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open();
    let page = page.await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Kari"), "{}", page.body);
    assert!(demo.child.wait().unwrap().success());
}
