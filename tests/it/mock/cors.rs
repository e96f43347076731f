//! Calls of the APIs by scripts of pages, as browsers send them.

use std::io::ErrorKind;

use reqwest::{Method, Response};
use telenor_auth::mock::{Answer, Endpoint, MockGateway};

use super::{CALLBACK, DEVICE, LOGOUT, USERS, client, json_of, registered, signed_in};

const SHOP: &str = "https://shop.example";
const OTHER_SHOP: &str = "http://localhost:3000";
const STRANGER: &str = "https://stranger.example";

const PERMISSIONS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
];

async fn gateway() -> MockGateway {
    let builder = MockGateway::builder().redirect_uri(CALLBACK);
    let builder = builder.cors_origin(SHOP).cors_origin(OTHER_SHOP);
    builder.start().await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let value = response.headers().get(name);
    value.map(|value| value.to_str().unwrap())
}

#[track_caller]
fn assert_no_permission(response: &Response) {
    for name in PERMISSIONS {
        assert_eq!(header(response, name), None, "{name}");
    }
}

/// The question that a browser asks before it sends a script's `Authorization` header.
async fn preflight(gateway: &MockGateway, path: &str, origin: &str) -> Response {
    let request = client().request(Method::OPTIONS, format!("{}{path}", gateway.base_url()));
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    request.send().await.unwrap()
}

async fn call(gateway: &MockGateway, path: &str, origin: Option<&str>) -> Response {
    let token = signed_in(gateway).await;
    let mut request = client().get(format!("{}{path}", gateway.base_url()));
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request.bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_registered_origin_may_send_a_token_and_no_cookie() {
    let gateway = gateway().await;
    for origin in [SHOP, OTHER_SHOP] {
        for path in [USERS, DEVICE, "/mobile-usage/v2/usage"] {
            let allowed = preflight(&gateway, path, origin).await;
            assert_eq!(allowed.status(), 204);
            assert_eq!(
                header(&allowed, "access-control-allow-origin"),
                Some(origin)
            );
            let headers = header(&allowed, "access-control-allow-headers").unwrap();
            assert!(
                headers.split(", ").any(|name| name == "authorization"),
                "{headers}"
            );
            let methods = header(&allowed, "access-control-allow-methods").unwrap();
            assert!(methods.split(", ").any(|name| name == "GET"), "{methods}");
            let seconds = header(&allowed, "access-control-max-age").unwrap();
            assert!(seconds.parse::<u32>().unwrap() > 0);
            assert_eq!(header(&allowed, "access-control-allow-credentials"), None);
            assert_eq!(header(&allowed, "vary"), Some("origin"));
        }
    }
}

#[tokio::test]
async fn a_script_of_a_registered_origin_may_read_data_and_errors() {
    let gateway = gateway().await;
    let users = call(&gateway, USERS, Some(SHOP)).await;
    assert_eq!(header(&users, "access-control-allow-origin"), Some(SHOP));
    assert_eq!(header(&users, "access-control-allow-credentials"), None);
    assert_eq!(header(&users, "vary"), Some("origin"));
    assert_eq!(json_of(users).await["name"]["givenName"], "Kari");

    gateway.answer_next(Endpoint::UserInfo, Answer::gateway_error(42901));
    let busy = call(&gateway, USERS, Some(SHOP)).await;
    assert_eq!(busy.status(), 429);
    assert_eq!(header(&busy, "access-control-allow-origin"), Some(SHOP));
}

#[tokio::test]
async fn an_origin_in_any_other_spelling_gets_no_permission() {
    let gateway = gateway().await;
    for origin in [
        STRANGER,
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example/",
        "https://Shop.example",
        "https://pay.shop.example",
        "https://shop.example.evil.example",
        "null",
    ] {
        let refused = preflight(&gateway, USERS, origin).await;
        assert_eq!(refused.status(), 404, "{origin}");
        assert_no_permission(&refused);
        let unreadable = call(&gateway, USERS, Some(origin)).await;
        assert_no_permission(&unreadable);
        // A cache must not hand it to a registered origin.
        assert_eq!(header(&unreadable, "vary"), Some("origin"));
    }
}

#[tokio::test]
async fn a_server_without_an_origin_is_answered_as_before() {
    let gateway = gateway().await;
    let users = call(&gateway, USERS, None).await;
    assert_eq!(users.status(), 200);
    assert_no_permission(&users);
    assert_eq!(header(&users, "vary"), Some("origin"));
}

#[tokio::test]
async fn without_a_registered_origin_no_script_gets_permission() {
    let gateway = registered().await;
    assert_no_permission(&preflight(&gateway, USERS, SHOP).await);
    let users = call(&gateway, USERS, Some(SHOP)).await;
    assert_no_permission(&users);
    assert_eq!(header(&users, "vary"), None);
}

#[tokio::test]
async fn the_oauth_endpoints_are_not_for_scripts() {
    let gateway = gateway().await;
    for path in ["/oauth/v2/authorize", "/oauth/v2/token", LOGOUT] {
        assert_no_permission(&preflight(&gateway, path, SHOP).await);
        assert_no_permission(&call(&gateway, path, Some(SHOP)).await);
    }
}

#[tokio::test]
async fn a_preflight_is_not_counted_and_takes_no_scripted_answer() {
    let gateway = gateway().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::gateway_error(42901));
    assert_eq!(preflight(&gateway, USERS, SHOP).await.status(), 204);
    assert_eq!(preflight(&gateway, USERS, STRANGER).await.status(), 404);
    assert_eq!(gateway.hits(Endpoint::UserInfo), 0);
    assert_eq!(call(&gateway, USERS, Some(SHOP)).await.status(), 429);
}

#[tokio::test]
async fn what_browsers_never_send_as_an_origin_cannot_be_registered() {
    for (origin, says) in [
        ("https://shop.example/", "\"https://shop.example\""),
        ("https://shop.example/checkout", "\"https://shop.example\""),
        ("https://shop.example:443", "\"https://shop.example\""),
        ("HTTPS://Shop.Example", "\"https://shop.example\""),
        ("https://kari@shop.example", "\"https://shop.example\""),
        ("shop.example", "a scheme and a host"),
        ("*", "a scheme and a host"),
        ("null", "a scheme and a host"),
        ("file:///shop", "a scheme and a host"),
        ("", "a scheme and a host"),
    ] {
        let refused = MockGateway::builder().cors_origin(origin).start().await;
        let error = refused.expect_err(origin);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{origin}: {error}");
    }
}
