//! Calls over an egress proxy.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use http::StatusCode;
use telenor_auth::{TelenorAuthLayer, events::Event};
use tokio_rustls::rustls;

use super::raw_app::RawApp;
use crate::support::{
    ORIGIN,
    connect_proxy::{ConnectProxy, Policy},
    raw_server::{RawServer, Reply},
    tls::Authority,
};

/// A gateway of a name that only the proxy knows.
const GATEWAY: &str = "https://gateway.test:8443";

type Failures = Arc<Mutex<Vec<String>>>;

/// An app behind a proxy with this policy, the proxy, and the details of failed logins.
async fn behind(policy: Policy, tls: bool, user: &str) -> (RawApp, ConnectProxy, Failures) {
    let authority = Authority::generate();
    let all = rustls::ALL_VERSIONS;
    let acceptor = authority.acceptor("gateway.test", 2050, all);
    let server = RawServer::over(Some(acceptor), |_| Reply::token()).await;
    let own = tls.then(|| authority.acceptor("localhost", 2050, all));
    let proxy = ConnectProxy::over(own, server.address, policy).await;
    let scheme = if tls { "https" } else { "http" };
    let url = format!("{scheme}://{user}localhost:{}", proxy.address.port());
    let failures = Failures::default();
    let seen = Arc::clone(&failures);
    let raw = RawApp::at(server, GATEWAY.to_owned(), |builder| {
        builder
            .gateway_ca(authority.pem.clone())
            .gateway_proxy(url)
            .on_event(move |event| {
                if let Event::LoginFailed { cause, detail, .. } = *event {
                    seen.lock().unwrap().push(format!("{cause}: {detail}"));
                }
            })
    });
    (raw.await, proxy, failures)
}

#[tokio::test]
async fn every_call_goes_through_one_tunnel() {
    for tls in [false, true] {
        let (raw, proxy, _) = behind(Policy::Connect, tls, "").await;
        let mut browser = raw.signed_in().await;
        raw.signed_in().await;
        assert_eq!(browser.open("/call").await.body, "called");
        browser.log_out().await;
        assert_eq!(raw.server.requests().len(), 4);
        let [asked] = &proxy.asked()[..] else {
            panic!("one tunnel");
        };
        let expected = "CONNECT gateway.test:8443 HTTP/1.1\r\nHost: gateway.test:8443\r\n\r\n";
        assert_eq!(asked, expected);
    }
}

#[tokio::test]
async fn user_and_password_are_sent_to_the_proxy_alone() {
    // u:p@ss in base64.
    let policy = Policy::Authenticate("\r\nProxy-Authorization: Basic dTpwQHNz\r\n");
    let (raw, _proxy, _) = behind(policy, false, "u:p%40ss@").await;
    raw.signed_in().await;
    for request in raw.server.requests() {
        assert!(!request.head.contains("proxy-authorization"));
    }
}

#[tokio::test]
async fn refusal_of_the_proxy_is_named_and_leaves_the_login_usable() {
    for (policy, words) in [
        (
            Policy::Authenticate("Basic c29tZTpvdGhlcg=="),
            "the proxy refused the connection with 407",
        ),
        (
            Policy::Answer(b"HTTP/1.1 403 Forbidden\r\n\r\n<html>canary"),
            "the proxy refused the connection with 403: allow gateway.test:8443",
        ),
        (
            Policy::Answer(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"),
            "the proxy refused the connection with 502",
        ),
        (Policy::Answer(b""), "the proxy closed the connection"),
        (
            Policy::Answer(b"HTTP/1.1 2"),
            "the proxy closed the connection",
        ),
        (Policy::Answer(b"SSH-2.0\r\n\r\n"), "did not answer in HTTP"),
        (
            Policy::Answer(b"HTTP/1.1 200 OK\r\n\r\ncanary"),
            "sent more than its answer",
        ),
    ] {
        let (raw, proxy, failures) = behind(policy, false, "u:canary@").await;
        let (browser, status) = raw.login().await;
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(
            browser.pending().len(),
            1,
            "nothing was sent: the login stays"
        );
        let failure = failures.lock().unwrap().pop().unwrap();
        assert!(failure.starts_with("gateway_unreachable"), "{failure}");
        let address = format!("proxy localhost:{}", proxy.address.port());
        assert!(
            failure.contains(words) && failure.contains(&address),
            "{failure}"
        );
        assert!(!failure.contains("canary"), "{failure}");
        assert_eq!(raw.server.accepted(), 0);
    }
}

#[tokio::test]
async fn mock_on_plain_http_is_called_without_the_proxy() {
    let server = RawServer::start(|_| Reply::token()).await;
    let proxy = ConnectProxy::start(server.address, Policy::Connect).await;
    let base = format!("http://{}", server.address);
    let url = format!("http://{}", proxy.address);
    let raw = RawApp::at(server, base, |builder| builder.gateway_proxy(url)).await;
    raw.signed_in().await;
    assert_eq!(proxy.asked().len(), 0);
}

/// Runs the ignored test of this name in a process of its own, with this environment. Returns what
/// it printed.
fn in_process(test: &str, environment: &[(&str, &str)]) -> String {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("gateway::proxy::{test}")])
        .args(["--ignored", "--nocapture"])
        .env_remove("https_proxy")
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let printed = [run.stdout, run.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(printed.contains("1 passed"), "{printed}");
    printed
}

const NO_AUTHORITIES: [(&str, &str); 2] = [
    ("SSL_CERT_FILE", "/nonexistent/file"),
    ("SSL_CERT_DIR", "/nonexistent/directory"),
];

#[test]
fn proxy_of_the_environment_is_ignored_and_that_is_logged() {
    let set = [("HTTPS_PROXY", "http://u:canary@proxy.invalid:3128")];
    let printed = in_process("build_and_print", &set);
    let lines: Vec<_> = printed
        .lines()
        .filter(|line| line.contains("INFO"))
        .collect();
    assert_eq!(lines.len(), 2, "once for each gateway on https: {printed}");
    assert!(
        lines[0].contains("gateway_proxy_from_env(true)"),
        "{printed}"
    );
    assert!(lines[0].contains("HTTPS_PROXY") && !printed.contains("canary"));
    let printed = in_process("build_and_print", &[("HTTPS_PROXY", "")]);
    assert!(!printed.contains("INFO"), "{printed}");
}

/// S59.
#[test]
fn proxy_of_the_environment_gets_no_request() {
    let sink = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    sink.set_nonblocking(true).unwrap();
    let url = format!("http://{}", sink.local_addr().unwrap());
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    in_process("log_in_and_call", &names.map(|name| (name, &*url)));
    let connected = sink.accept();
    assert_eq!(
        connected.unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "nothing came"
    );
}

#[tokio::test]
#[ignore = "it runs in a process of its own"]
async fn log_in_and_call() {
    for raw in [
        RawApp::start(|_| Reply::token()).await,
        RawApp::over_tls(|_| Reply::token()).await,
    ] {
        let mut browser = raw.signed_in().await;
        assert_eq!(browser.open("/call").await.body, "called");
        browser.log_out().await;
        assert_eq!(raw.server.requests().len(), 3);
    }
}

#[test]
fn slim_container_without_authorities_is_explained() {
    let printed = in_process("build_and_print", &NO_AUTHORITIES);
    for words in ["production: Err", "ca-certificates", "gateway_ca"] {
        assert!(printed.contains(words), "{printed}");
    }
    assert!(printed.contains("mock: Ok"), "{printed}");
    assert!(printed.contains("own authority: Ok"), "{printed}");
}

#[test]
#[ignore = "it runs in a process of its own"]
fn build_and_print() {
    let subscriber = tracing_subscriber::fmt().with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let builder = || {
        let redirect_uri = format!("{ORIGIN}/telenor/callback");
        TelenorAuthLayer::builder("id", "secret", redirect_uri)
    };
    let shown = |built: Result<TelenorAuthLayer, telenor_auth::ConfigError>| match built {
        Ok(_) => "Ok".to_owned(),
        Err(error) => format!("Err {error}"),
    };
    println!("production: {}", shown(builder().build()));
    let mock = builder().gateway("http://127.0.0.1:9");
    println!("mock: {}", shown(mock.build()));
    let own = builder().gateway_ca(Authority::generate().pem);
    println!("own authority: {}", shown(own.build()));
}

/// `scripts/test-proxies` runs it against tinyproxy.
#[tokio::test]
#[ignore = "it needs a proxy, whose URL is in TEST_PROXY"]
async fn proxy_of_another_make_opens_a_tunnel() {
    let authority = Authority::generate();
    let tls = authority.acceptor("localhost", 2050, rustls::ALL_VERSIONS);
    let server = RawServer::over(Some(tls), |_| Reply::token()).await;
    let base = format!("https://localhost:{}", server.address.port());
    let proxy = std::env::var("TEST_PROXY").unwrap();
    let raw = RawApp::at(server, base, |builder| {
        builder
            .gateway_ca(authority.pem.clone())
            .gateway_proxy(proxy)
    });
    let raw = raw.await;
    let mut browser = raw.signed_in().await;
    assert_eq!(browser.open("/call").await.body, "called");
    assert_eq!(raw.server.accepted(), 1);
}
