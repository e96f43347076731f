//! The settings of an app without credentials: what its first error says, and how a mock on the
//! network becomes its gateway.

use http::{Method, StatusCode};
use telenor_auth::{
    ConfigError, Endpoints, TelenorAuthBuilder, TelenorAuthLayer, mock::MockGateway,
};

use super::{REDIRECT_URI, builder, mistake};
use crate::support::{Answer, Browser, capture::capture, request, routes};

const LAN_GATEWAY: &str = "http://192.168.1.20:4000";
const LAN_REDIRECT_URI: &str = "http://192.168.1.20:3000/telenor/callback";

fn on_lan() -> TelenorAuthBuilder {
    TelenorAuthLayer::builder("client", "secret", LAN_REDIRECT_URI).gateway(LAN_GATEWAY)
}

#[test]
fn first_error_names_the_portal_and_the_line_for_the_mock() {
    for empty in ["", " ", "\n"] {
        let error = mistake(TelenorAuthLayer::builder(empty, empty, ""));
        assert_eq!(error, ConfigError::MissingClientId);
        for step in [
            "developer.telenor.no",
            "the feature `mock`",
            "let gateway = telenor_auth::mock::MockGateway::start().await?;",
            "TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)",
            ".gateway(gateway.base_url())",
        ] {
            assert!(error.to_string().contains(step), "{step}: {error}");
        }
    }
}

/// What the error says to write compiles and works.
#[tokio::test]
async fn lines_of_the_first_error_make_a_layer() -> Result<(), Box<dyn std::error::Error>> {
    let redirect_uri = "http://localhost:3000/telenor/callback";
    let gateway = telenor_auth::mock::MockGateway::start().await?;
    let layer =
        TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
            .gateway(gateway.base_url())
            .build()?;
    let app = routes(&Default::default()).layer(layer);
    assert_eq!(gateway.login(&app, "/whoami").await?.page(), "/whoami");
    Ok(())
}

#[test]
fn placeholder_for_a_client_id_gets_a_hint_in_the_log() {
    let warnings = |id: &str| {
        let (log, _guard) = capture();
        let secret = "canary-of-a-secret";
        let built = TelenorAuthLayer::builder(id, secret, REDIRECT_URI).build();
        assert!(built.is_ok(), "{id:?} is no error: {built:?}");
        assert!(!log.text().contains(secret));
        log.lines(
            "WARN",
            &["is a placeholder", "developer.telenor.no", "`mock`"],
        )
    };
    for placeholder in [
        "client id",
        "your-client-id",
        "YOUR_CLIENT_ID",
        "<client id>",
        "{{client_id}}",
        "TODO",
        "changeme",
        "change-me",
        "…",
    ] {
        assert_eq!(warnings(placeholder).len(), 1, "{placeholder:?}");
    }
    for id in [
        "mock-client",
        "client",
        "todo-app",
        "Xq3ZcV8GkPzK2bGmYV0T9bq0l2gkqv7A",
    ] {
        assert_eq!(warnings(id).len(), 0, "{id:?}");
    }
}

#[test]
fn plain_http_under_another_name_needs_a_dangerous_setting() {
    let token = Endpoints::new().with_token("http://mock:4000/oauth/v2/token");
    let moved = || builder().endpoints(token.clone());
    let refused = mistake(builder().gateway(LAN_GATEWAY));
    assert_eq!(refused, ConfigError::InsecureGateway);
    assert_eq!(mistake(on_lan()), ConfigError::InsecureRedirectUri);
    let refused = mistake(moved());
    assert!(matches!(refused, ConfigError::InvalidEndpoint { .. }));
    for refused in [
        builder().gateway(LAN_GATEWAY),
        on_lan(),
        moved().gateway(LAN_GATEWAY),
    ] {
        mistake(refused.dangerous_allow_plain_http(false));
    }
    for allowed in [
        builder().gateway(LAN_GATEWAY),
        builder().gateway("http://mock:4000"),
        on_lan(),
        moved().gateway(LAN_GATEWAY),
    ] {
        let (log, _guard) = capture();
        let built = allowed.dangerous_allow_plain_http(true).build();
        assert!(built.is_ok(), "{built:?}");
        assert_eq!(log.lines("WARN", &["dangerous_allow_plain_http"]).len(), 1);
    }
}

#[test]
fn plain_http_app_beside_a_gateway_on_https_stays_refused() {
    for gateway in ["https://api.telenor.no", "https://mock.example"] {
        let real = on_lan().gateway(gateway).dangerous_allow_plain_http(true);
        assert_eq!(mistake(real), ConfigError::InsecureRedirectUri);
    }
}

#[test]
fn errors_about_plain_http_name_the_setting_for_development() {
    for error in [mistake(builder().gateway(LAN_GATEWAY)), mistake(on_lan())] {
        let text = error.to_string();
        for word in ["dangerous_allow_plain_http(true)", "the feature `mock`"] {
            assert!(text.contains(word), "{text}");
        }
    }
}

/// `0.0.0.0` leads to this machine, and is no loopback address: no browser calls it secure.
#[tokio::test]
async fn phone_logs_in_over_plain_http_with_the_settings_of_both_sides() {
    let gateway = MockGateway::builder()
        .listen(([127, 0, 0, 1], 0).into())
        .dangerous_reachable_as("0.0.0.0");
    let gateway = gateway.start().await.unwrap();
    let (id, secret) = (gateway.client_id(), gateway.client_secret());
    let layer = TelenorAuthLayer::builder(id, secret, LAN_REDIRECT_URI)
        .gateway(gateway.base_url())
        .dangerous_allow_plain_http(true)
        .build()
        .unwrap();
    let mut phone = Browser {
        router: routes(&Default::default()).layer(layer),
        jar: Vec::new(),
    };

    let begun = open(&mut phone, "/name").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    let authorization = begun.location();
    assert!(authorization.starts_with(&gateway.base_url()));
    let callback = gateway.allow(&authorization).unwrap();
    let back = callback.strip_prefix("http://192.168.1.20:3000").unwrap();
    let done = open(&mut phone, back).await;
    assert_eq!(done.location(), "http://192.168.1.20:3000/name");
    for line in [begun.set_cookies(), done.set_cookies()].concat() {
        // Browsers refuse `Secure` and `__Host-` cookies from plain http.
        assert!(
            !line.contains("Secure") && !line.starts_with("__"),
            "{line}"
        );
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"));
    }
    assert_eq!(open(&mut phone, "/name").await.body, "Kari");
}

/// A browser sends no `Sec-Fetch-` header to an address that it does not call secure.
async fn open(phone: &mut Browser, path: &str) -> Answer {
    let headers = [("accept", "text/html"), ("host", "192.168.1.20:3000")];
    phone.send(request(Method::GET, path, &headers)).await
}
