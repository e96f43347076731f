//! Each endpoint is where its setting says, and a token goes nowhere else.

use axum::{Router, routing::get};
use telenor_auth::{
    ApiError, Endpoints, TelenorUser,
    mock::{Endpoint, MockGateway},
};

use crate::support::{App, builder, routes};

const ALL: [Endpoint; 5] = [
    Endpoint::Authorize,
    Endpoint::Token,
    Endpoint::Logout,
    Endpoint::UserInfo,
    Endpoint::DeviceInfo,
];

async fn calls(user: TelenorUser) -> Result<String, ApiError> {
    let info = user.info().await?;
    let device = user.device().await?;
    let elsewhere = user.get("/user-info/v1/users").await;
    assert!(elsewhere.is_err(), "the mock has nothing there");
    Ok(format!(
        "{} {}",
        info.email_address().is_some(),
        device.model().is_some()
    ))
}

fn moved() -> Endpoints {
    Endpoints::new()
        .with_authorization("/login/authorize")
        .with_token("/login/token")
        .with_logout("/login/end")
        .with_user_info("/users/v2/me")
        .with_device_info("/devices/v2/mine")
}

/// A whole life of a session at a gateway with moved endpoints.
async fn live(gateway: MockGateway, endpoints: Endpoints) -> App {
    let layer = builder(&gateway).endpoints(endpoints).build().unwrap();
    let hits = crate::support::Hits::default();
    let router: Router = Router::new()
        .route("/calls", get(calls))
        .merge(routes(&hits))
        .layer(layer);
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/calls").await;
    browser.open(&callback).await;
    assert_eq!(browser.open("/calls").await.body, "true true");
    browser.log_out().await;
    app
}

#[tokio::test]
async fn every_endpoint_can_have_another_path() {
    let gateway = MockGateway::builder().endpoints(moved()).start();
    let app = live(gateway.await.unwrap(), moved()).await;
    for endpoint in ALL {
        assert_eq!(app.gateway.hits(endpoint), 1, "{endpoint:?}");
    }
    let paths: Vec<_> = ALL
        .iter()
        .flat_map(|endpoint| app.gateway.requests(*endpoint))
        .map(|request| request.uri().path().to_owned())
        .collect();
    let expected = [
        "/login/authorize",
        "/login/token",
        "/login/end",
        "/users/v2/me",
        "/devices/v2/mine",
    ];
    assert_eq!(paths, expected);
}

/// The mock is reached by two names, so that requests show which host they were meant for.
#[tokio::test]
async fn endpoint_on_another_host_gets_its_requests_and_no_others() {
    let gateway = MockGateway::builder().endpoints(moved()).start();
    let gateway = gateway.await.unwrap();
    // From the first time that a test names the path, its requests are recorded.
    assert_eq!(gateway.hits(Endpoint::Api("/user-info/v1/users")), 0);
    let base = gateway.base_url();
    let other = base.replace("127.0.0.1", "localhost");
    let endpoints = moved()
        .with_authorization(format!("{other}/login/authorize"))
        .with_token(format!("{other}/login/token"))
        .with_device_info(format!("{other}/devices/v2/mine"));
    let app = live(gateway, endpoints).await;
    let here = base.strip_prefix("http://").unwrap();
    let there = other.strip_prefix("http://").unwrap();
    for (endpoint, host) in [
        (Endpoint::Token, there),
        (Endpoint::Logout, here),
        (Endpoint::UserInfo, here),
        (Endpoint::DeviceInfo, there),
        // A path that the app calls is always one of the gateway.
        (Endpoint::Api("/user-info/v1/users"), here),
    ] {
        let requests = app.gateway.requests(endpoint);
        assert_eq!(requests.len(), 1, "{endpoint:?}");
        assert_eq!(requests[0].headers()["host"], host, "{endpoint:?}");
        let secret = requests[0].headers()["authorization"].to_str().unwrap();
        let expected = if endpoint == Endpoint::Token {
            "Basic "
        } else {
            "Bearer "
        };
        assert!(secret.starts_with(expected), "{endpoint:?}");
    }
    let start = app.browser().start("/calls").await;
    assert!(start.starts_with(&format!("{other}/login/authorize?response_type=code&")));
}

#[tokio::test]
async fn mock_serves_only_endpoints_that_are_paths_of_its_own() {
    for endpoints in [
        moved().with_token("https://login.example/token"),
        moved().with_token("token"),
        moved().with_token("/{token}"),
        moved().with_token("/login/authorize"),
        moved().with_token("/mock/login/x"),
    ] {
        let started = MockGateway::builder().endpoints(endpoints).start().await;
        let error = started.unwrap_err().to_string();
        assert!(error.contains("token endpoint"), "{error}");
    }
}
