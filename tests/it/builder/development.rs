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

/// S4, S44, S66, S102.
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
        moved().gateway("http://127.0.0.1:4000"),
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

/// Each endpoint alone, moved to this address.
fn each_endpoint_at(url: &str) -> [Endpoints; 5] {
    let new = Endpoints::new;
    [
        new().with_authorization(url),
        new().with_token(url),
        new().with_logout(url),
        new().with_user_info(url),
        new().with_device_info(url),
    ]
}

/// S66.
#[test]
fn plain_http_app_needs_every_endpoint_on_plain_http() {
    let built = |gateway: &str, endpoints| {
        let app = on_lan().gateway(gateway).endpoints(endpoints);
        app.dangerous_allow_plain_http(true).build()
    };
    let refused = |gateway: &str, endpoints| {
        let error = built(gateway, endpoints).unwrap_err();
        assert_eq!(error, ConfigError::InsecureRedirectUri, "{gateway}");
    };
    for gateway in ["https://api.telenor.no", "https://mock.example"] {
        refused(gateway, Endpoints::new());
    }
    for gateway in [LAN_GATEWAY, "http://127.0.0.1:4000"] {
        for endpoints in each_endpoint_at("https://api.telenor.no/moved") {
            refused(gateway, endpoints);
        }
        for url in ["http://mock:4000/moved", "http://localhost:4000/moved"] {
            for endpoints in each_endpoint_at(url) {
                assert!(built(gateway, endpoints).is_ok(), "{gateway} {url}");
            }
        }
    }
    // The app's own calls go to the base URL.
    let url = "http://127.0.0.1:4000/moved";
    let moved = Endpoints::new()
        .with_authorization(url)
        .with_token(url)
        .with_logout(url)
        .with_user_info(url)
        .with_device_info(url);
    refused("https://api.telenor.no", moved);
}

/// S4.
#[test]
fn endpoint_on_plain_http_needs_a_gateway_on_plain_http() {
    let built = |gateway: &str, endpoints| {
        let app = builder().gateway(gateway).endpoints(endpoints);
        app.dangerous_allow_plain_http(true).build()
    };
    for endpoints in each_endpoint_at("http://mock:4000/moved") {
        let error = built("https://api.telenor.no", endpoints.clone()).unwrap_err();
        assert!(matches!(error, ConfigError::InvalidEndpoint { .. }));
        assert!(error.to_string().contains("the gateway is on https"));
        assert!(built(LAN_GATEWAY, endpoints.clone()).is_ok());
        assert!(built("http://127.0.0.1:4000", endpoints).is_ok());
    }
    for endpoints in each_endpoint_at("http://127.0.0.1:4000/moved") {
        assert!(built("https://api.telenor.no", endpoints).is_ok());
    }
}

/// S66.
#[test]
fn no_host_of_telenor_is_ever_on_plain_http() {
    for host in [
        "telenor.no",
        "api.telenor.no",
        "API.Telenor.no",
        "a.b.telenor.no:8080",
        "api.telenor.no.",
    ] {
        let url = format!("http://{host}");
        let callback = format!("http://{}/callback", host.to_ascii_lowercase());
        let endpoint = format!("http://{}/moved", host.to_ascii_lowercase());
        let app = TelenorAuthLayer::builder("client", "secret", callback).gateway(LAN_GATEWAY);
        let moved = each_endpoint_at(&endpoint);
        let moved = moved.map(|moved| builder().gateway(LAN_GATEWAY).endpoints(moved));
        for built in [builder().gateway(&url), app].into_iter().chain(moved) {
            let text = mistake(built.dangerous_allow_plain_http(true)).to_string();
            assert!(text.contains("is plain http, "), "{host}: {text}");
            assert!(text.contains("elenor"), "{host}: {text}");
        }
        // The advice to set it would be wrong.
        let text = mistake(builder().gateway(&url)).to_string();
        assert!(!text.contains("dangerous"), "{host}: {text}");
    }
    for host in ["nottelenor.no", "telenor.no.example", "telenor.test"] {
        let built = builder().gateway(format!("http://{host}"));
        let built = built.dangerous_allow_plain_http(true).build();
        assert!(built.is_ok(), "{host}");
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
