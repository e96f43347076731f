//! Requests over plain http.

use std::sync::atomic::Ordering;

use axum::Extension;
use http::{Method, StatusCode, header};
use telenor_auth::{PlainHttp, TelenorAuthLayer, mock::MockGateway};
use tower::ServiceExt;

use crate::support::{self, App, Hits, builder, navigation, request};

/// S65, S100.
#[tokio::test]
async fn plain_http_pages_redirect_to_https_and_ignore_cookies() {
    let hits = Hits::default();
    let gateway = MockGateway::start().await.unwrap();
    let https = support::routes(&hits).layer(builder(&gateway).build().unwrap());
    let http = https.clone().layer(Extension(PlainHttp));
    let app = App::mounted(https, gateway);
    let signed_in = app.signed_in().await;
    for jar in [vec![], signed_in.jar.clone()] {
        for target in [
            "/whoami?a=1",
            "/telenor/login",
            "/telenor/session",
            "/telenor/callback?code=a&state=b",
        ] {
            let mut browser = support::Browser {
                router: http.clone(),
                jar: jar.clone(),
            };
            let answer = browser.open(target).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            assert!(
                answer.location().starts_with("https://app.test/"),
                "{}",
                answer.location()
            );
            assert!(!answer.location().contains("code="));
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
        let mut browser = support::Browser {
            router: http.clone(),
            jar,
        };
        let script = request(Method::GET, "/whoami", &[("accept", "*/*")]);
        assert_eq!(browser.send(script).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

/// S66, S102.
#[tokio::test]
async fn loopback_http_is_for_development_only() {
    let gateway = MockGateway::start().await.unwrap();
    for redirect_uri in [
        "http://127.0.0.1:3000/telenor/callback",
        "http://localhost:3000/telenor/callback",
    ] {
        let layer =
            TelenorAuthLayer::builder("id", "secret", redirect_uri).gateway(gateway.base_url());
        let app = support::routes(&Hits::default()).layer(layer.build().unwrap());
        let response = app.oneshot(navigation("/private")).await.unwrap();
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(
            cookie.starts_with("dev-telenor-login-") && !cookie.contains("Secure"),
            "{cookie}"
        );
    }
    for redirect_uri in [
        "http://shop.example/telenor/callback",
        "http://10.0.0.1/telenor/callback",
    ] {
        assert!(
            TelenorAuthLayer::builder("id", "secret", redirect_uri)
                .build()
                .is_err()
        );
    }
}

over_http2! {
    plain_http_pages_redirect_to_https_and_ignore_cookies
}
